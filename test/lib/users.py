# SPDX-License-Identifier: GPL-2.0-or-later
"""users: a function called as another user on a host of nfhosts.py."""
import os
import pickle
import traceback

from espcraft import CLONE_NEWNET, _libc


def reachable(path):
    """Lets everybody walk to the run-dir of a test."""
    while path != "/tmp" and os.path.dirname(path) != path:
        os.chmod(path, 0o755)
        path = os.path.dirname(path)


def as_user(host, uid, fn, gid=65534, groups=(), before=None):
    """fn() in a forked process of this user in the host's namespace; what it
    returns, or an AssertionError with its traceback.  before() is called
    there first, as root; fn then gets what it returned."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            there = os.open(f"/run/netns/{host.ns}", os.O_RDONLY)
            assert _libc.setns(there, CLONE_NEWNET) == 0
            args = [] if before is None else [before()]
            os.setgroups(list(groups))
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            out = (True, fn(*args))
        except BaseException:  # noqa: B902
            out = (False, traceback.format_exc())
        with os.fdopen(w, "wb") as f:
            pickle.dump(out, f)
        os._exit(0)
    os.close(w)
    with os.fdopen(r, "rb") as f:
        good, got = pickle.load(f)
    os.waitpid(pid, 0)
    if not good:
        raise AssertionError(got)
    return got
