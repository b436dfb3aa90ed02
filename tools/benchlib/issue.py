"""certificates a second: certfleet beside dehydrated, lego and certbot on the same CA"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from . import authority, clients, product, proofs, tables

DETAILS = """\
Issuance only, for certificates of one name on P-256. Every client gets a lab of its own (tools/lab): Pebble, strict,
refusing nonces, reusing no authorization; every name is truly validated by http-01 through the pair's HAProxy, which
answers by the static rule of the client's own account. Accounts are made beforehand; afterwards every certificate is
checked: chain, name, and the key that belongs to it.
"""
DEFAULT = "dehydrated,lego,lego-parallel,certbot"
STEPS = {
    "keyMade": "a key and a request are made on the node",
    "orderRequested": "its turn comes (pace.orders_in_flight)",
    "orderCreated": "newOrder",
    "finalizeRequested": "authorization, challenge, polls until the CA has validated",
    "issued": "finalize, polls until the CA has signed, download, check",
}
#: A Pebble that hung is nobody's result. After three in a row this client has none in this round.
TRIES = 3


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--names", type=int, default=50, metavar="N", help="names, a certificate each (50)")
    parser.add_argument("--pairs", type=int, default=4, metavar="N", help="pairs of nodes that answer for them (4)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="in each of them every client runs (3)")
    parser.add_argument("--nonce-reject", type=int, default=5, metavar="PERCENT", help="nonces that the CA refuses (5)")
    parser.add_argument(
        "--peers", default=DEFAULT, metavar="LIST",
        help=f"which ones, of {', '.join(clients.PEERS)}, lego-parallel for the last two of lego; or none ({DEFAULT})",
    )


def run(options: argparse.Namespace) -> int:
    chosen = [name for word in options.peers.split(",") if word != "none" for name in clients.GROUPS.get(word, [word])]
    if unknown := set(chosen) - set(clients.PEERS):
        raise product.BenchError(f"--peers: {', '.join(sorted(unknown))} is none of {', '.join(clients.PEERS)}")
    tools = {name.partition("-")[0] for name in chosen}
    if missing := [tool for tool in sorted(tools) if not shutil.which(tool)]:
        raise product.BenchError(f"missing: {', '.join(missing)}; tools/install bench brings them")
    clients.Certfleet.program = product.build("certfleet", options.debug)
    makers = {"certfleet": clients.Certfleet, **{name: clients.PEERS[name] for name in chosen}}
    machine = tables.machine(["pebble", "haproxy", *sorted(tools)])
    tables.warn_if_busy(machine)
    names = list(makers)
    runs: list[dict] = []
    for number in range(options.rounds):
        # Each round begins with another client: the machine's speed drifts.
        for name in names[number % len(names) :] + names[: number % len(names)]:
            tables.say(f"round {number + 1} of {options.rounds}: {makers[name].label} …")
            for found in tries(makers[name], options):
                runs.append({"round": number + 1, "client": name, **found})
    labels = {name: maker.label for name, maker in makers.items()}
    shown = {"benchmark": "issue", "machine": machine, "names": options.names, "runs": runs}
    counted = [run for run in runs if not run["pebble_hung"]]
    words = text(machine, counted, labels, options)
    for name, label in labels.items():
        if hung := sum(run["client"] == name and run["pebble_hung"] for run in runs):
            words += f"\n\nPebble hung in {hung} more tries of {label}, which count for nothing."
    tables.show({**shown, "table": rates(counted, labels)}, words, options.json)
    own = [run for run in counted if run["client"] == "certfleet"]
    return 1 if not own or any(run["lost"] for run in own) else 0


def tries(maker, options: argparse.Namespace) -> Iterator[dict]:
    """Until one in which the CA did not hang; those before it are told, and count for nothing."""
    for _ in range(TRIES):
        found = once(maker, options)
        yield found
        if not found["pebble_hung"]:
            return
        tables.say("  Pebble hung, and a new one knows no account and no order; this try does not count")


def once(maker, options: argparse.Namespace) -> dict:
    with tempfile.TemporaryDirectory(prefix="certfleet-bench-") as folder:
        place = Path(folder)
        with authority.FreshLab(place / "lab", options.names, options.pairs, options.nonce_reject) as fresh:
            client = maker(fresh, place / "client")
            try:
                fresh.ask("thumbprint", client.register())
            except product.BenchError:
                if fresh.pebble_hung:
                    return {"pebble_hung": True}
                raise
            before = fresh.log_size()
            outcome = client.issue()
            requests = fresh.requests(before, outcome.log_size)
            hung = fresh.pebble_hung
            wrong = proofs.wrong(client.results(), client.names, place / "lab" / "pebble-roots.pem", place / "proofs")
            if outcome.timed_out:
                tables.say("  it was ended, for it did not end by itself")
            if wrong and not hung:
                tables.say(f"  {len(wrong)} lost: {reasons(wrong)}\n{client.said()[-600:]}")
    good = options.names - len(wrong)
    return {
        **{"wall": outcome.wall, "cpu": outcome.cpu, "node_cpu": outcome.node_cpu, "peak_mib": outcome.peak_mib},
        **{"issued": good, "lost": wrong, "requests": requests, "timed_out": outcome.timed_out, "pebble_hung": hung},
        **{"steps": outcome.steps},
    }


def reasons(wrong: dict[str, str]) -> str:
    return ", ".join(f"{count} × {reason}" for reason, count in Counter(wrong.values()).most_common())


def text(machine: dict, runs: list[dict], labels: dict[str, str], options: argparse.Namespace) -> str:
    conditions = (
        f"{options.names} certificates of one name, P-256, http-01; {options.nonce_reject} % of nonces refused, no "
        f"authorization reused; median of {options.rounds}"
    )
    parts = [tables.describe(machine), conditions, "", tables.table(rates(runs, labels)), ""]
    own = [run for run in runs if run["client"] == "certfleet"]
    issued = sum(run["issued"] for run in own)
    if issued:
        node = 1000 * sum(run["node_cpu"] for run in own) / issued
        parts.append(
            f"The nodes' share, in no row: {tables.number(node)} ms CPU a certificate to ask them, and for keys and "
            "requests, which openssl makes there for certfleet. Peers make them in their own processes."
        )
        arrivals = [[at for line in run["steps"] for kind, at in line if kind == "issued"] for run in own]
        firsts = [min(found) for found in arrivals if found]
        parts.append(
            f"certfleet's first certificate came after {tables.number(tables.median(firsts))} s, which the wall time "
            "includes: reading the inventory, asking every node, making keys."
        )
    parts += ["", "requests a certificate, refused nonces included", tables.table(requests(runs, labels))]
    parts += ["", "where a certificate's time goes in certfleet, many being under way at once"]
    parts.append(tables.table(steps(own)))
    return "\n".join(parts)


def rates(runs: list[dict], labels: dict[str, str]) -> list[list[str]]:
    heads = ("certs/s", "times slower", "wall s", "CPU s", "CPU ms/cert", "peak MiB", "requests/cert", "lost")
    rows = [["client", *heads]]
    base = rate([run for run in runs if run["client"] == "certfleet"])
    for name, label in labels.items():
        own = [run for run in runs if run["client"] == name]
        if not own:
            rows.append([label, *("–" for _ in heads)])
            continue
        own_rate = rate(own)
        rows.append(
            [label, tables.number(own_rate), tables.number(base / own_rate, 2) if base and own_rate else "–"]
            + [tables.number(tables.median([run[key] for run in own])) for key in ("wall", "cpu")]
            + [tables.number(tables.median(per_certificate(own, lambda run: 1000 * run["cpu"])))]
            + [tables.number(max(run["peak_mib"] for run in own))]
            + [tables.number(tables.median(per_certificate(own, lambda run: sum(run["requests"].values()))))]
            + [f"{sum(len(run['lost']) for run in own)} of {sum(len(run['lost']) + run['issued'] for run in own)}"]
        )
    return rows


def rate(own: list[dict]) -> float:
    return tables.median([run["issued"] / run["wall"] if run["wall"] else 0.0 for run in own]) or 0.0


def per_certificate(own: list[dict], value) -> list[float]:
    return [value(run) / run["issued"] for run in own if run["issued"]]


def requests(runs: list[dict], labels: dict[str, str]) -> list[list[str]]:
    rows = [["client", *authority.ORDER]]
    for name, label in labels.items():
        own = [run for run in runs if run["client"] == name]
        issued = sum(run["issued"] for run in own)
        asked = sum((Counter(run["requests"]) for run in own), Counter())
        rows.append([label, *(tables.number(asked[kind] / issued if issued else None, 2) for kind in authority.ORDER)])
    return rows


def steps(own: list[dict]) -> list[list[str]]:
    """How long each step took, over all certificates of all rounds."""
    spans: dict[str, list[float]] = {kind: [] for kind in STEPS}
    for run in own:
        for line in run["steps"]:
            for (_, before), (kind, at) in zip(line, line[1:]):
                if kind in spans:
                    spans[kind].append(1000 * (at - before))
    rows = [["until", "median ms", "90 % within ms"]]
    for kind, text in STEPS.items():
        found = sorted(spans[kind])
        late = found[int(len(found) * 0.9)] if found else None
        rows.append([f"{kind}: {text}", tables.number(tables.median(found)), tables.number(late)])
    return rows
