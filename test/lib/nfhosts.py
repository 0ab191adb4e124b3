# SPDX-License-Identifier: GPL-2.0-or-later
"""nfhosts: hosts made of network namespaces, for tests and the demo.

    two hosts                            more
    +--------+  eth0 -- eth0  +--------+   every eth0 is a port of a bridge
    |   a    |----------------|   b    |   in a namespace of its own (`wire`)
    +--------+                +--------+
    10.77.0.1                 10.77.0.2    fd77::1, fd77::2 with ipv6=True

    from nfhosts import Hosts, Tap
    tap = Tap()
    with Hosts(2) as (a, b):
        a.start(a.transport_conf(b))     # one association, manual keys;
        b.start(b.transport_conf(a))     # returns when status says ready
        with b.capture() as wire:
            r = a.run(["ping", "-c1", "-W2", b.addr])
        tap.ok(r.returncode == 0, "ping arrives")
        tap.ok(len(wire.esp()) == 2, "two ESP packets on the wire")
        tap.ok(not wire.clear(), "nothing clear between the hosts")
    tap.done()

Names carry the pid, run-dir and state-dir lie in one temporary folder, and
everything is undone when the block is left, by an exception, by exit or by
SIGTERM.  Nothing outside the namespaces is touched.  Programs under test are
those of $NFIPSEC_BUILD (default: build/ of this tree).  Needs root.
"""
import atexit
import collections
import contextlib
import json
import mmap
import os
import re
import secrets
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("NFIPSEC_BUILD", os.path.join(TOP, "build"))
# Everything is slower under sanitizers and emulation.
SANITIZED = os.path.basename(BUILD) in ("asan", "tsan", "cov")
PATIENCE = float(os.environ.get("NFIPSEC_PATIENCE", "4" if SANITIZED else "1"))

KEYMAT = {"aes128-gcm": 20, "aes192-gcm": 28, "aes256-gcm": 36,
          "chacha20-poly1305": 36}

Esp = collections.namedtuple("Esp", "time src dst spi seq iv length")
Ip = collections.namedtuple("Ip", "time src dst proto payload fragment")


def bin_path(name):
    return os.path.join(BUILD, "bin", name)


def wait_for(what, secs, text=None, step=0.02):
    """Calls what() until it is true; TimeoutError with text otherwise."""
    end = time.monotonic() + secs * PATIENCE
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > end:
            raise TimeoutError(text or f"{what} not true after {secs} s")
        time.sleep(step)


def stand_still(pid):
    """Stops a process; returns when none of its threads runs any more."""
    def states():
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/stat", encoding="utf-8") as f:
                yield f.read().rpartition(")")[2].split()[0]
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: set(states()) == {"T"}, 20, "it does not stop")


class Tap:
    """Test Anything Protocol on stdout; diagnostics are `# ` lines."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, good, name, diag=None):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}",
              flush=True)
        if not good and diag is not None:
            self.diag(diag)
        return bool(good)

    def equal(self, got, want, name):
        return self.ok(got == want, name, f"got {got!r}, want {want!r}")

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}", flush=True)

    @staticmethod
    def diag(text):
        for line in str(text).splitlines():
            print(f"# {line}", flush=True)

    @staticmethod
    def skip_all(why):
        print(f"1..0 # SKIP {why}")
        sys.exit(0)

    def done(self):
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failed else 0)


def need_root():
    if os.geteuid() != 0:
        Tap.skip_all("needs root for network namespaces")


class Capture:
    """tcpdump on a host's eth0, both directions, from the moment the object
    exists until stop().  `dropped` is what tcpdump lost: a proof that
    something is absent has to check that it is 0."""

    def __init__(self, host, path, expression=""):
        self.host, self.path = host, path
        self.dropped = None
        self._err = open(path + ".err", "w+", encoding="utf-8")
        argv = ["tcpdump", "-n", "-U", "-p", "-i", "eth0", "-s", "0", "-B",
                "65536", "-w", path] + ([expression] if expression else [])
        self._proc = host.popen(argv, stderr=self._err,
                                stdout=subprocess.DEVNULL)
        wait_for(lambda: "listening on" in self._stderr(), 10,
                 f"tcpdump did not start: {self._stderr()}")

    def _stderr(self):
        with open(self.path + ".err", encoding="utf-8") as f:
            return f.read()

    def stop(self):
        if self._proc is None:
            return self
        # the kernel hands its buffer over once a second at latest
        time.sleep(0.2 * PATIENCE + 1)
        self._proc.send_signal(signal.SIGINT)
        self._proc.wait(30)
        self._proc = None
        self._err.close()
        self.dropped = 0
        for line in self._stderr().splitlines():
            words = line.split()
            if "dropped" in words:
                self.dropped += int(words[0])
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def find(self, octets):
        """How often these octets stand anywhere in the capture."""
        if os.path.getsize(self.path) == 0:
            return 0
        with open(self.path, "rb") as f, \
                mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
            n, at = 0, m.find(octets)
            while at >= 0:
                n += 1
                at = m.find(octets, at + len(octets))
            return n

    def frames(self):
        """(time, Ethernet frame) of every packet."""
        with open(self.path, "rb") as f:
            head = f.read(24)
            if len(head) < 24:
                return
            order = "<" if head[:4] == b"\xd4\xc3\xb2\xa1" else ">"
            unpack = struct.Struct(order + "IIII").unpack
            while len(rec := f.read(16)) == 16:
                secs, usecs, stored, _ = unpack(rec)
                yield secs + usecs / 1e6, f.read(stored)

    def ip(self):
        """Ip of every IPv4 and IPv6 packet (extension headers are not
        walked; the payload of a later fragment starts with its data)."""
        for when, frame in self.frames():
            kind = frame[12:14]
            if kind == b"\x08\x00" and len(frame) >= 34:
                ihl = (frame[14] & 15) * 4
                total = struct.unpack("!H", frame[16:18])[0]
                # a GSO packet of 64 KB may say 0
                end = 14 + total if total else len(frame)
                frag = struct.unpack("!H", frame[20:22])[0] & 0x3fff
                yield Ip(when, ".".join(map(str, frame[26:30])),
                         ".".join(map(str, frame[30:34])), frame[23],
                         frame[14 + ihl:end], frag)
            elif kind == b"\x86\xdd" and len(frame) >= 54:
                yield Ip(when, frame[22:38].hex(), frame[38:54].hex(),
                         frame[20], frame[54:], 0)

    def esp(self, src=None):
        """Esp of every ESP packet, optionally of one sender.  `iv` are the
        8 octets behind the sequence number; `length` the octets of ESP."""
        out = []
        for p in self.ip():
            if p.proto != 50 or p.fragment & 0x1fff or \
                    (src is not None and p.src != src):
                continue
            spi, seq = struct.unpack("!II", p.payload[:8])
            out.append(Esp(p.time, p.src, p.dst, spi, seq, p.payload[8:16],
                           len(p.payload)))
        return out

    def clear(self, protos=(6, 17)):
        """Every packet of these protocols (TCP and UDP; add 1 for ICMP)."""
        return [p for p in self.ip() if p.proto in protos]

    def text(self, count=10, *options):
        """What tcpdump prints of it."""
        return subprocess.run(
            ["tcpdump", "-n", "-t", "-r", self.path, "-c", str(count),
             *options], capture_output=True, text=True, check=False).stdout


class Host:
    """One namespace.  Made by Hosts."""

    def __init__(self, hosts, index):
        self.hosts = hosts
        self.name = chr(ord("a") + index)
        self.ns = f"nf{os.getpid()}{self.name}"
        self.addr = f"10.77.0.{index + 1}"
        self.addr6 = f"fd77::{index + 1}"
        self.dir = os.path.join(hosts.dir, self.name)
        self.run_dir = os.path.join(self.dir, "run")
        self.state_dir = os.path.join(self.dir, "state")
        self.conf = os.path.join(self.dir, "nfipsec.conf")
        self.log = os.path.join(self.dir, "nfipsecd.log")
        self.daemon = None
        self._captures = 0
        for d in (self.dir, self.run_dir, self.state_dir):
            os.makedirs(d, mode=0o700, exist_ok=True)

    # ---- commands in the namespace ----

    def _argv(self, argv):
        # not `ip netns exec`: that remounts /sys and hides cgroups
        return ["nsenter", f"--net=/run/netns/{self.ns}", "--", *argv]

    def run(self, argv, timeout=60, check=False, **kw):
        """subprocess.run in the namespace; output captured as text."""
        kw.setdefault("capture_output", True)
        kw.setdefault("text", True)
        return subprocess.run(self._argv(argv), timeout=timeout * PATIENCE,
                              check=check, **kw)

    def out(self, argv, **kw):
        """stdout of a command that must succeed."""
        r = self.run(argv, **kw)
        if r.returncode != 0:
            raise RuntimeError(f"{self.name}: {' '.join(argv)}: "
                               f"{r.returncode}: {r.stderr}")
        return r.stdout

    def popen(self, argv, **kw):
        """subprocess.Popen in the namespace; killed at the end at latest.
        nsenter executes the command, so the pid is the command's own."""
        kw.setdefault("stdin", subprocess.DEVNULL)
        p = subprocess.Popen(self._argv(argv), start_new_session=True, **kw)
        self.hosts.procs.append(p)
        return p

    def nft(self, text):
        """Loads nft text into the namespace."""
        self.out(["nft", "-f", "-"], input=text)

    # ---- configuration ----

    def transport_conf(self, peer, cipher="aes128-gcm", flow_out=None,
                       flow_in=None, options="", extra="", name="link",
                       said=0x100, more=""):
        """Text of a configuration that protects everything between self and
        peer by one association (`name`) with manual keys.  Both ends get the
        same keys, random ones, from the pair.  flow_out and flow_in replace
        the flow expressions (a list makes several); `extra` is put before
        the flows, `more` inside the association."""
        keys = self.hosts.keys(self, peer, cipher, name)
        mine, theirs = keys[self.name], keys[peer.name]
        outs = flow_out if flow_out is not None else \
            [f"ip daddr {peer.addr}"]
        ins = flow_in if flow_in is not None else [f"ip saddr {peer.addr}"]
        outs = [outs] if isinstance(outs, str) else outs
        ins = [ins] if isinstance(ins, str) else ins
        flows = [f'flow out {name} "{e}"' for e in outs] + \
            [f'flow in {name} "{e}"' for e in ins]
        lines = "\n".join(flows)
        return f"""options {{
	workers 1
	{options}
}}
association {name} {{
	said {said:#x}
	local {self.addr}
	peer {peer.addr}
	mode transport
	protect esp {cipher}
	{more}
	keying manual {{
		out spi {mine[0]:#x} key 0x{mine[1]}
		in spi {theirs[0]:#x} key 0x{theirs[1]}
	}}
}}
{extra}
{lines}
"""

    def write_conf(self, text):
        with open(os.open(self.conf, os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
                          0o600), "w", encoding="utf-8") as f:
            f.write(text)

    # ---- nfipsecd ----

    def start(self, conf=None, ready=True, args=(), timeout=15, **kw):
        """Starts nfipsecd, with conf (text) as its configuration if given,
        and waits until `nfipsec status` says ready.  kw: as for popen."""
        if conf is not None:
            self.write_conf(conf)
        with open(self.log, "ab") as log:
            begin = log.tell()
            self.daemon = self.popen(
                [bin_path("nfipsecd"), "-c", self.conf, "--run-dir",
                 self.run_dir, "--state-dir", self.state_dir, *args],
                stdout=log, stderr=log, **kw)
        if ready:
            # a former daemon's engine, while it dies, might answer as well
            self.wait_ready(timeout, lambda: self.told_ready(begin))
        return self.daemon

    def wait_ready(self, timeout=15, also=lambda: True):
        def ready():
            if self.daemon is not None and self.daemon.poll() is not None:
                raise RuntimeError(f"{self.name}: nfipsecd ended with "
                                   f"{self.daemon.returncode}:\n"
                                   + self.log_text())
            return also() and self.nfipsec("status").returncode == 0
        try:
            wait_for(ready, timeout)
        except TimeoutError:
            raise TimeoutError(
                f"{self.name}: not ready after {timeout} s:\n"
                + self.nfipsec("status").stdout + self.log_text()) from None

    def nfipsec(self, *args, **kw):
        """The command line, on this host's daemon."""
        return self.run([bin_path("nfipsec"), "--run-dir", self.run_dir,
                         *args], **kw)

    def json(self, *args):
        """The objects of `nfipsec -j ...`, without metainfo."""
        r = self.nfipsec("-j", *args)
        if r.returncode not in (0, 1):
            raise RuntimeError(f"nfipsec -j {args}: {r.returncode}: "
                               f"{r.stderr}")
        return [o for o in json.loads(r.stdout)["nfipsec"]
                if "metainfo" not in o]

    def sas(self):
        return [o["sa"] for o in self.json("show", "sa") if "sa" in o]

    def drops(self):
        """{(direction, reason): packets}"""
        return {(o["drop"]["direction"], o["drop"]["reason"]):
                o["drop"]["packets"] for o in self.json("show", "drops")
                if "drop" in o}

    def lost(self):
        """Packets that anything here counts as dropped, but for the probes."""
        drops = sum(n for (_, why), n in self.drops().items()
                    if why != "probe")
        queues = (o["queue"] for o in self.json("show", "queues")
                  if "queue" in o)
        return drops + sum(q["kernel_drops"] + q["user_drops"]
                           for q in queues)

    def parked(self):
        """Packets that wait for keys."""
        return self.json("status")[0]["status"]["parked"]

    def queued(self):
        """{queue: packets that no verdict was given for}, the kernel's"""
        rows = self.out(["cat", "/proc/net/netfilter/nfnetlink_queue"])
        return {int(row.split()[0]): int(row.split()[2])
                for row in rows.splitlines()}

    def forget_sas(self):
        """As if never negotiated."""
        old = self.sas()
        for s in old:
            self.nfipsec("delete", "sa", s["direction"], "esp", s["peer"],
                         str(s["spi"]))
        old = {s["spi"] for s in old}
        wait_for(lambda: not old & {s["spi"] for s in self.sas()}, 5,
                 f"{self.name}: SAs stay")

    def retransmitted(self):
        """Segments that its TCP has sent again."""
        names, numbers = (line.split() for line in
                          self.out(["cat", "/proc/net/snmp"]).splitlines()
                          if line.startswith("Tcp:"))
        return int(dict(zip(names, numbers))["RetransSegs"])

    def want_keys(self, address):
        """A packet to there that nobody waits for."""
        self.run([sys.executable, "-c", "import socket;s=socket.socket(2,2);"
                  f"s.sendto(b'x',('{address}',9))"])

    def told_ready(self, begin):
        """In the log, behind its first `begin` octets."""
        with open(self.log, "rb") as f:
            f.seek(begin)
            return b"nfipsecd: ready" in f.read()

    def log_text(self, last=4000):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, errors="replace", encoding="utf-8") as f:
            return f.read()[-last:]

    def engine_pid(self):
        """The engine's pid, or None while there is none."""
        if self.daemon is None:
            return None
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/stat", encoding="utf-8",
                          errors="replace") as f:
                    ppid = int(f.read().rpartition(")")[2].split()[1])
                if ppid != self.daemon.pid:
                    continue
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    if f.read().startswith(b"nfipsecd: engine"):
                        return int(pid)
        return None

    def kill_engine(self):
        """SIGKILL to the engine; returns its pid."""
        pid = wait_for(self.engine_pid, 5, "no engine to kill")
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_supervisor(self):
        self.daemon.kill()
        self.daemon.wait(10)
        self.daemon = None

    def stop(self, timeout=10):
        """SIGTERM, as systemd does; returns the exit status."""
        if self.daemon is None:
            return None
        self.daemon.terminate()
        try:
            return self.daemon.wait(timeout * PATIENCE)
        finally:
            self.daemon = None

    # ---- things to look at and to transfer ----

    def capture(self, expression=""):
        self._captures += 1
        return Capture(self, os.path.join(
            self.dir, f"wire{self._captures}.pcap"), expression)

    def serve(self, folder, port=8000):
        """A real web server (Python's) for a folder."""
        with open(os.path.join(self.dir, "http.log"), "ab") as log:
            p = self.popen([sys.executable, "-m", "http.server", str(port),
                            "--bind", self.addr, "--directory", folder],
                           stdout=log, stderr=log)
        wait_for(lambda: f":{port} " in self.out(["ss", "-Htln"]), 10,
                 "the web server does not listen")
        return p


class Hosts:
    """N hosts; a context manager whose value is the list of them."""

    def __init__(self, count=2, ipv6=False, mtu=1500, bridge=None):
        need_root()
        self.dir = tempfile.mkdtemp(prefix="nfhosts.")
        self.procs = []
        self._keys = {}
        self._namespaces = []
        self._closed = False
        atexit.register(self.close)
        self._old = {s: signal.signal(s, lambda *_: sys.exit(143))
                     for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
        self.hosts = [Host(self, i) for i in range(count)]
        try:
            self._wire(ipv6, mtu, count > 2 if bridge is None else bridge)
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _ip(*args):
        r = subprocess.run(["ip", *args], capture_output=True, text=True,
                           check=False)
        if r.returncode != 0:
            raise RuntimeError(f"ip {' '.join(args)}: {r.stderr}")

    def _namespace(self, name):
        self._ip("netns", "add", name)
        self._namespaces.append(name)
        self._ip("-n", name, "link", "set", "lo", "up")

    def _wire(self, ipv6, mtu, bridge):
        for h in self.hosts:
            self._namespace(h.ns)
        if bridge:
            wire = f"nf{os.getpid()}wire"
            self._namespace(wire)
            self._ip("-n", wire, "link", "add", "br0", "type", "bridge",
                     "mcast_snooping", "0")
            self._ip("-n", wire, "link", "set", "br0", "up")
            for h in self.hosts:
                port = "port_" + h.name
                self._ip("-n", wire, "link", "add", port, "type", "veth",
                         "peer", "name", "eth0", "netns", h.ns)
                self._ip("-n", wire, "link", "set", port, "mtu", str(mtu),
                         "master", "br0", "up")
        else:
            a, b = self.hosts
            self._ip("-n", a.ns, "link", "add", "eth0", "type", "veth",
                     "peer", "name", "eth0", "netns", b.ns)
        for h in self.hosts:
            # stray multicast would only disturb counts
            h.out(["sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6="
                   + ("0" if ipv6 else "1")])
            self._ip("-n", h.ns, "addr", "add", f"{h.addr}/24", "dev", "eth0")
            if ipv6:
                self._ip("-n", h.ns, "addr", "add", f"{h.addr6}/64", "dev",
                         "eth0", "nodad")
            self._ip("-n", h.ns, "link", "set", "eth0", "mtu", str(mtu), "up")

    def keys(self, a, b, cipher, name):
        """{host name: (its outbound SPI, hex key)} for the pair."""
        pair = (*sorted((a.name, b.name)), cipher, name)
        if pair not in self._keys:
            base = 0x1000 + 0x10 * len(self._keys)
            self._keys[pair] = {
                n: (base + i, secrets.token_hex(KEYMAT[cipher]))
                for i, n in enumerate(pair[:2], 1)}
        return self._keys[pair]

    def __enter__(self):
        return self.hosts

    def __exit__(self, *exc):
        if exc[0] is not None:
            for h in self.hosts:
                for line in h.log_text().splitlines():
                    print(f"# {h.name}: {line}", file=sys.stderr)
        found = self.sanitizer_reports()
        self.close()
        if found:
            print("\n".join(found), file=sys.stderr)
            raise RuntimeError("a sanitizer found something")

    def sanitizer_reports(self):
        """What any program said into a log of ours, from the first line that
        a sanitizer wrote."""
        found = []
        for folder, _, names in os.walk(self.dir):
            for path in (os.path.join(folder, n) for n in names):
                if not path.endswith((".log", ".out", ".err")):
                    continue
                with open(path, errors="replace", encoding="utf-8") as f:
                    text = f.read()
                m = re.search(r"^.*(==\d+==ERROR: |WARNING: ThreadSanitizer|"
                              r"runtime error: )", text, re.M)
                if m:
                    found.append(f"{path}:\n{text[m.start():][:6000]}")
        return found

    def close(self):
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        for p in reversed(self.procs):
            if p.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(p.pid, signal.SIGKILL)
                p.wait()
        for name in self._namespaces:
            # a mutant's engine may outlive all that we know of
            left = subprocess.run(["ip", "netns", "pids", name], check=False,
                                  capture_output=True, text=True).stdout
            for pid in map(int, left.split()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", name], check=False,
                           capture_output=True)
        shutil.rmtree(self.dir, ignore_errors=True)
        for s, handler in self._old.items():
            signal.signal(s, handler)


def random_file(path, octets, canary):
    """A file of about `octets` octets in which the canary stands every
    1000; the rest is noise, so that nothing compresses or repeats.  Returns
    its length."""
    with open(path, "wb") as f:
        noise = secrets.token_bytes(1000 - len(canary))
        block = bytearray()
        for i in range(octets // 1000):
            block += canary + i.to_bytes(8, "big") + noise[8:]
            if len(block) >= 1 << 20:
                f.write(block)
                block.clear()
        f.write(block)
    return octets // 1000 * 1000


def sha256_file(path):
    out = subprocess.run(["sha256sum", path], check=True,
                         capture_output=True, text=True).stdout
    return out.split()[0]
