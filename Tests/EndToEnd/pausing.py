"""A run that can be held after each of its commits; see pauser.c."""

from __future__ import annotations

import os
import signal
import sqlite3
import tempfile
import time
import unittest

from lablib import processes

from .fleet import PATIENCE, Done, Fleet, compiled


class PausedRun:
    """`certfleet run`, going from commit to commit only when told."""

    def __init__(self, test: unittest.TestCase, fleet: Fleet) -> None:
        folder = test.enterContext(tempfile.TemporaryDirectory())
        self.file = os.path.join(folder, "pause")
        with open(self.file, "w"):
            pass
        self.fleet, self.flushes = fleet, 0
        environment = {"LD_PRELOAD": compiled("pauser.c", folder), "PAUSE_FILE": self.file}
        self.process = fleet.start("run", environment=environment)
        test.addCleanup(self.end)

    def next(self) -> bool:
        """On to the end of the next commit; False when there was none and the run has ended."""
        if self.flushes:
            self.process.send_signal(signal.SIGCONT)
        self.flushes += 1
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            found = processes.stat(self.process.pid)
            # Another thread may have come as far before all of them stood.
            size = os.path.getsize(self.file)
            if found and found[1] == "T" and size >= self.flushes:
                self.flushes = size
                return True
            if time.monotonic() > deadline:
                raise AssertionError(f"no commit in {PATIENCE} s: {self.fleet.said(self.process).text}")
            time.sleep(0.01)  # between two looks
        return False

    def events(self, *kinds: str) -> list[tuple[str, dict]]:
        """The journal as it is now; nothing where the process was stopped in the middle of SQLite's own work."""
        try:
            return self.fleet.events(*kinds)
        except sqlite3.OperationalError:
            return []

    def finish(self) -> Done:
        """On to the end without another pause."""
        if os.path.exists(self.file):
            os.remove(self.file)
        self.process.send_signal(signal.SIGCONT)
        return self.fleet.finish(self.process)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
