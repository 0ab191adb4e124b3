# SPDX-License-Identifier: GPL-2.0-or-later
"""espcraft: ESP packets made and read octet by octet, right or wrong on purpose.

Written from RFC 4303, 4106 and 7634, apart from the engine's code; scapy's
IPsec layer is the second opinion (scapy_sa).  Transport mode over IPv4.

    sa = Sa(spi, key_hex, "aes128-gcm", esn=True)
    octets = sa.packet("10.77.0.2", "10.77.0.1", 17, udp(5, 7, b"x"), seq=1)
    octets = sa.packet(..., pad=b"\\1\\2\\9")   # and other lies, see packet()

    injector = Injector(host_b, to_mac_of=host_a)
    injector.send(octets)
"""
import ctypes
import os
import socket
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import (AESGCM,
                                                         ChaCha20Poly1305)

CLONE_NEWNET = 0x40000000
ETH_P_ALL, ETH_P_IP = 3, 0x0800
_libc = ctypes.CDLL(None, use_errno=True)


def checksum(octets):
    """RFC 1071."""
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(src, dst, proto, payload, ident=0, flags=2, offset=0, ttl=64,
         total=None, options=b""):
    """An IPv4 packet; flags 2 is DF, 1 is MF; offset in 8-octet units."""
    size = 20 + len(options)
    head = struct.pack(
        ">BBHHHBBH4s4s", 0x40 | size // 4, 0,
        size + len(payload) if total is None else total, ident,
        flags << 13 | offset, ttl, proto, 0, socket.inet_aton(src),
        socket.inet_aton(dst)) + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def udp(sport, dport, data, src=None, dst=None):
    """A UDP datagram; checksum 0 (none) unless the addresses are given."""
    size = 8 + len(data)
    head = struct.pack(">HHHH", sport, dport, size, 0)
    if src is None:
        return head + data
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + \
        struct.pack(">BBH", 0, 17, size)
    return head[:6] + struct.pack(
        ">H", checksum(pseudo + head + data) or 0xffff) + data


def tcp(sport, dport, seq, ack, flags, src, dst, data=b"", options=b""):
    """A TCP segment; flags as a string of SAFRP."""
    bits = sum({"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}[f] for f in flags)
    head = struct.pack(">HHIIBBHHH", sport, dport, seq & 0xffffffff,
                       ack & 0xffffffff, (20 + len(options)) // 4 << 4, bits,
                       65535, 0, 0) + options
    size = len(head) + len(data)
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + \
        struct.pack(">BBH", 0, 6, size)
    return head[:16] + struct.pack(
        ">H", checksum(pseudo + head + data)) + head[18:] + data


def icmp(kind, code, rest, data):
    head = struct.pack(">BBHI", kind, code, 0, rest)
    return head[:2] + struct.pack(">H", checksum(head + data)) + \
        head[4:] + data


class Sa:
    """One direction; key_hex holds the cipher's key and its 4-octet salt."""

    def __init__(self, spi, key_hex, cipher="aes128-gcm", esn=True):
        keymat = bytes.fromhex(key_hex)
        self.spi, self.esn = spi, esn
        self.salt = keymat[-4:]
        kind = ChaCha20Poly1305 if cipher.startswith("chacha") else AESGCM
        self.aead = kind(keymat[:-4])

    def _aad(self, seq):
        low = seq & 0xffffffff
        if self.esn:  # RFC 4303 2.2.1, RFC 4106 5
            return struct.pack(">III", self.spi, seq >> 32, low)
        return struct.pack(">II", self.spi, low)

    def seal(self, next_header, payload, seq, iv=None, pad=None, pad_len=None,
             spi=None):
        """The octets behind the IP header.  pad: these octets instead of 1,
        2, 3, ...; pad_len: this number instead of how many there are; spi:
        this one on the wire."""
        if pad is None:
            pad = bytes(range(1, 1 + (-(len(payload) + 2)) % 4))
        iv = struct.pack(">Q", seq) if iv is None else iv
        text = payload + pad + bytes(
            [len(pad) if pad_len is None else pad_len, next_header])
        box = self.aead.encrypt(self.salt + iv, text, self._aad(seq))
        return struct.pack(">II", self.spi if spi is None else spi,
                           seq & 0xffffffff) + iv + box

    def packet(self, src, dst, next_header, payload, seq, ip=None, **lies):
        return ipv4(src, dst, 50, self.seal(next_header, payload, seq,
                                            **lies), **(ip or {}))

    def open(self, octets, high=0):
        """ESP octets -> (next header, payload, seq), or None if the ICV is
        wrong; `high` is the upper half of the sequence number."""
        spi, low = struct.unpack(">II", octets[:8])
        seq = high << 32 | low
        try:
            text = self.aead.decrypt(self.salt + octets[8:16], octets[16:],
                                     self._aad(seq))
        except InvalidTag:
            return None
        pad_len, next_header = text[-2:]
        end = len(text) - 2 - pad_len
        if text[end:-2] != bytes(range(1, pad_len + 1)):
            raise ValueError("padding")
        return next_header, text[:end], seq


def scapy_sa(spi, key_hex, cipher="aes128-gcm", esn=False):
    """scapy's own security association for the same keys."""
    from scapy.layers.ipsec import ESP, SecurityAssociation
    name = "CHACHA20-POLY1305" if cipher.startswith("chacha") else "AES-GCM"
    return SecurityAssociation(ESP, spi=spi, crypt_algo=name,
                               crypt_key=bytes.fromhex(key_hex), esn_en=esn)


def socket_in(host, *args):
    """socket.socket(*args) as if made by a program on the host."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{host.ns}", os.O_RDONLY)
    try:
        if _libc.setns(there, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            return socket.socket(*args)
        finally:
            if _libc.setns(here, CLONE_NEWNET) != 0:
                os._exit(1)
    finally:
        os.close(here)
        os.close(there)


def mac(host):
    text = host.out(["ip", "-br", "link", "show", "eth0"]).split()[2]
    return bytes.fromhex(text.replace(":", ""))


class Injector:
    """Puts packets on the wire at `host`, for `to`, whatever they say."""

    def __init__(self, host, to):
        self.head = mac(to) + mac(host) + struct.pack(">H", ETH_P_IP)
        self.sock = socket_in(host, socket.AF_PACKET, socket.SOCK_RAW,
                              socket.htons(ETH_P_IP))
        self.sock.bind(("eth0", 0))

    def send(self, octets):
        self.sock.send(self.head + octets)

    def close(self):
        self.sock.close()


class Listener:
    """Every IPv4 packet that reaches or leaves a host's eth0, as it is."""

    def __init__(self, host):
        self.sock = socket_in(host, socket.AF_PACKET, socket.SOCK_RAW,
                              socket.htons(ETH_P_ALL))
        self.sock.bind(("eth0", 0))
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # RCVBUFFORCE
        self.sock.setblocking(False)

    def take(self, src=None):
        """What came since the last call; src: only from this address."""
        got = []
        while True:
            try:
                frame = self.sock.recv(65536)
            except BlockingIOError:
                return got
            if frame[12:14] != b"\x08\x00":
                continue
            octets = frame[14:]
            if src is None or socket.inet_ntoa(octets[12:16]) == src:
                got.append(octets[:int.from_bytes(octets[2:4], "big")])

    def close(self):
        self.sock.close()


def udp_socket(host, port, addr=None):
    s = socket_in(host, socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((addr or host.addr, port))
    s.setblocking(False)
    return s
