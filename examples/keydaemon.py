#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""keydaemon.py SECRET-FILE [RUN-DIR]: a small key daemon for nfipsec(8).

Hosts that share a secret make keys (aes128-gcm) when a packet waits for them and
at soft limits, for associations without `keying`.  UDP port 4747 needs a bypass.
   acquire -> ask: nonce, SPI          ----->   peer installs its inbound SA
   installs both               <-----  answer:  nonce, SPI
                               done    ----->   peer installs its outbound SA"""
import hmac
import json
import secrets
import select
import socket
import subprocess
import sys
import time

PORT, PATIENCE, DELAY = 4747, 3, float((sys.argv[3:] + [0])[0])
secret, offered = open(sys.argv[1], "rb").read(), {}  # offers by our nonce
nfipsec = ["nfipsec", "--run-dir", (sys.argv + ["/run/nfipsec"])[2]]
asked, sock = {}, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("", PORT))


def install(m, local, peer, **spis):
    text = "".join(f"{word} spi {spi} key 0x" + hmac.digest(
        secret, f"{m['ni']} {m['nr']} {spi}".encode(), "sha256")[:20].hex()
        + "\n" for word, spi in spis.items())
    subprocess.run([*nfipsec, "add", "sa", m["association"], local, peer,
                    "--replace"], input=text, text=True, check=False)


def send(peer, **m):
    body = json.dumps(m).encode()
    sock.sendto(hmac.digest(secret, body, "sha256") + body, (peer, PORT))


def ask(e):
    if (who := (e["association"], e["peer"])) not in asked:
        m = {"kind": "ask", "association": who[0], "initiator": e["local"],
             "responder": who[1], "ni": secrets.token_hex(16),
             "si": secrets.randbelow(2**31) + 256}
        asked[who] = m, time.monotonic() + PATIENCE
    time.sleep(DELAY)
    send(who[1], **asked[who][0])


def hear(m):
    i, r = m["initiator"], m["responder"]
    if m["kind"] == "ask":
        m |= {"kind": "answer", "nr": secrets.token_hex(16),
              "sr": secrets.randbelow(2**31) + 256}
        install(m, r, i, **{"in": m["sr"]})
        offered[m["nr"]] = time.monotonic() + PATIENCE
        send(i, **m)
    elif m["kind"] == "answer" and asked.get(
            who := (m["association"], r), [{"ni": 0}])[0]["ni"] == m["ni"]:
        del asked[who]
        install(m, i, r, out=m["sr"], **{"in": m["si"]})
        send(r, **m | {"kind": "done"})
    elif m["kind"] == "done" and offered.pop(m["nr"], None):
        install(m, r, i, out=m["si"])


with subprocess.Popen([*nfipsec, "-j", "monitor", "acquire", "sa-soft"],
                      stdout=subprocess.PIPE, bufsize=0) as events:
    while events.poll() is None:
        ready = select.select([sock, events.stdout], [], [], 0.5)[0]
        got = sock.recv(2048) if sock in ready else b""
        if hmac.compare_digest(got[:32],
                               hmac.digest(secret, got[32:], "sha256")):
            hear(json.loads(got[32:]))
        if events.stdout in ready and (line := events.stdout.readline()):
            ask(*json.loads(line).values())
        offered = {n: t for n, t in offered.items() if t > time.monotonic()}
        for who in [w for w in asked if time.monotonic() > asked[w][1]]:
            del asked[who]
            subprocess.run([*nfipsec, "fail", *who, "no answer"], check=False)
