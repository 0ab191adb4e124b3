# SPDX-License-Identifier: GPL-2.0-or-later
"""A file system of one file, `noise`, whose answers the test holds back: who
opens or reads it hangs in the kernel, where not even SIGKILL reaches him; or
whose reads fail, from when the test says.  It
speaks FUSE's protocol itself and needs root and /dev/fuse."""
import atexit
import ctypes
import os
import struct
import threading

LOOKUP, FORGET, GETATTR, OPEN, READ = 1, 2, 3, 14, 15
STATFS, RELEASE, FLUSH, INIT, INTERRUPT, BATCH_FORGET = 17, 18, 25, 26, 36, 42
ENOENT, ENOSYS = 2, 38
ROOT, NOISE = 1, 2
DIRECT_IO = 1
libc = ctypes.CDLL(None, use_errno=True)


def attr(node):
    # No size: what is read was not stored.
    mode = 0o40755 if node == ROOT else 0o100644
    return struct.pack("<6Q10I", node, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0,
                       0, 0, 4096, 0)


class HungFs:
    """OSError where it can't be mounted.  `hang`: OPEN or READ, the requests
    that get no answer before thaw(); `held` has them.  `error`: the errno that
    reads fail with.  `content`: what is read at each opening, from its
    beginning; else noise without end."""

    def __init__(self, path, hang=None, error=0, content=None):
        self.path, self.hang, self.held = path, hang, []
        self.error, self.content = error, content
        self.lock = threading.Lock()
        os.makedirs(path, exist_ok=True)
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        options = (f"fd={self.fd},rootmode=40000,user_id=0,group_id=0,"
                   "allow_other")
        if libc.mount(b"hungfs", path.encode(), b"fuse", 2 | 4,
                      options.encode()) != 0:
            err = ctypes.get_errno()
            os.close(self.fd)
            raise OSError(err, os.strerror(err))
        self.file = f"{path}/noise"
        atexit.register(self.stop)
        threading.Thread(target=self.serve, daemon=True).start()

    def reply(self, unique, data=b"", err=0):
        try:
            os.write(self.fd, struct.pack("<IiQ", 16 + len(data), -err, unique)
                     + data)
        except OSError:
            pass  # nobody waits for it any more

    def answer(self, op, unique, node, body):
        if op == INIT:
            self.reply(unique, struct.pack("<4I2H2I2H8I", 7, 31, 65536, 0, 0,
                                           0, 65536, 1, 0, 0, *[0] * 8))
        elif op == LOOKUP:
            if body.rstrip(b"\0") == b"noise":
                self.reply(unique, struct.pack("<4Q2I", NOISE, 0, 3600, 3600,
                                               0, 0) + attr(NOISE))
            else:
                self.reply(unique, err=ENOENT)
        elif op == GETATTR:
            self.reply(unique, struct.pack("<Q2I", 3600, 0, 0) + attr(node))
        elif op == OPEN:
            self.reply(unique, struct.pack("<Q2I", 0, DIRECT_IO, 0))
        elif op == READ and self.error:
            self.reply(unique, err=self.error)
        elif op == READ:
            offset, size = struct.unpack_from("<QI", body, 8)
            self.reply(unique, os.urandom(size) if self.content is None else
                       self.content[offset:offset + size])
        elif op == STATFS:
            self.reply(unique, bytes(80))
        elif op in (RELEASE, FLUSH):
            self.reply(unique)
        elif op not in (FORGET, BATCH_FORGET, INTERRUPT):
            self.reply(unique, err=ENOSYS)

    def serve(self):
        while True:
            try:
                packet = os.read(self.fd, 1 << 18)
            except OSError:
                return
            _, op, unique, node = struct.unpack_from("<2I2Q", packet)
            request = (op, unique, node, packet[40:])
            with self.lock:
                hangs = op == self.hang
                if hangs:
                    self.held.append(request)
            if not hangs:
                self.answer(*request)

    def thaw(self):
        """From now on it answers everything, what it held back, too."""
        with self.lock:
            self.hang, held, self.held = None, self.held, []
        for request in held:
            self.answer(*request)

    def stop(self):
        atexit.unregister(self.stop)
        libc.umount2(self.path.encode(), 2)  # MNT_DETACH
        os.close(self.fd)
