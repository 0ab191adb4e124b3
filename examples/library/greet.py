#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# greet.py ASSOCIATION ADDRESS PORT: greet_client in a dozen lines.
import ctypes, os, socket, sys
lib = ctypes.CDLL("libnfipsec.so.0")
def check(result):
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
check(lib.nfipsec_bind(s.fileno(), sys.argv[1].encode()))
s.connect((sys.argv[2], int(sys.argv[3])))
print("SAID", check(lib.nfipsec_said(s.fileno())))
info = ctypes.create_string_buffer(1024)  # struct nfipsec_info: name, principal
check(lib.nfipsec_peer(s.fileno(), info))
print(info[0:64].rstrip(b"\0").decode(), info[64:320].rstrip(b"\0").decode())
print(s.makefile().read(), end="")
