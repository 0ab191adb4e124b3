#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""udp_sweep: one datagram of every size, there and back, compared.

    udp_sweep.py server ADDRESS PORT
    udp_sweep.py client ADDRESS PORT FIRST LAST

The server sends each datagram back; the client sends sizes FIRST to LAST, at
most 16 ahead of the answers, and prints JSON: sent, answered, different, lost.
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
    waiting = set()
    different = 0
    todo = list(range(last, first - 1, -1))
    try:
        while todo or waiting:
            while todo and len(waiting) < 16:
                size = todo.pop()
                s.send(pattern(size))
                waiting.add(size)
            got = s.recv(65536)
            different += got != pattern(len(got))
            waiting.discard(len(got))
    except (TimeoutError, OSError) as e:
        print(f"{e}, waiting for {sorted(waiting)}", file=sys.stderr)
    sent = last - first + 1 - len(todo)
    print(json.dumps({"sent": sent, "answered": sent - len(waiting),
                      "different": different, "lost": sorted(waiting)}))


if sys.argv[1] == "server":
    server(sys.argv[2], int(sys.argv[3]))
else:
    client(sys.argv[2], *map(int, sys.argv[3:6]))
