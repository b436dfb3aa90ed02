"""Results as people and as programs read them."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence

#: How a tool tells its version; the first word with a dot between digits is it.
VERSIONS = {
    **{"dehydrated": ["dehydrated", "--version"], "lego": ["dpkg-query", "-W", "-f", "${Version}", "lego"]},
    **{"certbot": ["certbot", "--version"], "ansible": ["ansible", "--version"], "ssh": ["ssh", "-V"]},
    **{"pebble": ["dpkg-query", "-W", "-f", "${Version}", "pebble"], "haproxy": ["haproxy", "-v"]},
}


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the first is text, the others numbers."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def number(value: float | None, digits: int = 3) -> str:
    """So many significant digits, and no more decimals than that needs."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    magnitude = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:,.{max(0, digits - magnitude)}f}"


def median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def machine(tools: Sequence[str] = ()) -> dict:
    """Where it was measured. A number without this is no number."""
    return {
        "cores": os.cpu_count(),
        "processor": processor(),
        "kernel": platform.release(),
        "load": round(os.getloadavg()[0], 2),
        "versions": {tool: version(tool) for tool in tools},
    }


def processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    except OSError:
        return "unknown"


def version(tool: str) -> str:
    command = VERSIONS[tool]
    if not shutil.which(command[0]):
        return "missing"
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    found = re.search(r"\d+\.\d[\w.+~:-]*", done.stdout + done.stderr)
    return found[0].rstrip(".]") if found else "unknown"


def describe(found: dict) -> str:
    versions = ", ".join(f"{tool} {text}" for tool, text in found["versions"].items())
    text = f"{found['cores']} cores of {found['processor']}, Linux {found['kernel']}, load before {found['load']}"
    return text + (f"\n{versions}" if versions else "")


def warn_if_busy(found: dict) -> None:
    """Other people's work is in every number then."""
    if found["load"] > found["cores"] / 4:
        say(f"warning: the load is {found['load']} on {found['cores']} cores; do not believe these numbers")


def say(text: str) -> None:
    """Progress, apart from the result."""
    print(text, file=sys.stderr, flush=True)


def show(result: dict, text: str, as_json: bool) -> None:
    print(json.dumps(result, indent=1, ensure_ascii=False) if as_json else text)
