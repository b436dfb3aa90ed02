"""reading an inventory and its lists of domains: `certfleet check`"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from . import lists, product, tables, tree

DETAILS = "Fifty pairs, and a list with international names, certificates of several names and quoted notes."


def add(parser: argparse.ArgumentParser) -> None:
    sizes = [10_000, 100_000]
    text = "sizes of the list (10000 100000)"
    parser.add_argument("--rows", type=int, nargs="+", default=sizes, metavar="N", help=text)
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="runs of each size (5)")


def run(options: argparse.Namespace) -> int:
    program = product.build("certfleet", options.debug)
    machine = tables.machine()
    tables.warn_if_busy(machine)
    measured = {count: measure(program, count, options.rounds) for count in options.rows}
    rows = [["rows", "wall s", "min", "max", "CPU s", "peak MiB", "rows/s"]]
    for count, costs in measured.items():
        walls = [cost.wall for cost in costs]
        middle = tables.median(walls)
        rows.append(
            [f"{count:,}", *(tables.number(wall) for wall in (middle, min(walls), max(walls)))]
            + [tables.number(tables.median([cost.cpu for cost in costs]))]
            + [tables.number(max(cost.peak_mib for cost in costs)), tables.number(count / middle)]
        )
    text = f"{tables.describe(machine)}\nwall and CPU: median of {options.rounds}\n\n{tables.table(rows)}"
    runs = {count: [vars(cost) for cost in costs] for count, costs in measured.items()}
    result = {"benchmark": "check", "machine": machine, "runs": runs, "table": rows}
    tables.show(result, text, options.json)
    return 0


def measure(program: Path, count: int, rounds: int) -> list[tree.Cost]:
    with tempfile.TemporaryDirectory(prefix="certfleet-bench-") as folder:
        directory = Path(folder)
        lists.write(directory, count)
        costs = []
        for _ in range(rounds):
            log = directory / "output"
            log.write_text("")
            costs.append(tree.run([str(program), "check", "--inventory", "fleet.yaml"], directory, log))
            if costs[-1].status != 0:
                raise product.BenchError(f"certfleet check ended with {costs[-1].status}:\n{log.read_text()[-2000:]}")
        return costs
