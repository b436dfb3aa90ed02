"""H12: the tunnel's port of a node is held by a session of this controller that died without a word."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import unittest

from lablib import spec
from lablib.model import Node

from .fleet import FleetTest, eventually, shape

#: linux/tcp.h: a socket in this mode is closed without a word to its peer, as by a power cut.
TCP_REPAIR = 19
PIDFD_OPEN, PIDFD_GETFD = 434, 438
NAME = "one.edge.example"


def syscall(*words: int) -> int:
    answer = ctypes.CDLL(None, use_errno=True).syscall(*words)
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def listens(port: int) -> bool:
    with open("/proc/net/tcp") as table:
        return any(f"0100007F:{port:04X} 00000000:0000 0A" in line for line in table)


class Tunnel(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(
            customers=[{"id": "acme"}],
            pairs=[{"id": "edge", "kind": "haproxy-directory", "challenge": "tunnel"}],
            domains=[{"domain": NAME, "pair": "edge"}],
        )

    def session(self, node: Node) -> subprocess.Popen:
        """A login that forwards the node's port to us, as that of a run does."""
        lab = self.fleet.lab
        known = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")
        forward = f"127.0.0.1:{node.tunnel}:127.0.0.1:9"
        running = subprocess.Popen(
            ["ssh", "-N", "-i", lab.path("keys", "controller"), "-p", str(node.ssh), *known, "-R", forward]
            + [f"{lab.user}@{node.address}"],
            stdin=subprocess.DEVNULL,
        )
        self.addCleanup(running.wait)
        self.addCleanup(running.kill)
        eventually(lambda: listens(node.tunnel), "the forward of a session of ours")
        return running

    def die_without_a_word(self, session: subprocess.Popen) -> None:
        """What a power cut leaves: sshd still believes in the session, and nothing here has it."""
        try:
            process = syscall(PIDFD_OPEN, session.pid, 0)
        except OSError as error:
            raise unittest.SkipTest(f"no pidfd here: {error}") from error
        self.addCleanup(os.close, process)
        for name in os.listdir(f"/proc/{session.pid}/fd"):
            if not os.readlink(f"/proc/{session.pid}/fd/{name}").startswith("socket:"):
                continue
            with socket.socket(fileno=syscall(PIDFD_GETFD, process, int(name), 0)) as held:
                if held.family == socket.AF_INET:
                    try:
                        held.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
                    except PermissionError as error:
                        raise unittest.SkipTest(f"a connection cannot be cut silently here: {error}") from error
                    session.send_signal(signal.SIGKILL)
                    session.wait()
                    return
        self.fail("ssh has no connection")

    def test_a_port_that_a_dead_session_of_ours_holds_is_freed(self) -> None:
        fleet = self.fleet
        fleet.enroll()
        node = fleet.lab.node(fleet.lab.pair("edge").vips[0].holder)
        self.die_without_a_word(self.session(node))
        self.assertTrue(listens(node.tunnel), "sshd is to believe in the session still")

        fleet.told("run")

        self.assertEqual(fleet.certificates(), 1)
        self.assertEqual(fleet.vip_serves("edge", NAME), fleet.serves(node, NAME))
