"""reading an inventory and its lists of domains: certfleet check"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from . import timing

PAIRS = 50
CUSTOMERS = 10
#: The promise that is kept or broken: seconds for so many rows.
PROMISED_ROWS, PROMISED_SECONDS = 10_000, 2.0


def add(parser: argparse.ArgumentParser) -> None:
    sizes = [10_000, 100_000]
    parser.add_argument("--rows", type=int, nargs="+", default=sizes, help="sizes of the list (10000 100000)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each (5)")


def run(options: argparse.Namespace) -> int:
    program = timing.binary()
    rows = [["rows", "wall min", "median", "max", "CPU", "peak MB", "rows/s"]]
    kept = True
    for count in options.rows:
        with tempfile.TemporaryDirectory(prefix="certfleet-bench-") as folder:
            directory = Path(folder)
            (directory / "fleet.yaml").write_text(inventory())
            (directory / "domains.csv").write_text(domains(count))
            command = [str(program), "check", "--inventory", "fleet.yaml"]
            costs = [timing.cost(command, directory) for _ in range(options.runs)]
        if faulty := [cost for cost in costs if cost.status != 0]:
            print(faulty[0].output)
            return 1
        walls = [cost.wall for cost in costs]
        median = statistics.median(walls)
        rows.append(
            [f"{count:,}", *(f"{wall:.3f} s" for wall in (min(walls), median, max(walls)))]
            + [f"{statistics.median(cost.cpu for cost in costs):.3f} s"]
            + [f"{max(cost.peak_megabytes for cost in costs):.0f}", f"{count / median:,.0f}"]
        )
        if count == PROMISED_ROWS and median >= PROMISED_SECONDS:
            kept = False
    print(timing.table(rows))
    if not kept:
        print(f"{PROMISED_ROWS:,} rows took {PROMISED_SECONDS} s or more")
    return 0 if kept else 1


def inventory() -> str:
    lines = [
        "authorities: [{ id: ca, directory: 'https://ca.example/directory' }]",
        "defaults: { ssh: { agent: true } }",
        "customers:",
        *(f"  - {{ id: customer{i} }}" for i in range(CUSTOMERS)),
        "pairs:",
    ]
    for i in range(PAIRS):
        lines += [
            f"  - id: pair{i}",
            f"    customer: customer{i % CUSTOMERS}",
            f"    vips: [{{ id: web, address: 10.{i}.0.1 }}, {{ id: api, address: 10.{i}.0.2 }}]",
            f"    nodes: [{{ id: pair{i}-a, address: 10.{i}.0.11 }}, {{ id: pair{i}-b, address: 10.{i}.0.12 }}]",
        ]
    return "\n".join([*lines, "domains: [domains.csv]", ""])


def domains(count: int) -> str:
    """Shop chains under many suffixes, an international name in ten, a certificate of five names in twenty rows."""
    suffixes = ("com", "co.uk", "de", "com.au", "github.io")
    lines = ["domain,pair,vip,customer,certificate,profile,key,label,notes"]
    for i in range(count):
        pair = i % PAIRS
        # A registered domain is one pair's, so one customer's.
        registered = f"shop{pair}-{i // PAIRS // 40}.{suffixes[pair % len(suffixes)]}"
        host = f"bücher{i}" if i % 10 == 0 else f"www{i}"
        group = i // PAIRS
        certificate = f"group{group // 5}" if group % 20 < 5 else ""
        owner = f"pair{pair},web,customer{pair % CUSTOMERS}"
        lines.append(f'{host}.{registered},{owner},{certificate},,p256,,"row {i}, quoted"')
    return "\n".join([*lines, ""])
