"""Whose a file is, is known for ever; an older journal and a second controller are recognised before they write."""

from __future__ import annotations

import os
import shutil

from lablib import spec

from .fleet import Done, FleetTest, shape

PAIRS = {"edge": "haproxy-directory", "list": "haproxy-crt-list", "mail": "stunnel"}
NAMES = [f"{word}.{pair}-shop.example" for pair in PAIRS for word in ("one", "two")]


class Ownership(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(
            customers=[{"id": "acme"}],
            pairs=[{"id": pair, "kind": kind, "challenge": "thumbprint"} for pair, kind in PAIRS.items()],
            domains=[{"domain": name, "pair": name.split(".")[1].removesuffix("-shop")} for name in NAMES],
        )

    def test_what_was_ours_stays_ours(self) -> None:
        fleet = self.fleet
        fleet.enroll()
        fleet.told("run")
        with self.subTest("C1: removed while its row stays, then run again"):
            fleet.told("remove", NAMES[0])
            done = fleet.certfleet("run")
            self.assertEqual(done.status, 0, done.text)
            self.assertNotIn("by hand", done.text)
            self.assertNotIn("changed by hand", fleet.told("status").text)
            fleet.require_proved(self)

        backup = fleet.path("backup.sqlite")
        fleet.told("backup", backup)
        fleet.rekey("p384")
        fleet.told("run")
        with self.subTest("C3: an older journal restored"):
            shutil.move(fleet.path("state"), fleet.path("newest"))
            restored = fleet.told("restore", backup).text
            self.assertIn("takeover --all", restored)
            # Account keys are not in a backup of the journal.
            shutil.copytree(fleet.path("newest", "accounts"), fleet.path("state", "accounts"), dirs_exist_ok=True)
            self.require_held_back("an older journal was restored", "controller")
            shutil.rmtree(fleet.path("state"))
            shutil.move(fleet.path("newest"), fleet.path("state"))
        with self.subTest("C3: a copied state on a second controller"):
            shutil.copytree(fleet.path("state"), fleet.path("second"))
            fleet.environment["CERTFLEET_STATE"] = fleet.path("second")
            self.require_refused("was last used at")
            taken = fleet.told("takeover", "--all").text
            self.assertIn("a new id", taken)
            fleet.rekey("p256")
            fleet.told("run")
            del fleet.environment["CERTFLEET_STATE"]
            self.require_held_back("controller ")
            # What the other one put there is told apart from a change by hand.
            drift = fleet.told("renew", "--json", status=1).json["drift"]["groups"]
            found = {one["pair"]: (one["kind"], one["reluctance"]) for one in drift}
            self.assertEqual(found, dict.fromkeys(PAIRS, ("otherController", "otherController")), drift)
            fleet.told("takeover", *PAIRS)
            fleet.rekey("p384")
            fleet.told("run")
            fleet.require_proved(self)
            fleet.require_sound()

    def require_refused(self, words: str) -> None:
        """Nobody logs in: the state finds itself elsewhere."""
        before = self.nodes()
        for command in (("run",), ("renew",), ("rollback", NAMES[0]), ("remove", NAMES[0])):
            done = self.fleet.certfleet(*command)
            self.assertEqual(done.status, 3, done.text)
            self.assertIn(words, done.text)
            self.assertIn("takeover --all", done.text)
        self.assertEqual(self.nodes(), before)

    def require_held_back(self, *words: str) -> None:
        """Nothing is written on a node, nothing is ordered, and it is said."""
        fleet, before, orders = self.fleet, self.nodes(), self.fleet.orders()
        for command in (("run",), ("renew",), ("rollback", NAMES[0])):
            done: Done = fleet.certfleet(*command)
            self.assertEqual(done.status, 1, done.text)
            self.assertTrue(any(word in done.text for word in words), done.text)
            self.assertEqual(self.nodes(), before, command)
            if command == ("renew",):
                self.assertRegex(done.text, r"the first of its 2 certificates runs out in [\d,]+ days, ")
        fleet.certfleet("remove", NAMES[1])
        fleet.certfleet("run")
        self.assertEqual(self.nodes(), before)
        self.assertEqual(fleet.orders(), orders)

    def nodes(self) -> dict[str, bytes]:
        """Every file of the nodes that certfleet could have written."""
        found = {}
        for node in self.fleet.lab.nodes:
            for top in ("etc", "work"):
                for folder, _, files in os.walk(node.path(top)):
                    for name in files:
                        path = os.path.join(folder, name)
                        with open(path, "rb") as file:
                            found[path] = file.read()
        return found
