"""A login with a password, where a node takes no key: from a file or from the environment, as `password` or as
`keyboard-interactive`. A wrong one is tried once, and nobody gets to see any."""

from __future__ import annotations

import glob
import os
import re
import secrets
import signal
import subprocess

from lablib import logins
from lablib.model import Node, write

from .fleet import Done, eventually
from .ha import EdgeTest, add_login
from .needles import Needle, Watch, require_nowhere, require_on_no_node

LOGIN = "operator"
VARIABLE = "CERTFLEET_NODE_PASSWORD"
#: What sshd of the first and of the second node is told: its own look into /etc/shadow, and PAM's.
WAYS = {
    "password": "PasswordAuthentication yes\nKbdInteractiveAuthentication no\nUsePAM no\n",
    "keyboard-interactive": "PasswordAuthentication no\nKbdInteractiveAuthentication yes\nUsePAM yes\n",
}
PAM = "".join(f"{kind} required pam_unix.so\n" for kind in ("auth", "account", "session"))
TRIED = re.compile(rf"^(Accepted|Failed) (password|keyboard-interactive\S*) for {LOGIN} ", re.MULTILINE)


def hashed(password: str) -> str:
    words = ["openssl", "passwd", "-6", "-stdin"]
    return subprocess.run(words, input=password, capture_output=True, text=True, check=True).stdout.strip()


class Password(EdgeTest):
    def setUp(self) -> None:
        # Whatever has to be quoted somewhere on the way.
        self.password = f"{secrets.token_urlsafe(12)} '\"$(id)\\ü"
        self.wrong = secrets.token_urlsafe(16)
        self.file = self.fleet.path("keys", "node-password")
        for node, way in zip(self.nodes, WAYS, strict=True):
            self.close_to_keys(node, way)
        self.fleet.edit("user: root, key: keys/controller", f"user: {LOGIN}, password_file: {self.file}, sudo: true")
        self.fleet.edit('work: "/home/work"', 'work: "~/.certfleet"')

    def close_to_keys(self, node: Node, way: str) -> None:
        add_login(node, LOGIN, hashed(self.password))
        write(node.path("etc", "sudoers.d", LOGIN), f"{LOGIN} ALL=(root) NOPASSWD: ALL\n", 0o440)
        write(node.path("etc", "pam.d", "sshd"), PAM)
        path = node.path("etc", "ssh", "sshd_config")
        with open(path) as file:
            lab = file.read()
        # Of two lines about the same the first counts.
        write(path, f"{WAYS[way]}PubkeyAuthentication no\n{lab}")
        daemon = next(record for record in self.fleet.lab.processes if record.name == f"{node.id}/sshd")
        os.kill(daemon.pid, signal.SIGHUP)
        eventually(lambda: self.offered(node) == [way], f"{node.id} takes {way} and nothing else")

    def offered(self, node: Node) -> list[str]:
        done = subprocess.run([*logins.words(self.fleet.lab, node, user=LOGIN), node.address, "true"], input="",
                              capture_output=True, text=True, check=False, timeout=60)  # fmt: skip
        found = re.search(r"Permission denied \((.*)\)", done.stderr)
        return found[1].split(",") if found else []

    def give(self, password: str, mode: int = 0o600) -> None:
        write(self.file, f"{password}\n", 0o600)
        os.chmod(self.file, mode)

    def tries(self) -> list[list[str]]:
        """What sshd of each node said about passwords so far."""
        found = []
        for node in self.nodes:
            with open(node.path("log", "sshd.log"), errors="replace") as log:
                found.append([verdict for verdict, _ in TRIED.findall(log.read())])
        return found

    def since(self, before: list[list[str]]) -> list[list[str]]:
        return [now[len(old) :] for now, old in zip(self.tries(), before, strict=True)]

    def told(self, *words: str, tries: list[str], status: int = 0, **options) -> Done:
        """A command that has to end like this, with so many tries at each node."""
        before = self.tries()
        done = self.fleet.told(*words, status=status, **options)
        # sshd answers first and writes its log then.
        eventually(lambda: all(len(found) >= len(tries) for found in self.since(before)), f"{tries}: {done.text}", 20)
        self.assertEqual(self.since(before), [tries, tries], done.text)
        return done

    def test_a_password_logs_in_and_a_wrong_one_is_tried_once(self) -> None:
        fleet = self.fleet
        watch = Watch(fleet)
        watch.start()
        self.addCleanup(watch.stop)

        with self.subTest("a file that others may read is refused before anything is tried"):
            self.give(self.password, 0o640)
            done = self.told("enroll", "--accept", tries=[], status=1)
            self.assertEqual(done.out.count(f"the secret in {self.file} can be read by others"), 2, done.text)
            self.assertIn(f"chmod 600 {self.file}", done.text)

        with self.subTest("from a file"):
            self.give(self.password)
            fleet.enroll()
            self.told("run", "-v", tries=["Accepted"])
            fleet.require_proved(self)

        with self.subTest("from the environment"):
            fleet.edit(f"password_file: {self.file}", f"password_env: {VARIABLE}")
            os.remove(self.file)
            fleet.rekey("p384")
            done = self.told("run", tries=[], status=1)
            self.assertIn(f"the environment variable {VARIABLE} is not set", done.text)
            self.told("run", "--json", tries=["Accepted"], environment={VARIABLE: self.password})
            fleet.require_whole(self)
            fleet.edit(f"password_env: {VARIABLE}", f"password_file: {self.file}")

        self.check_a_wrong_one()

        watch.look()
        watch.stop()
        wanted = [Needle("the password", self.password.encode()), Needle("the wrong one", self.wrong.encode())]
        # Without what JSON and shells would escape.
        wanted.append(Needle("the password's beginning", self.password.split()[0].encode()))
        require_nowhere(self, wanted, watch)
        require_on_no_node(self, wanted, fleet.lab)
        for path in glob.glob(fleet.path("log", "*")):
            with open(path, "rb") as log:
                said = log.read()
            for needle in wanted:
                self.assertNotIn(needle.bytes, said, path)

    def check_a_wrong_one(self) -> None:
        fleet = self.fleet
        fleet.rekey("p256")
        self.give(self.wrong)
        with self.subTest("a run with a wrong one"):
            done = self.told("run", tries=["Failed"], status=1)
            for node, way in zip(self.nodes, WAYS, strict=True):
                self.assertIn(f"node {node.id}: SSH login refused", done.out)
                self.assertIn(f"Check user and password on {node.address} (it takes: {way}).", done.out)
            fleet.require_whole(self)
        for command in ("enroll", "doctor", "renew"):
            with self.subTest("a wrong one", command=command):
                done = self.told(command, tries=["Failed"], status=1)
                self.assertIn("user operator: password: Authentication failed", done.out)
        with self.subTest("and the right one heals"):
            self.give(self.password)
            self.told("run", tries=["Accepted"])
            fleet.require_proved(self)
            fleet.require_sound()
