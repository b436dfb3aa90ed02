"""A wrong clock for one program; see clock.c."""

from __future__ import annotations

import os
import struct
import tempfile
import unittest

from .fleet import compiled


class ShiftedClock:
    """Programs that are started with its environment see another time of day, which may jump while they run."""

    def __init__(self, test: unittest.TestCase, seconds: int = 0) -> None:
        self.folder = test.enterContext(tempfile.TemporaryDirectory())
        # The login of a node may be another account.
        os.chmod(self.folder, 0o755)
        self.file = os.path.join(self.folder, "clock")
        self.seconds = 0
        with open(self.file, "wb") as file:
            file.write(struct.pack("q", 0))
        self.environment = {"LD_PRELOAD": compiled("clock.c", self.folder), "CLOCK_FILE": self.file}
        self.jump(seconds)

    def jump(self, seconds: int) -> None:
        self.seconds += seconds
        with open(self.file, "r+b") as file:
            file.write(struct.pack("q", self.seconds))

    def set(self, seconds: int) -> None:
        self.jump(seconds - self.seconds)
