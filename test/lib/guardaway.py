# SPDX-License-Identifier: GPL-2.0-or-later
"""guardaway: how long a host was without its guard table, by the kernel's word.

    with GuardAway(host) as away:
        ...                         # somebody flushes the rule set
        away.wait()                 # until the guard is whole again
    print(away.times)               # seconds, one for each time

From the event that the table is gone to the event that its chain `transit`
is there, as nftables tells every listener."""
import socket
import struct
import threading
import time

from espcraft import socket_in
from nfhosts import wait_for

NETLINK_NETFILTER, GROUP_NFTABLES, SUBSYSTEM_NFTABLES = 12, 7, 10
NEWCHAIN, DELTABLE = 3, 2
A_TABLE, A_CHAIN = 1, 3
INET = 1
SO_RCVBUFFORCE = 33
GUARD, CHAIN = b"nfipsec-guard", b"transit"


def events(octets):
    """(kind, {attribute: octets}) of each message about the inet family."""
    while len(octets) >= 20:
        size, kind = struct.unpack("=IH", octets[:6])
        if kind >> 8 == SUBSYSTEM_NFTABLES and octets[16] == INET:
            attrs, rest = {}, octets[20:size]
            while len(rest) >= 4:
                n, name = struct.unpack("=HH", rest[:4])
                attrs[name & 0x3fff] = rest[4:n].rstrip(b"\0")
                rest = rest[max(4, (n + 3) & ~3):]
            yield kind & 0xff, attrs
        octets = octets[max(16, (size + 3) & ~3):]


class GuardAway:
    def __init__(self, host):
        self.times, self.gone = [], None
        self.sock = socket_in(host, socket.AF_NETLINK, socket.SOCK_RAW,
                              NETLINK_NETFILTER)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        self.sock.bind((0, 1 << (GROUP_NFTABLES - 1)))
        self.sock.settimeout(0.1)
        self.open = True
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while self.open:
            try:
                octets = self.sock.recv(1 << 18)
            except TimeoutError:
                continue
            now = time.monotonic()
            for kind, attrs in events(octets):
                if attrs.get(A_TABLE) != GUARD:
                    continue
                if kind == DELTABLE and self.gone is None:
                    self.gone = now
                elif kind == NEWCHAIN and attrs.get(A_CHAIN) == CHAIN and \
                        self.gone is not None:
                    self.times.append(now - self.gone)
                    self.gone = None

    def wait(self, least=1):
        """Until it was away so often, and is there."""
        wait_for(lambda: len(self.times) >= least and self.gone is None, 10,
                 f"the guard is not restored: away {self.times}", step=0.002)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.open = False
        self.thread.join()
        self.sock.close()
