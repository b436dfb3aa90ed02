"""Sixty domains of three customers on four pairs of all kinds: issued, served, proved, mailed; then nothing to do."""

from __future__ import annotations

import csv
import io
import itertools
import os
import unittest

from lablib import mailbox, spec

from .fleet import QUICK, FleetTest, shape

#: `status --pair` on each kind of pair: how often, and how many at once.
ROUNDS = int(os.environ.get("CERTFLEET_TEST_ROUNDS", "2" if QUICK else "8"))
BESIDE = 4


class HappyPath(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(names=60)

    def test_one_run_issues_and_serves_everything_and_the_next_finds_nothing_to_do(self) -> None:
        fleet = self.fleet
        fleet.told("check")
        fleet.enroll()

        first = fleet.told("run")

        self.assertIn("60 issued", first.out)
        fleet.require_proved(self)
        fleet.require_whole(self)
        self.assertEqual(fleet.orders(), 60)
        self.assertEqual(fleet.certificates(), 60)
        self.assertEqual(fleet.leftovers(), [])
        fleet.require_sound()
        self.check_mail()
        events = len(fleet.events())

        second = fleet.told("run")

        self.assertIn("nothing to do", second.out)
        self.assertIn("60 kept", second.out)
        self.assertNotIn("issued:", second.out)
        self.assertEqual(fleet.orders(), 60)
        self.assertEqual([kind for kind, _ in fleet.events()[events:]], ["sweepStarted", "sweepEnded"])
        self.assertEqual(len(mailbox.messages(fleet.lab)), 1, "a run that did nothing mails nothing")

        after = fleet.told("status", "--json").json
        self.assertEqual({row["standing"] for row in after["rows"]}, {"served"})
        self.check_fingerprints()

    def check_fingerprints(self) -> None:
        """A1: the optimised build crashed each time that what a pair shows was compared with what was issued."""
        fleet = self.fleet
        for pair, begun in itertools.product(fleet.lab.pairs, range(0, ROUNDS, BESIDE)):
            count = min(BESIDE, ROUNDS - begun)
            for run in [fleet.start("status", "--pair", pair.id, "--json") for _ in range(count)]:
                done = fleet.finish(run)
                self.assertEqual(done.status, 0, f"{pair.id}: {done.text}")
                nodes = {one["node"] for one in done.json["fingerprints"]}
                self.assertEqual(nodes, {node.id for node in pair.nodes})

    def check_mail(self) -> None:
        mails = mailbox.messages(self.fleet.lab)
        self.assertEqual(len(mails), 1)
        mail = mails[0]
        self.assertIn("60 issued", mail["Subject"])
        text, html = mail.get_body(("plain",)), mail.get_body(("html",))
        self.assertIn("Acme Widgets", text.get_content())
        self.assertIn("Cedar Clinic", html.get_content())
        tables = [part for part in mail.walk() if part.get_content_type() == "text/csv"]
        self.assertEqual(len(tables), 1)
        rows = list(csv.DictReader(io.StringIO(tables[0].get_content())))
        self.assertEqual(len(rows), 60)


if __name__ == "__main__":
    unittest.main()
