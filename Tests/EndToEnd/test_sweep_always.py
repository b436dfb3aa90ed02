"""A sweep does what is wanted already, whatever people wrote, and tells somebody. B6, B8, B9, H4.

A broken list, an unreadable include, a paused fleet, a mail server that is down, an outbox that takes no more."""

from __future__ import annotations

import contextlib
import time
import unittest

from lablib import mailbox, spec

from .fleet import FleetTest, digest, eventually, shape

#: Due at half of it.
LIFE = 80


class SweepAlways(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(number=2, names=4, kind="haproxy-directory", validity=LIFE)

    def test_what_is_wanted_already_is_renewed_and_somebody_is_told(self) -> None:
        self.fleet.enroll()
        self.fleet.told("run")
        for case in (
            self.a_broken_list, self.an_unreadable_include, self.a_paused_fleet, self.a_mail_server_that_is_down,
            self.a_full_outbox, self.a_revision_that_waits,
        ):  # fmt: skip
            with self.subTest(case.__name__):
                case()
        self.fleet.require_sound()

    # MARK: The cases

    def a_broken_list(self) -> None:
        """B8: exit 2 before any work, for all customers, without a mail."""
        fleet = self.fleet
        text = self.read("domains.csv")
        fleet.add([("new.acme-widgets.example", "pair1")])
        self.write("domains.csv", self.read("domains.csv") + "lost.example,nowhere,,,,\n")
        line = self.read("domains.csv").count("\n")

        report = self.renewal(status=1)

        self.assertIn(f"domains.csv:{line}:14: no pair “nowhere”", report.out)
        self.assertIn("1 fault in the lists", report.out)
        self.assertIn("1 issued", report.out, "the rows without faults are taken over")
        self.assertIn(f"domains.csv:{line}:14", self.mail())
        fleet.told("check", status=2)
        self.write("domains.csv", text)

    def an_unreadable_include(self) -> None:
        """B8: an inventory with a fault stops nothing that is wanted already."""
        text = self.read("fleet.yaml")
        self.write("fleet.yaml", "include: [gone.yaml]\n" + text)

        report = self.renewal(status=1)

        self.assertIn("The inventory has 1 fault: this run went by the one of ", report.out)
        self.assertIn("the included file cannot be read", self.mail())
        self.fleet.told("check", status=2)
        self.write("fleet.yaml", text)

    def a_paused_fleet(self) -> None:
        """B9: the word pause stood nowhere."""
        fleet = self.fleet
        fleet.told("pause", "--reason", "new disks", "--until", "1h")
        self.wait_until_due()
        before = self.served()

        held = fleet.certfleet("renew")

        self.assertIn("the whole fleet is paused", held.out)
        self.assertIn("new disks", self.mail())
        self.assertEqual(self.served(), before)
        paused = fleet.told("status", "--json").json["holds"]
        self.assertEqual([(hold["hold"]["reason"], hold["isWholeFleet"]) for hold in paused], [("new disks", True)])

        fleet.told("resume", "pair1")
        half = fleet.certfleet("renew")

        self.assertIn("1 pair paused", half.out)
        now = self.served()
        for name, pair in self.rows():
            (self.assertNotEqual if pair == "pair1" else self.assertEqual)(now[name], before[name], name)
        fleet.told("resume")
        fleet.told("renew")

    def a_mail_server_that_is_down(self) -> None:
        """H4: exit 0."""
        text = self.read("fleet.yaml")
        port = next(row for row in text.splitlines() if row.startswith("  port: "))
        self.fleet.edit(f"{port}\n  tls:", "  port: 1\n  tls:")

        report = self.renewal(status=1)

        self.assertIn("1 mail waits in the outbox", report.err)
        self.write("fleet.yaml", text)
        sent = len(mailbox.messages(self.fleet.lab))
        self.fleet.told("renew")
        self.assertEqual(len(mailbox.messages(self.fleet.lab)), sent + 2, "the old one, then the new one")

    def a_full_outbox(self) -> None:
        text = self.read("fleet.yaml")
        start = text.index("mail:\n")
        end = text.index("customers:\n")
        self.write("in-the-way", "no directory")
        mail = "mail: { directory: in-the-way/mail, from: a@ops.example, to: [ops@ops.example] }\n"
        self.write("fleet.yaml", text[:start] + mail + text[end:])

        report = self.renewal(status=1)

        self.assertIn("1 mail waits in the outbox", report.err)
        self.assertIn("in-the-way", report.err)
        self.write("fleet.yaml", text)
        self.fleet.told("renew")

    def a_revision_that_waits(self) -> None:
        """B6: “0 of 3 certificates served” while every handshake is good."""
        fleet = self.fleet
        fleet.told("pause")
        fleet.rekey("rsa2048")
        fleet.told("import", fleet.path("domains.csv"))

        report = fleet.told("report", "--customer", "acme")

        served = len([pair for _, pair in self.rows() if fleet.lab.pair(pair).customer == "acme"])
        self.assertRegex(report.out, rf"Acme Widgets: {served + 1} of {served + 1} certificates served")
        self.assertIn("have a newer version on the way", report.out)
        states = {row["names"][0]: row for row in fleet.told("status", "--json").json["rows"]}
        for name, _ in self.rows():
            self.assertEqual((states[name]["service"], states[name]["work"]), ("served", "held"), states[name])

    # MARK: Looks

    def rows(self) -> list[tuple[str, str]]:
        return [(row.domain, row.pair) for row in self.fleet.lab.domains if not row.domain.startswith("new.")]

    def served(self) -> dict[str, str]:
        return {name: digest(self.fleet.vip_serves(pair, name)) for name, pair in self.rows()}

    def wait_until_due(self) -> None:
        with contextlib.closing(self.fleet.database()) as database:
            ends = [row[0] for row in database.execute("SELECT not_after FROM issued")]
        eventually(lambda: time.time() > max(ends) - LIFE / 2 + 1, "all certificates are due", LIFE)

    def renewal(self, status: int):
        """A sweep that finds everything due and renews it."""
        self.wait_until_due()
        before = self.served()
        report = self.fleet.told("renew", status=status)
        after = self.served()
        for name, _ in self.rows():
            self.assertNotEqual(after[name], before[name], f"{name} was not renewed\n{report.text}")
        return report

    def mail(self) -> str:
        message = mailbox.messages(self.fleet.lab)[-1]
        return message.get_body(("plain",)).get_content()

    def read(self, name: str) -> str:
        with open(self.fleet.path(name)) as file:
            return file.read()

    def write(self, name: str, text: str) -> None:
        with open(self.fleet.path(name), "w") as file:
            file.write(text)


if __name__ == "__main__":
    unittest.main()
