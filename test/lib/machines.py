# SPDX-License-Identifier: GPL-2.0-or-later
"""machines: two fresh Debian machines and a wire between them.

    with Machines(tap) as (first, second):   # 10.77.0.1, 10.77.0.2
        out = first.run("ping -c 1 10.77.0.2").out

They are qemu's (test/vm/vm -f), joined by their eth0.  A command is given to a
root's shell by a serial port (test/newcomer/agent).  One that was shut down is
booted again from its disk, by another qemu.
"""
import base64
import collections
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BOOT_SECS = 400
COMMAND_SECS = 400
Done = collections.namedtuple("Done", "status out")


class Machine:
    def __init__(self, number, folder, limit):
        self.name = ("first", "second")[number]
        self.addr = f"10.77.0.{number + 1}"
        self.number, self.folder, self.limit = number, folder, limit
        self.log = open(f"{folder}/{self.name}.log", "wb+")
        self.boot()

    def boot(self):
        """Begins to: wait_boot() is when it's there."""
        folder, number = self.folder, self.number
        self.n = 0
        self.buf = b""
        port = f"{folder}/{self.name}.port"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(port)
        mine, other = (f"{folder}/{n}.wire" for n in
                       (self.name, ("second", "first")[number]))
        env = dict(os.environ, NFIPSEC_VM_MB="1024", NFIPSEC_VM_QEMU=" ".join([
            "-serial mon:stdio",
            f"-serial unix:{port},server=on,wait=off",
            f"-netdev dgram,id=wire,local.type=unix,local.path={mine},"
            f"remote.type=unix,remote.path={other}",
            f"-device virtio-net-pci,netdev=wire,mac=52:54:00:77:00:0"
            f"{number + 1}"]))
        self.vm = subprocess.Popen(
            [f"{TOP}/test/vm/vm", "-t", str(self.limit), "-f", self.name,
             f"{self.addr}/24", f"{folder}/{self.name}.disk",
             f"{TOP}/test/newcomer/agent"],
            env=env, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT, start_new_session=True)
        self.port = self.connect(port)

    def connect(self, path):
        """None when there is no qemu or no Debian."""
        end = time.monotonic() + BOOT_SECS
        while time.monotonic() < end:
            if self.vm.poll() is not None:
                return None
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(path)
                return s
            except OSError:
                s.close()
                time.sleep(0.2)
        raise TimeoutError(f"{self.name}: qemu does not start")

    def said(self):
        """What the virtual machine and qemu said, for a failure's report."""
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")

    def line(self, secs):
        end = time.monotonic() + secs
        while b"\n" not in self.buf:
            self.port.settimeout(max(0.1, end - time.monotonic()))
            try:
                more = self.port.recv(65536)
            except TimeoutError:
                more = None
            if more == b"" or time.monotonic() > end:
                raise TimeoutError(f"{self.name}: no answer: {self.said()}")
            self.buf += more or b""
        line, self.buf = self.buf.split(b"\n", 1)
        return line.split(b" ")

    def wait_boot(self):
        while self.line(BOOT_SECS) != [b"0", b"-"]:
            pass

    def run(self, command, secs=COMMAND_SECS):
        self.n += 1
        self.port.sendall(b"%d %s\n" % (
            self.n, base64.b64encode(command.encode())))
        while True:
            got = self.line(secs)
            if got[0] == b"%d" % self.n:
                return Done(int(got[1]), base64.b64decode(got[2]).decode(
                    "utf-8", "replace"))

    def background(self, command, out):
        """Its output goes to the file `out` there; its pid."""
        return self.run(f"setsid bash -c {shquote(command)} >{out} 2>&1 & "
                        "echo $!").out.strip()

    def until(self, command, secs=200):
        """Runs command until it is done with status 0."""
        end = time.monotonic() + secs
        while True:
            got = self.run(command)
            if got.status == 0:
                return got
            if time.monotonic() > end:
                raise TimeoutError(f"{self.name}: {command}: {got.out}")
            time.sleep(0.5)

    def shut_down(self):
        """In peace; returns when the machine is off."""
        self.port.sendall(b"%d %s\n" % (self.n + 1, base64.b64encode(
            b"systemctl --no-block poweroff")))
        self.vm.wait(COMMAND_SECS)
        self.port.close()

    def end(self):
        if self.vm.poll() is None:
            with contextlib.suppress(OSError, AttributeError):
                self.port.sendall(b"0 end\n")
            try:
                self.vm.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(self.vm.pid, signal.SIGTERM)
                self.vm.wait()
        if self.port is not None:
            self.port.close()
        self.log.close()


def shquote(text):
    return "'" + text.replace("'", "'\\''") + "'"


class Machines:
    """Both, booted.  Says SKIP and exits when there is no qemu or Debian."""

    def __init__(self, limit=3000):
        self.limit = limit
        self.folder = tempfile.mkdtemp()
        self.both = []

    def stop_all(self, *_):
        """On SIGTERM: nobody has a minute for a shutdown."""
        for m in self.both:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(m.vm.pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
        os._exit(1)

    def __enter__(self):
        signal.signal(signal.SIGTERM, self.stop_all)
        try:
            # one after the other makes the image that both read
            for number in (0, 1):
                m = Machine(number, self.folder, self.limit)
                self.both.append(m)
                if m.port is None:
                    status, said = m.vm.returncode, m.said()
                    if status != 77:
                        raise RuntimeError(f"{m.name}: {status}: {said}")
                    self.__exit__()
                    print(f"1..0 # SKIP {said.strip()}")
                    sys.exit(0)
            for m in self.both:
                m.wait_boot()
        except BaseException:
            self.__exit__()
            raise
        return self.both

    def __exit__(self, *_):
        for m in self.both:
            m.end()
        shutil.rmtree(self.folder, ignore_errors=True)
