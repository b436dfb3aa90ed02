"""a plan with its dates for a fleet of which nothing was issued yet: `certfleet plan`"""

from __future__ import annotations

import argparse
import datetime
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import again, lists, product, tables, tree

DETAILS = """\
Fifty pairs, Let's Encrypt's limits, and a list with international names and certificates of several names. *New*: an
empty journal. *Known*: `certfleet import` was there before, so the journal holds every certificate.
"""


@dataclass
class Planned:
    cost: tree.Cost
    certificates: int
    #: Until the last would be issued.
    days: float


def add(parser: argparse.ArgumentParser) -> None:
    sizes = [10_000, 100_000]
    text = "names in the list (10000 100000)"
    parser.add_argument("--names", type=int, nargs="+", default=sizes, metavar="N", help=text)
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="runs of each (5)")


def run(options: argparse.Namespace) -> int:
    program = product.build("certfleet", options.debug)
    machine = tables.machine()
    tables.warn_if_busy(machine)
    rows = [["plan", "names", "certificates", "wall s", "min", "max", "CPU s", "peak MiB", "days planned"]]
    runs = {}
    for count in options.names:
        with tempfile.TemporaryDirectory(prefix="certfleet-bench-") as folder:
            directory = Path(folder)
            lists.write(directory, count, limits="letsencrypt")
            for kind in ("new", "known"):
                if kind == "known":
                    again.ended(directory, str(program), "import", "--inventory", "fleet.yaml", "domains.csv")
                planned = [once(program, directory) for _ in range(options.rounds)]
                costs = [plan.cost for plan in planned]
                walls = [cost.wall for cost in costs]
                rows.append(
                    [kind, f"{count:,}", f"{planned[0].certificates:,}"]
                    + [tables.number(wall) for wall in (tables.median(walls), min(walls), max(walls))]
                    + [tables.number(tables.median([cost.cpu for cost in costs]))]
                    + [tables.number(max(cost.peak_mib for cost in costs)), tables.number(planned[0].days)]
                )
                runs[f"{kind} {count}"] = [vars(cost) for cost in costs]
    text = f"{tables.describe(machine)}\nwall and CPU: median of {options.rounds}\n\n{tables.table(rows)}"
    tables.show({"benchmark": "plan", "machine": machine, "runs": runs, "table": rows}, text, options.json)
    return 0


def once(program: Path, directory: Path) -> Planned:
    """As people call it: the whole process, with its text."""
    log = directory / "output"
    log.write_text("")
    cost = tree.run([str(program), "plan", "--inventory", "fleet.yaml"], directory, log)
    said = log.read_text()
    wanted = re.search(r"^([\d,]+) to issue$", said, re.MULTILINE)
    date = re.search(r"^Issued by (\S+ \S+) UTC, bound by: ", said, re.MULTILINE)
    if cost.status != 0 or not wanted or not date:
        raise product.BenchError(f"certfleet plan ended with {cost.status}:\n{said[-2000:]}")
    ends = datetime.datetime.fromisoformat(date[1]).replace(tzinfo=datetime.UTC)
    days = (ends - datetime.datetime.now(datetime.UTC)).total_seconds() / 86_400
    return Planned(cost, int(wanted[1].replace(",", "")), days)
