#!/usr/bin/env python3
"""Name servers of several zones, each at an address of its own and all at one port, for the tests of Net.

127.0.0.1 is a resolver, which speaks of nothing with authority; 127.0.0.9 is a resolver that holds every zone itself.
The others are the zones' own servers, good and bad ones.
usage: zone_peer.py
"""
import os
import select
import socket
import struct
import sys
import threading

A, NS, CNAME, AAAA, CAA, OPT = 1, 2, 5, 28, 257, 41
NXDOMAIN, REFUSED = 3, 5
#: The name servers of each zone, and where they listen.
ZONES = {
    "good.test": {"ns1.good.test": 2, "ns2.good.test": 3},
    "other.test": {"ns.other.test": 4},
    "lame.test": {"ns1.lame.test": 2, "ns2.lame.test": 5},
    "silent.test": {"ns.silent.test": 6},
    "split.test": {"ns1.split.test": 2, "ns2.split.test": 7},
    "refused.test": {"ns.refused.test": 8},
    "homeless.test": {"ns.homeless.test": None},
}
ALIASES = {
    "alias.good.test": "gone.other.test", "far.good.test": "alias.good.test",
    "loop.good.test": "knot.good.test", "knot.good.test": "loop.good.test",
}
HOSTS = {server: host for servers in ZONES.values() for server, host in servers.items() if host}


def encoded(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def record(kind, data):
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def answer(host, name, kind):
    """The response code, whether with authority, and the records."""
    own = host not in (1, 5)
    if host == 8:
        return REFUSED, False, []
    if name in ALIASES:
        return 0, own, [record(CNAME, encoded(ALIASES[name]))]
    if kind == NS and name in ZONES:
        return 0, own, [record(NS, encoded(server)) for server in ZONES[name]]
    if kind == A and name in HOSTS:
        return 0, own, [record(A, bytes([127, 0, 0, HOSTS[name]]))]
    if name.startswith("gone.") and host == 7:
        return 0, True, [record(A, bytes([192, 0, 2, 1]))] if kind == A else []
    if kind == CAA and name == "caa.good.test":
        return 0, own, [record(CAA, bytes([0, 5]) + b"issue" + b"ca.example")]
    if name.startswith(("gone.", "ns.homeless.")) or name.count(".") > 2:
        return NXDOMAIN, own, []
    return 0, own, []


def respond(host, packet):
    ident, _, _, _, _, extra = struct.unpack(">HHHHHH", packet[:12])
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
        at += 1 + packet[at]
    kind = struct.unpack(">H", packet[at + 1:at + 3])[0]
    code, authority, records = answer(host, ".".join(labels), kind)
    flags = 0x8180 | code | (0x0400 if authority else 0)
    tail = b"\0" + struct.pack(">HHIH", OPT, 1232, 0, 0) if extra else b""
    head = struct.pack(">HHHHHH", ident, flags, 1, len(records), 0, int(bool(extra)))
    return head + packet[12:at + 5] + b"".join(records) + tail


def watch():
    sys.stdin.buffer.read()
    os._exit(0)


def bound():
    while True:
        first = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        first.bind(("127.0.0.1", 0))
        port = first.getsockname()[1]
        sockets = {first: 1}
        try:
            for host in (2, 3, 4, 5, 7, 8, 9):
                server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                sockets[server] = host
                server.bind((f"127.0.0.{host}", port))
            return port, sockets
        except OSError:
            for server in sockets:
                server.close()


def main():
    threading.Thread(target=watch, daemon=True).start()
    port, sockets = bound()
    print(port, flush=True)
    while True:
        for server in select.select(list(sockets), [], [])[0]:
            packet, sender = server.recvfrom(4096)
            server.sendto(respond(sockets[server], packet), sender)


main()
