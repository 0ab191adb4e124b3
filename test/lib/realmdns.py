#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""realmdns ADDRESS REALM: a name server (RFC 1035, 2782) that knows one
thing: where the realm's KDC is.  Says `ready` when it serves."""
import ipaddress
import socket
import struct
import sys

A, SRV = 1, 33


def name(text):
    return b"".join(bytes([len(p)]) + p.encode() for p in
                    text.rstrip(".").split(".")) + b"\0"


def answer(query, address, realm):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    kind, = struct.unpack("!H", query[at + 1:at + 3])
    asked, kdc = ".".join(labels), f"kdc.{realm.lower()}"
    data = None
    if kind == A and asked == kdc:
        data = ipaddress.ip_address(address).packed
    elif kind == SRV and asked in (f"_kerberos._udp.{realm.lower()}",
                                   f"_kerberos._tcp.{realm.lower()}"):
        data = struct.pack("!HHH", 0, 0, 88) + name(kdc)
    head = query[:2] + struct.pack(
        "!HHHHH", 0x8580 | (0 if data or asked == kdc else 3), 1,
        int(data is not None), 0, 0)
    out = head + query[12:at + 5]
    if data:
        out += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60,
                                         len(data)) + data
    return out


def main():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], 53))
    print("ready", flush=True)
    while True:
        query, peer = s.recvfrom(4096)
        s.sendto(answer(query, *sys.argv[1:]), peer)


if __name__ == "__main__":
    main()
