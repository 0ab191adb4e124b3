#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""udp_sweep: one datagram of every size, there and back, compared.

    udp_sweep.py server ADDRESS PORT
    udp_sweep.py client ADDRESS PORT FIRST LAST

The server sends each datagram back; the client sends sizes FIRST to LAST, one
at a time, waits for each answer and prints JSON: sent, answered, different.
Without path MTU discovery, so that what does not fit is fragmented.
"""
import json
import socket
import sys

IP_MTU_DISCOVER, IP_PMTUDISC_DONT = 10, 0


def pattern(size):
    return bytes((size * 31 + i * 7) & 255 for i in range(size))


def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
    return s


def server(addr, port):
    s = udp()
    s.bind((addr, port))
    print("ready", flush=True)
    while True:
        data, peer = s.recvfrom(65536)
        s.sendto(data, peer)


def client(addr, port, first, last):
    s = udp()
    s.connect((addr, port))
    s.settimeout(3)
    sent = answered = different = 0
    lost = []
    for size in range(first, last + 1):
        s.send(pattern(size))
        sent += 1
        try:
            if s.recv(65536) == pattern(size):
                answered += 1
            else:
                different += 1
        except (TimeoutError, OSError) as e:
            lost.append([size, str(e)])
            if len(lost) > 10:
                break
    print(json.dumps({"sent": sent, "answered": answered,
                      "different": different, "lost": lost}))


if sys.argv[1] == "server":
    server(sys.argv[2], int(sys.argv[3]))
else:
    client(sys.argv[2], *map(int, sys.argv[3:6]))
