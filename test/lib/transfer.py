# SPDX-License-Identifier: GPL-2.0-or-later
"""transfer: one protected file between two hosts, while something goes wrong.

   a: nfipsecd, client   <- one TCP stream, 20 MB ->   b: nfipsecd, web server

    faults = Faults()

    @faults.add("engine killed")
    def engine_killed(a, b):
        a.kill_engine()

    faults.run(tap)         # with FAULT=text only those whose name holds it

The stream is slow until the fault is over, so that it happens in the middle,
however late it comes; then it goes as fast as it can.  After each fault: no
plaintext octet was on the wire (the file is full of
canaries, and no TCP, UDP or ICMP may be seen at all), no (SPI, sequence
number) and no IV was sent twice, the file is whole, and in each direction what
was sent is what was opened plus what was counted as dropped.  Keywords of add:

    upload      a sends the file
    restarts    hosts whose supervisor is restarted ("a", "b", "ab"): its
                counters begin anew; see balance()
    options     for both configurations
    octets      how long the file is; 20 MB
    quick       as fast as it goes from the start, not at 3 MB/s
    full        the host whose queue is too short, and must say so
    kills       how often the fault kills an engine of each host
    prepare     called with both hosts before the transfer
    small_state the state directory is a tmpfs of 64 KB
"""
import collections
import contextlib
import os
import subprocess
import sys
import threading
import time

from espcraft import Injector, Listener
from nfhosts import PATIENCE, Hosts, random_file, sha256_file, wait_for

CANARY = b"nfipsec canary: this must never be on the wire"
OCTETS, RATE = 20_000_000, 3_000_000  # a second
# What an engine that dies may have opened and not let go yet: its worker's
# batch (engine/nfq/worker.c).
BATCH = 64
# What the right edge of a replay window may be behind when a supervisor is
# killed (it is written once a second), and a little.
FORGOTTEN_SECS = 1.2
# Gets (or puts) one file by HTTP, so many octets a second until the file `over`
# is there.  What waits in its socket is little, or the sender were done long
# before it is.
CLIENT = """
import os, socket, sys, time
addr, way, path, rate, over = sys.argv[1:]
def pace(octets, begun=time.monotonic()):
    while not os.path.exists(over) and \\
            time.monotonic() - begun < octets / float(rate):
        time.sleep(0.005)
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
s.settimeout(60)
s.connect((addr, 8000))
r = s.makefile("rb")
done = 0
if way == "get":
    s.sendall(b"GET /file HTTP/1.0\\r\\n\\r\\n")
    words = r.readline().split()
    size = 0
    while line := r.readline().strip():
        if line.lower().startswith(b"content-length:"):
            size = int(line.split()[1])
    with open(path, "wb", buffering=0) as f:
        while done < size and (data := r.read1(1 << 16)):
            f.write(data)
            done += len(data)
            pace(done)
    sys.exit(words[1] != b"200" or done != size)
size = os.path.getsize(path)
s.sendall(b"PUT /file HTTP/1.0\\r\\nContent-Length: %d\\r\\n\\r\\n" % size)
with open(path, "rb") as f:
    while data := f.read(1 << 16):
        s.sendall(data)
        done += len(data)
        pace(done)
sys.exit(r.readline().split()[1] != b"201")
"""
RECEIVER = """
import http.server, sys
class Put(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        if self.headers.get("Expect"):
            self.send_response_only(100)
            self.end_headers()
        with open(sys.argv[2], "wb", buffering=0) as f:
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
        """Of a function that gets both hosts; it may return checks of its own,
        (whether it is good, what it says)."""
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


def touch(path):
    with open(path, "wb"):
        pass


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
        self.error, self.more = [], []

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
        """The hosts, the file, the server; -> what the client does."""
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
            return ["get", at_a]
        b.popen([sys.executable, "-c", RECEIVER, b.addr, at_b],
                stderr=subprocess.DEVNULL)
        wait_for(lambda: ":8000 " in b.out(["ss", "-Htln"]), 10,
                 "the receiver does not listen")
        return ["put", at_a]

    def move(self, do):
        """The transfer, the fault in the middle of it."""
        doing = self.start()
        over = os.path.join(self.a.dir, "over")
        if self.kw.get("quick"):
            touch(over)
        if "prepare" in self.kw:
            self.kw["prepare"](self.a, self.b)
        with self.b.capture() as self.wire:
            client = self.a.popen([sys.executable, "-c", CLIENT, self.b.addr,
                                   *doing, str(RATE), over],
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
                    self.more = do(self.a, self.b) or []
                except Exception as e:  # told below, whatever it is
                    self.error.append(f"{type(e).__name__}: {e}")
            t = threading.Thread(target=run)
            start = time.monotonic()
            self.late = not self.kw.get("quick") and client.poll() is not None
            t.start()
            t.join()
            self.over = time.time()
            touch(over)
            client.wait(90)
            self.took = time.monotonic() - start
            self.status = client.returncode
            self.silence()

    def silence(self):
        """Until TCP has nothing more to send, least of all the end of a
        connection again: it would come when the capture is over."""
        def busy():
            return any(h.out(["ss", "-Htn", *(w for state in (
                "established", "syn-sent", "syn-recv", "fin-wait-1",
                "close-wait", "last-ack", "closing") for w in
                ("state", state))]) for h in (self.a, self.b))
        with contextlib.suppress(TimeoutError):  # the balance will tell
            wait_for(lambda: not busy(), 10)

    def look(self):
        self.ok(not self.error and not self.late, "the fault itself",
                self.error or "the transfer was over before")
        for good, text in self.more:
            self.ok(good, text)
        self.ok(self.status == 0 and sha256_file(self.target) == self.want,
                f"the file arrives whole ({self.took:.1f} s)",
                f"client {self.status}, {self.a.drops()} {self.b.drops()}")
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
        # opened, and in the hands of one that died
        twice = min(now.unjudged, BATCH * self.kw.get("kills", 0))
        if h.name in self.kw.get("full", ""):
            self.ok(now.queue > 0, f"{h.name}'s queue counts what it drops",
                    now)
        text = (f"{peer.name} sent {len(esp)} = {h.name} opened "
                f"{now.opened} + dropped {now.dropped} + queue {now.queue}")
        if h.name not in self.kw.get("restarts", ""):
            self.ok(-twice <= lost <= 0, text,
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
        self.ok(-twice <= rest <= gap, f"{text} + {before.sum()} of the "
                f"former daemon + {rest} of the {gap} sent while it fell",
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
