"""Something happens at every moment of a rollout; with a real keepalived, and traffic at the VIP all the while. Each
node ends all-new or all-old, the VIP never shows what is not valid, and what is owed is settled later."""

from __future__ import annotations

import os
import tempfile

from lablib.model import Node

from .fleet import QUICK, Done, digest, eventually
from .ha import NAMES, PAIR, EdgeTest
from .pausing import PausedRun
from .traffic import Traffic, client

#: What a client may meet while an address moves; anything else is a fault of ours.
MOVING = {"timeout", "reset", "refused", "closed", "unreachable"}
#: Commits of one rollout that `--quick` looks at: around both stagings, both activations, both proofs.
CHOSEN = {"move": (4, 6, 8), "first": (4, 6), "second": (5, 8)}


class Moments(EdgeTest):
    def setUp(self) -> None:
        self.key = "p256"
        fleet = self.fleet
        fleet.edit(f"  - id: {PAIR}\n", f"  - id: {PAIR}\n    degraded: deploy\n")
        fleet.enroll()
        fleet.told("run")

    def bring(self) -> None:
        """Every certificate is to be replaced: another kind of key is another revision."""
        self.key = "p384" if self.key == "p256" else "p256"
        self.fleet.rekey(self.key)

    def digests(self, node: Node) -> dict[str, str]:
        """Name → the leaf in the node's file; each file was read with its key."""
        found = {os.path.basename(path): digest(der) for der, path in self.fleet.pems(node).items()}
        return {name: found.get(f"{name}.pem", "") for name in NAMES}

    def in_turn(self) -> list[Node]:
        """The passive node is first."""
        holder = self.holders(PAIR)[0]
        return sorted(self.nodes, key=lambda node: node.id == holder)

    def hold(self, moment: int) -> tuple[PausedRun, str] | None:
        """Runs until this commit of a rollout. None when a rollout has fewer."""
        since = len(self.fleet.events("rolloutStarted"))
        run, met, last = PausedRun(self, self.fleet), 0, ""
        while run.next():
            events = run.events()
            started = [body["rollout"] for kind, body in events if kind == "rolloutStarted"]
            if len(started) <= since:
                continue
            # One commit may hold the end of the rollout and more.
            if any(kind == "rolloutEnded" and body["rollout"] == started[-1] for kind, body in events):
                break
            kind, body = events[-1]
            last, met = str(body.get("step", kind)), met + 1
            if met == moment:
                return run, last
        done = run.finish()
        self.assertEqual(done.status, 0, done.text)
        self.assertGreater(met, 8, f"a whole rollout was gone through, up to {last}")
        return None

    def rounds(self, fault: str):
        number = 0
        while True:
            number += 1
            if QUICK and number > max(CHOSEN[fault]):
                return
            if not QUICK or number in CHOSEN[fault]:
                yield number

    def each(self, fault: str) -> None:
        fleet = self.fleet
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="certfleet-moments-"))
        vip = fleet.lab.pair(PAIR).vips[0]
        roots = fleet.lab.path("pebble-roots.pem")
        traffic = Traffic(client(folder), folder, vip.address, vip.https, roots, NAMES, rate=20, threads=4)
        self.addCleanup(traffic.kill)
        for moment in self.rounds(fault):
            nodes = self.in_turn()
            before = {node.id: self.digests(node) for node in nodes}
            self.bring()
            held = self.hold(moment)
            if held is None:
                break
            run, label = held
            with self.subTest(f"{fault} at {moment}, {label}"):
                self.strike(fault, nodes, run, before)
                self.settle(nodes)
        seen = traffic.end()
        print(f"\n{fault}: {seen.text}", flush=True)
        self.assertEqual({kind for kind, _, _ in seen.faults} - MOVING, set(), "the VIP showed what is not valid")

    def strike(self, fault: str, nodes: list[Node], run: PausedRun, before: dict[str, dict[str, str]]) -> None:
        fleet = self.fleet
        victim = None
        if fault == "move":
            fleet.ask(do="failover", pair=PAIR)
        else:
            victim = nodes[0 if fault == "first" else 1]
            fleet.ask(do="node", node=victim.id, action="kill")
            survivor = next(node for node in nodes if node.id != victim.id)
            eventually(lambda: survivor.id in self.holders(PAIR), "the peer takes the VIP over")
        ended = len(fleet.events("rolloutEnded"))

        done = run.finish()

        for node in nodes:
            now = self.digests(node)
            changed = {name for name in NAMES if now[name] != before[node.id][name]}
            self.assertIn(changed, (set(), set(NAMES)), f"{node.id} is all-new or all-old")
            if node is not victim:
                served = {name: digest(fleet.serves(node, name)) for name in NAMES}
                self.assertEqual(served, now, f"{node.id} serves what lies on its disk")
        for name in NAMES:
            self.assertTrue(fleet.vip_serves(PAIR, name))
        if victim:
            self.report_names(victim, done, ended)

    def report_names(self, victim: Node, done: Done, ended: int) -> None:
        """Unless the rollout was over for the victim when it died."""
        ends = [body["end"] for _, body in self.fleet.events("rolloutEnded")[ended:]]
        if "done" not in ends:
            self.assertIn(victim.id, done.text, "the report says which node it was")

    def settle(self, nodes: list[Node]) -> None:
        """Both nodes are there again, and one run brings both to the new set. The night's sweep, which asks every pair,
        takes away what was staged on whoever died."""
        fleet = self.fleet
        for node in nodes:
            fleet.ask(do="node", node=node.id, action="start")
        fleet.ask(do="failover", pair=PAIR, to=nodes[1].id)
        fleet.certfleet("retry", "--all")
        fleet.told("run")
        fleet.require_whole(self)
        fleet.require_sound()
        fleet.told("renew")
        self.assertEqual(fleet.leftovers(), [])
        for node in nodes:
            self.assertEqual(self.algorithms(node), {self.key}, f"{node.id} has the new kind of key everywhere")

    def algorithms(self, node: Node) -> set[str]:
        found = set()
        for name in NAMES:
            words = ["openssl", "x509", "-noout", "-text", "-in", f"/etc/haproxy/certs/{name}.pem"]
            found.add("p384" if "384 bit" in self.on(node, *words) else "p256")
        return found

