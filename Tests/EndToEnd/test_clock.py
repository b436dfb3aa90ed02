"""H14: wrong clocks. The controller's is days off: nothing is ordered but what is in danger by the CA's time, once
each, and the words name the clock. A node's is wrong: a word about that node, and nothing stops.

The world is what the CA's Date header and the nodes say; both can be moved, as the controller's clock can."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import unittest
from collections import Counter
from pathlib import Path
from unittest import mock

from lablib import files, spec

from .ca_proxy import CAProxy
from .clock import ShiftedClock
from .fleet import FleetTest, shape

DAY = 86400
#: What is said of it is "5 d 1 h", however long a step takes.
WRONG = 5 * DAY + 5400
#: Due at half of it, in danger when a ninth is left, at eight days.
LIFE = 9 * DAY
DANGER = 8 * DAY + DAY // 2
OLD = 4


class Clock(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(number=2, names=OLD, kind="haproxy-directory", validity=LIFE)

    def setUp(self) -> None:
        lab = self.fleet.lab
        # The CA's own server certificate is older than any error here.
        month_ago = ShiftedClock(self, -30 * DAY)
        with mock.patch.dict(os.environ, month_ago.environment):
            files.infrastructure(lab)
        self.fleet.ask(do="ca", action="restart")
        self.proxy = CAProxy(lab)
        self.addCleanup(self.proxy.close)
        self.fleet.edit(lab.authority.directory, self.proxy.directory)
        self.controller = ShiftedClock(self)
        self.fleet.environment |= self.controller.environment
        self.nodes = {node.id: ShiftedClock(self) for node in lab.nodes}
        for node in lab.nodes:
            self.give_clock(node)
        self.fleet.enroll()

    def give_clock(self, node) -> None:
        """All that a login does on the node goes by its clock; what listens there does not."""
        path = node.path("etc", "ssh", "sshd_config")
        with open(path) as file:
            text = file.read()
        words = " ".join(f"{name}={value}" for name, value in self.nodes[node.id].environment.items())
        assert "\nSetEnv " in text
        with open(path, "w") as file:
            file.write(text.replace("\nSetEnv ", f"\nSetEnv {words} "))
        listener = next(process for process in self.fleet.lab.processes if process.name == f"{node.id}/sshd")
        os.kill(listener.pid, signal.SIGHUP)

    def world(self, seconds: int) -> None:
        """It is so much later for all but the controller."""
        self.proxy.ahead = seconds
        for clock in self.nodes.values():
            clock.set(seconds)

    def bring(self, word: str) -> str:
        name = f"{word}.late-shop.example"
        self.fleet.add([(name, "pair1")])
        return name

    def ordered(self, since: int) -> Counter:
        bodies = [body for kind, body in self.fleet.events()[since:] if kind == "orderRequested"]
        return Counter(body["of"]["spec"].rpartition("/")[2] for body in bodies)

    def run_at(self, controller: int, words: str, status: int = 1):
        """A run by this clock of the controller's. Answers with what was ordered, and what was said."""
        self.controller.set(controller)
        since = len(self.fleet.events())
        said = self.fleet.told("run", status=status)
        self.assertIn(words, " ".join(said.out.split()))
        return self.ordered(since), said

    def test_no_wrong_clock_orders_anything_twice(self) -> None:
        fleet, old = self.fleet, {row.domain for row in self.fleet.lab.domains}
        fleet.told("run")
        self.assertEqual(fleet.certificates(), OLD)
        new = self.bring("new")
        ours = "This machine's clock is 5 d 1 h"
        with self.subTest("five days ahead: all looks due, and nothing is"):
            ordered, said = self.run_at(WRONG, f"{ours} ahead of the CA's")
            self.assertEqual(ordered, Counter(), said.text)
        with self.subTest("five days behind: what is served is from the future"):
            ordered, said = self.run_at(-WRONG, f"{ours} behind the CA's")
            self.assertEqual(ordered, Counter(), said.text)
            self.assertNotIn("drift", said.out)
        with self.subTest("a node alone, two days"):
            for node, days in (("pair1-a", 2), ("pair1-b", -2)):
                self.nodes[node].set(days * DAY)
                self.controller.set(0)
                row = next(
                    row
                    for row in fleet.told("doctor", "--pair", "pair1", "--json", status=1).json["rows"]
                    if row["subject"] == node and row["check"] == "clock"
                )
                self.assertEqual(row["verdict"], "bad", row)
                self.assertIn("2 d", row["evidence"])
                name = self.bring(f"beside-{node}")
                ordered, said = self.run_at(0, "Run finished", status=0)
                self.assertEqual(ordered[name], 1, said.text)
                self.assertEqual(set(ordered) - {name, new}, set())
                self.nodes[node].set(0)
        # What is issued then is in danger as soon as it is there: once each, all the same.
        self.world(DANGER)
        for wrong, words in ((WRONG, "ahead of"), (-WRONG, "behind")):
            with self.subTest(f"in danger by the CA's time, and {words}"):
                late = self.bring("ahead" if wrong > 0 else "behind")
                ordered, said = self.run_at(DANGER + wrong, f"{ours} {words} the CA's")
                self.assertEqual(set(ordered.values()), {1}, said.text)
                self.assertNotIn(late, ordered)
                self.assertLessEqual(old, set(ordered))
        self.world(0)
        self.controller.set(0)
        fleet.told("run")
        fleet.require_proved(self)
        with self.subTest("the CA's intermediate is near its end"):
            self.proxy.rewrite = self.near_its_end()
            name = self.bring("ends")
            for _ in range(2):
                ordered, said = self.run_at(0, "Run finished", status=0)
                self.assertEqual(ordered, Counter([name]), said.text)
        self.assertEqual(fleet.events("attemptFailed"), [])
        fleet.require_sound()

    def near_its_end(self):
        """Chains as of a CA whose intermediate has two days left, and whose certificates end with it: 88 days old."""
        folder = self.enterContext(tempfile.TemporaryDirectory())

        def openssl(age: int, *words: str) -> None:
            clock = ShiftedClock(self, -age * DAY)
            subprocess.run(
                ("openssl", *words), cwd=folder, env={**os.environ, **clock.environment}, check=True,
                capture_output=True,
            )  # fmt: skip

        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        signs = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        openssl(
            *(400, "req", "-x509", *key, *signs, "-days", "4000", "-subj", "/CN=root"),
            *("-keyout", "root.key", "-out", "root"),
        )  # fmt: skip
        openssl(
            *(300, "req", "-x509", *key, *signs, "-days", "302", "-subj", "/CN=old"),
            *("-CA", "root", "-CAkey", "root.key", "-keyout", "old.key", "-out", "old"),
        )  # fmt: skip
        with open(self.fleet.path("pebble-roots.pem"), "a") as roots:
            roots.write(Path(folder, "root").read_text())

        def rewrite(content: bytes) -> bytes:
            if not content.startswith(b"-----BEGIN CERTIFICATE"):
                return content
            Path(folder, "leaf").write_bytes(content)
            openssl(0, "x509", "-in", "leaf", "-noout", "-pubkey", "-out", "public")
            Path(folder, "names").write_text(f"subjectAltName={names(content)}\nextendedKeyUsage=serverAuth\n")
            openssl(
                *(88, "x509", "-new", "-force_pubkey", "public", "-subj", "/CN=leaf", "-extfile", "names"),
                *("-days", "90", "-CA", "old", "-CAkey", "old.key", "-CAcreateserial", "-out", "new"),
            )  # fmt: skip
            return Path(folder, "new").read_bytes() + Path(folder, "old").read_bytes()

        return rewrite


def names(chain: bytes) -> str:
    """The names of a leaf, as an extension file wants them."""
    shown = subprocess.run(
        ("openssl", "x509", "-noout", "-ext", "subjectAltName"), input=chain, capture_output=True, check=True
    )
    return ",".join(re.findall(r"DNS:[^,\s]+", shown.stdout.decode()))


if __name__ == "__main__":
    unittest.main()
