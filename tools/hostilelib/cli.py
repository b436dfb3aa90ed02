"""The command line of tools/hostile."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from collections import Counter

from EndToEnd.ca_proxy import CAProxy
from EndToEnd.fleet import Fleet, running, shape

from . import answers, peers

ABOUT = """\
Starts a lab of healthy pairs and of nodes and answers of the CA that are broken in every way known here, and shows with
the built certfleet (CERTFLEET_BINARY, else the debug build) that
  1. healthy pairs are done in the time that they take alone, and each broken one has the right reason in the report;
  2. one SIGTERM at any moment ends a run within 30 s;
  3. the next run finishes what was left.
Everything runs on loopback and ends with the command.
"""
#: What a reason may be called: the failure's kind of each, as the journal has it.
REASONS = {
    "drips in its answer": {"nodeUnreachable"},
    "floods its answer": {"nodeUnreachable"},
    "hangs after the login": {"nodeUnreachable"},
    "runs no shell": {"loginRefused"},
    "logs nobody in": {"loginRefused"},
    "stalls after its banner": {"nodeUnreachable"},
    "drips its banner": {"nodeUnreachable"},
    "floods before its banner": {"nodeUnreachable"},
    "closes at once": {"nodeUnreachable"},
    "says nothing": {"nodeUnreachable"},
    "serverInternal in its authorization": {"authorityBusy"},
    "challenge stays pending with an error": {"port80Closed"},
    "answer to newOrder is lost": {"orderLost", "authorityUnreachable", "authorityBusy"},
    "answer to finalize is cut": {None},
    "no certificate at the download": {"authorityUnreachable", "authorityBusy", "badCertificate"},
    "polls may come at once (Retry-After: 0)": {None},
    "userActionRequired": {"authorityRefused"},
    "orderNotReady at finalize": {None},
    "350 roots behind the leaf": {"badCertificate", "authorityUnreachable"},
    "3,000 authorizations": {"authorityRefused", "authorityUnreachable", "badCertificate"},
}
BOUND = 30.0


class Round:
    """A lab, its names, and what was seen."""

    def __init__(self, fleet: Fleet, healthy: int, each: int) -> None:
        self.fleet, self.healthy, self.each = fleet, healthy, each
        self.lab = fleet.lab
        self.listeners = peers.Listeners()
        self.proxy = CAProxy(self.lab)
        self.answers = answers.HostileAnswers(self.proxy)
        fleet.edit(self.lab.authority.directory, self.proxy.directory)
        self.broken: dict[str, str] = {}

    def bring(self, word: str, count: int) -> set[str]:
        """So many names on each healthy pair."""
        rows = [
            (f"{word}{number}.shop{pair}.example", f"pair{pair}")
            for pair in range(1, self.healthy + 1)
            for number in range(count)
        ]
        self.fleet.add(rows)
        return {name for name, _ in rows}

    def spoil(self) -> None:
        rows = []
        pair = self.healthy
        for kind in peers.KINDS:
            for _ in range(self.each):
                pair += 1
                name = f"peer{pair}.broken{pair}.example"
                rows.append((name, f"pair{pair}"))
                self.broken[name] = kind
                peers.spoil(self.lab, self.lab.pair(f"pair{pair}").nodes[0], kind, self.listeners)
        # A pair of their own: a batch waits for the certificates of its pair that are still under way.
        for number, kind in enumerate(answers.KINDS):
            name = f"{answers.label(kind)}.answers{number}.example"
            rows.append((name, "answers"))
            self.broken[name] = kind
        self.fleet.add(rows)

    def served(self, names: set[str], run) -> float:
        """Seconds from the start of the run until the last of them is served; certfleet's own report tells the rest."""
        began = time.monotonic()
        while run.poll() is None:
            if names <= self.names_served():
                return time.monotonic() - began
            time.sleep(0.2)
        if names <= self.names_served():
            return time.monotonic() - began
        raise SystemExit(f"{sorted(names - self.names_served())[:5]} are not served\n{self.fleet.said(run).text}")

    def names_served(self) -> set[str]:
        bodies = (body for _, body in self.fleet.events("served"))
        return {item["spec"].rpartition("/")[2] for body in bodies for item in body["certificates"]}

    def reasons(self, rows: list[dict]) -> list[list[str]]:
        """A line a kind: the reason that the report has for its names, and whether it is right."""
        troubles = {}
        for kind, body in self.fleet.events("nodeTroubled", "pairTroubled"):
            subject = body.get("node") or body.get("pair")
            troubles[subject.rsplit("-", 1)[0] if "node" in body else subject] = body["failure"]
        by_name = {row["names"][0]: row for row in rows}
        found: dict[str, Counter] = {}
        for name, kind in self.broken.items():
            row = by_name[name]
            pair = row.get("pair") or ""
            failure = troubles.get(pair) if kind in peers.KINDS else row.get("cause")
            reason = failure["kind"] if failure else None
            detail = (failure or {}).get("detail", "served" if row["standing"] == "served" else row["standing"])
            right = reason in REASONS[kind] and (reason is not None or row["standing"] == "served")
            found.setdefault(kind, Counter())[(right, reason or row["standing"], detail[:150])] += 1
        lines = []
        for kind, counts in found.items():
            for (right, reason, detail), count in counts.items():
                lines.append([kind, str(count), reason, "right" if right else "WRONG", detail.replace("\n", " ")])
        return lines

    def close(self) -> None:
        self.proxy.close()
        self.listeners.close()


def main(arguments: list[str]) -> int:
    shape_of = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="tools/hostile", description=ABOUT, formatter_class=shape_of)
    parser.add_argument("--healthy", type=int, default=20, metavar="N", help="healthy pairs of two nodes (20)")
    kinds = f"nodes of each of {len(peers.KINDS)} kinds (3)"
    parser.add_argument("--each", type=int, default=3, metavar="N", help=kinds)
    parser.add_argument("--names", type=int, default=10, metavar="N", help="names of each healthy pair (10)")
    parser.add_argument("--moments", type=int, default=50, metavar="N", help="runs ended by SIGTERM (50)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the moments (1)")
    options = parser.parse_args(arguments)
    broken = options.each * len(peers.KINDS)
    people = [{"id": "acme"}]
    pairs = [
        {"id": f"pair{number}", "kind": "haproxy-directory", "challenge": "thumbprint", "detector": "file"}
        | ({"nodes": 1} if number > options.healthy else {})
        for number in range(1, options.healthy + broken + 1)
    ]
    pairs.append({**pairs[0], "id": "answers"})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with running(shape(customers=people, pairs=pairs, domains=[])) as fleet:
        play = Round(fleet, options.healthy, options.each)
        try:
            return show(play, options)
        finally:
            play.close()


def say(text: str) -> None:
    print(text, flush=True)


def show(play: Round, options: argparse.Namespace) -> int:
    fleet, wrong = play.fleet, 0
    fleet.enroll()
    first = play.bring("alone", options.names)
    run = fleet.start("run")
    alone = play.served(first, run)
    fleet.finish(run, 600)
    say(f"{len(first)} names on {options.healthy} healthy pairs alone: served within {alone:.1f} s")
    play.spoil()
    second = play.bring("beside", options.names)
    began = time.monotonic()
    run = fleet.start("run", "--json")
    beside = play.served(second, run)
    ended = fleet.finish(run, 1800)
    more = 100 * (beside / alone - 1)
    say(f"as many beside {len(play.broken)} broken peers: served within {beside:.1f} s ({more:+.0f} %)")
    say(f"that run ended by itself after {time.monotonic() - began:.0f} s, exit status {ended.status}")
    for line in play.reasons(ended.json["rows"]):
        wrong += line[3] == "WRONG"
        say(" | ".join(line))
    wrong += moments(play, options)
    last = play.bring("last", 1)
    run = fleet.start("run")
    play.served(last, run)
    run.send_signal(signal.SIGTERM)
    fleet.finish(run, 120)
    fleet.require_sound()
    say("the next run finished: every name of a healthy pair is served, and the journal is sound")
    return 1 if wrong else 0


def moments(play: Round, options: argparse.Namespace) -> int:
    """Each run has new names, and is ended at a moment of its own."""
    fleet, chance = play.fleet, random.Random(options.seed)
    took, late, names = [], 0, set()
    for number in range(options.moments):
        rows = [(f"m{number}-{pair}.shop{pair}.example", f"pair{pair}") for pair in (1, 2)]
        fleet.add(rows)
        names |= {name for name, _ in rows}
        run = fleet.start("run")
        time.sleep(chance.uniform(0.05, 10))  # the moment
        began = time.monotonic()
        if run.poll() is None:
            run.send_signal(signal.SIGTERM)
        fleet.finish(run, 600)
        took.append(time.monotonic() - began)
        late += took[-1] > BOUND
        if (number + 1) % 10 == 0:
            say(f"{number + 1} moments: {max(took):.1f} s at most")
    if took:
        say(f"{len(took)} runs ended by SIGTERM: {max(took):.1f} s at most, {late} after more than {BOUND:.0f} s")
        run = fleet.start("run")
        play.served(names, run)
        run.send_signal(signal.SIGTERM)
        fleet.finish(run, 120)
    return late
