# SPDX-License-Identifier: GPL-2.0-or-later
"""An entropyd of the test's own: its sockets, status and processes."""
import atexit
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

BUILD = os.environ.get("NFIPSEC_BUILD", "build")
PROGRAM = f"{BUILD}/bin/entropyd"


class Daemon:
    """Starts entropyd in a folder of its own, or with a run directory that
    is there; stop() also cleans up."""

    def __init__(self, *args, prefix=(), run=None):
        self.dir = tempfile.mkdtemp(prefix=f"entropyd.{os.getpid()}.")
        os.chmod(self.dir, 0o755)
        self.run = run or f"{self.dir}/run"
        self.state = f"{self.dir}/state"
        self.log = open(f"{self.dir}/log", "w+b")
        self.started = time.monotonic()
        self.p = subprocess.Popen(
            [*prefix, PROGRAM, "--run-dir", self.run, "--state-dir",
             self.state, *args], stderr=self.log, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL)
        atexit.register(self.stop)
        self.wait(lambda: self.p.poll() is not None or self.listens(), 60)

    def listens(self):
        """Its sockets are there a moment before anybody may connect."""
        self.connect("entropy-status.sock").close()
        return True

    def wait(self, what, secs):
        """Polls until what() is true; -> seconds since the start, or None"""
        until = time.monotonic() + secs
        while time.monotonic() < until:
            try:
                if what():
                    return time.monotonic() - self.started
            except (OSError, KeyError):
                pass
            time.sleep(0.005)
        return None

    def connect(self, name="entropy.sock", timeout=5):
        s = socket.socket(socket.AF_UNIX)
        s.connect(f"{self.run}/{name}")  # waits while the backlog is full
        s.settimeout(timeout)
        return s

    def read(self, n=32, timeout=5):
        with self.connect(timeout=timeout) as s:
            s.sendall(struct.pack(">H", n))
            return receive(s, n)

    def status(self):
        """{'pool': {...}, 'source hwrng': {...}, ...}, values as text"""
        with self.connect("entropy-status.sock") as s:
            text = b""
            while True:
                part = s.recv(65536)
                if not part:
                    break
                text += part
        out = {}
        for line in text.decode().splitlines():
            word, *pairs = line.split(" ")
            values = dict(p.split("=", 1) for p in pairs)
            if word == "source":
                word += " " + values["name"]
            out[word] = values
        return out

    def source(self, name, key):
        return self.status()[f"source {name}"][key]

    def processes(self):
        """{title: pid} of the daemon and its descendants"""
        children = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as f:
                    parent = int(f.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(pid))
        todo, found = [self.p.pid], {}
        while todo:
            pid = todo.pop()
            todo += children.get(pid, [])
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    found[f.read().split(b"\0")[0].decode()] = pid
            except OSError:
                pass
        return found

    def messages(self):
        self.log.flush()
        with open(f"{self.dir}/log", errors="replace") as f:
            return f.read()

    def stop(self, sig=signal.SIGTERM, clean=True):
        if self.p.poll() is None:
            self.p.send_signal(sig)
        try:
            rc = self.p.wait(10)
        except subprocess.TimeoutExpired:
            self.p.kill()
            rc = self.p.wait()
        if clean:
            atexit.unregister(self.stop)
            self.log.close()
            shutil.rmtree(self.dir, ignore_errors=True)
        return rc


class Fifo:
    """A device that gives what `make(n)` makes, `rate` octets a second."""

    def __init__(self, path, make=os.urandom, rate=None):
        self.path = path
        os.mkfifo(self.path)
        self.make, self.rate, self.over = make, rate, False
        # O_RDWR: opening does not wait for the reader, nor end with it
        self.fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        self.feeder = threading.Thread(target=self.feed, daemon=True)
        self.feeder.start()

    def feed(self):
        while not self.over:
            try:
                os.write(self.fd, self.make(1 if self.rate else 512))
            except BlockingIOError:
                time.sleep(0.002)
            if self.rate:
                time.sleep(1 / self.rate)

    def stop(self):
        self.over = True
        self.feeder.join()
        os.close(self.fd)


def receive(s, n):
    out = b""
    while len(out) < n:
        part = s.recv(n - len(out))
        if not part:
            break
        out += part
    return out


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(word) for word in f.read().split()]


def proc_status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f
                    if ":\t" in line)


def cpu_ns(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/schedstat") as f:
            total += int(f.read().split()[0])
    return total
