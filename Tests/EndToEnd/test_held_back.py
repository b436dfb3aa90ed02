"""What is certain to fail costs nothing: names that do not exist, and files that a rollout would refuse."""

from __future__ import annotations

import os
import unittest

from lablib import spec

from .authority import authority
from .fleet import FleetTest, one_pair, stranger


def name(word: str) -> str:
    return f"{word}.acme-shop.example"


class HeldBack(FleetTest):
    GOOD = ("one", "two", "three", "four")
    #: Fewer than a handful, so that this machine is not in doubt.
    GONE = ("gone", "never")

    @classmethod
    def wanted(cls) -> spec.Spec:
        return one_pair("edge", tuple(name(word) for word in cls.GOOD + cls.GONE))

    def rows(self) -> dict[str, dict]:
        return {row["names"][0]: row for row in self.fleet.told("status", "--json").json["rows"]}

    def test_a_name_that_does_not_exist_costs_no_order_and_goes_at_once_when_it_does(self) -> None:
        """G16."""
        fleet = self.fleet
        fleet.enroll()
        with authority(fleet.lab) as dns:
            fleet.edit(f'resolvers: ["{fleet.lab.dns.server}"]', f'resolvers: ["{dns.place}"]')
            dns.denied = {name(word) for word in self.GONE}
            for word in self.GONE:
                fleet.ask(do="dns", name=name(word), address="none")

            first = fleet.told("run", status=1)

            with self.subTest("the run says what waits, once loudly"):
                self.assertIn("2 certificates wait for their DNS", first.out)
                self.assertIn("name not in DNS: 2, 2 new", first.out)
                self.assertIn("certfleet retry NAME", first.out)
                self.assertEqual(fleet.orders(), len(self.GOOD))
                self.assertEqual(self.rows()[name("gone")]["standing"], "waiting")
                self.assertEqual(self.rows()[name("gone")]["failures"], 0)
            with self.subTest("the plan and the next night know"):
                plan = fleet.told("plan").out
                self.assertIn("2 certificates wait for their DNS", plan)
                self.assertIn("no order is made until that heals", plan)
                self.assertIn("wait for their DNS", fleet.told("renew").out)
                self.assertEqual(fleet.orders(), len(self.GOOD))
            with self.subTest("retry orders once, whatever DNS says"):
                fleet.told("retry", name("never"))
                fleet.told("run", "--until", "30s", status=1)
                self.assertEqual(fleet.orders(), len(self.GOOD) + 1)
                fleet.told("run")
                self.assertEqual(fleet.orders(), len(self.GOOD) + 1)
            with self.subTest("what heals is free at once"):
                dns.denied.discard(name("gone"))
                fleet.ask(do="dns", name=name("gone"), address="edge")
                fleet.certfleet("run")
                self.assertEqual(self.rows()[name("gone")]["standing"], "served")
                self.assertEqual(fleet.orders(), len(self.GOOD) + 2)
            fleet.require_sound()


class Refused(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return one_pair("edge", tuple(name(word) for word in ("taken", "link", "free")))

    def test_files_that_a_rollout_would_refuse_are_found_before_an_order(self) -> None:
        """B4, C4."""
        fleet = self.fleet
        nodes = [fleet.lab.node(f"edge-{letter}") for letter in "ab"]
        taken = stranger(name("taken"))
        for node in nodes:
            with open(node.path("etc", "haproxy", "certs", f"{name('taken')}.pem"), "w") as file:
                file.write(taken)
            link = node.path("etc", "haproxy", "certs", f"{name('link')}.pem")
            os.symlink(node.path("etc", "haproxy", "default.pem"), link)

        fleet.enroll()

        words = "1 file lies there that certfleet did not put there"
        with self.subTest("enroll, doctor and plan count it"):
            self.assertIn(words, fleet.certfleet("enroll").out)
            doctor = fleet.told("doctor", status=1).out
            self.assertIn(words, doctor)
            self.assertIn("retry NAME overwrites", doctor)
            self.assertIn("a link lies in the certificate's place", fleet.told("plan").out)
            self.assertIn("certificate changed by hand, no order is made", fleet.told("plan").out)
        run = fleet.told("run", status=1)
        with self.subTest("the run orders nothing for it, and says why"):
            self.assertEqual(fleet.orders(), 1)
            self.assertIn("which certfleet did not put there", run.out)
            self.assertIn("is a symbolic link", run.out)
            self.assertIn("certfleet writes through no link", run.out)
            self.assertEqual(fleet.kinds()["specVetoed"], 2)
        fleet.told("retry", name("taken"))
        for node in nodes:
            os.unlink(node.path("etc", "haproxy", "certs", f"{name('link')}.pem"))
        fleet.told("run")
        with self.subTest("retry overwrites, and what was mended is seen"):
            self.assertEqual(fleet.orders(), 3)
            fleet.require_proved(self)
            fleet.require_sound()


if __name__ == "__main__":
    unittest.main()
