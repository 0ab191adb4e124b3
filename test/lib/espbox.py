# SPDX-License-Identifier: GPL-2.0-or-later
"""espbox: the program test/lib/espbox.c as a Python object.

    box = Box()
    box.sa("out", "esp", 0x1001, "aes128-gcm", key=key, flags="esn")
    kind, what = box.out(packet)    # "replace", octets | "drop", reason
    kind, what = box.inbound(packet)
"""
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
LOCAL, PEER = "10.77.0.1", "10.77.0.2"
SAID, DONE = 256, 0x3fff


class Box:
    def __init__(self):
        build = os.environ.get("NFIPSEC_BUILD", f"{TOP}/build")
        self.child = subprocess.Popen(
            [f"{build}/test/espbox"], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.child.stdin.close()
        if self.child.wait(10) != 0:
            raise RuntimeError(f"espbox: status {self.child.returncode}")

    def ask(self, question):
        self.child.stdin.write(question + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline()
        if not answer:
            raise RuntimeError(f"espbox died of: {question[:200]}")
        return answer.strip()

    def must(self, question):
        answer = self.ask(question)
        if answer != "ok":
            raise RuntimeError(f"{question[:200]}: {answer}")

    def sa(self, way, protocol, spi, enc=None, auth=None, key=b"",
           auth_key=b"", flags="-", window=64, seq=None, peer=PEER):
        seq = (1 if way == "out" else 0) if seq is None else seq
        self.must(f"sa {way} {protocol} {spi:x} {enc or 'none'} "
                  f"{auth or 'none'} {flags} {key.hex() or '-'} "
                  f"{auth_key.hex() or '-'} {window} {LOCAL} {peer} {seq}")

    def packet(self, way, octets, mark):
        words = self.ask(f"{way} {octets.hex() or '-'}").split()
        if words[0] == "accept":
            return "accept", None
        if words[0] == "replace":
            if int(words[2], 16) != mark:
                raise RuntimeError(f"mark {words[2]}, not {mark:x}")
            return "replace", bytes.fromhex(words[1])
        return words[0], " ".join(words[1:])

    def out(self, octets):
        return self.packet("out", octets, DONE)

    def inbound(self, octets):
        return self.packet("in", octets, SAID)

    def dummy(self, octets):
        words = self.ask(f"dummy {octets}").split()
        return words[0], bytes.fromhex(words[1]) if words[0] == "replace" \
            else " ".join(words[1:])

    def edge(self):
        return int(self.ask("edge"))
