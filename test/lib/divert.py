# SPDX-License-Identifier: GPL-2.0-or-later
"""divert: the tables on a test host, with a fake engine instead of ours.

    with Hosts(2) as (a, b):
        a.table = Tables(a, conf(a, b, 'flow out link "udp dport 7"'))
        a.table.counts()["drop-out-unknown-said"]

The fake engine's ESP hides nothing (test/net/fake_engine.h); `fake_esp` makes
and `fake_open` reads it.  $DIVERT_VARIANT (queue, xt) forces a form of queue
rule."""
import os
import socket
import struct
import subprocess

from espcraft import socket_in
from nfhosts import BUILD, PATIENCE

SO_MARK = 36
SAID = 0x100


def conf(host, peer, *flows, options="", said=SAID, name="link", more="",
         peer_addr=None):
    """One association towards the peer, and these statements."""
    return f"""options {{
	workers 2
	{options}
}}
association {name} {{
	said {said:#x}
	local any
	peer {peer_addr or peer.addr}
	mode transport
	protect esp aes128-gcm
	keying manual {{
		out spi 0x1001 key 0x{host.name.encode().hex():0>40}
		in spi 0x1002 key 0x{peer.name.encode().hex():0>40}
	}}
}}
{more}
""" + "\n".join(flows) + "\n"


class Refused(Exception):
    pass


class Tables:
    """A running divert_driver.  Its tables go with it, the guard stays."""

    def __init__(self, host, text, engine=True, env=None, netns=None):
        self.host = host
        self.path = os.path.join(host.dir, "tables.conf")
        self.stderr = os.path.join(host.dir, "tables.err")
        argv = [os.path.join(BUILD, "test/net/divert_driver")]
        argv += ["-e"] if engine else []
        variant = os.environ.get("DIVERT_VARIANT")
        argv += ["-v", variant] if variant else []
        with open(self.stderr, "wb") as err:
            self.proc = host.popen(
                (netns or []) + argv + [self.write(text)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err,
                text=True, env={**os.environ, **(env or {})})
        self.answer()

    def write(self, text):
        with open(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
                          0o600), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path

    def answer(self):
        lines = []
        while True:
            line = self.proc.stdout.readline()
            if line == "":
                raise Refused("no answer: " + self.errors())
            line = line.rstrip("\n")
            if line == "ok":
                return lines
            if line.startswith("error "):
                raise Refused(line[6:])
            lines.append(line)

    def ask(self, command):
        self.proc.stdin.write(command + "\n")
        self.proc.stdin.flush()
        return self.answer()

    def reload(self, text):
        self.ask("reload " + self.write(text))

    def plan(self, text):
        return self.ask("try " + self.write(text))

    def counts(self):
        return {n: int(v) for n, v in
                (line.split() for line in self.ask("counts"))}

    def packets(self):
        """[seal-tcp, seal, decap]"""
        return [int(line.split()[1]) for line in self.ask("packets")]

    def errors(self):
        with open(self.stderr, encoding="utf-8", errors="replace") as f:
            return f.read()

    def kill(self):
        self.proc.kill()
        self.proc.wait(10)

    def quit(self):
        self.proc.stdin.write("quit\n")
        self.proc.stdin.flush()
        return self.proc.wait(10 * PATIENCE)


class Counting:
    """What the counters gained inside the block."""

    def __init__(self, tables):
        self.tables, self.gain = tables, {}

    def __enter__(self):
        self.before = self.tables.counts()
        return self

    def __exit__(self, *exc):
        if exc[0] is None:
            now = self.tables.counts()
            self.gain = {k: v - self.before.get(k, 0) for k, v in now.items()
                         if v != self.before.get(k, 0)}

    def __getitem__(self, name):
        """Of the main table and the guard's together."""
        return self.gain.get(name, 0) + self.gain.get("guard/" + name, 0)


def fake_esp(said, protocol, payload):
    return struct.pack(">IIB3x", 0x10000 + said, 1, protocol) + payload


def fake_open(packet):
    """(SAID, protocol, payload) of an IPv4 packet of the fake engine."""
    spi, _, protocol = struct.unpack(">IIB", packet[20:29])
    return spi - 0x10000, protocol, packet[32:]


def bound_socket(host, kind, mark=SAID, family=socket.AF_INET, timeout=2):
    s = socket_in(host, family, kind)
    s.setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
    s.settimeout(timeout * PATIENCE)
    return s


def plain_socket(host, kind, family=socket.AF_INET, timeout=2):
    s = socket_in(host, family, kind)
    s.settimeout(timeout * PATIENCE)
    return s


def mark_of(sock):
    return sock.getsockopt(socket.SOL_SOCKET, SO_MARK)
