"""the second run of an inventory of which everything is served: `certfleet run` with nothing to do"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
from pathlib import Path

from . import lists, product, tables, tree

DETAILS = """\
`certfleet import` takes the list in; a small program writes into the journal, through the product's own Journal, what a
first run would have recorded, with made-up certificates; then `certfleet run` has to see that nothing is to do, and say
so. No node and no CA is contacted: none exists.
"""


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--names", type=int, default=10_000, metavar="N", help="names in the list (10000)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="runs (5)")


def run(options: argparse.Namespace) -> int:
    program = product.build("certfleet", options.debug)
    filler = product.build("JournalFiller", options.debug)
    machine = tables.machine()
    tables.warn_if_busy(machine)
    with tempfile.TemporaryDirectory(prefix="certfleet-bench-") as folder:
        directory = Path(folder)
        lists.write(directory, options.names)
        prepared = prepare(program, filler, directory)
        costs = [once(program, directory) for _ in range(options.rounds)]
        size = (directory / "state" / "journal.sqlite").stat().st_size / 2**20
        events = count(directory)
    walls = [cost.wall for cost in costs]
    rows = [["names", "certificates", "journal MiB", "wall s", "min", "max", "CPU s", "peak MiB"]]
    rows.append(
        [f"{options.names:,}", f"{prepared:,}", tables.number(size)]
        + [tables.number(wall) for wall in (tables.median(walls), min(walls), max(walls))]
        + [tables.number(tables.median([cost.cpu for cost in costs])), tables.number(max(c.peak_mib for c in costs))]
    )
    text = f"{tables.describe(machine)}\nwall and CPU: median of {options.rounds}\n\n{tables.table(rows)}"
    result = {
        **{"benchmark": "again", "machine": machine, "names": options.names, "certificates": prepared},
        **{"events": events, "journal_mib": size, "runs": [vars(cost) for cost in costs]},
        "table": rows,
    }
    tables.show(result, text, options.json)
    return 0


def prepare(program: Path, filler: Path, directory: Path) -> int:
    """Everything wanted and everything served. Returns the number of certificates."""
    tables.say("writing the journal of a first run …")
    ended(directory, str(program), "import", "--inventory", "fleet.yaml", "domains.csv")
    # Their size is what counts: a leaf and an intermediate of some 700 bytes each, like a public CA's.
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "discarded.key")
    ended(
        *(directory, "openssl", "req", "-x509", *new_key, "-days", "90", "-subj", "/CN=made up for a benchmark"),
        *("-addext", "subjectAltName=DNS:www.shop.example", "-addext", "extendedKeyUsage=serverAuth"),
        *("-out", "made-up.pem"),
    )
    said = ended(directory, str(filler), "state", "made-up.pem", "ca")
    return json.loads(said)["certificates"]


def once(program: Path, directory: Path) -> tree.Cost:
    log = directory / "output"
    log.write_text("")
    before = count(directory)
    cost = tree.run([str(program), "run", "--inventory", "fleet.yaml"], directory, log)
    said = log.read_text()
    if cost.status != 0:
        raise product.BenchError(f"certfleet run ended with {cost.status}:\n{said[-2000:]}")
    # That it began and that it ended are all that it may record; and its headline has to say that all was kept.
    kept = re.search(r"^Run finished in [^:]+: nothing to do, [\d,]+ kept$", said, re.MULTILINE)
    if (new := count(directory) - before) > 2 or not kept:
        raise product.BenchError(f"certfleet run found something to do: {new} events\n{said[-2000:]}")
    return cost


def count(directory: Path) -> int:
    return int(ended(directory, "sqlite3", "-readonly", "state/journal.sqlite", "SELECT count(*) FROM event"))


def ended(directory: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise product.BenchError(f"{Path(command[0]).name} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout
