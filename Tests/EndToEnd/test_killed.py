"""SIGKILL right after each commit of the journal; then run again."""

from __future__ import annotations

import signal
import tempfile

from .fleet import QUICK, compiled
from .resumption import PAIRS, Resumption


class Killed(Resumption):
    def test_a_run_killed_after_any_commit_is_finished_by_the_next(self) -> None:
        fleet = self.fleet
        fleet.enroll()
        library = compiled("killer.c", self.enterContext(tempfile.TemporaryDirectory()))
        losses = sum(self.kill_after_each_commit(pair, library) for pair in PAIRS)
        if not QUICK:
            self.assertGreater(losses, 0, "the loop must have met the moment between intention and answer")
        self.assertEqual(fleet.certificates(), fleet.kinds()["specAdded"])

    def kill_after_each_commit(self, pair: str, library: str) -> int:
        """One name a round: with one certificate on its way, each commit holds one event. Answers with the losses."""
        fleet = self.fleet
        commit, losses = 0, 0
        while True:
            commit += 7 if QUICK else 1
            names = self.bring(commit, (pair,))
            before = fleet.orders()
            environment = {"LD_PRELOAD": library, "KILL_AFTER_FLUSH": str(commit)}
            killed = fleet.certfleet("run", environment=environment)
            if killed.status == 0:
                self.assertGreater(commit, 20, "the loop must have gone through a whole run")
                return losses
            self.assertEqual(killed.status, -signal.SIGKILL, killed.text)
            at = fleet.events()[-1][0]
            orders, lost = self.go_on(f"{pair}, commit {commit}, after {at}", names, before)
            losses += lost
            # An order that was asked for when the process died may or may not have reached the CA: the report names it.
            self.assertIn(orders, range(1, lost + 2), f"{pair}, commit {commit}, after {at}")
