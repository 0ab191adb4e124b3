# SPDX-License-Identifier: GPL-2.0-or-later
"""keyview: a keynegd that says what it is told to say, on its socket.

    with View(run_dir, TEXT):
        ...                      # nfipsec --run-dir run_dir show peers
"""
import contextlib
import os
import socket
import threading

TEXT = "".join("\t".join(line) + "\n" for line in [
    ["keynegd", "version=1", "up_secs=7", "engine=1"],
    ["peer", "association=realm", "said=272", "local=10.77.0.1",
     "peer=10.77.0.9", "principal=kink/web2.example.com@EXAMPLE.COM",
     "method=kink", "state=failed", "role=", "algorithms=",
     "forward_secrecy=", "spi_in=0", "spi_out=0", "age_secs=-1",
     "rekey_secs=-1", "expires_secs=-1", "heard_secs=-1", "exchanges=0",
     "failures=3", "why=the KDC does not know the principal", "why_secs=12"],
    ["peer", "association=db", "said=256", "local=10.77.0.1",
     "peer=10.77.0.2", "principal=kink/db.example.com@EXAMPLE.COM",
     "method=kink", "state=up", "role=initiator",
     "algorithms=esp aes256-gcm", "forward_secrecy=curve25519",
     "spi_in=3235826430", "spi_out=4097", "age_secs=310", "rekey_secs=24000",
     "expires_secs=28490", "heard_secs=310", "exchanges=1", "failures=0",
     "why=", "why_secs=-1", "later=unknown keys are skipped"],
    ["peer", "association=", "said=0", "local=10.77.0.1", "peer=10.77.0.66",
     "principal=kink/mallory@EXAMPLE.COM\x1b[2J", "method=kink",
     "state=refused", "role=", "algorithms=", "forward_secrecy=", "spi_in=0",
     "spi_out=0", "age_secs=-1", "rekey_secs=-1", "expires_secs=-1",
     "heard_secs=-1", "exchanges=0", "failures=2",
     "why=the address is another principal's by `principals`",
     "why_secs=4000"],
    ["exchanges", "method=kink", "result=done-initiator", "count=1"],
    ["exchanges", "method=kink", "result=failed", "count=3"],
    ["messages", "method=kink", "event=sent", "count=9"],
    ["gossip", "of=others"],
    ["end", "complete=1"]])


class View:
    def __init__(self, run_dir, text=TEXT):
        self.path = os.path.join(run_dir, "keynegd.sock")
        self.text = text.encode()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            with s, contextlib.suppress(OSError):
                s.sendall(self.text)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)
