"""Pairs in namespaces: a real keepalived moves the address, each node has its own /etc, and nothing is left."""

import json
import os
import signal
import socket
import subprocess
import unittest

from lablib import namespaces, probes, processes
from lablib.model import Lab
from lablib.needs import require_namespaces

from . import support


class HighAvailability(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_namespaces()
        cls.lab = cls.enterClassContext(support.running("--ha", "--pairs", "3", "--domains", "3"))

    def setUp(self):
        self.enterContext(support.in_world(self.lab))

    def tell(self, *words):
        return support.told(words[0], self.lab.directory, *words[1:])

    def on(self, node, command):
        return support.told("on", self.lab.directory, node, "sh", "-c", command)

    def holder(self, pair):
        box = self.lab.pair(pair)
        vip = box.vips[0]
        return [node.id for node in box.nodes if vip.address in namespaces.held(self.lab, node)]

    def answering(self, pair):
        """Who answers at the VIP, as a client from outside sees it."""
        box = self.lab.pair(pair)
        vip = box.vips[0]
        found = []
        for node in box.nodes:
            try:
                if probes.vip(box, vip.address, vip.https, node.id) is None:
                    found.append(node.id)
            except OSError:
                pass
        return found

    def test_a_failover_moves_the_address_and_what_answers_there(self):
        for pair in ("pair1", "pair2", "pair3"):
            with self.subTest(pair):
                self.assertEqual(self.holder(pair), [f"{pair}-a"])
                self.tell("failover", pair)
                self.assertEqual((self.holder(pair), self.answering(pair)), ([f"{pair}-b"], [f"{pair}-b"]))
                self.tell("failover", pair)
                self.assertEqual((self.holder(pair), self.answering(pair)), ([f"{pair}-a"], [f"{pair}-a"]))

    def test_the_peer_takes_over_from_a_node_that_is_killed_and_one_that_is_cut_off(self):
        for begin, end in ((("node", "pair1-a", "kill"), ("node", "pair1-a", "start")),
                           (("cable", "pair1-a", "cut"), ("cable", "pair1-a", "join"))):  # fmt: skip
            with self.subTest(begin):
                self.tell(*begin)
                support.eventually(lambda: self.answering("pair1") == ["pair1-b"], 60)
                state = json.loads(self.tell("status", "--json"))
                self.assertEqual(state["pairs"][0]["vips"][0]["holder"], "pair1-b")
                self.tell(*end)
                support.eventually(lambda: self.answering("pair1") == ["pair1-a"], 60)

    def test_an_address_that_nobody_holds_answers_nobody(self):
        self.tell("failover", "pair1", "--to", "none")
        try:
            vip = self.lab.pair("pair1").vips[0]
            with self.assertRaises(OSError):
                probes.connect((vip.address, vip.https)).close()
            self.assertEqual(self.holder("pair1"), [])
        finally:
            self.tell("failover", "pair1", "--to", "pair1-a")

    def test_a_vip_bound_listener_is_ready_before_the_address_comes(self):
        listening = self.on("pair2-b", "ss -Htln")
        vip = self.lab.pair("pair2").vips[0]
        self.assertIn(f"{vip.address}:443", listening)
        self.assertNotIn("0.0.0.0:443", listening)

    def test_each_node_has_its_own_etc_accounts_and_run(self):
        self.on("pair1-a", "echo mine >/etc/mark; echo 'x:x:1:1::/:/bin/sh' >>/etc/passwd; touch /run/mark /tmp/mark")
        try:
            for path in ("/etc/mark", "/run/mark", "/tmp/mark"):
                self.assertEqual(self.on("pair1-b", f"ls {path} 2>&1 || true").strip()[:3], "ls:")
                self.assertFalse(os.path.exists(path))
            self.assertEqual(self.on("pair1-a", "hostname").strip(), "pair1-a")
            self.assertEqual(self.on("pair1-b", "id x 2>/dev/null || echo none").strip(), "none")
        finally:
            self.on("pair1-a", "rm /etc/mark /run/mark /tmp/mark; sed -i /^x:/d /etc/passwd")

    def test_a_session_lands_on_its_node(self):
        done = support.ssh(self.lab, "pair3-b", "hostname; echo $HOME; touch /run/mark")
        self.assertEqual(done.stdout, "pair3-b\n/root\n", done.stderr)
        self.assertTrue(os.path.exists(self.lab.node("pair3-b").path("run", "mark")))


class Ends(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_namespaces()

    def require_nothing(self, lab):
        support.eventually(lambda: not namespaces.inhabitants(lab))
        with open("/proc/self/mountinfo") as mounts:
            self.assertNotIn(lab.directory, mounts.read())
        self.assertFalse([name for _, name in socket.if_nameindex() if name in ("br0", "node0")])

    def test_down_leaves_no_namespace_no_mount_and_no_cable(self):
        with support.running("--ha", "--pairs", "1", "--domains", "1") as lab:
            done = support.ssh_in(lab, "pair1-a", "setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $!")
            self.assertTrue(int(done.stdout), done.stderr)
        self.require_nothing(lab)

    def test_a_killed_supervisor_takes_everything_along(self):
        with support.directory() as path:
            support.told("up", path, "--ha", "--pairs", "1", "--domains", "1", "--owner", str(os.getpid()))
            lab = Lab.load(path)

            processes.send({lab.supervisor.pid: lab.supervisor.started}, signal.SIGKILL)
            support.eventually(lambda: not processes.is_same(lab.supervisor.pid, lab.supervisor.started))
            support.told("down", path)

            self.assertFalse(os.path.exists(path))
            self.require_nothing(lab)

    def test_without_root_it_says_so_and_leaves_nothing(self):
        with support.directory() as path:
            parent = os.path.dirname(path)
            os.chmod(parent, 0o777)
            words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", support.ENTRY, "up", path, "--ha"]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if "Permission denied" in done.stderr:
                self.skipTest("another account cannot read this clone")
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("need root", done.stderr)
            self.assertFalse(os.path.exists(path))
