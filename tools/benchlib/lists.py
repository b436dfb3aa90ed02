"""An inventory of fifty pairs and a list of so many rows, as fleets have them."""

from __future__ import annotations

from pathlib import Path

PAIRS = 50
CUSTOMERS = 10


def write(directory: Path, rows: int, limits: str = "none") -> None:
    (directory / "fleet.yaml").write_text(inventory(limits))
    (directory / "domains.csv").write_text(domains(rows))


def inventory(limits: str) -> str:
    """No address in it is ever contacted: 192.0.2.0/24 and the like would not do for fifty pairs."""
    lines = [
        f"authorities: [{{ id: ca, directory: 'https://ca.example/directory', limits: {limits} }}]",
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
    """Shop chains under many suffixes, an international name in ten, five rows in twenty in certificates of five."""
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
