"""The release binary, and what a run of it costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def binary() -> Path:
    """Builds the release binary. SwiftPM looks itself whether anything changed."""
    print("building the release binary …", file=sys.stderr, flush=True)
    subprocess.run(
        ["swift", "build", "-c", "release", "--product", "certfleet"], cwd=ROOT, check=True, stdout=sys.stderr
    )
    return ROOT / ".build/release/certfleet"


@dataclass
class Cost:
    """One run of a process."""

    status: int
    wall: float
    cpu: float
    peak_megabytes: float
    output: str


def cost(command: list[str], directory: Path, environment: dict[str, str] | None = None) -> Cost:
    """Runs a command to its end. CPU time and peak memory are this process's own, from wait4."""
    output = directory / "output.txt"
    with output.open("wb") as file:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=file, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        process.returncode,
        wall,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        output.read_text(errors="replace"),
    )


def table(rows: list[list[str]]) -> str:
    """Columns as wide as their widest cell; the first is text, the others numbers."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]))
    return "\n".join(lines)
