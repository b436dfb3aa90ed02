"""A name server before the lab's: it speaks with authority of names that it denies, and hands everything else on."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Iterator


class Authority:
    """Names in `denied` do not exist, and it says so as their zone's own server would (the AA bit)."""

    def __init__(self, address: str, upstream: str) -> None:
        self.denied: set[str] = set()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.place = f"{address}:{self.socket.getsockname()[1]}"
        host, port = upstream.rsplit(":", 1)
        self.upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.upstream.connect((host, int(port)))
        self.ends, self.end = socket.socketpair()
        self.waiting: dict[int, tuple[int, tuple[str, int]]] = {}
        self.serial = 0

    def serve(self) -> None:
        while True:
            ready = select.select([self.socket, self.upstream, self.ends], [], [])[0]
            if self.ends in ready:
                return
            if self.upstream in ready:
                self.answer(self.upstream.recv(65536))
            if self.socket in ready:
                self.question(*self.socket.recvfrom(65536))

    def question(self, packet: bytes, sender: tuple[str, int]) -> None:
        at, labels = 12, []
        while packet[at]:
            labels.append(packet[at + 1 : at + 1 + packet[at]].decode("latin-1").lower())
            at += 1 + packet[at]
        if ".".join(labels) in self.denied:
            # QR, AA, RD, RA and NXDOMAIN.
            head = packet[:2] + struct.pack(">HHHHH", 0x8583, 1, 0, 0, 0)
            self.socket.sendto(head + packet[12 : at + 5], sender)
            return
        self.serial = (self.serial + 1) % 65536
        self.waiting[self.serial] = (struct.unpack(">H", packet[:2])[0], sender)
        self.upstream.send(struct.pack(">H", self.serial) + packet[2:])

    def answer(self, packet: bytes) -> None:
        ident, sender = self.waiting.pop(struct.unpack(">H", packet[:2])[0])
        self.socket.sendto(struct.pack(">H", ident) + packet[2:], sender)


@contextlib.contextmanager
def authority(lab) -> Iterator[Authority]:
    server = Authority(lab.address, lab.dns.server)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.end.close()
        thread.join()
        for one in (server.socket, server.upstream, server.ends):
            one.close()
