# SPDX-License-Identifier: GPL-2.0-or-later
"""transfer: one protected file between two hosts, while something goes wrong.

   a: nfipsecd, curl   <- one TCP stream, 30 MB ->   b: nfipsecd, web server

    faults = Faults()

    @faults.add("engine killed")
    def engine_killed(a, b):
        a.kill_engine()

    faults.run(tap)         # with FAULT=text only those whose name holds it

After each fault: no plaintext octet was on the wire (the file is full of
canaries, and no TCP, UDP or ICMP may be seen at all), no (SPI, sequence
number) and no IV was sent twice, the file is whole, and in each direction what
was sent is what was opened plus what was counted as dropped.  Keywords of add:

    upload      a sends the file
    restarts    hosts whose supervisor is restarted ("a", "b", "ab"): its
                counters begin anew; see balance()
    options     for both configurations
    octets      how long the file is; 30 MB
    quick       as fast as it goes, not at 10 MB/s
    full        the host whose queue is too short, and must say so
    prepare     called with both hosts before the transfer
    small_state the state directory is a tmpfs of 64 KB
"""
import collections
import os
import subprocess
import sys
import threading
import time

from espcraft import Injector, Listener
from nfhosts import PATIENCE, Hosts, random_file, sha256_file, wait_for

CANARY = b"nfipsec canary: this must never be on the wire"
OCTETS, RATE = 30_000_000, "10M"
# What the right edge of a replay window may be behind when a supervisor is
# killed (it is written once a second), and a little.
FORGOTTEN_SECS = 1.2
RECEIVER = """
import http.server, sys
class Put(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        if self.headers.get("Expect"):
            self.send_response_only(100)
            self.end_headers()
        with open(sys.argv[2], "wb") as f:
            while left > 0:
                data = self.rfile.read(min(left, 1 << 16))
                if not data:
                    return
                f.write(data)
                left -= len(data)
        self.send_response(201)
        self.end_headers()
http.server.HTTPServer((sys.argv[1], 8000), Put).serve_forever()
"""


class Faults:
    def __init__(self):
        self.all = []

    def add(self, name, **kw):
        def register(do):
            self.all.append((name, do, kw))
            return do
        return register

    def run(self, tap):
        for name, do, kw in self.all:
            if os.environ.get("FAULT", "") not in name:
                continue
            try:
                Transfer(tap, name, kw).run(do)
            except (RuntimeError, TimeoutError, KeyError, OSError,
                    subprocess.SubprocessError) as e:
                tap.ok(False, f"{name}: ran to its end", repr(e))


class Ledger(collections.namedtuple("Ledger",
                                    "opened dropped queue unjudged")):
    """What a host knows of the packets that came for it.  `unjudged`, a part
    of `dropped`: an engine died over them, maybe after opening them, and then
    they stand under `opened` as well."""

    @classmethod
    def of(cls, host):
        sa = {s["direction"]: s for s in host.sas()}
        # what the kernel no longer wanted had been opened before; probes, and
        # what is left of one whose token went with its engine, never were on
        # the wire
        drops = host.drops()
        dropped = sum(n for (way, why), n in drops.items() if way == "in" and
                      why not in ("probe", "reserved-spi", "verdict"))
        queue = sum(q["kernel_drops"] + q["user_drops"] for q in
                    (o["queue"] for o in host.json("show", "queues")
                     if "queue" in o and o["queue"]["kind"] == "decap"))
        return cls(sa["in"]["packets"], dropped, queue,
                   drops.get(("in", "engine-restart"), 0))

    def sum(self):
        return self.opened + self.dropped + self.queue


class Transfer:
    def __init__(self, tap, name, kw):
        self.tap, self.name, self.kw = tap, name, kw
        self.error = []

    def ok(self, good, what, diag=None):
        return self.tap.ok(good, f"{self.name}: {what}", diag)

    def run(self, do):
        with Hosts(2) as (a, b):
            self.a, self.b = a, b
            self.mounted = []
            try:
                self.mount()
                self.move(do)
                self.look()
            finally:
                for h in self.mounted:
                    h.stop()
                    subprocess.run(["umount", h.state_dir], check=False)

    def mount(self):
        if self.kw.get("small_state"):
            for h in (self.a, self.b):
                subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k",
                                "state", h.state_dir], check=True)
                self.mounted.append(h)

    def start(self):
        """The hosts, the file, the server; -> curl's arguments."""
        a, b, kw = self.a, self.b, self.kw
        for h, peer in ((a, b), (b, a)):
            h.start(h.transport_conf(peer, options=kw.get("options", "")))
        www = os.path.join(b.dir, "www")
        os.mkdir(www)
        at_a, at_b = os.path.join(a.dir, "file"), os.path.join(www, "file")
        self.source, self.target = (at_a, at_b) if kw.get("upload") else \
            (at_b, at_a)
        random_file(self.source, kw.get("octets", OCTETS), CANARY)
        self.want = sha256_file(self.source)
        if not kw.get("upload"):
            b.serve(www)
            return ["-o", at_a]
        b.popen([sys.executable, "-c", RECEIVER, b.addr, at_b],
                stderr=subprocess.DEVNULL)
        wait_for(lambda: ":8000 " in b.out(["ss", "-Htln"]), 10,
                 "the receiver does not listen")
        return ["-T", at_a]

    def move(self, do):
        """The transfer, the fault in the middle of it."""
        argv = self.start()
        if not self.kw.get("quick"):
            argv += ["--limit-rate", RATE]
        if "prepare" in self.kw:
            self.kw["prepare"](self.a, self.b)
        with self.b.capture() as self.wire:
            curl = self.a.popen(["curl", "-s", "-m", "60", *argv,
                                 f"http://{self.b.addr}:8000/file"],
                                stdout=subprocess.DEVNULL)
            wait_for(lambda: os.path.exists(self.target) and
                     os.path.getsize(self.target) > 0, 20, "no transfer")
            # Of a restarted host some packets must be older than what it may
            # have forgotten.
            time.sleep(0.3 + (FORGOTTEN_SECS if "restarts" in self.kw else 0))
            self.seen = {h.name: (time.time(), Ledger.of(h))
                         for h in (self.a, self.b)}

            def run():
                try:
                    do(self.a, self.b)
                except Exception as e:  # told below, whatever it is
                    self.error.append(f"{type(e).__name__}: {e}")
            t = threading.Thread(target=run)
            start = time.monotonic()
            t.start()
            t.join()
            self.over = time.time()
            curl.wait(90)
            self.took = time.monotonic() - start
            self.curl = curl.returncode

    def look(self):
        self.ok(not self.error, "the fault itself", self.error)
        self.ok(self.curl == 0 and sha256_file(self.target) == self.want,
                f"the file arrives whole ({self.took:.1f} s)",
                f"curl {self.curl}, {self.a.drops()} {self.b.drops()}")
        clear = self.wire.clear(protos=(1, 6, 17))
        self.ok(not clear and self.wire.find(CANARY) == 0 and
                self.wire.dropped == 0, "nothing in clear",
                f"{len(clear)} clear {clear[:2]}, lost by tcpdump "
                f"{self.wire.dropped}")
        for h in (self.a, self.b):
            self.unique(h)
        for h, peer in ((self.a, self.b), (self.b, self.a)):
            self.balance(h, peer)
        for h, peer in ((self.a, self.b), (self.b, self.a)):
            if h.name in self.kw.get("restarts", ""):
                self.replays_refused(h, peer)

    def unique(self, h):
        esp = self.wire.esp(src=h.addr)
        numbers = collections.Counter((e.spi, e.seq) for e in esp)
        ivs = collections.Counter((e.spi, e.iv) for e in esp)
        twice = [k for k, n in numbers.items() if n > 1][:3]
        self.ok(esp and not twice and max(ivs.values()) == 1,
                f"no number and no IV of {h.name} twice ({len(esp)} packets)",
                twice)

    def balance(self, h, peer):
        """What the peer sent = what h opened + what h counted."""
        esp = self.wire.esp(src=peer.addr)
        now = Ledger.of(h)
        lost = len(esp) - now.sum()
        if h.name in self.kw.get("full", ""):
            self.ok(now.queue > 0, f"{h.name}'s queue counts what it drops",
                    now)
        text = (f"{peer.name} sent {len(esp)} = {h.name} opened "
                f"{now.opened} + dropped {now.dropped} + queue {now.queue}")
        if h.name not in self.kw.get("restarts", ""):
            self.ok(-now.unjudged <= lost <= 0, text,
                    f"{lost} not accounted for: {h.drops()}")
            return
        # A new supervisor counts from nothing.  What it did not count was
        # counted by the old one, or sent between the last look at that one
        # and the end of the fault.
        # What waited in its queue at that look was sent a little before.
        begun, before = self.seen[h.name]
        begun -= 0.1 * PATIENCE
        gap = sum(1 for e in esp if begun <= e.time <= self.over)
        rest = lost - before.sum()
        self.ok(-now.unjudged <= rest <= gap, f"{text} + {before.sum()} of the former "
                f"daemon + {rest} of the {gap} sent while it fell",
                f"{h.drops()}")

    def replays_refused(self, h, peer):
        """Packets of before and after the restart, sent again, reach nobody:
        but for those of the last second before it, whose right edge was not
        on the disk yet, and those that came while nobody listened; and no
        packet does twice."""
        old = [(t, f) for t, f in self.wire.frames()
               if f[12:14] == b"\x08\x00" and f[23] == 50 and
               f[26:30] == bytes(map(int, peer.addr.split(".")))]
        sample = old[::max(1, len(old) // 200)][:200]
        begun = self.seen[h.name][0] - FORGOTTEN_SECS
        late = sum(1 for t, _ in sample if begun <= t <= self.over)
        opened, refused, text = self.replay(h, peer, [f for _, f in sample])
        self.ok(sample and opened <= late < len(sample) and
                opened + refused >= len(sample),
                f"{refused} of {len(sample)} recorded packets are refused by "
                f"{h.name}, {late} may be new to it", text)
        again = self.replay(h, peer, [f for _, f in sample])
        self.ok(again[0] == 0 and again[1] >= len(sample),
                f"none of them is taken twice by {h.name}", again[2])

    @staticmethod
    def replay(h, peer, frames):
        """Sends them to h -> how many it opens, how many it refuses, and what
        its counters say."""
        before = Ledger.of(h)
        inject, listen = Injector(peer, h), Listener(peer)
        for frame in frames:
            inject.send(frame[14:])
        end = time.monotonic() + 2 * PATIENCE
        while True:
            after = Ledger.of(h)
            opened = after.opened - before.opened
            refused = after.dropped - before.dropped
            if opened + refused >= len(frames) or time.monotonic() > end:
                break
        inject.close()
        listen.close()
        return opened, refused, f"{before} -> {after} {h.drops()}"
