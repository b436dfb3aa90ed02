"""What ends a lab that nobody told to end, and the line in the supervisor's log that says so."""

from __future__ import annotations

import asyncio
import os
import sys
import time

from . import processes
from .model import Lab


def note(text: str) -> None:
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime()) + text, file=sys.stderr, flush=True)


async def owner_ends(pid: int, started: int) -> None:
    while processes.is_same(pid, started):
        await asyncio.sleep(0.5)
    note(f"process {pid}, for which this lab was started, is gone")


async def home_vanishes(lab: Lab) -> None:
    """Whoever removes the directory by hand has no other way left to end the lab."""
    while os.path.exists(lab.path("lab.json")):
        await asyncio.sleep(1)
    note(f"{lab.directory} is gone")
