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
#: What "takes effect" may take, and what a journal of whole seconds may round.
SOON = 5 + 1
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

    def failed(self, name: str) -> bool:
        bodies = [body for kind, _, body in self.rows() if kind in ("attemptFailed", "specVetoed")]
        return any(name in json.dumps(body) for body in bodies)

    def heard(self, run, kind: str, word: str) -> None:
        """The run itself says that it learnt of it, within the time allowed."""
        began = time.monotonic()
        eventually(lambda: any(k == kind and word in json.dumps(b) for k, _, b in self.stream(run)), kind, SOON)
        self.assertLess(time.monotonic() - began, SOON)

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
        fleet.ask(do="dns", name="failing.other-shop.example", address="left")
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
        with self.subTest("status answers at once"):
            began = time.monotonic()
            status = fleet.told("status")
            self.assertLess(time.monotonic() - began, SOON)
            self.assertIn(f"process {run.pid}", status.out)
        with self.subTest("retry"):
            # It was vetoed before it cost an order; without a word from a person it would wait for its back-off.
            eventually(lambda: self.failed("failing.other-shop.example"), "the veto")
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
        paused = next(at for kind, at, _ in self.rows() if kind == "pairPaused")
        eventually(lambda: time.time() > paused + SOON, "the pause has taken effect", 60)
        with self.subTest("nothing is started on a paused pair"):
            self.assertEqual([at for at in self.starts("right/") if at > paused + SOON], [])
        fleet.told("resume", "right")
        self.heard(run, "pairResumed", "right")

        with self.subTest("renew hands its work to the run"):
            eventually(lambda: time.time() > due, "the first certificates are due")
            self.assertIsNone(run.poll(), "the run must still be going on")
            renewal = fleet.told("renew")
            self.assertIn(f"process {run.pid}", renewal.err)
            asked = next(at for kind, at, _ in self.rows() if kind == "renewalAsked")
            for number in range(OLD):
                starts = self.starts(f"old{number}.")
                self.assertGreaterEqual(len(starts), 2)
                self.assertLessEqual(starts[1], asked + SOON)

        # On a slow machine the first of the new ones are due before the last is there, and such a run never ends.
        eventually(lambda: len(self.served()) == OLD + NEW + 2, "every name was served once", 600)
        stop(run)
        self.assertIn(fleet.finish(run).status, (0, 130))
        fleet.require_sound()
