# SPDX-License-Identifier: GPL-2.0-or-later
"""nfctl: the control protocol in Python, from nfipsec-control(7) alone.

Messages are built and taken apart here independently of engine/client, so
that a mistake there does not hide.  Only attribute numbers and kinds are read
from proto_attr.def; a test compares those with the manual page."""
import ipaddress
import os
import re
import select
import socket
import struct
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("NFIPSEC_BUILD", f"{TOP}/build")

(HELLO, STATUS, ASSOCS, SAS, DROPS, QUEUES, FLOWS, EXPORT, RELOAD, DISABLE,
 ADD_PAIR, DELETE_SA, REKEY, SUBSCRIBE, EVENT, FAIL,
 INSTANCE) = range(1, 18)
BIND, SAID, PEER, RUN = range(32, 36)
REPLY, MORE = 1, 2
MAX = 8192

ATTRS = {}
with open(f"{TOP}/engine/client/proto_attr.def") as f:
    for n, name, kind in re.findall(
            r"^PROTO_ATTR\((\d+), (\w+), (\w+)\)", f.read(), re.M):
        ATTRS[name] = (int(n), kind)
BY_NUMBER = {n: (name, kind) for name, (n, kind) in ATTRS.items()}


def address(text):
    """The 20 octets of an address, a prefix or "any"."""
    if text == "any":
        return bytes(20)
    net = ipaddress.ip_network(text)
    return (net.network_address.packed.ljust(16, b"\0") +
            bytes([net.version, net.prefixlen, 0, 0]))


def attr(number, value):
    return (struct.pack("=HH", number, len(value)) + value +
            bytes(-len(value) % 4))


def attrs(values):
    out = b""
    for name, v in values.items():
        n, kind = ATTRS[name]
        if kind == "U32":
            v = struct.pack("=I", v)
        elif kind == "U64":
            v = struct.pack("=Q", v)
        elif kind == "TEXT":
            v = v.encode()
        elif kind == "ADDRESS":
            v = address(v)
        elif kind == "NESTED":
            v = attrs(v)
        out += attr(n, v)
    return out


def message(kind, values=None, serial=1, flags=0, error=0, raw=None):
    body = attrs(values or {}) if raw is None else raw
    return struct.pack("=IHHIi", 16 + len(body), kind, flags, serial,
                       error) + body


def parse(body):
    out, at = {}, 0
    while at < len(body):
        n, length = struct.unpack_from("=HH", body, at)
        v = body[at + 4:at + 4 + length]
        assert len(v) == length
        at += 4 + length + -length % 4
        name, kind = BY_NUMBER[n]
        if kind == "U32":
            v, = struct.unpack("=I", v)
        elif kind == "U64":
            v, = struct.unpack("=Q", v)
        elif kind == "TEXT":
            v = v.decode()
        elif kind == "ADDRESS":
            fam, bits = v[16], v[17]
            v = "any" if fam == 0 else str(ipaddress.ip_network(
                (v[:4] if fam == 4 else v[:16], bits)))
        elif kind == "NESTED":
            v = parse(v)
        out[name] = v
    return out


class Message:
    def __init__(self, octets):
        (self.length, self.type, self.flags, self.serial,
         self.error) = struct.unpack_from("=IHHIi", octets)
        assert self.length == len(octets)
        self.values = parse(octets[16:])


class Ctl:
    """One connection.  hello=False leaves everything to the caller."""

    def __init__(self, run_dir, hello=True, timeout=10):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.connect(f"{run_dir}/control.sock")
        self.s.settimeout(timeout)  # not before: a full backlog would fail
        self.serial = 0
        if hello:
            self.greeting = self.recv()
            self.request(HELLO, {"VERSION": 1})

    def recv(self):
        octets = self.s.recv(MAX + 1)
        return Message(octets) if octets else None

    def request(self, kind, values=None, fds=()):
        """-> rows, errno value, text of the end.  fds go with it."""
        self.serial += 1
        octets = message(kind, values, self.serial)
        if fds:
            socket.send_fds(self.s, [octets], list(fds))
        else:
            self.s.send(octets)
        rows = []
        while True:
            m = self.recv()
            if m is None:
                raise ConnectionResetError
            if m.type == EVENT:
                continue
            assert m.serial == self.serial and m.type == kind, vars(m)
            assert m.flags & REPLY
            if not m.flags & MORE:
                return rows, m.error, m.values.get("TEXT", "")
            rows.append(m.values)

    def close(self):
        self.s.close()


class Fake:
    """A running ctl_fake; a context manager."""

    association = "db"

    def __init__(self, run_dir, *args, env=None):
        self.run_dir = run_dir
        self.p = subprocess.Popen(
            [f"{BUILD}/test/lib/ctl_fake", run_dir, *args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            bufsize=1, env=dict(os.environ, **(env or {})))
        self.pid = self.p.pid
        assert self.p.stdout.readline() == "ready\n", "ctl_fake did not start"

    def tell(self, line):
        """Sends a command, returns what it printed before "done"."""
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        out = ""
        while True:
            got = self.p.stdout.readline()
            if got in ("done\n", ""):
                return out
            out += got

    def rss(self):
        return int(self.tell("rss").split()[1])

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.p.stdin.close()
        try:
            self.p.wait(10)
        except subprocess.TimeoutExpired:
            self.p.kill()
        self.p.stdout.close()


class Tap:
    """Counts and prints; end() prints the plan and exits."""

    def __init__(self):
        self.n = self.bad = 0

    def ok(self, good, what, why=""):
        self.n += 1
        print(f"{'ok' if good else 'not ok'} {self.n} - {what}", flush=True)
        if not good:
            self.bad += 1
            print(f"# {what}: {why}", file=sys.stderr)
        return good

    def skip(self, what, why):
        self.n += 1
        print(f"ok {self.n} - {what} # SKIP {why}", flush=True)

    def end(self):
        print(f"1..{self.n}")
        sys.exit(1 if self.bad else 0)


def wait_readable(s, secs):
    return bool(select.select([s], [], [], secs)[0])
