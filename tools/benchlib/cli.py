"""The command line of tools/bench: one benchmark a module, each with `add` and `run`."""

from __future__ import annotations

import argparse

from . import check

BENCHMARKS = {"check": check}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="tools/bench",
        description="Times certfleet's release binary, which is built first when sources are newer than it.",
    )
    commands = parser.add_subparsers(metavar="BENCHMARK", required=True)
    for name, module in BENCHMARKS.items():
        command = commands.add_parser(name, help=module.__doc__, description=module.__doc__)
        module.add(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    return options.run(options)
