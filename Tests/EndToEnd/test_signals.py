"""SIGTERM once: nothing is begun, what is under way is finished or kept for the next run (H7, E1). Twice: it is cut
short, and nothing is lost.
A terminal that closes, a reader that goes away and a disk that is full end no rollout half-way."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter

from lablib import spec

from .fleet import FleetTest, binary, eventually, shape

NAMES = 16


class Signals(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(number=1, names=NAMES, kind="haproxy-directory")

    def bring(self, word: str, names: int = NAMES) -> None:
        self.fleet.add((f"{word}{number:02d}.shop.example", "pair1") for number in range(names))

    def ends_what_it_began(self, run: subprocess.Popen, before: Counter) -> None:
        ended = self.fleet.finish(run)
        self.assertEqual(ended.status, 130, ended.text)
        self.assertIn("interrupted", ended.out)
        kinds = self.fleet.kinds() - before
        self.assertEqual(kinds["orderRequested"], kinds["orderCreated"], "no order is lost")
        self.assertEqual(kinds["attemptFailed"], 0, "our own end is nobody's failure")
        self.assertEqual(kinds["rolloutStarted"], kinds["rolloutEnded"])
        self.assertEqual(self.fleet.events("sweepEnded")[-1][1]["end"], "interrupted")

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
            asked, began = fleet.kinds()["orderRequested"], time.monotonic()
            self.ends_what_it_began(run, Counter())
            # H7: no order is asked for after the first signal but by those who were about to when it came; the end
            # comes within 30 s.
            self.assertLessEqual(fleet.kinds()["orderRequested"], asked + 2)
            self.assertLess(time.monotonic() - began, 30)
            self.assertLess(fleet.kinds()["issued"], NAMES, "nothing new was begun")
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
            # H7: two signals at once may reach the process as one: what waits for the CA is ended all the same.
            self.assertLess(time.monotonic() - began, 35)
            fleet.ask(do="ca", action="start")
            before = fleet.events("attemptFailed")
            self.go_on(2 * NAMES)
            lost = [body for _, body in before if "orderLost" in str(body)]
            self.assertLessEqual(fleet.orders(), 2 * NAMES + len(before), lost)
            fleet.require_proved(self)

        with self.subTest("A3: the terminal closes"):
            self.bring("closed", 6)
            before = fleet.kinds()
            run = fleet.start("run")
            eventually(lambda: fleet.kinds()["orderCreated"] > before["orderCreated"], "an order")
            # The kernel and the shell each send one; they are one wish.
            run.send_signal(signal.SIGHUP)
            run.send_signal(signal.SIGHUP)
            self.ends_what_it_began(run, before)
            self.go_on(2 * NAMES + 6)

        with self.subTest("A3: nobody reads any more"):
            self.bring("unread", 2)
            reader, writer = os.pipe()
            os.close(reader)
            ended = fleet.finish(fleet.start("run", "-v", stdout=writer, stderr=writer))
            os.close(writer)
            self.assertEqual(ended.status, 0)
            kinds = fleet.kinds()
            self.assertEqual(kinds["rolloutStarted"], kinds["rolloutEnded"])
            self.go_on(2 * NAMES + 8)

        with self.subTest("A2: the disk is full"):
            self.bring("full", 2)
            full = os.open("/dev/full", os.O_WRONLY)
            self.assertEqual(fleet.finish(fleet.start("run", "-v", stderr=full)).status, 0)
            self.go_on(2 * NAMES + 10)
            status = fleet.finish(fleet.start("status", stdout=full))
            os.close(full)
            self.assertEqual(status.status, 1, "an empty file is no result")
            self.assertIn("could not be written to stdout: No space left on device", status.err)

        with self.subTest("A2: stdout is closed"):
            closed = subprocess.run(
                ["sh", "-c", 'exec "$0" status >&-', binary()], stderr=subprocess.PIPE,
                env={**os.environ, "CERTFLEET_INVENTORY": fleet.inventory},
            )  # fmt: skip
            self.assertEqual((closed.returncode, closed.stderr), (0, b""))
            fleet.require_sound()
