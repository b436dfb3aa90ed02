"""Runs the modules side by side: most of their time is waiting."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

HERE = Path(__file__).parent
#: The longest first, so that none of them is started last.
ORDER = (
    "test_ha_second_dies", "test_ha_first_dies", "test_ha_moves", "test_node_faults", "test_killed", "test_cut_off",
    "test_sweep_always", "test_danger", "test_limits", "test_broken_pem", "test_beside", "test_reused_keys",
    "test_node_hangs", "test_hostile", "test_drift",
)  # fmt: skip

#: Some use a core, most wait for time-outs of theirs.
JOBS = 2 + (os.cpu_count() or 2)

#: What `--quick` leaves out: each waits for what takes its time, or measures a rate.
SLOW = (
    "test_traffic", "test_ha_second_dies", "test_ha_first_dies", "test_ha_moves", "test_node_hangs", "test_limits",
    "test_danger", "test_beside", "test_reused_keys",
)  # fmt: skip  # fmt: skip

#: What measures a rate has the machine for itself.
ALONE = ("test_traffic",)


def modules() -> list[str]:
    found = {path.stem for path in HERE.glob("test_*.py")}
    return [name for name in ORDER if name in found] + sorted(found - set(ORDER))


def run(name: str) -> tuple[str, int, str, float]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-B", "-W", "ignore::ResourceWarning", "-m", "unittest", f"EndToEnd.{name}"],
        cwd=HERE.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace",
    )  # fmt: skip
    return name, done.returncode, done.stdout, time.monotonic() - began


def main() -> int:
    options = argparse.ArgumentParser(prog="python3 -m EndToEnd", description=__doc__)
    options.add_argument("--quick", action="store_true", help="loops over moments look at a few of them only")
    options.add_argument("--jobs", type=int, default=JOBS, help=f"modules at the same time ({JOBS})")
    options.add_argument("only", nargs="*", metavar="MODULE", help="test_happy_path, …; all without one")
    chosen = options.parse_args()
    if chosen.quick:
        os.environ["CERTFLEET_TEST_QUICK"] = "1"
    failed = 0
    wanted = chosen.only or [name for name in modules() if not (chosen.quick and name in SLOW)]
    for jobs, names in ((1, [name for name in wanted if name in ALONE]),
                        (chosen.jobs, [name for name in wanted if name not in ALONE])):  # fmt: skip
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            for ended in as_completed([pool.submit(run, name) for name in names]):
                name, status, text, seconds = ended.result()
                print(f"-- {name} ({seconds:.0f} s)\n{text.strip()}", flush=True)
                failed |= status != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
