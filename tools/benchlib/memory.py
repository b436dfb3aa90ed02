"""what a run keeps in memory: so many certificates issued and rolled out in one `certfleet run`"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

from lablib import spec
from lablib.up import ask, down, up

from . import product, tables, tree

DETAILS = """\
A lab of real pairs (tools/lab) with a real CA; nothing is issued yet. One `certfleet run` issues a certificate for
every name and rolls it out. Its resident memory is looked at ten times a second: at the first order, at the end, and at
its most. What grows between the first two, beside the certificates that the run has to know, is kept for nothing.
"""


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--names", type=int, default=3_000, metavar="N", help="names in all (3000)")
    parser.add_argument("--pairs", type=int, default=30, metavar="N", help="pairs of two nodes (30)")
    parser.add_argument("--binary", metavar="FILE", help="this certfleet instead of one that is built now")


def run(options: argparse.Namespace) -> int:
    program = Path(options.binary).resolve() if options.binary else product.build("certfleet", options.debug)
    machine = tables.machine()
    tables.warn_if_busy(machine)
    shape = spec.generated(options.pairs, 2, 6, options.names, "haproxy-directory")
    shape.environment, shape.watchdog = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}, 0
    with tempfile.TemporaryDirectory(prefix="certfleet-bench-") as folder:
        directory = os.path.join(folder, "lab")
        lab = up(directory, shape, 600, os.getpid(), lambda _: None)
        try:
            environment = {**os.environ, "CERTFLEET_INVENTORY": os.path.join(directory, "fleet.yaml")}
            subprocess.run([program, "enroll", "--accept"], env=environment, capture_output=True, check=False)
            words = [program, "account", "show", "--json"]
            shown = json.loads(subprocess.run(words, env=environment, capture_output=True, check=True).stdout)
            ask(lab, do="thumbprint", value=shown[0]["thumbprint"])
            found = once(program, Path(directory), environment)
        finally:
            down(directory, keep=False)
    if found["served"] != options.names:
        raise product.BenchError(f"{found['served']} of {options.names} names are served")
    rows = [["names", "pairs", "wall s", "at the first order MiB", "at the end MiB", "more MiB", "peak MiB"]]
    rows.append(
        [f"{options.names:,}", f"{options.pairs:,}", tables.number(found["wall"])]
        + [tables.number(found[word]) for word in ("start", "end")]
        + [tables.number(found["end"] - found["start"]), tables.number(found["peak"])]
    )
    text = f"{tables.describe(machine)}\n\n{tables.table(rows)}"
    tables.show({"benchmark": "memory", "machine": machine, "runs": [found], "table": rows}, text, options.json)
    return 0


def once(program: Path, directory: Path, environment: dict[str, str]) -> dict:
    journal = directory / "state" / "journal.sqlite"
    began = time.monotonic()
    with open(directory / "output", "wb") as log:
        process = subprocess.Popen([program, "run"], env=environment, stdout=log, stderr=log)
    start = end = peak = 0.0
    while process.poll() is None:
        end = tree.memory_mib({process.pid}) or end
        peak = max(peak, end)
        if not start and count(journal, "kind = 'attemptStarted'"):
            start = end
        time.sleep(tree.SAMPLE_SECONDS)
    with open(directory / "output", errors="replace") as log:
        if process.returncode:
            raise product.BenchError(f"the run ended with {process.returncode}:\n{log.read()[-2000:]}")
    wall = time.monotonic() - began
    query = "SELECT count(*) FROM certificate WHERE served IS NOT NULL"
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as database:
        served = database.execute(query).fetchone()[0]
    return {"wall": wall, "start": start, "end": end, "peak": peak, "served": served}


def count(journal: Path, condition: str) -> int:
    try:
        with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as database:
            return database.execute(f"SELECT count(*) FROM event WHERE {condition}").fetchone()[0]
    except sqlite3.OperationalError:
        return 0
