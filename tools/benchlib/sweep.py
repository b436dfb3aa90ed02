"""a nightly look at everything that is served: `certfleet renew` with nothing to do"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

from . import again, product, sshds, tables, tree

DETAILS = """\
So many pairs of two real sshds; one HAProxy has the listeners of all nodes and VIPs and shows one certificate for every
name; each node has a file for each of its names. The journal is filled with what a first run would have recorded. Then
`certfleet renew` asks every node, looks at every name on both nodes and the VIP and at every file, and has to find that
nothing differs. Servers and certfleet share the machine.
"""


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--names", type=int, default=10_000, metavar="N", help="names in all (10000)")
    parser.add_argument("--pairs", type=int, default=100, metavar="N", help="pairs of two nodes (100)")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="sweeps (1)")


def run(options: argparse.Namespace) -> int:
    program = product.build("certfleet", options.debug)
    filler = product.build("JournalFiller", options.debug)
    machine = tables.machine()
    tables.warn_if_busy(machine)
    with tempfile.TemporaryDirectory(prefix="certfleet-bench-") as folder:
        directory = Path(folder)
        with sshds.Nodes(directory, 2 * options.pairs) as nodes:
            listener = prepare(directory, nodes, options, program, filler)
            try:
                costs = [once(program, directory, options.names) for _ in range(options.rounds)]
            finally:
                listener.terminate()
                listener.wait()
    walls = [cost.wall for cost in costs]
    looks = 3 * options.names
    rows = [["names", "pairs", "handshakes", "wall s", "min", "max", "CPU s", "peak MiB"]]
    rows.append(
        [f"{options.names:,}", f"{options.pairs:,}", f"{looks:,}"]
        + [tables.number(wall) for wall in (tables.median(walls), min(walls), max(walls))]
        + [tables.number(tables.median([cost.cpu for cost in costs])), tables.number(max(c.peak_mib for c in costs))]
    )
    text = f"{tables.describe(machine)}\nwall and CPU: median of {options.rounds}\n\n{tables.table(rows)}"
    result = {"benchmark": "sweep", "machine": machine, "runs": [vars(cost) for cost in costs], "table": rows}
    tables.show(result, text, options.json)
    return 0


def prepare(directory: Path, nodes: sshds.Nodes, options: argparse.Namespace, program: Path, filler: Path):
    """Certificate, files, listeners, inventory, journal."""
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "shown.key")
    again.ended(
        *(directory, "openssl", "req", "-x509", *new_key, "-days", "89", "-subj", "/CN=made up for a benchmark"),
        *("-out", "made-up.pem"),
    )
    pem = directory / "shown.pem"
    pem.write_text((directory / "made-up.pem").read_text() + (directory / "shown.key").read_text())
    per_pair = options.names // options.pairs
    vips = [nodes.nodes[2 * pair].address for pair in range(options.pairs)]
    config = ["global", " maxconn 4000", "defaults", " mode http", " timeout client 10s", " timeout server 10s"]
    config += [" timeout connect 5s", "frontend f", " http-request return status 200"]
    lines = ["extra_suffixes: [example]"]
    lines += ["authorities: [{ id: ca, directory: 'https://ca.example/directory', limits: none }]"]
    lines += [f"defaults: {{ ssh: {{ user: {sshds.getpass.getuser()}, key: {nodes.user_key} }} }}", "pairs:"]
    rows = ["domain,pair"]
    for pair in range(options.pairs):
        members = nodes.nodes[2 * pair : 2 * pair + 2]
        # The VIP is another port of the first node's address.
        config.append(f" bind {vips[pair]}:9443 ssl crt {pem}")
        lines += [f"  - id: pair{pair}", f"    vips: [{{ id: web, address: {vips[pair]}, https: 9443 }}]", "    nodes:"]
        names = [f"www{number}.shop{pair}.example" for number in range(per_pair)]
        rows += [f"{name},pair{pair}" for name in names]
        for letter, node in zip("ab", members):
            (node.directory / "status").write_text("active\n" if letter == "a" else "passive\n")
            certificates = node.directory / "certs"
            certificates.mkdir()
            for name in names:
                os.link(pem, certificates / f"{name}.pem")
            config.append(f" bind {node.address}:8443 ssl crt {pem}")
            termination = (
                f"certificates: {certificates}, config: {directory / 'haproxy.cfg'}, socket: none, reload: 'true', "
                f"probe: {{ address: {node.address}, port: 8443 }}"
            )
            lines += [
                f"      - id: pair{pair}-{letter}",
                f"        address: {node.address}",
                f"        ssh: {{ port: {node.port} }}",
                f"        active: {{ file: {node.directory / 'status'} }}",
                f"        challenge: {{ thumbprint: {{ hosts: {node.directory / 'hosts'} }} }}",
                f"        terminations: [{{ haproxy: {{ {termination} }} }}]",
            ]
    (directory / "haproxy.cfg").write_text("\n".join([*config, ""]))
    (directory / "fleet.yaml").write_text("\n".join([*lines, "domains: [domains.csv]", ""]))
    (directory / "domains.csv").write_text("\n".join([*rows, ""]))
    listener = subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", "haproxy", "-db", "-f", str(directory / "haproxy.cfg")],
        stdout=subprocess.DEVNULL, stderr=(directory / "haproxy.log").open("w"), start_new_session=True,
    )  # fmt: skip
    tables.say("writing the journal of a first run …")
    again.ended(directory, str(program), "import", "--inventory", "fleet.yaml", "domains.csv")
    words = [str(program), "enroll", "--accept", "--inventory", "fleet.yaml"]
    subprocess.run(words, cwd=directory, capture_output=True, check=False)
    again.ended(directory, str(filler), "state", "made-up.pem", "ca", "as-is")
    return listener


def once(program: Path, directory: Path, names: int) -> tree.Cost:
    log = directory / "output"
    log.write_text("")
    cost = tree.run([str(program), "renew", "--json", "--inventory", "fleet.yaml"], directory, log)
    said = log.read_text()
    report = json.loads([line for line in said.splitlines() if line.startswith('{"') and '"customers"' in line][-1])
    differs = sum(len(group["lines"]) for group in report["drift"]["groups"])
    query = "SELECT count(*) FROM sighting WHERE verdict = 'same'"
    seen = again.ended(directory, "sqlite3", "-readonly", "state/journal.sqlite", query)
    if differs or int(seen) != 3 * names:
        raise product.BenchError(f"{differs} differ, {seen.strip()} of {3 * names} places seen:\n{said[-2000:]}")
    return cost
