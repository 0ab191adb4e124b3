# SPDX-License-Identifier: GPL-2.0-or-later
"""vectors: the vector box as a child, and TAP lines; for the tests here."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))


def ask(questions):
    """-> the box's answer to each question, in order"""
    build = os.environ.get("NFIPSEC_BUILD", f"{TOP}/build")
    p = subprocess.run([f"{build}/test/vectorbox"], text=True,
                       input="".join(q + "\n" for q in questions),
                       stdout=subprocess.PIPE)
    answers = p.stdout.splitlines()
    if p.returncode != 0 or len(answers) != len(questions):
        sys.exit(f"vectorbox: status {p.returncode}, {len(answers)} answers "
                 f"to {len(questions)} questions")
    return answers


class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def ok(self, good, name):
        self.n += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}")

    def skip(self, name, why):
        self.n += 1
        print(f"ok {self.n} - {name} # SKIP {why}")

    def end(self):
        print(f"1..{self.n}")
        sys.exit(1 if self.failed else 0)
