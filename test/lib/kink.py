# SPDX-License-Identifier: GPL-2.0-or-later
"""kink: KINK messages, read from the RFCs and not from our C: RFC 4430, 2407,
2408, 2409 for the payloads, RFC 3961, 3962, 8009 for the keys, RFC 4120 for
tickets, RFC 3526 and 7748 for the key exchange.  The only library is AES and
HMAC.

    m = Message(datagram)            # header and outer payloads
    key = ticket_key(m.ap(), keytab) # session key, by the service's keytab
    m.verify(key)                    # the checksum
    for op in m.operations(key):     # Quick Mode payloads, decrypted
        ...
    keymat(key, protocol, spi, ni, nr, octets)
"""
import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TYPES = {1: "CREATE", 2: "DELETE", 3: "REPLY", 4: "GETTGT", 5: "ACK",
         6: "STATUS"}
PAYLOADS = {1: "AP_REQ", 2: "AP_REP", 3: "KRB_ERROR", 4: "TGT_REQ",
            5: "TGT_REP", 6: "ISAKMP", 7: "ENCRYPT", 8: "ERROR"}
QUICK = {1: "SA", 4: "KE", 5: "ID", 10: "NONCE", 11: "N", 12: "D"}


class Bad(Exception):
    pass


def need(good, what):
    if not good:
        raise Bad(what)


# ---- keys (RFC 3961, 3962, 8009) -------------------------------------------

def aes_ecb(key, block, decrypt=False):
    c = Cipher(algorithms.AES(key), modes.ECB())
    f = c.decryptor() if decrypt else c.encryptor()
    return f.update(block) + f.finalize()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def cts_decrypt(key, data):
    """CBC with the last two blocks swapped (CS3), IV zero."""
    if len(data) == 16:
        return aes_ecb(key, data, True)
    tail = len(data) % 16 or 16
    head, c1, c2 = data[:-16 - tail], data[-16 - tail:-tail], data[-tail:]
    d = aes_ecb(key, c1, True)
    last = xor(d[:tail], c2)
    out, before = b"", b"\0" * 16
    for i in range(0, len(head), 16):
        out += xor(aes_ecb(key, head[i:i + 16], True), before)
        before = head[i:i + 16]
    return out + xor(aes_ecb(key, c2 + d[tail:], True), before) + last


def cts_encrypt(key, data):
    out, before = [], b"\0" * 16
    for i in range(0, len(data), 16):
        before = aes_ecb(key, xor(data[i:i + 16].ljust(16, b"\0"), before))
        out.append(before)
    if len(out) == 1:
        return out[0]
    tail = len(data) % 16 or 16
    return b"".join(out[:-2]) + out[-1] + out[-2][:tail]


def nfold(text, size):
    def rotate(b, n):
        bits = "".join(f"{x:08b}" for x in b)
        n %= len(bits)
        bits = bits[-n:] + bits[:-n] if n else bits
        return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
    from math import gcd
    total = len(text) * size // gcd(len(text), size)
    long = b"".join(rotate(text, 13 * i) for i in range(total // len(text)))
    value = 0
    for i in range(0, total, size):
        value += int.from_bytes(long[i:i + size], "big")
    mask = (1 << 8 * size) - 1
    while value > mask:
        value = (value & mask) + (value >> 8 * size)
    return value.to_bytes(size, "big")


class Key:
    """A Kerberos key.  etype 17, 18: RFC 3962; 19, 20: RFC 8009."""
    SIZES = {17: (16, 12), 18: (32, 12), 19: (16, 16), 20: (32, 24)}

    def __init__(self, etype, octets):
        need(etype in self.SIZES, f"encryption type {etype}")
        self.etype, self.octets = etype, octets
        self.size, self.mac = self.SIZES[etype]
        self.sha2 = etype in (19, 20)
        self.hash = {19: "sha256", 20: "sha384"}.get(etype, "sha1")
        need(len(octets) == self.size, "key length")

    def _kdf(self, label, context, size):
        text = b"\0\0\0\1" + label + b"\0" + context + \
            struct.pack("!I", size * 8)
        return hmac.digest(self.octets, text, self.hash)[:size]

    def _dk(self, constant):
        block, out = nfold(constant, 16), b""
        while len(out) < self.size:
            block = aes_ecb(self.octets, block)
            out += block
        return out[:self.size]

    def derive(self, usage, octet):
        constant = struct.pack("!IB", usage, octet)
        if not self.sha2:
            return self._dk(constant)
        size = self.size if octet == 0xaa else \
            {19: 16, 20: 24}[self.etype]
        return self._kdf(constant, b"", size)

    def checksum(self, usage, text):
        return hmac.digest(self.derive(usage, 0x99), text,
                           self.hash)[:self.mac]

    def decrypt(self, usage, data):
        need(len(data) >= 16 + self.mac, "ciphertext too short")
        body, tag = data[:-self.mac], data[-self.mac:]
        plain = cts_decrypt(self.derive(usage, 0xaa), body)
        over = b"\0" * 16 + body if self.sha2 else plain
        right = hmac.digest(self.derive(usage, 0x55), over,
                            self.hash)[:self.mac]
        need(hmac.compare_digest(tag, right), "ciphertext integrity")
        return plain[16:]

    def encrypt(self, usage, plain):
        plain = os.urandom(16) + plain
        body = cts_encrypt(self.derive(usage, 0xaa), plain)
        over = b"\0" * 16 + body if self.sha2 else plain
        return body + hmac.digest(self.derive(usage, 0x55), over,
                                  self.hash)[:self.mac]

    def prf(self, text):
        if self.sha2:
            return self._kdf(b"prf", text, {19: 32, 20: 48}[self.etype])
        return aes_ecb(self._dk(b"prf"), hashlib.sha1(text).digest()[:16])


def keymat(key, protocol, spi, ni, nr=b"", octets=20, shared=b""):
    """RFC 4430 section 7."""
    seed = shared + struct.pack("!BI", protocol, spi) + ni + nr
    out, k = b"", b""
    while len(out) < octets:
        k = key.prf(k + seed)
        out += k
    return out[:octets]


# ---- key exchange (RFC 3526, 7748) -----------------------------------------

CURVE25519, MODP2048 = 0x801f, 14


def arctan_inverse(n, one):
    """arctan(1/n) * one."""
    total = term = one // n
    k, sign = 3, -1
    while term:
        term //= n * n
        total += sign * (term // k)
        k, sign = k + 2, -sign
    return total


def modp_prime(bits, add):
    """2^b - 2^(b-64) - 1 + 2^64 * (floor(2^(b-130) pi) + add)"""
    one = 1 << bits + 64
    pi = 16 * arctan_inverse(5, one) - 4 * arctan_inverse(239, one)
    return (1 << bits) - (1 << bits - 64) - 1 + \
        ((pi >> 64 + 130) + add << 64)


MODP = {14: (2048, 124476), 15: (3072, 1690314), 16: (4096, 240904)}


def x25519(scalar, u):
    """RFC 7748 section 5."""
    p, k = 2**255 - 19, bytearray(scalar)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    k = int.from_bytes(k, "little")
    x1 = int.from_bytes(u, "little") & (1 << 255) - 1
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a, c * b
        x3, z3 = pow(da + cb, 2, p), x1 * pow(da - cb, 2, p) % p
        aa, bb = a * a % p, b * b % p
        e = aa - bb
        x2, z2 = aa * bb % p, e * (aa + 121665 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


class Exchange:
    """One side of a key exchange: .public, .shared(the other's)."""

    def __init__(self, group):
        self.secret = os.urandom(32)
        if group == CURVE25519:
            self.prime = None
            self.public = x25519(self.secret, (9).to_bytes(32, "little"))
            return
        bits, add = MODP[group]
        self.prime, self.size = modp_prime(bits, add), bits // 8
        self.public = pow(2, int.from_bytes(self.secret, "big"),
                          self.prime).to_bytes(self.size, "big")

    def shared(self, public):
        if self.prime is None:
            return x25519(self.secret, public)
        return pow(int.from_bytes(public, "big"),
                   int.from_bytes(self.secret, "big"),
                   self.prime).to_bytes(self.size, "big")


# ---- tickets (RFC 4120), keytabs -------------------------------------------

def der(data):
    """[(tag, value)] of the elements one after the other."""
    out = []
    while data:
        need(len(data) >= 2, "DER")
        tag, n, at = data[0], data[1], 2
        if n & 0x80:
            count = n & 0x7f
            n, at = int.from_bytes(data[2:2 + count], "big"), 2 + count
        need(len(data) >= at + n, "DER length")
        out.append((tag, data[at:at + n]))
        data = data[at + n:]
    return out


def fields(data, application):
    """The context-tagged fields of [APPLICATION n] SEQUENCE."""
    (tag, inner), = der(data)
    need(tag == 0x60 | application, f"application {tag:#x}")
    (tag, inner), = der(inner)
    need(tag == 0x30, "no sequence")
    return {t & 0x1f: v for t, v in der(inner)}


def encrypted(data):
    """EncryptedData -> etype, kvno or None, cipher"""
    (_, inner), = der(data)
    f = {t & 0x1f: der(v)[0][1] for t, v in der(inner)}
    return (int.from_bytes(f[0], "big"),
            int.from_bytes(f[1], "big") if 1 in f else None, f[2])


def keytab(path):
    """{(principal, kvno, etype): key octets} of a keytab file."""
    with open(path, "rb") as f:
        data = f.read()
    need(data[:2] == b"\5\2", "keytab version")
    at, out = 2, {}
    while at < len(data):
        n, = struct.unpack("!i", data[at:at + 4])
        at += 4
        e, at = data[at:at + abs(n)], at + abs(n)
        if n <= 0:
            continue
        count, = struct.unpack("!H", e[:2])
        p, parts = 2, []
        for _ in range(count + 1):
            size, = struct.unpack("!H", e[p:p + 2])
            parts.append(e[p + 2:p + 2 + size].decode())
            p += 2 + size
        p += 8  # name type, time
        kvno, etype, size = struct.unpack("!BHH", e[p:p + 5])
        p += 5
        key, p = e[p:p + size], p + size
        if len(e) - p >= 4:
            kvno = struct.unpack("!I", e[p:p + 4])[0] or kvno
        name = "/".join(parts[1:]) + "@" + parts[0]
        out[name, kvno, etype] = key
    return out


def tlv(tag, *values):
    """The DER of one element."""
    value = b"".join(values)
    n = len(value)
    if n < 128:
        return bytes([tag, n]) + value
    size = (n.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + n.to_bytes(size, "big") + value


def integer(v):
    return tlv(0x02, v.to_bytes(v.bit_length() // 8 + 1, "big"))


def box(key, usage, plain):
    """EncryptedData."""
    return tlv(0x30, tlv(0xa0, integer(key.etype)),
               tlv(0xa2, tlv(0x04, key.encrypt(usage, plain))))


def name_of(realm, principal):
    """A Realm's and a PrincipalName's values -> name/host@REALM"""
    names = der(der(principal)[0][1])[1][1]
    return "/".join(v.decode() for _, v in der(der(names)[0][1])) \
        + "@" + der(realm)[0][1].decode()


class Ticket:
    """What an AP-REQ says, by the keys of the service's keytab."""

    def __init__(self, ap_req, keys):
        ap = self.ap = fields(ap_req, 14)
        need(int.from_bytes(der(ap[0])[0][1], "big") == 5, "pvno")
        self.mutual = bool(der(ap[2])[0][1][1] & 0x20)
        ticket = fields(ap[3], 1)
        self.etype, kvno, cipher = encrypted(ticket[3])
        self.server = name_of(ticket[1], ticket[2])
        found = [k for (n, v, e), k in keys.items()
                 if e == self.etype and n == self.server and
                 (kvno is None or v == kvno)]
        need(found, "no key for this ticket")
        part = fields(Key(self.etype, found[0]).decrypt(2, cipher), 3)
        (_, key), = der(part[1])
        k = {t & 0x1f: der(v)[0][1] for t, v in der(key)}
        self.session = Key(int.from_bytes(k[0], "big"), k[1])
        self.client = name_of(part[2], part[3])
        etype, _, cipher = encrypted(ap[4])
        need(etype == self.session.etype, "authenticator's type")
        auth = self.auth = fields(self.session.decrypt(11, cipher), 2)
        self.time = (der(auth[5])[0][1].decode(),
                     int.from_bytes(der(auth[4])[0][1], "big"))
        self.subkey = 6 in auth


    def again(self, when):
        """An AP-REQ with the same ticket and another authenticator."""
        auth = tlv(0x62, tlv(0x30, tlv(0xa0, integer(5)),
                             tlv(0xa1, self.auth[1]), tlv(0xa2, self.auth[2]),
                             tlv(0xa4, integer(when[1])),
                             tlv(0xa5, tlv(0x18, when[0].encode()))))
        return tlv(0x6e, tlv(0x30, tlv(0xa0, integer(5)),
                             tlv(0xa1, integer(14)), tlv(0xa2, self.ap[2]),
                             tlv(0xa3, self.ap[3]),
                             tlv(0xa4, box(self.session, 11, auth))))


def ap_rep(when, session):
    part = tlv(0x7b, tlv(0x30, tlv(0xa0, tlv(0x18, when[0].encode())),
                         tlv(0xa1, integer(when[1]))))
    return tlv(0x6f, tlv(0x30, tlv(0xa0, integer(5)), tlv(0xa1, integer(15)),
                         tlv(0xa2, box(session, 12, part))))


def ap_rep_time(ap_rep, session):
    """(ctime, cusec) that an AP-REP echoes."""
    f = fields(ap_rep, 15)
    etype, _, cipher = encrypted(f[2])
    need(etype == session.etype, "AP-REP's type")
    part = fields(session.decrypt(12, cipher), 27)
    return (der(part[0])[0][1].decode(),
            int.from_bytes(der(part[1])[0][1], "big"))


# ---- messages (RFC 4430 section 4) -----------------------------------------

def chain(data, kind, padding=False):
    """[(type, value)]; each payload on a border of four octets."""
    out, at = [], 0
    while kind:
        need(len(data) - at >= 4, "payload header cut off")
        after, zero, n = struct.unpack("!BBH", data[at:at + 4])
        need(zero == 0, "RESERVED is not zero")
        need(n >= 4 and at + n <= len(data), "payload length")
        need(kind in PAYLOADS, f"payload type {kind}")
        out.append((PAYLOADS[kind], data[at + 4:at + n]))
        need(kind != 7 or after == 0, "ENCRYPT is not last")
        pad = data[at + n:at + n + (-n & 3)]
        need(padding or pad == b"\0" * len(pad), "padding is not zero")
        at, kind = at + n + (-n & 3), after
    need(padding or at >= len(data), "octets behind the last payload")
    return out


class Message:
    def __init__(self, data):
        need(len(data) >= 16, "header cut off")
        kind, version, n, doi, self.xid, nxt, flags, self.cksum_len = \
            struct.unpack("!BBHIIBBH", data[:16])
        need(version == 0x10, f"version {version:#x}")
        need(doi == 1, f"DOI {doi}")
        need(n == len(data), f"length {n} of {len(data)}")
        need(flags & 0x7f == 0, "RESERVED2 is not zero")
        need(16 + self.cksum_len <= n, "checksum length")
        self.type = TYPES[kind]
        self.ackreq = flags == 0x80
        self.end = n - self.cksum_len
        need(self.end % 4 == 0, "checksum is not on a border")
        self.data = data
        self.payloads = chain(data[16:self.end], nxt)

    def get(self, name):
        found = [v for t, v in self.payloads if t == name]
        return found[0] if found else None

    def ap(self):
        v = self.get("AP_REQ") or self.get("AP_REP")
        need(v and len(v) > 4, "no AP_REQ or AP_REP")
        return v[4:]

    def epoch(self):
        return int.from_bytes((self.get("AP_REQ") or self.get("AP_REP"))[:4],
                              "big")

    def verify(self, key):
        signed = self.data[:2] + struct.pack("!H", self.end) + \
            self.data[4:14] + b"\0\0" + self.data[16:self.end]
        need(self.cksum_len > 0, "no checksum")
        need(hmac.compare_digest(key.checksum(40, signed),
                                 self.data[self.end:]), "checksum")

    def inner(self, key):
        box = self.get("ENCRYPT")
        if box is None:
            return self.payloads
        plain = key.decrypt(39, box)
        need(plain[1:4] == b"\0\0\0", "RESERVED2 of ENCRYPT")
        return chain(plain[4:], plain[0], padding=True)

    def operations(self, key):
        return [quick(v) for t, v in self.inner(key) if t == "ISAKMP"]


def put_chain(payloads, names=PAYLOADS, padding=True):
    """[(name, value)] -> the first one's number, octets."""
    number = {v: k for k, v in names.items()}
    out = b""
    for i, (name, value) in enumerate(payloads):
        after = number[payloads[i + 1][0]] if i + 1 < len(payloads) else 0
        out += struct.pack("!BBH", after, 0, 4 + len(value)) + value
        if padding:
            out += bytes(-len(out) % 4)
    return (number[payloads[0][0]] if payloads else 0), out


def build(kind, xid, payloads, key, inner=None, ackreq=False):
    """A message with its checksum; `inner`: a chain to be encrypted."""
    if inner:
        first, octets = put_chain(inner)
        payloads = payloads + [
            ("ENCRYPT", key.encrypt(39, bytes([first, 0, 0, 0]) + octets))]
    first, body = put_chain(payloads)
    size = {17: 12, 18: 12, 19: 16, 20: 24}[key.etype]
    number = {v: k for k, v in TYPES.items()}[kind]

    def head(length, cksum):
        return struct.pack("!BBHIIBBH", number, 0x10, length, 1, xid, first,
                           0x80 if ackreq else 0, cksum)
    cksum = key.checksum(40, head(16 + len(body), 0) + body)
    return head(16 + len(body) + size, size) + body + cksum


# ---- Quick Mode payloads (RFC 2408, 2407) ----------------------------------

def generic(data, kind):
    out, at = [], 0
    while kind:
        need(len(data) - at >= 4, "ISAKMP payload cut off")
        after, zero, n = struct.unpack("!BBH", data[at:at + 4])
        need(zero == 0 and n >= 4 and at + n <= len(data),
             "ISAKMP payload header")
        out.append((kind, data[at + 4:at + n]))
        at, kind = at + n, after
    need(at == len(data), "octets behind the last ISAKMP payload")
    return out


def attributes(data):
    out, at, unit = {}, 0, None
    names = {3: "group", 4: "encap", 5: "auth", 6: "key", 11: "esn"}
    while at < len(data):
        kind, value = struct.unpack("!HH", data[at:at + 4])
        at += 4
        if not kind & 0x8000:
            value, at = int.from_bytes(data[at:at + value], "big"), at + value
        kind &= 0x7fff
        if kind == 1:
            unit = {1: "seconds", 2: "kilobytes"}[value]
        elif kind == 2:
            out[unit] = value
        else:
            out[names[kind]] = value
    return out


def proposals(data):
    doi, situation = struct.unpack("!II", data[:8])
    need((doi, situation) == (1, 1), "DOI or situation")
    out = []
    for kind, p in generic(data[8:], 2):
        need(kind == 2, "not a proposal")
        number, protocol, size, count = p[:4]
        need(size == 4, "SPI size")
        transforms = []
        for k, t in generic(p[8:], 3):
            need(k == 3 and t[2:4] == b"\0\0", "not a transform")
            transforms.append((t[0], t[1], attributes(t[4:])))
        need(len(transforms) == count, "number of transforms")
        out.append({"number": number, "protocol": protocol,
                    "spi": int.from_bytes(p[4:8], "big"),
                    "transforms": transforms})
    return out


def identity(v):
    kind, protocol, port = struct.unpack("!BBH", v[:4])
    n = {1: 4, 4: 8, 5: 16, 6: 32, 7: 8, 8: 32}[kind]
    need(len(v) == 4 + n, "identity's length")
    return kind, protocol, port, v[4:]


def quick(value):
    """A KINK_ISAKMP's value -> {"SA": .., "NONCE": .., "ID": [..], ..}"""
    nxt, version, zero = struct.unpack("!BBH", value[:4])
    need(version == 0x10 and zero == 0, "Quick Mode version")
    op = {"ID": [], "N": [], "D": []}
    for kind, v in generic(value[4:], nxt):
        need(kind in QUICK, f"ISAKMP payload {kind}")
        name = QUICK[kind]
        if name == "SA":
            op["SA"], op["offer"] = proposals(v), v
        elif name == "ID":
            op["ID"].append(identity(v))
        elif name in "ND":
            doi, protocol, size, n = struct.unpack("!IBBH", v[:8])
            need(doi == 1, "DOI")
            rest = v[8:]
            if name == "N":
                op["N"].append((n, protocol, rest[:size], rest[size:]))
            else:
                need(len(rest) == size * n, "number of SPIs")
                op["D"] += [int.from_bytes(rest[i:i + size], "big")
                            for i in range(0, len(rest), size)]
        else:
            need(name not in op, "twice")
            op[name] = v
    return op


def put_quick(payloads):
    """[(name, value)] -> a KINK_ISAKMP's value."""
    first, out = put_chain(payloads, QUICK, padding=False)
    return struct.pack("!BBH", first, 0x10, 0) + out


def put_sa(spi, transform, attrs, protocol=3):
    """One proposal of one transform; attrs: [(number, 16 bits)]"""
    t = struct.pack("!BBH", 1, transform, 0) + b"".join(
        struct.pack("!HH", 0x8000 | k, v) for k, v in attrs)
    t = struct.pack("!BBH", 0, 0, 4 + len(t)) + t
    p = struct.pack("!BBBBI", 1, protocol, 4, 1, spi) + t
    return struct.pack("!II", 1, 1) + struct.pack("!BBH", 0, 0,
                                                  4 + len(p)) + p


def put_notify(kind, protocol=3, spi=0):
    return struct.pack("!IBBHI", 1, protocol, 4, kind, spi)


def put_delete(spis, protocol=3):
    return struct.pack("!IBBH", 1, protocol, 4, len(spis)) + b"".join(
        s.to_bytes(4, "big") for s in spis)


def put_id(address):
    return struct.pack("!BBH", 1, 0, 0) + bytes(map(int, address.split(".")))


def udp_payloads(capture):
    """(time, source, octets) of every UDP datagram from or to port 910."""
    for p in capture.ip():
        if p.proto != 17:
            continue
        sport, dport, n = struct.unpack("!HHH", p.payload[:6])
        if 910 in (sport, dport):
            yield p.time, p.src, p.payload[8:n]


class Watch:
    """Reads all that is said between hosts, in its order, whatever it is;
    `keys`: of all their keytabs.  Bad where something is not as it should."""

    def __init__(self, keys):
        self.keys = keys
        self.exchanges = {}
        self.authenticators = set()
        self.spis = {}  # what each has offered for itself
        self.said = []  # (type, source, XID, operations)

    def _asked(self, m, src, dst):
        t = Ticket(m.ap(), self.keys)
        need(t.mutual and not t.subkey, "mutual authentication, no subkey")
        need((t.session.octets, t.time) not in self.authenticators,
             f"{m.type}: an authenticator twice")
        self.authenticators.add((t.session.octets, t.time))
        m.verify(t.session)
        x = self.exchanges.get((src, dst, m.xid))
        need((x is None) == (m.type != "ACK") or
             (x is not None and x["type"] == m.type),
             f"{m.type} in an exchange of {x and x['type']}")
        if x is None:
            x = self.exchanges[src, dst, m.xid] = {
                "type": m.type, "session": t.session, "times": []}
        need(x["session"].octets == t.session.octets, "another ticket")
        need(m.type != "ACK" or x.get("ackreq"), "an ACK that nobody wants")
        x["times"].append(t.time)
        return t.session

    def _answered(self, m, src, dst):
        x = self.exchanges.get((dst, src, m.xid))
        need(x is not None, "a REPLY to nothing")
        if m.get("AP_REP"):
            m.verify(x["session"])
            need(ap_rep_time(m.ap(), x["session"]) in x["times"],
                 "the AP-REP is of another time")
        else:
            need(m.get("KRB_ERROR") or m.get("ERROR"), "a REPLY of nothing")
            if m.cksum_len:
                m.verify(x["session"])
        x["ackreq"] = m.ackreq
        return x["session"]

    def read(self, capture):
        for p in capture.ip():
            if p.proto != 17 or 910 not in struct.unpack("!HH", p.payload[:4]):
                continue
            n, = struct.unpack("!H", p.payload[4:6])
            m = Message(p.payload[8:n])
            key = self._answered(m, p.src, p.dst) if m.type == "REPLY" \
                else self._asked(m, p.src, p.dst)
            need(m.get("ISAKMP") is None, "not encrypted")
            ops = m.operations(key)
            mine = self.spis.setdefault(p.src, set())
            for op in ops:
                mine |= {s["spi"] for s in op.get("SA", [])}
                need(mine.issuperset(op["D"]),
                     f"{m.type}: deletes what is not its own: {op['D']}")
            self.said.append((m.type, p.src, m.xid, ops))

    def types(self):
        return {t for t, _, _, _ in self.said}

    def notifications(self):
        return {n[0] for _, _, _, ops in self.said for op in ops
                for n in op["N"]}


def random_key(etype):
    return Key(etype, os.urandom(Key.SIZES[etype][0]))
