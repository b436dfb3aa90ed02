"""Everything that goes wrong on a real fleet, at once: each has its own clear line, all else is issued and served; and
after healing, one run completes the rest."""

from __future__ import annotations

import os

from lablib import mailbox, spec
from lablib.model import write

from .fleet import FleetTest, shape

PAIRS = {
    # id: (customer, kind, what goes wrong there)
    "good": ("acme", "haproxy-directory", "a broken PEM lies among its certificates; two names lead elsewhere"),
    "other": ("bluebird", "haproxy-crt-list", "nothing"),
    "rekeyed": ("bluebird", "haproxy-directory", "its second node has a new host key"),
    "split": ("cedar", "stunnel", "two active nodes"),
    "halved": ("cedar", "haproxy-directory", "its passive node is dead"),
    "bold": ("cedar", "vip-bound", "its passive node is dead, and it goes on without it"),
}
NAMES = 3


def names(pair: str) -> list[str]:
    return [f"{number}.{pair}-shop.example" for number in range(1, NAMES + 1)]


class Failures(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(
            customers=[{"id": "acme"}, {"id": "bluebird"}, {"id": "cedar"}],
            pairs=[
                {"id": pair, "customer": customer, "kind": kind, "challenge": "thumbprint", "detector": "command"}
                for pair, (customer, kind, _) in PAIRS.items()
            ],
            domains=[{"domain": name, "pair": pair} for pair in PAIRS for name in names(pair)],
        )

    def test_each_failure_has_its_line_and_nothing_else_suffers(self) -> None:
        fleet = self.fleet
        fleet.edit("  - id: bold\n", "  - id: bold\n    degraded: deploy\n")
        fleet.enroll()
        lab = fleet.lab
        broken = lab.node("good-a").path("etc", "haproxy", "certs", "broken.pem")
        elsewhere, foreign = names("good")[:2]
        write(broken, "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n", 0o600)
        fleet.ask(do="dns", name=elsewhere, address=f"127.{lab.block}.250.1")
        fleet.ask(do="dns", name=foreign, address="other")
        fleet.ask(do="rekey", node="rekeyed-b")
        fleet.ask(do="split", pair="split")
        fleet.ask(do="node", node="halved-b", action="stop")
        fleet.ask(do="node", node="bold-b", action="stop")
        fleet.ask(do="mail", action="refuse")

        first = fleet.told("run", status=1)

        with self.subTest("each failure has its own line"):
            for line in (
                "DNS points elsewhere: 1 certificate",
                "DNS points to another pair: 1 certificate",
                "rekeyed, node rekeyed-b: SSH host key changed",
                "split: two active nodes",
                "halved, node halved-b: node not reachable",
                "bold, node bold-b: node not reachable",
                "good, node good-a: node cannot restart",
            ):
                self.assertIn(line, first.out)
            self.assertIn("mail", first.err)
            self.assertIn("451", first.err)
        standing = {row["names"][0]: row for row in fleet.told("status", "--json").json["rows"]}
        with self.subTest("every other name is issued and served"):
            served = [names("good")[2], *names("other"), *names("bold")]
            for name in served:
                self.assertEqual(standing[name]["standing"], "served", standing[name])
            fleet.require_whole(self, [(names("good")[2], "good")] + [(name, "other") for name in names("other")])
            for name in names("bold"):
                self.assertTrue(fleet.vip_serves("bold", name))
        with self.subTest("half a pair is issued and waits, a split one is not touched"):
            for name in [*names("rekeyed"), *names("halved")]:
                self.assertEqual(standing[name]["standing"], "issued", standing[name])
            for name in names("split"):
                self.assertEqual(standing[name]["standing"], "waiting", standing[name])
            self.assertEqual(len(fleet.pems(lab.node("split-a"))), 0)
            self.assertEqual(standing[elsewhere]["cause"]["kind"], "wrongAddress")
            self.assertEqual(standing[foreign]["cause"]["kind"], "anotherPair")
        with self.subTest("no order was spent on what could be seen before"):
            self.assertEqual(fleet.orders(), fleet.certificates() + 1)
        with self.subTest("known failures are not shouted again"):
            self.assertEqual(mailbox.messages(lab), [])
            self.assertEqual(fleet.told("status", "--json").json["mailsWaiting"], 1)

        os.remove(broken)
        for name in (elsewhere, foreign):
            fleet.ask(do="dns", name=name, address="good")
        fleet.told("enroll", "rekeyed", "--accept")
        fleet.ask(do="heal", pair="split")
        fleet.ask(do="node", node="halved-b", action="start")
        fleet.ask(do="node", node="bold-b", action="start")
        fleet.ask(do="mail", action="up")
        fleet.told("retry", "--all")

        second = fleet.told("run")

        self.assertNotIn("Needs a person", second.out)
        fleet.require_proved(self)
        fleet.require_whole(self)
        self.assertEqual(fleet.leftovers(), [])
        fleet.require_sound()
        self.assertEqual(fleet.orders(), len(PAIRS) * NAMES + 1)
        subjects = [mail["Subject"] for mail in mailbox.messages(lab)]
        self.assertEqual(len(subjects), 2, "the waiting mail and the new one")
        self.assertIn("failed", subjects[0])
        self.assertEqual(fleet.told("status", "--json").json["mailsWaiting"], 0)

