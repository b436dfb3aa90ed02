"""Sixty domains of three customers on four pairs of all kinds: issued, served, proved, mailed; then nothing to do."""

from __future__ import annotations

import csv
import io
import unittest

from lablib import mailbox, spec

from .fleet import FleetTest, shape


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
