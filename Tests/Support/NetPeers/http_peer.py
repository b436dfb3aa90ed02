#!/usr/bin/env python3
"""An HTTP peer with faults, for the tests of Net: writes its port, serves until its standard input ends.

usage: http_peer.py [--tls CHAIN.pem KEY.pem [NAME=CHAIN.pem,KEY.pem ...]]
"""
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time

counts = {"connections": 0, "requests": 0, "resumed": 0, "handshakes": 0, "names": [], "open": 0, "most": 0}
lock = threading.Lock()


def add(key, value=1):
    with lock:
        counts[key] += value
        if key == "open":
            counts["most"] = max(counts["most"], counts["open"])


def answer(sock, status, headers=(), body=b"", length=True):
    lines = [f"HTTP/1.1 {status} Status"] + [f"{n}: {v}" for n, v in headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def serve(sock, number):
    stream = sock.makefile("rb")
    served = 0
    while True:
        line = stream.readline(65536)
        if not line:
            return
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers = []
        while (field := stream.readline(65536)) not in (b"\r\n", b"\n", b""):
            name, value = field.decode("utf-8").rstrip("\r\n").split(":", 1)
            headers.append([name, value.strip()])
        size = next((int(v) for n, v in headers if n.lower() == "content-length"), 0)
        body = stream.read(size)
        served += 1
        add("requests")
        path = re.sub(r"^https?://[^/]*", "", target)
        if path == "/echo":
            seen = {"method": method, "target": target, "headers": headers, "body": body.hex(),
                    "connection": number, "served": served}
            answer(sock, 200, [("Content-Type", "application/json")], json.dumps(seen).encode())
        elif path == "/counts":
            with lock:
                answer(sock, 200, [], json.dumps(counts).encode())
        elif path.startswith("/wait/"):
            add("open")
            time.sleep(int(path[6:]) / 1000)
            add("open", -1)
            answer(sock, 200, [], b"done")
        elif path.startswith("/status/"):
            answer(sock, int(path[8:]), [("retry-after", "17"), ("X-Fold", "one"), ("Link", "<a>;rel=\"up\""),
                                         ("LINK", "<b>;rel=\"alternate\""), ("X-Empty", "")], b"refused")
        elif path == "/folded":
            sock.sendall(b"HTTP/1.1 200 OK\r\nX-Fold: one\r\n two\r\nContent-Length: 0\r\n\r\n")
        elif path == "/head":
            sock.sendall(b"HTTP/1.1 200 OK\r\nReplay-Nonce: abc\r\nContent-Length: 4000\r\n\r\n")
        elif path == "/slow":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while True:
                sock.sendall(b"x")
                time.sleep(0.02)
        elif path == "/silent":
            add("open")
            time.sleep(600)
        elif path == "/loop":
            answer(sock, 302, [("Location", "/loop")])
        elif path.startswith("/hop/"):
            left = int(path[5:])
            answer(sock, 301, [("Location", f"/hop/{left - 1}")]) if left else answer(sock, 200, [], b"arrived")
        elif path.startswith("/to/"):
            answer(sock, 302, [("Location", bytes.fromhex(path[4:]).decode())])
        elif path.startswith("/big/"):
            answer(sock, 200, [], b"y" * int(path[5:]))
        elif path == "/endless":
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                sock.sendall(b"1000\r\n" + b"z" * 4096 + b"\r\n")
        elif path == "/headers":
            sock.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                sock.sendall(b"X-Again: " + b"h" * 4000 + b"\r\n")
        elif path == "/reset":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            reset(sock)
            return
        elif path == "/cut":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            return
        elif path == "/hangup":
            return
        elif path == "/unmeasured":
            sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end")
            return
        elif path == "/garbage":
            sock.sendall(b"\x00\xff\xfeSSH-2.0-nonsense\r\n\r\n")
            return
        elif path == "/forget":
            # Says nothing of closing, and closes: the next request finds a dead connection.
            answer(sock, 200, [], b"bye")
            return
        else:
            answer(sock, 404, [], b"no")


def connection(raw, context, number):
    sock = raw
    try:
        if context:
            raw.settimeout(20)
            sock = context.wrap_socket(raw, server_side=True)
            add("handshakes")
            add("resumed", int(sock.session_reused))
        sock.settimeout(None)
        serve(sock, number)
    except (OSError, ValueError):
        pass
    finally:
        try:
            sock.close()
        except OSError:
            pass


def loaded(chain, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


def main():
    context = None
    if "--tls" in sys.argv:
        chain, key, *others = sys.argv[sys.argv.index("--tls") + 1:]
        context = loaded(chain, key)
        named = {}
        for other in others:
            name, files = other.split("=")
            named[name] = loaded(*files.split(","))

        def choose(sock, name, _):
            with lock:
                counts["names"].append(name)
            if name in named:
                sock.context = named[name]
        context.sni_callback = choose

    def watch():
        sys.stdin.buffer.read()
        os._exit(0)
    threading.Thread(target=watch, daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    number = 0
    while True:
        raw, _ = listener.accept()
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number += 1
        add("connections")
        threading.Thread(target=connection, args=(raw, context, number), daemon=True).start()


main()
