"""Runs the rules over the checkout."""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .documents import document_faults
from .rules import RULES
from .source import Source

TOP = Path(__file__).parents[2]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="tools/lint", description="House rules that a search can hold, then `swift format lint --strict`."
    )
    parser.add_argument("--self-test", action="store_true", help="only try each rule on its own examples")
    parser.add_argument("--no-format", action="store_true", help="leave out `swift format`")
    parser.add_argument("--rules", action="store_true", help="list the rules")
    options = parser.parse_args(arguments)
    if options.rules:
        for rule in RULES:
            print(f"{rule.name}: {rule.message}")
        return 0
    faults = self_test()
    if not options.self_test:
        sources = read()
        faults += breaches(sources) + scripts(sources) + document_faults(sources, TOP)
        if not options.no_format:
            faults += swift_format()
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print(f"lint: {len(RULES)} rules kept")
    return 1 if faults else 0


def self_test() -> list[str]:
    """A rule that no longer finds what it forbids is worse than none."""
    faults = []
    for rule in RULES:
        for examples, expected in ((rule.bad, True), (rule.good, False)):
            for path, text in examples:
                if any(rule.check([Source(path, text)])) != expected:
                    verb = "does not find" if expected else "wrongly finds"
                    faults.append(f"tools/lint: rule {rule.name} {verb} a breach in {text[:70]!r}")
    return faults


def read() -> list[Source]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=TOP, capture_output=True, check=True)
    sources = []
    for name in sorted(set(os.fsdecode(listed.stdout).split("\0"))):
        path = TOP / name
        if name and path.is_file():
            try:
                sources.append(Source(name, path.read_text(encoding="utf-8")))
            except UnicodeDecodeError:
                continue  # Not text: no rule reads it.
    return sources


def breaches(sources: list[Source]) -> list[str]:
    return [f"{path}:{line}: {rule.message} [{rule.name}]" for rule in RULES for path, line in rule.check(sources)]


def scripts(sources: list[Source]) -> list[str]:
    """That every script can be read by its interpreter."""
    faults = []
    for source in sources:
        if source.is_python:
            try:
                ast.parse(source.text)
            except SyntaxError as fault:
                faults.append(f"{source.path}:{fault.lineno}: {fault.msg} [syntax]")
        elif source.text.startswith(("#!/bin/sh", "#!/bin/bash", "#!/usr/bin/env bash")):
            shell = "sh" if source.text.startswith("#!/bin/sh") else "bash"
            done = subprocess.run([shell, "-n", TOP / source.path], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                faults.append(f"{source.path}: {done.stderr.strip()} [syntax]")
    return faults


def swift_format() -> list[str]:
    if not shutil.which("swift"):
        return ["swift format: there is no `swift` on PATH"]
    places = [name for name in ("Package.swift", "Sources", "Tests", "tools") if (TOP / name).exists()]
    command = ["swift", "format", "lint", "--strict", "--parallel", "--recursive", *places]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [(done.stderr or done.stdout).strip()]
