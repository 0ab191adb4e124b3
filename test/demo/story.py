# SPDX-License-Identifier: GPL-2.0-or-later
"""story: how the demonstrations talk: headings, what was done and seen, and
what must be so, which is checked."""
import sys

TTY = sys.stdout.isatty()
failures = []


def head(text):
    print(f"\n\033[1m{text}\033[0m" if TTY else f"\n{text}", flush=True)


def say(text=""):
    for line in text.splitlines() or [""]:
        print(f"    {line.expandtabs(4)}".rstrip(), flush=True)


def check(good, text):
    mark = "ok  " if good else "FAIL"
    if TTY:
        mark = f"\033[{32 if good else 31}m{mark}\033[0m"
    print(f"  {mark} {text}", flush=True)
    if not good:
        failures.append(text)


def dump(octets):
    """As tcpdump -X, 16 octets a line."""
    for at in range(0, len(octets), 16):
        row = octets[at:at + 16]
        text = "".join(chr(c) if 32 <= c < 127 else "." for c in row)
        say(f"{row.hex(' ', 2):<40} {text}")


def end(start, now):
    print(f"\n{'FAILED: ' + str(len(failures)) if failures else 'All of it held'}"
          f"; {now - start:.0f} s.")
    sys.exit(1 if failures else 0)
