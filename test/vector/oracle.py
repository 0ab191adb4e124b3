#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""oracle [--table]: ESP and AH payloads, written from the RFCs alone.

seal() and sign() say what a packet's ciphertext and ICV must be, for every
algorithm of the contract.  Block ciphers and hashes are Python's; modes that
the RFCs of IPsec define the layout of (nonce, associated data, what is under
the ICV) are here.  --table prints the rows of engine/crypto/kat_table.inc.
"""
import hashlib
import hmac
import struct
import sys

from cryptography.hazmat.primitives import cmac
from cryptography.hazmat.primitives.ciphers import Cipher, aead, algorithms
from cryptography.hazmat.primitives.ciphers import modes

# name: key octets, salt octets, iv octets, icv octets
AEADS = {}
for bits in (128, 192, 256):
    for icv, tail in ((16, ""), (8, "8"), (12, "12")):
        AEADS[f"aes{bits}-gcm{tail}"] = ("gcm", bits // 8, 4, 8, icv)
        if bits != 192:
            AEADS[f"aes{bits}-ccm{tail}"] = ("ccm", bits // 8, 3, 8, icv)
    AEADS[f"aes{bits}-gcm-iiv"] = ("gcm", bits // 8, 4, 0, 16)
    if bits != 192:
        AEADS[f"aes{bits}-ccm8-iiv"] = ("ccm", bits // 8, 3, 0, 8)
AEADS["chacha20-poly1305"] = ("chacha", 32, 4, 8, 16)
AEADS["chacha20-poly1305-iiv"] = ("chacha", 32, 4, 0, 16)

CIPHERS = {  # key, salt, iv, block
    "aes128-cbc": (16, 0, 16, 16), "aes192-cbc": (24, 0, 16, 16),
    "aes256-cbc": (32, 0, 16, 16), "aes128-ctr": (16, 4, 8, 1),
    "aes256-ctr": (32, 4, 8, 1), "null": (0, 0, 0, 1),
    "des-cbc-1829-iv32": (8, 0, 4, 8), "des-cbc-1829-iv64": (8, 0, 8, 8),
}

MACS = {  # key, salt, iv, icv
    "hmac-sha256": (32, 0, 0, 16), "hmac-sha384": (48, 0, 0, 24),
    "hmac-sha512": (64, 0, 0, 32), "hmac-sha1": (20, 0, 0, 12),
    "aes-cmac": (16, 0, 0, 12), "aes128-gmac": (16, 4, 8, 16),
    "aes256-gmac": (32, 4, 8, 16), "keyed-md5": (16, 0, 0, 16),
}


def md5_fill(n):
    """what MD5 appends to n octets"""
    return b"\x80" + bytes(-(n + 9) % 64) + struct.pack("<Q", n * 8)


def mac(name, key, data, iv=b""):
    """the whole ICV of data, cut to the length that travels"""
    size, _, _, icv = MACS[name]
    if name.startswith("hmac-"):
        return hmac.new(key, data, name[5:]).digest()[:icv]
    if name == "aes-cmac":
        c = cmac.CMAC(algorithms.AES(key))
        c.update(data)
        return c.finalize()[:icv]
    if name == "keyed-md5":
        return hashlib.md5(key + md5_fill(len(key)) + data + key).digest()
    return aead.AESGCM(key[:size]).encrypt(key[size:] + iv, b"", data)


def seal_aead(name, key, iv, spi, seq, esn, text):
    mode, size, _, iv_octets, icv = AEADS[name]
    if iv_octets == 0:  # RFC 8750 4
        iv = struct.pack(">Q", seq if esn else seq & 0xffffffff)
    aad = struct.pack(">IQ", spi, seq) if esn else \
        struct.pack(">II", spi, seq & 0xffffffff)
    nonce = key[size:] + iv
    if mode == "gcm":
        out = aead.AESGCM(key[:size]).encrypt(nonce, text, aad)
        return out[:-16], out[-16:][:icv]
    if mode == "ccm":
        out = aead.AESCCM(key[:size], icv).encrypt(nonce, text, aad)
        return out[:-icv], out[-icv:]
    out = aead.ChaCha20Poly1305(key[:size]).encrypt(nonce, text, aad)
    return out[:-16], out[-16:]


def cipher(name, key, iv, text, decrypt=False):
    size = CIPHERS[name][0]
    if name == "null":
        return text
    if name.startswith("des-"):
        # one key thrice is DES
        if len(iv) == 4:
            iv += bytes(b ^ 0xff for b in iv)
        c = Cipher(algorithms.TripleDES(key * 3), modes.CBC(iv))
    elif name.endswith("-cbc"):
        c = Cipher(algorithms.AES(key), modes.CBC(iv))
    else:
        c = Cipher(algorithms.AES(key[:size]),
                   modes.CTR(key[size:] + iv + b"\0\0\0\1"))
    c = c.decryptor() if decrypt else c.encryptor()
    return c.update(text) + c.finalize()


def seal(enc, auth, key, auth_key, iv, spi, seq, esn, text):
    """-> ciphertext, ICV of one ESP payload"""
    if enc in AEADS:
        return seal_aead(enc, key, iv, spi, seq, esn, text)
    low = seq & 0xffffffff
    if auth and auth.endswith("-gmac"):  # RFC 4543 3.3
        head = struct.pack(">IQ", spi, seq) if esn else \
            struct.pack(">II", spi, low)
        return text, mac(auth, auth_key, head + iv + text, iv)
    out = cipher(enc, key, iv, text)
    if not auth:
        return out, b""
    data = struct.pack(">II", spi, low) + iv + out
    if esn:
        data += struct.pack(">I", seq >> 32)
    return out, mac(auth, auth_key, data)


def sign(auth, key, iv, seq, esn, data):
    """-> ICV of AH over data whose mutable fields are zero already"""
    if esn:
        data += struct.pack(">I", seq >> 32)
    return mac(auth, key, data, iv)


def octets(first, n):
    return bytes((first + i) & 0xff for i in range(n))


def rows():
    """every algorithm once, ESN on every second row where there is one"""
    todo = [(a, None) for a in AEADS]
    pairs = [("aes128-cbc", "hmac-sha256"), ("aes192-cbc", "hmac-sha384"),
             ("aes256-cbc", "hmac-sha512"), ("aes128-ctr", "hmac-sha1"),
             ("aes256-ctr", "aes-cmac"), ("null", "aes128-gmac"),
             ("null", "aes256-gmac"), ("null", "hmac-sha256")]
    todo += [p for p in pairs for _ in (0, 1)]
    todo += [(None, a) for a in MACS]
    todo += [(d, None) for d in CIPHERS if d.startswith("des-")]
    for n, (enc, auth) in enumerate(todo):
        old = "keyed-md5" in (auth or "") or "1829" in (enc or "")
        yield enc, auth, bool(n & 1) and not old


def answer(enc, auth, esn):
    spi, seq, text = 0x01020304, 0x0000000a05060708, octets(0x30, 48)
    e = AEADS[enc][1:] if enc in AEADS else CIPHERS.get(enc, (0, 0, 0, 0))
    a = MACS.get(auth, (0, 0, 0, 0))
    iv = octets(0xa0, e[2] + a[2])
    key, auth_key = octets(0, e[0] + e[1]), octets(0x80, a[0] + a[1])
    if enc is None:
        return sign(auth, auth_key, iv, seq, esn, text)
    return b"".join(seal(enc, auth, key, auth_key, iv, spi, seq, esn, text))


def enum(name):
    return "ALGO_" + (name or "none").upper().replace("-", "_")


def table():
    print("/* SPDX-License-Identifier: GPL-2.0-or-later */")
    print("/* Printed by test/vector/oracle.py --table, compared with it by")
    print(" * test/vector/test_oracle.  Included by kat.c alone. */")
    for enc, auth, esn in rows():
        text = answer(enc, auth, esn).hex()
        print(f"{{ {enum(enc)}, {enum(auth)}, {'true' if esn else 'false'},")
        for i in range(0, len(text), 64):
            end = " }," if i + 64 >= len(text) else ""
            print(f'    "{text[i:i + 64]}"{end}')


if __name__ == "__main__":
    if sys.argv[1:] != ["--table"]:
        sys.exit(__doc__)
    table()
