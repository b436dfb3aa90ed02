"""Nodes that a controller meets sooner or later: each kind turns a lab's node into one."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable

from lablib.model import Lab, Node
from lablib.up import ask

#: What sshd runs instead of a login's command.
COMMANDS = {
    "drips in its answer": "sh -c 'while :; do printf x; sleep 5; done'",
    "floods its answer": "yes",
    "hangs after the login": "sleep 100000",
    "runs no shell": "/usr/sbin/nologin",
}
DENIES = "logs nobody in"


def banner(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")


def drip(connection: socket.socket) -> None:
    for byte in b"SSH-2.0-" + b"x" * 240:
        connection.sendall(bytes([byte]))
        time.sleep(1)


def flood(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"x" * 65536)


def close(connection: socket.socket) -> None:
    connection.close()


#: What listens instead of sshd; whatever returns leaves the connection open until the other side ends it.
LISTENERS: dict[str, Callable[[socket.socket], None]] = {
    "stalls after its banner": banner,
    "drips its banner": drip,
    "floods before its banner": flood,
    "closes at once": close,
    "says nothing": lambda connection: None,
}
KINDS = (*COMMANDS, DENIES, *LISTENERS)


class Listeners:
    """Sockets in the place of sshds, a thread a connection; they end with this process."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []

    def listen(self, node: Node, speak: Callable[[socket.socket], None]) -> None:
        listener = socket.create_server((node.address, node.ssh), reuse_port=True)
        self.sockets.append(listener)
        threading.Thread(target=self.serve, args=(listener, speak), daemon=True).start()

    def serve(self, listener: socket.socket, speak: Callable[[socket.socket], None]) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.speak, args=(connection, speak), daemon=True).start()

    def speak(self, connection: socket.socket, speak: Callable[[socket.socket], None]) -> None:
        try:
            speak(connection)
            while connection.recv(65536):
                pass
        except OSError:
            pass
        finally:
            connection.close()

    def close(self) -> None:
        for listener in self.sockets:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def spoil(lab: Lab, node: Node, kind: str, listeners: Listeners) -> None:
    if kind in LISTENERS:
        ask(lab, do="node", node=node.id, action="stop")
        listeners.listen(node, LISTENERS[kind])
        return
    line = f"DenyUsers {lab.user}" if kind == DENIES else f"ForceCommand {COMMANDS[kind]}"
    with open(node.path("etc", "ssh", "sshd_config"), "a") as config:
        config.write(line + "\n")
    os.kill(next(process for process in lab.processes if process.name == f"{node.id}/sshd").pid, signal.SIGHUP)
