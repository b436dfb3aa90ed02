"""SIGTERM once: what is under way is finished, the next run goes on. Twice: it is cut short, and nothing is lost."""

from __future__ import annotations

import signal
import time

from lablib import spec

from .fleet import FleetTest, eventually, shape

NAMES = 16


class Signals(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(number=1, names=NAMES, kind="haproxy-directory")

    def bring(self, word: str) -> None:
        self.fleet.add((f"{word}{number:02d}.shop.example", "pair1") for number in range(NAMES))

    def go_on(self, wanted: int) -> None:
        fleet = self.fleet
        report = fleet.told("run", "--json").json
        self.assertEqual({row["standing"] for row in report["rows"]}, {"served"})
        self.assertEqual(len(report["rows"]), wanted)
        fleet.require_sound()
        self.assertEqual(fleet.leftovers(), [])

    def test_signals_end_a_run_without_loss(self) -> None:
        fleet = self.fleet
        fleet.edit("domains: [domains.csv]", "pace: { orders_in_flight: 2 }\ndomains: [domains.csv]")
        fleet.enroll()

        with self.subTest("one signal"):
            run = fleet.start("run")
            eventually(lambda: fleet.kinds()["orderCreated"] >= 3, "three orders")
            run.send_signal(signal.SIGTERM)
            ended = fleet.finish(run)
            self.assertEqual(ended.status, 130, ended.text)
            self.assertIn("interrupted", ended.out)
            kinds = fleet.kinds()
            self.assertEqual(kinds["attemptStarted"], kinds["issued"], "what was begun was finished")
            self.assertEqual(kinds["rolloutStarted"], kinds["rolloutEnded"])
            self.assertLess(kinds["issued"], NAMES, "nothing new was begun")
            self.assertEqual(fleet.events("sweepEnded")[-1][1]["end"], "interrupted")
            self.go_on(NAMES)
            self.assertEqual(fleet.orders(), NAMES)

        with self.subTest("two signals while the CA says nothing"):
            self.bring("silent")
            run = fleet.start("run")
            eventually(lambda: fleet.kinds()["orderCreated"] > NAMES, "an order")
            fleet.ask(do="ca", action="freeze")
            run.send_signal(signal.SIGTERM)
            run.send_signal(signal.SIGTERM)
            began = time.monotonic()
            ended = fleet.finish(run)
            self.assertEqual(ended.status, 130, ended.text)
            # Two signals at once may reach the process as one: then it ends when the CA was given up on.
            self.assertLess(time.monotonic() - began, 240)
            fleet.ask(do="ca", action="start")
            before = fleet.events("attemptFailed")
            self.go_on(2 * NAMES)
            lost = [body for _, body in before if "orderLost" in str(body)]
            self.assertLessEqual(fleet.orders(), 2 * NAMES + len(before), lost)
            fleet.require_proved(self)
