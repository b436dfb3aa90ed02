"""One PEM of a hundred is broken on the node: the other ninety-nine are served, the one is put aside with its reason
and gets a new key, and neither HAProxy nor stunnel was ever asked to load a set that it would refuse."""

from __future__ import annotations

import glob
import subprocess

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
        while len(broken) < len(PAIRS) and run.next():
            for pair in PAIRS:
                started = [body for _, body in run.events("rolloutStarted") if body["pair"] == pair]
                if started and pair not in broken:
                    self.assertEqual(len(started[0]["batch"]), BATCH, "one batch, so one reload")
                    broken.add(pair)
                    self.break_one(pair)
        self.assertEqual(broken, set(PAIRS))

        run.finish()

        out = {body["spec"]: body["failure"] for _, body in fleet.events("ejected")}
        self.assertEqual({failure["kind"] for failure in out.values()}, {"keyLost"}, out)
        self.assertEqual(sorted(spec.partition("/")[0] for spec in out), sorted(PAIRS), "one of each pair")
        rows = fleet.told("status", "--json").json["rows"]
        whole = [(row["names"][0], row["pair"]) for row in rows if row["spec"] not in out]
        self.assertEqual(len(whole), 2 * (BATCH - 1))
        fleet.require_whole(self, whole)
        for node in fleet.lab.pair("mail").nodes:
            with open(node.path("log", "stunnel.log"), errors="replace") as log:
                said = log.read()
            # Its start, one reload for the ninety-nine, and perhaps one already for the new certificate of the one.
            self.assertIn(said.count("Configuration successful"), (2, 3), node.id)
            self.assertNotIn("Failed to reload", said)
        for node in fleet.lab.pair("edge").nodes:
            with open(node.path("log", "haproxy.log"), errors="replace") as log:
                self.assertNotIn("[ALERT]", log.read(), node.id)

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
        write(path, subprocess.run(words, capture_output=True, text=True, check=True).stdout, 0o600)

    def keys(self, node: Node) -> list[str]:
        return glob.glob(node.path("work", "keys", "*.key"))
