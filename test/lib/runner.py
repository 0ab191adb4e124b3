# SPDX-License-Identifier: GPL-2.0-or-later
"""runner: what tests of `nfipsec run` have in common."""
import ctypes
import errno
import os
import platform
import struct

USER = 3001

# What a program sees of its sockets; printed as Python.
LOOK = """
import socket, sys, time
def go(kind, to, port=9000, family=socket.AF_INET, say=b"canary-of-a-run"):
    s = socket.socket(family, kind)
    s.settimeout(5)
    start = time.monotonic()
    try:
        s.connect((to, port))
        s.send(say)
        got = s.recv(100).decode()
    except OSError as e:
        got = type(e).__name__
    return got, s.getsockopt(1, 36), time.monotonic() - start
TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM
"""
SERVERS = """
import socket, sys, threading
def tcp(family, at):
    s = socket.socket(family)
    s.bind((at, 9000)); s.listen()
    while True:
        c, _ = s.accept()
        c.send(c.recv(100).upper())
        c.close()
def udp(at):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((at, 9000))
    while True:
        text, who = s.recvfrom(100)
        s.sendto(text.upper(), who)
def dns(at):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((at, 53))
    while True:
        q, who = s.recvfrom(512)
        end = q.index(b"\\0", 12) + 5
        a = q[end - 4:end - 2] == b"\\0\\1"  # type A; others: no answer
        answer = (b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\1\\0\\4" +
                  socket.inet_aton("10.77.0.2"))
        s.sendto(q[:2] + b"\\x81\\x80\\0\\1" + (b"\\0\\1" if a else b"\\0\\0")
                 + bytes(4) + q[12:end] + (answer if a else b""), who)
for t, args in ((tcp, (socket.AF_INET, sys.argv[1])), (udp, sys.argv[1:]),
                (dns, sys.argv[1:])):
    threading.Thread(target=t, args=args).start()
"""


def mount():
    with open("/proc/mounts", encoding="ascii") as f:
        for line in f:
            if line.split()[2] == "cgroup2":
                return line.split()[1]
    return None


def here():
    """The folder of the cgroup that this test is in."""
    with open("/proc/self/cgroup", encoding="ascii") as f:
        for line in f:
            if line.startswith("0::"):
                return mount() + line.strip()[3:].rstrip("/")
    return None


def argv(a, words, uid, options=(), name="link"):
    return ["setpriv", "--reuid", str(uid), "--regid", str(uid),
            "--clear-groups", f"{a.hosts.dir}/nfipsec", "--run-dir",
            a.run_dir, "run", name, *options, "--", *words]


def without_bpf():
    """In a child before it executes nfipsecd: bpf(2) is refused from now on, to
    its children, too."""
    number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
    code = b"".join(struct.pack("=HBBI", *x) for x in (
        (0x20, 0, 0, 0),            # the call's number
        (0x15, 0, 1, number),       # not bpf: one further
        (0x06, 0, 0, 0x50000 | errno.EPERM),
        (0x06, 0, 0, 0x7fff0000)))  # allowed
    room = ctypes.create_string_buffer(code)
    prog = struct.pack("@HP", 4, ctypes.addressof(room))
    if ctypes.CDLL(None, use_errno=True).prctl(22, 2, prog, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")
