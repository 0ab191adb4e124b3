# SPDX-License-Identifier: GPL-2.0-or-later
"""ctlabuse: clients of the control socket that do harm, on purpose or not.

After each attack the server answers others within 100 ms, and holds no more
memory or descriptors than before.  Used against ctl_fake and against the real
engine: whoever serves is given as an object with pid, rss() and the name of an
association that has two SAs of aes128-gcm."""
import errno
import os
import resource
import socket
import struct
import threading
import time

import nfctl
from nfctl import Ctl, Tap, message

tap = Tap()
CLIENTS_MAX = 128  # SERVER_CLIENTS_MAX
PER_USER = 16  # SERVER_PER_USER
SANITIZED = any(x in nfctl.BUILD for x in ("asan", "tsan"))
LIMIT_MS = 1000 if SANITIZED else 100


def fds(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def answers(d, tries=5):
    """Milliseconds until a newcomer has the status; the best of a few, for
    the machine is shared."""
    best = 1e9
    for _ in range(tries):
        start = time.monotonic()
        c = Ctl(d)
        rows, error, _ = c.request(nfctl.STATUS)
        best = min(best, (time.monotonic() - start) * 1000)
        c.close()
        if error or len(rows) != 1:
            return 1e9
        if best < LIMIT_MS:
            break
    return best


def check(server, d, what, before, slack=256 << 10):
    ms = answers(d)
    tap.ok(ms < LIMIT_MS, f"{what}: others are served", f"{ms:.0f} ms")
    # Descriptors of those who left go within a step of the server's loop.
    end = time.monotonic() + 5
    while fds(server) > before["fds"] and time.monotonic() < end:
        time.sleep(0.02)
    tap.ok(fds(server) <= before["fds"], f"{what}: no descriptor is left",
           f"{before['fds']} -> {fds(server)}")
    grown = server.rss() - before["rss"]
    tap.ok(SANITIZED or grown <= slack, f"{what}: memory is as before",
           f"+{grown} octets")


def raw(d, *octets):
    """Says hello, sends the octets as they are; the last answer's error, or
    None when the server hung up at once."""
    c = Ctl(d)
    error = None
    try:
        for o in octets:
            c.s.send(o)
        while True:
            m = c.recv()
            if m is None:
                break
            error = m.error
            if not m.flags & nfctl.MORE:
                c.s.settimeout(0.3)
    except (ConnectionResetError, BrokenPipeError, TimeoutError):
        pass
    c.close()
    return error


def many_connections(server, d, before):
    mine, refused = [], 0
    for _ in range(10000):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.connect(f"{d}/control.sock")
        mine.append(s)
    ms = answers(d)
    tap.ok(ms < LIMIT_MS, "served beside 10,000 connections", f"{ms:.0f} ms")
    held = fds(server) - before["fds"]
    tap.ok(held <= CLIENTS_MAX, "10,000 connections: a bounded number is held",
           held)
    for s in mine:
        s.setblocking(False)
        try:
            s.recv(8192)
            refused += s.recv(8192) == b""
        except (BlockingIOError, ConnectionResetError):
            pass
    tap.ok(refused >= 10000 - CLIENTS_MAX, "the others were closed", refused)
    for s in mine:
        s.close()
    check(server, d, "10,000 connections", before)


def silent_connections(server, d, before):
    """No hello: closed after SERVER_HELLO_MS, and evicted before that."""
    mine = [Ctl(d, hello=False) for _ in range(CLIENTS_MAX)]
    ms = answers(d)
    tap.ok(ms < LIMIT_MS, "served when all places are taken by the silent",
           f"{ms:.0f} ms")
    end = time.monotonic() + 8
    while fds(server) > before["fds"] and time.monotonic() < end:
        time.sleep(0.1)
    tap.ok(fds(server) <= before["fds"], "who says no hello is closed in time",
           fds(server))
    for c in mine:
        c.close()
    check(server, d, "silent clients", before)


def malformed(server, d, before):
    ok = message(nfctl.STATUS)
    head = struct.Struct("=IHHIi")
    bad = {
        "an empty message": b"\0",
        "half a head": ok[:8],
        "a head cut by one": ok[:15],
        "length too large": head.pack(4000, nfctl.STATUS, 0, 1, 0),
        "length too small": head.pack(8, nfctl.STATUS, 0, 1, 0),
        "length 2^32-1": head.pack(2**32 - 1, nfctl.STATUS, 0, 1, 0),
        "a reply": message(nfctl.STATUS, flags=1),
        "attribute cut": message(nfctl.SAS, raw=b"\x06\0\x04\0\0\0"),
        "attribute of 65535": message(nfctl.SAS, raw=b"\x06\0\xff\xff" +
                                      bytes(100)),
        "attribute twice": message(nfctl.SAS, raw=nfctl.attr(
            6, bytes(4)) * 2),
        "a number of 3 octets": message(nfctl.SAS, raw=nfctl.attr(6, b"abc")),
        "padding not zero": message(nfctl.SAS, raw=b"\x18\0\x01\0axyz"),
        "required one missing": message(nfctl.EXPORT),
        "nested cut": message(nfctl.ADD_PAIR, raw=nfctl.attr(
            70, b"\x1c\0\x04\0")),
    }
    for what, octets in bad.items():
        error = raw(d, octets)
        tap.ok(error == errno.EBADMSG, f"{what}: refused", error)
    polite = {
        "a control character": (nfctl.SAS, nfctl.attr(24, b"a\x1b[2J"),
                                errno.EINVAL),
        "UTF-8 that is none": (nfctl.SAS, nfctl.attr(24, b"\xc0\x80"),
                               errno.EINVAL),
        "a name of 64 octets": (nfctl.SAS, nfctl.attr(24, b"a" * 64),
                                errno.EINVAL),
        "a prefix of 33 bits": (nfctl.REKEY, nfctl.attr(24, b"db") +
                                nfctl.attr(34, bytes(16) + b"\4\x21\0\0"),
                                errno.EINVAL),
        "an unknown attribute": (nfctl.STATUS, nfctl.attr(999, b""),
                                 errno.EOPNOTSUPP),
        "one of another request": (nfctl.STATUS, nfctl.attr(6, bytes(4)),
                                   errno.EOPNOTSUPP),
        "an unknown flag": (nfctl.RELOAD, nfctl.attr(6, b"\4\0\0\0"),
                            errno.EINVAL),
        "an unknown request": (4711, b"", errno.EOPNOTSUPP),
        "an event": (nfctl.EVENT, b"", errno.EOPNOTSUPP),
    }
    c = Ctl(d)
    for what, (kind, body, want) in polite.items():
        c.s.send(message(kind, raw=body))
        m = c.recv()
        tap.ok(m.error == want, f"{what}: refused, connection stays", m.error)
    rows, error, _ = c.request(nfctl.STATUS)
    tap.ok(error == 0 and len(rows) == 1, "and served after all of it")
    c.close()
    error = raw(d, message(nfctl.SAS, raw=bytes(8192)))
    tap.ok(error == errno.EMSGSIZE, "over 8192 octets: refused", error)
    error = raw(d, b"\xff" * 200000)
    tap.ok(error == errno.EMSGSIZE, "200,000 octets: refused", error)
    check(server, d, "malformed messages", before)


def no_hello(server, d, before):
    c = Ctl(d, hello=False)
    tap.ok(c.recv().type == nfctl.HELLO, "the server speaks first")
    c.s.send(message(nfctl.STATUS))
    tap.ok(c.recv().error == errno.EPROTO and c.recv() is None,
           "a request before hello: refused, closed")
    c.close()
    c = Ctl(d, hello=False)
    c.recv()
    c.s.send(message(nfctl.HELLO, {"VERSION": 2}))
    tap.ok(c.recv().error == errno.EPROTONOSUPPORT and c.recv() is None,
           "another version: refused, closed")
    c.close()


def keys(server, d, before):
    """Not on the socket at all, unless asked for."""
    c = Ctl(d)
    rows, _, _ = c.request(nfctl.SAS, {"ASSOCIATION": server.association})
    tap.ok(len(rows) == 2 and not any("KEY" in r or "AUTH_KEY" in r
                                      for r in rows), "no keys unasked", rows)
    if os.geteuid() == 0:
        rows, _, _ = c.request(nfctl.SAS, {"ASSOCIATION": server.association,
                                         "FLAGS": 1})
        tap.ok([len(r["KEY"]) for r in rows] == [20, 20], "keys for root",
               rows)
    else:
        _, error, _ = c.request(nfctl.SAS, {"FLAGS": 1})
        tap.ok(error == errno.EPERM, "no keys for others", error)
    c.close()


def slow_readers(server, d, before):
    """Ask for everything, read nothing."""
    mine = []
    for kind, values in ((nfctl.SAS, {}), (nfctl.EXPORT, {"WHICH": 1}),
                         (nfctl.SUBSCRIBE, {"MASK": 0x1fe})):
        for _ in range(20):
            c = Ctl(d)
            c.serial += 1
            c.s.send(message(kind, values, c.serial))
            mine.append(c)
    time.sleep(0.2)
    server.tell("flood 20000")
    ms = answers(d)
    tap.ok(ms < LIMIT_MS, "served beside readers that do not read",
           f"{ms:.0f} ms")
    # All rows are there for a reader that was late.
    late, rows = mine[0], 0
    while True:
        m = late.recv()
        if not m.flags & nfctl.MORE:
            break
        rows += 1
    tap.ok(rows == 20003 and m.error == 0, "a late reader still gets all",
           rows)
    # The one that lost events is told how many.
    late, told, lost = mine[-1], 0, 0
    late.s.settimeout(2)
    late.recv()
    while told + lost < 20000:
        m = late.recv()
        told += m.values.get("EVENT") == 1
        lost += m.values.get("LOST", 0)
    tap.ok(lost > 0 and told + lost == 20000,
           "events told and events lost add up", f"{told} + {lost}")
    for c in mine:
        c.close()
    check(server, d, "slow readers", before, slack=2 << 20)


def descriptors(server, d, before):
    """Passing descriptors where none belong."""
    c = Ctl(d)
    for _ in range(200):
        r, w = os.pipe()
        socket.send_fds(c.s, [message(nfctl.STATUS)], [r, w] * 10)
        os.close(r)
        os.close(w)
        while c.recv().flags & nfctl.MORE:
            pass
    # Threads of their own close them.
    end = time.monotonic() + 5
    while fds(server) > before["fds"] + 1 and time.monotonic() < end:
        time.sleep(0.01)
    tap.ok(fds(server) <= before["fds"] + 1, "passed descriptors are dropped",
           f"{before['fds']} -> {fds(server)}")
    c.close()
    check(server, d, "junk descriptors", before)


def knock(d):
    """As another user: is a greeting, and that hello comes first, all that
    is heard?"""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(f"{d}/control.sock")
    try:
        s.send(message(nfctl.STATUS))
        s.send(b"\xff" * 100000)
    except OSError:
        pass
    errors, resets = [], 0
    while resets < 3:
        try:
            got = s.recv(8192)
        except ConnectionResetError:
            resets += 1
            continue
        if not got:
            break
        errors.append(nfctl.Message(got).error)
    s.close()
    return errors in ([0], [0, errno.EPROTO], [errno.EBUSY])


ROOTS = [(nfctl.STATUS, {}), (nfctl.ASSOCS, {}), (nfctl.SAS, {}),
         (nfctl.SAS, {"FLAGS": 1}), (nfctl.DROPS, {}), (nfctl.QUEUES, {}),
         (nfctl.FLOWS, {}), (nfctl.EXPORT, {"WHICH": 1}), (nfctl.RELOAD, {}),
         (nfctl.DISABLE, {}), (nfctl.DELETE_SA, {
             "DIRECTION": 1, "PROTOCOL": 50, "SPI": 0x1001,
             "PEER": "10.77.0.2"}),
         (nfctl.REKEY, {"ASSOCIATION": "db"}),
         (nfctl.SUBSCRIBE, {"MASK": 2})]


def ask_all(d):
    """As another user: is each of root's requests refused?"""
    c = Ctl(d)
    good = c.greeting.values["RIGHTS"] == 2
    for kind, values in ROOTS:
        rows, error, _ = c.request(kind, values)
        good &= rows == [] and error == errno.EPERM
    c.close()
    return good


def crowd(d):
    """As another user: how many connections are held at a time?"""
    mine = [Ctl(d) for _ in range(100)]
    alive = 0
    for c in mine:
        try:
            alive += c.request(nfctl.STATUS)[1] == errno.EPERM
        except OSError:
            pass
    for c in mine:
        c.close()
    return alive


def wrong_user(server, d, before):
    """Another user may ask for little, and has few places."""
    if os.geteuid() != 0:
        tap.skip("another user", "needs root")
        return
    os.chmod(d, 0o755)
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        said = b"failed"
        try:
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            held = crowd(d)
            said = (b"all" if all(knock(d) for _ in range(2000)) and
                    ask_all(d) and 1 <= held <= PER_USER else
                    b"not all, %d held" % held)
        finally:
            os.write(w, said)
            os._exit(0)
    ms = answers(d)
    tap.ok(ms < LIMIT_MS, "served beside another user's connections",
           f"{ms:.0f} ms")
    os.waitpid(pid, 0)
    said = os.read(r, 100)
    tap.ok(said == b"all", "another user is refused what is root's, and has "
           f"at most {PER_USER} places", said)
    os.close(r)
    os.close(w)
    check(server, d, "another user", before)


def sudden_ends(server, d, before):
    """Clients that leave in the middle of everything, several at once."""
    def one():
        for i in range(200):
            c = Ctl(d)
            c.s.send(message([nfctl.SAS, nfctl.EXPORT, nfctl.DROPS,
                              nfctl.SUBSCRIBE][i % 4],
                             [{}, {"WHICH": 2}, {}, {"MASK": 2}][i % 4]))
            if i % 3:
                c.recv()
            c.close()
    threads = [threading.Thread(target=one) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(server, d, "clients that leave", before, slack=1 << 20)


ATTACKS = [no_hello, keys, malformed, descriptors, wrong_user, sudden_ends,
           slow_readers, many_connections, silent_connections]


def attack_all(server, d, attacks):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (11000, max(hard, 11000)))
    # Once over everything, so that what is allocated once is there.
    c = Ctl(d)
    c.request(nfctl.SUBSCRIBE, {"MASK": 0x1fe})
    for kind in (nfctl.SAS, nfctl.DROPS):
        c.request(kind)
    c.request(nfctl.EXPORT, {"WHICH": 1})
    c.close()
    answers(d)
    before = {"fds": fds(server), "rss": server.rss()}
    for attack in attacks:
        attack(server, d, before)
