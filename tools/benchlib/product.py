"""What is measured: certfleet's executables, built the way a release is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class BenchError(Exception):
    """A reason why a benchmark cannot be run or must not be believed, as a sentence."""


def build(product: str, debug: bool = False) -> Path:
    """Builds one executable. SwiftPM looks itself whether anything changed."""
    # One configuration for all benchmarks: the runtime linked in, as in what is shipped, and nothing built twice.
    flags = [] if debug else ["-c", "release", "--static-swift-stdlib"]
    print(f"building {product} ({'debug' if debug else 'release'}) …", file=sys.stderr, flush=True)
    subprocess.run(["swift", "build", *flags, "--product", product], cwd=ROOT, check=True, stdout=sys.stderr)
    shown = subprocess.run(
        ["swift", "build", *flags, "--show-bin-path"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return Path(shown.stdout.strip(), product)
