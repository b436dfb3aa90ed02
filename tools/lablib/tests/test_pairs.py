"""Nodes and virtual addresses behave like those of a real pair."""

import json
import os
import socket
import subprocess
import unittest

from lablib import probes
from lablib.needs import require_tools

from . import support


class Pairs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_tools()
        cls.context = support.running("--pairs", "4", "--thumbprint", support.THUMBPRINT)
        cls.lab = cls.context.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.context.__exit__(None, None, None)

    def tell(self, command, *words, **options):
        return support.told(command, self.lab.directory, *words, **options)

    def role(self, node):
        return support.ssh(self.lab, node, f"cat {self.lab.node(node).role_file}").stdout.strip()

    def holder(self, pair):
        """Who answers at the VIP, seen from outside."""
        box = self.lab.pair(pair)
        for node in box.nodes:
            if probes.vip(box, box.vips[0].address, box.vips[0].https, node.id) is None:
                return node.id
        return None

    def test_failover_moves_the_address_and_the_role(self):
        for pair in ("pair1", "pair3", "pair4"):
            with self.subTest(pair):
                self.assertEqual((self.holder(pair), self.role(f"{pair}-a")), (f"{pair}-a", "active"))
                self.tell("failover", pair)
                self.assertEqual((self.holder(pair), self.role(f"{pair}-a")), (f"{pair}-b", "passive"))
                self.assertEqual(self.role(f"{pair}-b"), "active")
                self.tell("failover", pair)
                self.assertEqual(self.holder(pair), f"{pair}-a")

    def test_failover_cuts_the_connections_to_the_old_node(self):
        vip = self.lab.pair("pair1").vips[0]
        with probes.connect((vip.address, vip.http)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: probe.example\r\n\r\n")
            self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 301"))

            self.tell("failover", "pair1")

            connection.settimeout(10)
            try:
                self.assertEqual(connection.recv(4096), b"")
            except ConnectionResetError:
                pass
        self.tell("failover", "pair1")

    def test_an_address_that_nobody_holds_refuses_connections(self):
        vip = self.lab.pair("pair1").vips[0]
        self.tell("failover", "pair1", "--to", "none")
        try:
            with self.assertRaises(ConnectionRefusedError):
                probes.connect((vip.address, vip.https)).close()
            self.assertEqual(self.role("pair1-a") + self.role("pair1-b"), "passivepassive")
        finally:
            self.tell("failover", "pair1", "--to", "pair1-a")
        self.assertEqual(self.holder("pair1"), "pair1-a")

    def test_a_vip_bound_node_is_reached_through_the_vip_only(self):
        pair = self.lab.pair("pair4")
        vip = pair.vips[0]
        for node in pair.nodes:
            for port in (vip.http, vip.https):
                with self.assertRaises(ConnectionRefusedError):
                    probes.connect((node.address, port)).close()
        self.assertEqual(self.holder("pair4"), "pair4-a")

    def test_a_split_pair_claims_two_active_nodes_until_it_is_healed(self):
        self.tell("split", "pair1")
        self.assertEqual([self.role("pair1-a"), self.role("pair1-b")], ["active", "active"])
        self.tell("heal", "pair1")
        self.assertEqual([self.role("pair1-a"), self.role("pair1-b")], ["active", "passive"])

    def test_the_command_answers_for_one_address(self):
        pair = self.lab.pair("pair2")
        for node, word in (("pair2-a", "active"), ("pair2-b", "passive")):
            command = self.lab.node(node).path("bin", "holds")
            self.assertEqual(support.ssh(self.lab, node, f"{command} {pair.vips[0].address}").stdout, f"{word}\n")
            self.assertEqual(support.ssh(self.lab, node, f"{command} 127.0.0.9").stdout, "passive\n")

    def test_a_frozen_node_takes_connections_and_stays_silent(self):
        self.tell("node", "pair1-b", "freeze")
        try:
            box = self.lab.node("pair1-b")
            with probes.connect((box.address, box.ssh)) as connection:
                connection.settimeout(0.5)
                with self.assertRaises(TimeoutError):
                    connection.recv(1)
        finally:
            self.tell("node", "pair1-b", "start")
        self.assertEqual(self.role("pair1-b"), "passive")

    def test_freezing_holds_a_command_that_already_runs(self):
        session = subprocess.Popen([*support.ssh_command(self.lab, "pair1-b"), "echo here; cat"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(session.stdout.readline(), b"here\n")
        self.tell("node", "pair1-b", "freeze")
        session.stdin.write(b"more\n")
        session.stdin.close()
        with self.assertRaises(subprocess.TimeoutExpired):
            session.wait(0.5)

        self.tell("node", "pair1-b", "start")

        self.assertEqual(session.stdout.read(), b"more\n")
        self.assertEqual(session.wait(10), 0)
        session.stdout.close()

    def test_a_stopped_and_a_killed_node_refuse_connections_and_come_back(self):
        for action in ("stop", "kill"):
            with self.subTest(action):
                self.tell("node", "pair3-b", action)
                box = self.lab.node("pair3-b")
                for port in (box.ssh, box.http, box.https):
                    with self.assertRaises(ConnectionRefusedError):
                        probes.connect((box.address, port)).close()
                self.tell("node", "pair3-b", "start")
                self.assertEqual(self.role("pair3-b"), "passive")

    def test_a_rekeyed_node_shows_another_host_key(self):
        def key():
            box = self.lab.node("pair2-b")
            words = ["ssh-keyscan", "-t", "ed25519", "-p", str(box.ssh), box.address]
            return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[-1]

        before = key()
        self.tell("rekey", "pair2-b")
        self.assertNotEqual(key(), before)

    def test_a_process_that_ends_by_itself_shows_in_the_status(self):
        record = next(r for r in self.lab.processes if r.name == "pair2-b/haproxy")
        os.kill(record.pid, 9)

        def state():
            raw = json.loads(self.tell("status", "--json") if self.alive() else "{}")
            return next(r["state"] for r in raw["processes"] if r["name"] == record.name)

        support.eventually(lambda: state().startswith("ended by itself"))
        self.tell("node", "pair2-b", "start")

    def alive(self):
        return support.tool("status", self.lab.directory).returncode == 0

    def test_a_tunnel_route_without_a_tunnel_says_503(self):
        vip = self.lab.pair("pair2").vips[0]
        # HAProxy tries three times more, a second apart, before it gives up.
        answer = probes.get((vip.address, vip.http), "/.well-known/acme-challenge/abc", timeout=15)
        self.assertEqual(answer.status, 503)

    def test_an_ssh_tunnel_reaches_the_vip(self):
        vip = self.lab.pair("pair2").vips[0]
        node = self.lab.node("pair2-a")
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            forward = ["-o", "ExitOnForwardFailure=yes", "-R", f"127.0.0.1:{node.tunnel}:127.0.0.1:{port}"]
            words = support.ssh_command(self.lab, "pair2-a")
            tunnel = subprocess.Popen([*words[:-1], *forward, words[-1], "echo here; cat"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.assertEqual(tunnel.stdout.readline(), b"here\n")
            with probes.connect((vip.address, vip.http)) as client:
                client.sendall(b"GET /.well-known/acme-challenge/abc HTTP/1.1\r\nHost: a.example\r\n\r\n")
                answer, _ = server.accept()
                with answer:
                    self.assertIn(b"GET /.well-known/acme-challenge/abc", answer.recv(4096))
            tunnel.communicate(timeout=10)

    def test_an_unknown_name_is_an_error_that_lists_the_known_ones(self):
        done = support.tool("failover", self.lab.directory, "pair9")
        self.assertEqual(done.returncode, 3)
        self.assertIn("pair1, pair2, pair3, pair4", done.stderr)


class Shapes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_tools()

    def test_vips_of_one_pair_move_one_by_one(self):
        pair = {"id": "edge", "kind": "haproxy-directory", "detector": "command", "vips": ["web", "shop"]}
        with support.directory() as path:
            shape = os.path.join(os.path.dirname(path), "shape.json")
            with open(shape, "w") as file:
                json.dump({"pairs": [pair]}, file)
            with support.running("--spec", shape) as lab:
                box = lab.pair("edge")
                support.told("failover", lab.directory, "edge", "shop")

                holders = []
                for vip in box.vips:
                    found = [n.id for n in box.nodes if probes.vip(box, vip.address, vip.https, n.id) is None]
                    asked = [(n.id, f"{n.path('bin', 'holds')} {vip.address}") for n in box.nodes]
                    words = [support.ssh(lab, node, command).stdout for node, command in asked]
                    holders.append((found, words))
                self.assertEqual(holders[0], (["edge-a"], ["active\n", "passive\n"]))
                self.assertEqual(holders[1], (["edge-b"], ["passive\n", "active\n"]))

    def test_a_deep_directory_gets_its_sockets_elsewhere(self):
        with support.directory() as path:
            deep = os.path.join(os.path.dirname(path), "d" * 90, "lab")
            support.told("up", deep, "--pairs", "1", "--owner", str(os.getpid()))
            lab = support.Lab.load(deep)
            self.assertFalse(lab.sockets.startswith(deep))
            support.told("down", deep)
            support.assert_gone(lab)
