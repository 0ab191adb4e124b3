# SPDX-License-Identifier: GPL-2.0-or-later
"""ipsec1995: the AH and ESP of August 1995, written from the RFCs alone.

RFC 1826 with the keyed MD5 of RFC 1828, RFC 1827 with the DES-CBC of RFC 1829.
Whole IPv4 packets in, whole IPv4 packets out.  Nothing of the engine's code or
of its other oracles is used, so that an error here and there would have to be
made twice.

    ah = Ah1826(spi, key)
    octets = ah.make(packet)            # a packet -> the same with AH
    packet = ah.read(octets)            # back, or None if it is not genuine
    esp = Esp1829(spi, key, iv_octets=4)
    octets = esp.make(packet, iv)       # likewise; iv: 4 or 8 octets
    packet = esp.read(octets)
"""
import hashlib
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

AH, ESP = 51, 50


def header_octets(packet):
    return (packet[0] & 15) * 4


def mend(header, protocol, total):
    """The header with this protocol, length, and the checksum they need."""
    h = bytearray(header)
    h[9] = protocol
    h[2:4] = struct.pack(">H", total)
    h[10:12] = b"\0\0"
    n = sum(struct.unpack(f">{len(h) // 2}H", h))
    while n > 0xffff:
        n = (n >> 16) + (n & 0xffff)
    h[10:12] = struct.pack(">H", n ^ 0xffff)
    return bytes(h)


class Ah1826:
    def __init__(self, spi, key):
        self.spi, self.key = spi, key

    def digest(self, datagram):
        """RFC 1828: key, keyfill, datagram, key; MD5 adds its own fill."""
        fill = b"\x80"
        while (len(self.key) + len(fill)) % 64 != 56:
            fill += b"\0"
        fill += struct.pack("<Q", 8 * len(self.key))
        m = hashlib.md5(usedforsecurity=False)
        for part in (self.key, fill, datagram, self.key):
            m.update(part)
        return m.digest()

    @staticmethod
    def as_if_arrived(packet, data_at):
        """RFC 1826 4: TTL, header checksum and the data itself are zero."""
        p = bytearray(packet)
        p[8] = 0
        p[10:12] = b"\0\0"
        p[data_at:data_at + 16] = bytes(16)
        return bytes(p)

    def make(self, packet):
        n = header_octets(packet)
        head = struct.pack(">BBHI", packet[9], 16 // 4, 0, self.spi)
        whole = mend(packet[:n], AH, len(packet) + 24) + head + bytes(16) + \
            packet[n:]
        data = self.digest(self.as_if_arrived(whole, n + 8))
        return whole[:n + 8] + data + whole[n + 24:]

    def read(self, octets):
        n = header_octets(octets)
        if octets[9] != AH or len(octets) < n + 24:
            return None
        protocol, words, reserved, spi = struct.unpack(
            ">BBHI", octets[n:n + 8])
        if words != 4 or reserved != 0 or spi != self.spi:
            return None
        if self.digest(self.as_if_arrived(octets, n + 8)) != \
                octets[n + 8:n + 24]:
            return None
        return mend(octets[:n], protocol, len(octets) - 24) + octets[n + 24:]


class Esp1829:
    def __init__(self, spi, key, iv_octets):
        self.spi, self.key, self.iv_octets = spi, key, iv_octets

    def des(self, iv):
        if self.iv_octets == 4:
            iv += bytes(~b & 0xff for b in iv)
        # thrice the same key is DES once
        return Cipher(algorithms.TripleDES(self.key * 3), modes.CBC(iv))

    def make(self, packet, iv, pad=None):
        n = header_octets(packet)
        text = packet[n:]
        if pad is None:
            pad = b"\xa5" * ((6 - len(text)) % 8)
        text += pad + bytes([len(pad), packet[9]])
        e = self.des(iv).encryptor()
        body = struct.pack(">I", self.spi) + iv + e.update(text) + \
            e.finalize()
        return mend(packet[:n], ESP, n + len(body)) + body

    def read(self, octets):
        n = header_octets(octets)
        at = n + 4 + self.iv_octets
        if octets[9] != ESP or octets[n:n + 4] != struct.pack(">I", self.spi):
            return None
        if len(octets) <= at or (len(octets) - at) % 8 != 0:
            return None
        d = self.des(octets[n + 4:at]).decryptor()
        text = d.update(octets[at:]) + d.finalize()
        pad, protocol = text[-2:]
        if pad + 2 > len(text):
            return None
        text = text[:len(text) - 2 - pad]
        return mend(octets[:n], protocol, n + len(text)) + text
