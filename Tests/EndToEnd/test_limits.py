"""Runs over the CA's limits, which stand in front of Pebble: they end by themselves, when planned."""

from __future__ import annotations

import datetime
import time
import unittest

from lablib import limiter, mailbox, spec

from .fleet import FleetTest, eventually, shape, stop

#: Ten at once, then one every three seconds: 40 take 90 s.
BURST, REFILL, NAMES = 10, 3, 40
LIMITS = {
    "limits": [
        {"name": "NewOrdersPerAccount", "burst": BURST, "count": 1, "period_s": REFILL},
        {"name": "CertificatesPerDomain", "burst": 50, "count": 50, "period_s": 604800},
    ]
}
#: What issuance itself takes on a loaded machine; the CA's limits know nothing of it.
ISSUANCE = 12


class Limits(FleetTest):
    """A lab for each test: what one of them spent would be missing in the next."""

    @classmethod
    def wanted(cls) -> spec.Spec:
        wanted = shape(number=2, names=NAMES, kind="haproxy-directory")
        wanted.limits = LIMITS
        return wanted

    def refusals(self) -> list[tuple[float, str]]:
        """What the limiter refused: when, and by which limit."""
        lines = limiter.say(self.fleet.lab).splitlines()
        return [(float(line.split()[1]), line.split()[2]) for line in lines if line.startswith("refused ")]

    def planned(self) -> float:
        """Seconds from the plan to its date."""
        plan = self.fleet.told("plan", "--json").json
        self.assertIn("new orders per account", plan["finish"]["boundBy"])
        self.assertEqual(plan["finish"]["count"], NAMES)
        return moment(plan["finish"]["at"]) - moment(plan["plan"]["plan"]["at"])

    def took(self, said) -> float:
        """Seconds from the first order to the last certificate."""
        records = [(next(iter(line["event"])), moment(line["at"])) for line in said.stream if "event" in line]
        self.assertEqual(sum(kind == "issued" for kind, _ in records), NAMES)
        first = min(at for kind, at in records if kind == "orderRequested")
        return max(at for kind, at in records if kind == "issued") - first


class Alone(Limits):
    def test_a_run_over_the_limit_ends_when_planned_and_is_never_refused(self) -> None:
        fleet = self.fleet
        fleet.enroll()
        least = (NAMES - BURST) * REFILL
        planned = self.planned()
        self.assertGreaterEqual(planned, least)
        self.assertLessEqual(planned, 1.02 * least + ISSUANCE)

        run = fleet.start("run", "--json")
        self.addCleanup(stop, run, 9)
        began = time.time()
        eventually(lambda: fleet.certificates() >= BURST + 3, "the burst is spent")
        # B13: whoever asks meanwhile is given the plan's date.
        said = fleet.told("status", "--json").json["finish"]
        self.assertIn("new orders per account", said["boundBy"])
        self.assertLess(abs(moment(said["at"]) - began - planned), 0.05 * planned + ISSUANCE)
        done = fleet.finish(run)

        self.assertEqual(done.status, 0, done.err)
        self.assertEqual(self.refusals(), [])
        self.assertEqual(done.json["limitNotes"], [])
        took = self.took(done)
        self.assertGreaterEqual(took, 0.98 * least)
        self.assertLess(abs(took - planned), 0.02 * planned + ISSUANCE)
        fleet.require_proved(self)


class Beside(Limits):
    EATEN = 6

    def test_what_another_client_eats_is_learnt_once_waited_for_and_said(self) -> None:
        fleet = self.fleet
        fleet.enroll()
        planned = self.planned()
        run = fleet.start("run", "--json")
        self.addCleanup(stop, run, 9)
        eventually(lambda: fleet.certificates() >= BURST + 3, "the burst is spent")
        limiter.say(fleet.lab, "spend", "NewOrdersPerAccount", "any", str(self.EATEN))

        done = fleet.finish(run)

        self.assertEqual(done.status, 0, done.err)
        # Only what nobody could foresee: the orders under way when the other client came.
        refusals = self.refusals()
        self.assertGreaterEqual(len(refusals), 1)
        self.assertLessEqual(refusals[-1][0] - refusals[0][0], REFILL, refusals)
        # An empty bucket has less to take than somebody asks for.
        self.assertLess(self.took(done), 1.02 * planned + self.EATEN * REFILL + ISSUANCE)
        (note,) = done.json["limitNotes"]
        self.assertEqual(note["limit"], "NewOrdersPerAccount")
        self.assertEqual(note["refusals"], len(refusals))
        self.assertEqual([row for row in done.json["rows"] if row["standing"] == "failing"], [])
        self.assertIn("so somebody else uses it too", mailbox.show(fleet.lab).replace("\n", " "))
        fleet.require_proved(self)


def moment(text: str) -> float:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


if __name__ == "__main__":
    unittest.main()
