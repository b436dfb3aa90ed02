#!/usr/bin/env python3
"""A name server with faults, over UDP and TCP on one port, for the tests of Net.

The first label of a name says what becomes of the question; `counts.test` TXT tells what was asked.
usage: dns_peer.py
"""
import os
import socket
import struct
import sys
import threading
import time

A, NS, CNAME, MX, TXT, AAAA, CAA, OPT = 1, 2, 5, 15, 16, 28, 257, 41
counts = {"udp": 0, "tcp": 0, "edns": 0}
asked = {}


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def record(owner, kind, data):
    return owner + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def strings(*parts):
    return b"".join(bytes([len(p)]) + p for p in parts)


def caa(flags, tag, value):
    return bytes([flags, len(tag)]) + tag + value


def respond(packet, over):
    ident, flags, questions, _, _, extra = struct.unpack(">HHHHHH", packet[:12])
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1"))
        at += 1 + packet[at]
    kind = struct.unpack(">H", packet[at + 1:at + 3])[0]
    question = packet[12:at + 5]
    counts[over] += 1
    edns = extra > 0
    counts["edns"] += edns
    word = labels[0].lower() if labels else ""
    asked[word] = asked.get(word, 0) + 1
    here = b"\xc0\x0c"
    rcode, answers, bits = 0, [], 0
    if word == "nxdomain":
        rcode = 3
    elif word == "servfail":
        rcode = 2
    elif word == "hiccup" and asked[word] == 1:
        rcode = 2
    elif word == "refused":
        rcode = 5
    elif word == "notimp":
        rcode = 4
    elif word == "formerr":
        rcode = 1
    elif word == "noedns" and edns:
        rcode = 1
        return struct.pack(">HHHHHH", ident, 0x8180 | rcode, 1, 0, 0, 0) + question
    elif word == "silent":
        return None
    elif word == "second" and asked[word] == 1:
        return None
    elif word == "nodata":
        pass
    elif word == "broken":
        return struct.pack(">HHHHHH", ident, 0x8180, 1, 1, 0, 0) + question + b"\xc0\x0c\x00\x01\x00\x01\x00\x00"
    elif word == "loop":
        return struct.pack(">HHHHHH", ident, 0x8180, 1, 1, 0, 0) + question + b"\xc0" + bytes([12 + len(question)]) \
            + struct.pack(">HHIH", kind, 1, 60, 4) + b"\x7f\0\0\1"
    elif word == "forged":
        ident ^= 1
        answers.append(record(here, A, b"\x06\x06\x06\x06"))
    elif word == "counts":
        answers.append(record(here, TXT, strings(*(f"{k}={v}".encode() for k, v in counts.items()))))
    elif word == "slow":
        time.sleep(0.2)
        answers.append(record(here, A, b"\x7f\0\0\x02"))
    elif kind == A and word == "alias":
        target = name("ziel.test")
        answers += [record(here, CNAME, target), record(target, A, b"\xc0\x00\x02\x0a")]
    elif kind == A and word == "nowhere":
        answers.append(record(here, CNAME, name("ziel.test")))
    elif kind == CNAME:
        answers.append(record(here, CNAME, name("ziel.test")))
    elif kind == A and word == "many":
        answers += [record(here, A, bytes([192, 0, 2, n])) for n in range(1, 41)]
    elif kind == A:
        answers += [record(here, A, b"\xc0\x00\x02\x01"), record(here, A, b"\xc0\x00\x02\x02")]
    elif kind == AAAA:
        answers.append(record(here, AAAA, bytes.fromhex("20010db8000000000000000000000001")))
    elif kind == CAA and word == "caaalias":
        target = name("ziel.test")
        answers += [record(here, CNAME, target), record(target, CAA, caa(1, b"issue", b"ca.example"))]
    elif kind == CAA:
        answers += [record(here, CAA, caa(0, b"issue", b"letsencrypt.org; validationmethods=http-01")),
                    record(here, CAA, caa(128, b"issuewild", b";")),
                    record(here, CAA, caa(0, b"iodef", b"mailto:a@b.example"))]
    elif kind == TXT and word == "long":
        answers += [record(here, TXT, strings(*[bytes([97 + n]) * 255] * 4)) for n in range(6)]
    elif kind == TXT:
        answers += [record(here, TXT, strings(b"v=spf1 ", b"-all")), record(here, TXT, strings("grüße".encode()))]
    elif kind == NS:
        answers += [record(here, NS, name("ns1.test")), record(here, NS, name("ns2.test"))]
    elif kind == MX:
        answers += [record(here, MX, struct.pack(">H", 10) + name("mx1.test")),
                    record(here, MX, struct.pack(">H", 20) + name("mx2.test"))]
    body = b"".join(answers)
    if over == "udp" and len(body) > 1100:
        bits, answers, body = 0x0200, [], b""
    # An OPT record in the answer to a question that had one.
    additional = b"\0" + struct.pack(">HHIH", OPT, 1232, 0, 0) if edns else b""
    head = struct.pack(">HHHHHH", ident, 0x8180 | bits | rcode, 1, len(answers), 0, int(edns))
    return head + question + body + additional


def serve_tcp(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=stream, args=(connection,), daemon=True).start()


def stream(connection):
    with connection, connection.makefile("rb") as incoming:
        while len(size := incoming.read(2)) == 2:
            answer = respond(incoming.read(struct.unpack(">H", size)[0]), "tcp")
            if answer is not None:
                connection.sendall(struct.pack(">H", len(answer)) + answer)


def watch():
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    threading.Thread(target=watch, daemon=True).start()
    while True:
        listener = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(listener.getsockname())
            break
        except OSError:
            listener.close()
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    threading.Thread(target=serve_tcp, args=(listener,), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    while True:
        packet, sender = udp.recvfrom(4096)
        answer = respond(packet, "udp")
        if answer is not None:
            udp.sendto(answer, sender)


main()
