"""The command line of tools/bench: one benchmark a module, each with `add` and `run`."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys

from lablib.model import LabError

from . import again, check, issue, memory, plan, product, push, sweep

BENCHMARKS = {
    "issue": issue, "push": push, "again": again, "check": check, "plan": plan, "sweep": sweep, "memory": memory,
}  # fmt: skip
ABOUT = """\
What certfleet costs, beside the tools that people use for the same. Results are tables (or --json) of medians, with the
machine they were measured on; nothing passes or fails by its speed. Peers come from Debian: tools/install bench.
"""
ENDING = """\
Everything runs on this machine's loopback, as the user who calls it, and ends with the command. Measure on an idle
machine: all peers and their servers share its cores. Docs/Benchmarks.md says what is measured and what is left out.
"""


def main(arguments: list[str]) -> int:
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="tools/bench", description=ABOUT, epilog=ENDING, formatter_class=shape)
    commands = parser.add_subparsers(metavar="BENCHMARK", required=True)
    for name, module in BENCHMARKS.items():
        summary = (module.__doc__ or "").strip()
        text = f"{summary[0].upper()}{summary[1:]}.\n\n{module.DETAILS}"
        command = commands.add_parser(name, help=summary, description=text, formatter_class=shape)
        module.add(command)
        command.add_argument("--json", action="store_true", help="every run, and the table, as one JSON document")
        command.add_argument("--debug", action="store_true", help="a debug build: quick to make, slow to run")
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    # As Ctrl-C does: whatever was started is ended on the way out.
    signal.signal(signal.SIGTERM, stop)
    try:
        return options.run(options)
    except (product.BenchError, LabError, subprocess.CalledProcessError) as fault:
        print(f"tools/bench: {fault}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130


def stop(*_) -> None:
    # Not SIGINT: in a script's background it is ignored.
    raise KeyboardInterrupt
