"""A run that the CA's limits hold back for minutes, and the commands of an operator beside it."""

from __future__ import annotations

import json
import time

from lablib import spec
from lablib.model import write

from .fleet import FleetTest, eventually, shape, stop

#: Minutes, so that renewals fall due while the run lasts.
LIFE = 200
#: The first names; they are renewed while the others are issued.
OLD, NEW = 3, 40
LIMITS = {"limits": [{"name": "NewOrdersPerAccount", "burst": 5, "count": 1, "period_s": 3}]}


class Beside(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(
            customers=[{"id": "acme"}],
            pairs=[
                {"id": "left", "kind": "haproxy-directory", "challenge": "thumbprint"},
                {"id": "right", "kind": "haproxy-crt-list", "challenge": "thumbprint", "detector": "file"},
            ],
            domains=[],
            validity=LIFE,
        )

    def stream(self, run) -> list[tuple[str, int, dict]]:
        """What the run has said so far: kind, second, body."""
        found = []
        for line in self.fleet.said(run).out.splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue  # The last line is still being written.
            if "event" in record:
                (kind, body), = record["event"].items()
                found.append((kind, record["at"], body))
        return found

    def rows(self) -> list[tuple[str, int, dict]]:
        """The journal: kind, second, body."""
        with self.fleet.database() as database:
            rows = database.execute("SELECT kind, at, body FROM event ORDER BY sequence").fetchall()
        return [(kind, at, json.loads(body)[kind]) for kind, at, body in rows]

    def starts(self, word: str) -> list[int]:
        return [at for kind, at, body in self.rows() if kind == "attemptStarted" and word in body["of"]["spec"]]

    def served(self) -> set[str]:
        bodies = [body for kind, _, body in self.rows() if kind == "served"]
        return {item["spec"] for body in bodies for item in body["certificates"]}

    def heard(self, run, kind: str, word: str) -> None:
        """The run itself says that it learnt of it."""
        eventually(lambda: any(k == kind and word in json.dumps(b) for k, _, b in self.stream(run)), kind)

    def started_since_the_pause(self, run) -> list[str]:
        """What the run started after it had learnt of the pause, in order."""
        said = self.stream(run)
        paused = next(place for place, (kind, _, _) in enumerate(said) if kind == "pairPaused")
        return [body["of"]["spec"] for kind, _, body in said[paused:] if kind == "attemptStarted"]

    def test_commands_take_effect_beside_a_throttled_run(self) -> None:
        fleet = self.fleet
        write(fleet.path("my-limits.json"), json.dumps(LIMITS))
        fleet.edit("limits: none", "limits: my-limits.json")
        fleet.add((f"old{number}.first-shop.example", "left") for number in range(OLD))
        fleet.enroll()
        fleet.told("run")
        due = time.time() + LIFE / 2
        fleet.add((f"new{number:02d}.big-shop.example", ("left", "right")[number % 2]) for number in range(NEW))
        fleet.add([("failing.other-shop.example", "right")])
        fleet.ask(do="dns", name="failing.other-shop.example", address="none")
        plan = fleet.told("plan").out
        self.assertIn("new orders per account", plan)

        run = fleet.start("run", "--json")
        self.addCleanup(stop, run, 9)
        eventually(lambda: len(self.starts("new")) >= 5, "the burst is spent")

        with self.subTest("a second run is refused"):
            second = fleet.told("run", status=3)
            self.assertIn("a run is going on", second.err)
            self.assertIn(str(run.pid), second.err)
            self.assertEqual(second.out, "")
        with self.subTest("status answers meanwhile"):
            status = fleet.told("status")
            self.assertIn(f"process {run.pid}", status.out)
        with self.subTest("retry"):
            # A name without an address is held back; without a word from a person it is looked at again much later.
            self.assertEqual(self.starts("failing"), [])
            fleet.ask(do="dns", name="failing.other-shop.example", address="right")
            fleet.told("retry", "failing.other-shop.example")
            self.heard(run, "retryAsked", "failing.other-shop.example")
        with self.subTest("pause"):
            fleet.told("pause", "right")
            self.heard(run, "pairPaused", "right")
        with self.subTest("import"):
            fleet.ask(do="domain", name="later.shop.example", pair="left")
            write(fleet.path("later.csv"), "domain,pair,customer\nlater.shop.example,left,acme\n")
            fleet.told("import", fleet.path("later.csv"))
            self.heard(run, "specAdded", "later.shop.example")
            events = fleet.kinds()["specAdded"]
            fleet.told("import", fleet.path("later.csv"))
            self.assertEqual(fleet.kinds()["specAdded"], events, "the same file twice is a no-op")
        with self.subTest("nothing is started on a paused pair"):
            # One order in three seconds: what was on its way when the pause came was started before these.
            eventually(lambda: sum("left/" in spec for spec in self.started_since_the_pause(run)) >= 4, "others go on")
            started = self.started_since_the_pause(run)
            second = [place for place, spec in enumerate(started) if "left/" in spec][1]
            self.assertEqual([spec for spec in started[second:] if "right/" in spec], [])
        fleet.told("resume", "right")
        self.heard(run, "pairResumed", "right")

        with self.subTest("renew hands its work to the run"):
            eventually(lambda: time.time() > due, "the first certificates are due")
            self.assertIsNone(run.poll(), "the run must still be going on")
            renewal = fleet.told("renew")
            self.assertIn(f"process {run.pid}", renewal.err)
            self.assertEqual(fleet.kinds()["renewalAsked"], 1)
            for number in range(OLD):
                eventually(lambda: len(self.starts(f"old{number}.")) >= 2, f"old{number} is renewed")

        # On a slow machine the first of the new ones are due before the last is there, and such a run never ends.
        eventually(lambda: len(self.served()) == OLD + NEW + 2, "every name was served once", 600)
        stop(run)
        self.assertIn(fleet.finish(run).status, (0, 130))
        fleet.require_sound()
