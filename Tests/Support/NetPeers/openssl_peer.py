#!/usr/bin/env python3
"""A TLS server of one old protocol version (openssl s_server), or one that never answers.

usage: openssl_peer.py CHAIN.pem KEY.pem -tls1
       openssl_peer.py --silent
"""
import socket
import subprocess
import sys


def main():
    if sys.argv[1] == "--silent":
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        sys.stdin.buffer.read()
        return
    chain, key, version = sys.argv[1:]
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", chain, "-key", key, version,
         "-cipher", "ALL:@SECLEVEL=0", "-quiet", "-naccept", "5"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        # "ACCEPT 127.0.0.1:PORT" is not written with -quiet: ask the kernel which port it took.
        port = None
        while port is None and server.poll() is None:
            port = listening(server.pid)
        print(port, flush=True)
        sys.stdin.buffer.read()
    finally:
        server.kill()
        server.wait()


def listening(pid):
    import os
    sockets = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            sockets.add(os.readlink(f"/proc/{pid}/fd/{name}"))
        except OSError:
            pass
    with open("/proc/net/tcp") as table:
        for line in table.readlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                return int(fields[1].split(":")[1], 16)
    return None


main()
