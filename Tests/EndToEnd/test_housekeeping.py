"""What a fleet gathers over the years: keys that rot, certificates that are no longer wanted; and windows that are
closed when the night's work is done."""

from __future__ import annotations

import base64
import glob
import os
import re
import subprocess
from datetime import datetime, timedelta, timezone

from lablib import mailbox, spec
from lablib.model import Node

from .fleet import FleetTest, eventually, shape, stop

PAIR = "edge"
NAMES = ["one.edge-shop.example", "two.edge-shop.example"]


class Housekeeping(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(
            customers=[{"id": "acme"}],
            pairs=[{"id": PAIR, "kind": "haproxy-directory", "challenge": "thumbprint", "detector": "command"}],
            domains=[{"domain": name, "pair": PAIR} for name in NAMES],
        )

    def setUp(self) -> None:
        self.pair = self.fleet.lab.pair(PAIR)
        self.active, self.passive = sorted(self.pair.nodes, key=lambda node: node.id != self.pair.vips[0].holder)

    def keys(self, node: Node) -> set[str]:
        return {os.path.basename(path).removesuffix(".key") for path in glob.glob(node.path("work", "keys", "*.key"))}

    def attempt(self, name: str) -> str:
        """The try that got the newest certificate for the name."""
        ends = [body["of"] for _, body in self.fleet.events("issued")]
        return [of["attempt"] for of in ends if of["spec"].endswith("/" + name)][-1]

    def test_a_fleet_keeps_itself_tidy(self) -> None:
        fleet = self.fleet
        fleet.edit(f"  - id: {PAIR}\n", f"  - id: {PAIR}\n    degraded: deploy\n")
        fleet.enroll()
        fleet.told("run")
        self.rot()
        self.remove()
        self.wait_for_a_window()
        fleet.require_sound()

    def rot(self) -> None:
        """The passive node misses a certificate, and the key that it owes rots meanwhile on the active one."""
        fleet = self.fleet
        fleet.ask(do="node", node=self.passive.id, action="stop")
        fleet.rekey("p384")
        fleet.certfleet("run")
        damage(self.active.path("work", "keys", self.attempt(NAMES[0]) + ".key"))
        fleet.ask(do="node", node=self.passive.id, action="start")
        orders = fleet.orders()

        fleet.told("run")

        said = [body["failure"] for _, body in fleet.events("ejected")]
        self.assertEqual([failure["kind"] for failure in said], ["keyLost"])
        self.assertIn("damaged", said[0]["detail"])
        self.assertEqual(fleet.orders(), orders + 1, "one new certificate, for the name whose key was lost")
        fleet.require_whole(self)
        self.assertEqual(fleet.leftovers(), [])

    def remove(self) -> None:
        """A name that is no longer wanted: its key goes when nothing in use needs it. The list is the operator's."""
        fleet, name = self.fleet, NAMES[1]
        attempt, other = self.attempt(name), self.attempt(NAMES[0])

        removed = fleet.told("remove", name)

        self.assertIn("domains.csv:3:", removed.err)
        with open(fleet.path("domains.csv"), "w") as table:
            table.write(f"domain,pair,key\n{NAMES[0]},{PAIR},p384\n")
        fleet.told("renew")
        for node in self.pair.nodes:
            self.assertIn(attempt, self.keys(node), "the certificate is in use")
            os.remove(node.path("etc", "haproxy", "certs", f"{name}.pem"))
        report = fleet.told("renew")
        self.assertIn("Keys of certificates that are no longer wanted went from", report.out)
        for node in self.pair.nodes:
            self.assertNotIn(attempt, self.keys(node))
            self.assertIn(other, self.keys(node), "the other name's key stays")
        again = fleet.told("renew")
        self.assertNotIn("no longer wanted", again.out, "said once")
        with open(fleet.path("domains.csv"), "a") as table:
            table.write(f"{name},{PAIR},p384\n")
        for words in (("plan",), ("import", "domains.csv", "--dry-run")):
            said = fleet.told(*words)
            self.assertIn(f"{name} was removed on", said.text, words)
        run = fleet.told("run")
        self.assertIn(f"{name} was removed on", run.err)
        fleet.require_whole(self)

    def wait_for_a_window(self) -> None:
        """The pair opens in two hours: the mail does not wait for that."""
        fleet = self.fleet
        opens = datetime.now(timezone.utc) + timedelta(hours=2)
        times = f"from: {opens:%H:%M}, to: {opens + timedelta(hours=1):%H:%M}"
        fleet.edit("pairs:\n", f"windows:\n  - {{ id: later, {times} }}\npairs:\n")
        fleet.edit("    degraded: deploy\n", "    degraded: deploy\n    windows: [later]\n")
        fleet.rekey("p256")
        before = len(mailbox.messages(fleet.lab))
        run = fleet.start("renew")
        self.addCleanup(stop, run)

        mails = eventually(lambda: mailbox.messages(fleet.lab)[before:], "the mail before the wait")

        self.assertIsNone(run.poll(), "it goes on")
        self.assertIn("Renewal so far", mails[0]["Subject"])
        text = mails[0].get_body(("plain",)).get_content()
        self.assertIn("Waiting for a window:", text)
        # G14: what is said is compared as a moment, not as the minute that this test happened to run in.
        said = re.search(rf"{PAIR}: 2 certificates, from (\S+ \S+) UTC on", text)
        self.assertIsNotNone(said, text)
        moment = datetime.strptime(said[1], "%Y-%m-%d %H:%M").replace(tzinfo=timezone.utc)
        self.assertLessEqual(abs(moment - opens), timedelta(minutes=2))
        stop(run)
        self.assertEqual(fleet.finish(run).status, 130)
        self.assertEqual(len(mailbox.messages(fleet.lab)), before + 2, "and one at its end")


def damage(path: str) -> None:
    """Another number as the private half; the public one stays right, so that every reading of it does well."""
    with open(path) as file:
        first, *body, last = file.read().splitlines()
    der = bytearray(base64.b64decode("".join(body)))
    # ECPrivateKey: version 1, then an octet string of 48 for P-384 (RFC 5915 §3).
    der[der.index(b"\x02\x01\x01\x04\x30") + 25] ^= 1
    text = base64.b64encode(der).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    with open(path, "w") as file:
        file.write("\n".join([first, *lines, last]) + "\n")
    subprocess.run(["openssl", "pkey", "-in", path, "-noout"], check=True)
