"""One PEM of a hundred is broken on the node: the other ninety-nine are served, the one is reported, and neither
HAProxy nor stunnel was ever asked to load a set that it would refuse."""

from __future__ import annotations

import glob
import subprocess
from collections import Counter

from lablib import spec
from lablib.model import Node, write

from .fleet import FleetTest, shape
from .pausing import PausedRun

PAIRS = {"edge": "haproxy-directory", "mail": "stunnel"}
BATCH = 100


class BrokenPEM(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(
            customers=[{"id": "acme"}],
            pairs=[{"id": pair, "kind": kind, "challenge": "thumbprint", "detector": "command"}
                   for pair, kind in PAIRS.items()],
            domains=[{"domain": f"n{number:03d}.{pair}-shop.example", "pair": pair}
                     for pair in PAIRS for number in range(BATCH)],
        )  # fmt: skip

    def test_one_of_a_hundred_is_left_out_and_the_rest_is_served(self) -> None:
        fleet = self.fleet
        # A batch that waits for company takes all hundred in.
        fleet.edit("domains: [domains.csv]", "pace: { batch_seconds: 3600 }\ndomains: [domains.csv]")
        fleet.enroll()
        run = PausedRun(self, fleet)
        broken: set[str] = set()
        self.whole: dict[str, str] = {}
        while len(broken) < len(PAIRS) and run.next():
            for pair in PAIRS:
                started = [body for _, body in run.events("rolloutStarted") if body["pair"] == pair]
                if started and pair not in broken:
                    self.assertEqual(len(started[0]["batch"]), BATCH, "one batch, so one reload")
                    broken.add(pair)
                    self.break_one(pair)
        self.assertEqual(broken, set(PAIRS))

        done = run.finish()

        self.assertEqual(done.status, 1, done.text)
        rows = fleet.told("status", "--json").json["rows"]
        failing = {row["pair"]: row for row in rows if row["standing"] != "served"}
        self.assertEqual(Counter(row["standing"] == "served" for row in rows), {True: 2 * (BATCH - 1), False: 2})
        self.assertEqual(set(failing), set(PAIRS), "one of each pair")
        for pair, row in failing.items():
            with self.subTest(pair):
                self.assertIn(row["names"][0], done.text)
                served = [(name["names"][0], pair) for name in rows if name["pair"] == pair and name is not row]
                fleet.require_whole(self, served)
        for node in fleet.lab.pair("mail").nodes:
            with open(node.path("log", "stunnel.log"), errors="replace") as log:
                said = log.read()
            self.assertEqual(said.count("Configuration successful"), 2, f"{node.id}: its start, and one reload")
            self.assertNotIn("Failed to reload", said)
        for node in fleet.lab.pair("edge").nodes:
            with open(node.path("log", "haproxy.log"), errors="replace") as log:
                self.assertNotIn("[ALERT]", log.read(), node.id)

        for path, text in self.whole.items():
            write(path, text, 0o600)
        fleet.told("retry", "--all")
        fleet.told("run")
        fleet.require_proved(self)
        self.assertEqual(fleet.leftovers(), [])

    def break_one(self, pair: str) -> None:
        """The key of one certificate is another's: the PEM that would come of it is one that no TLS server loads."""
        keys = [path for node in self.fleet.lab.pair(pair).nodes for path in self.keys(node)]
        self.assertGreaterEqual(len(keys), BATCH)
        words = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        path = sorted(keys)[BATCH // 2]
        with open(path) as file:
            self.whole[path] = file.read()
        write(path, subprocess.run(words, capture_output=True, text=True, check=True).stdout, 0o600)

    def keys(self, node: Node) -> list[str]:
        return glob.glob(node.path("work", "keys", "*.key"))
