"""Each step of a rollout meets, over a real sshd, a node that fails, lies, garbles its answer, or whose session is cut
(test_node_hangs.py has those that hang). The rollout ends in bounded time, each node ends all-new or all-old, what is
wrong is said, and the next run leaves nothing behind."""

from __future__ import annotations

import glob
import os
import signal
import sys
import time
from pathlib import Path

from lablib import spec
from lablib.model import Node

from .fleet import QUICK, FleetTest, digest, eventually, shape

#: A pair for each step, all of them in one run.
STEPS = ("check", "stage", "activate", "verify", "rollBack", "verifyOld", "cleanUp")
#: An idle node is given up after 90 s, a step that holds the node's lock after as much.
BOUND = 280.0
TERMINATIONS = ("haproxy-directory", "stunnel", "haproxy-crt-list")
LOGIN = Path(__file__).with_name("faulty_login.py")


def names(pair: str) -> list[str]:
    return [f"{number}.{pair.lower()}-shop.example" for number in (1, 2)]


class NodeFaults(FleetTest):
    kinds = ("lies", "cut out") if QUICK else ("fails", "lies", "garbles", "cut in", "cut out")

    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(
            customers=[{"id": "acme"}],
            pairs=[
                {"id": step, "kind": TERMINATIONS[number % 3], "challenge": "thumbprint", "detector": "command"}
                for number, step in enumerate(STEPS)
            ],
            domains=[{"domain": name, "pair": step} for step in STEPS for name in names(step)],
        )

    def setUp(self) -> None:
        self.key, self.lab = "p256", self.fleet.lab
        for node in self.lab.nodes:
            for folder in ("armed", "struck"):
                os.mkdir(node.path(folder))
            with open(node.path("etc", "ssh", "sshd_config"), "a") as config:
                config.write(f"ForceCommand {sys.executable} -I -S -B {LOGIN} {node.directory}\n")
            listener = next(process for process in self.lab.processes if process.name == f"{node.id}/sshd")
            os.kill(listener.pid, signal.SIGHUP)
        self.fleet.enroll()
        self.fleet.told("run")

    def test_a_fault_at_any_step_leaves_each_node_all_new_or_all_old(self) -> None:
        for number, kind in enumerate(self.kinds):
            with self.subTest(kind):
                self.meet(kind, number)

    def meet(self, kind: str, round_number: int) -> None:
        fleet = self.fleet
        before = {node.id: self.files(node) for node in self.lab.nodes}
        since = len(fleet.events())
        victims = {step: self.arm(step, kind, round_number + number) for number, step in enumerate(STEPS)}
        self.bring()
        began = time.monotonic()
        run = fleet.start("run", "--json")
        # Each fault has struck, so each rollout is under way: it goes to its end, and nothing is tried again.
        eventually(
            lambda: run.poll() is not None or all(self.has_struck(node) for node in victims.values()), "every fault"
        )
        run.send_signal(signal.SIGTERM)
        done = fleet.finish(run)
        self.assertLess(time.monotonic() - began, BOUND)
        self.assertIn(done.status, (130, 0, 1), done.text)

        events = fleet.events()[since:]
        rows = {row["names"][0]: row for row in done.json["rows"]}
        for step, victim in victims.items():
            with self.subTest(f"{step} {kind}"):
                self.assertEqual(os.listdir(victim.path("armed")), [], f"no rollout came to it on {victim.id}")
                batches = {
                    body["rollout"]: {item["spec"].rpartition("/")[2] for item in body["batch"]}
                    for name, body in events
                    if name == "rolloutStarted" and body["pair"] == step
                }
                self.require_ends(step, batches, before)
                self.require_told(step, kind, batches, events, rows)
        self.heal()

    def arm(self, step: str, kind: str, number: int) -> Node:
        """The fault at one of the pair's nodes, in turns; for a step of a rollout that turns back, what turns it."""
        pair = self.lab.pair(step)
        # The passive node is first.
        turns = sorted(pair.nodes, key=lambda node: node.id == pair.vips[0].holder)
        victim = turns[number % 2]
        place = step
        if step == "check":
            # The key lies on the active node, and is sealed for its peer.
            place = ("recipient", "seal")[number % 2]
        if step in ("rollBack", "verifyOld"):
            Path(turns[1].path("armed", "verify")).write_text("refuses")
        if kind == "lies" and step in ("verify", "verifyOld"):
            Path(victim.path("armed", {"verify": "activate", "verifyOld": "rollBack"}[step])).write_text("lies")
        Path(victim.path("armed", place)).write_text(kind)
        return victim

    def has_struck(self, node: Node) -> bool:
        return not os.listdir(node.path("armed"))

    def bring(self) -> None:
        """Every certificate is to be replaced: another kind of key is another revision."""
        self.key = "p384" if self.key == "p256" else "p256"
        self.fleet.rekey(self.key)

    def files(self, node: Node) -> dict[str, str]:
        """Name → the leaf in the node's file; each file was read with its key."""
        return {os.path.basename(path).removesuffix(".pem"): digest(der) for der, path in self.fleet.pems(node).items()}

    # MARK: What must hold

    def require_ends(self, step: str, batches: dict[str, set[str]], before: dict[str, dict[str, str]]) -> None:
        for node in self.lab.pair(step).nodes:
            # A script whose session was cut goes on by itself.
            eventually(lambda: not os.path.exists(node.path("work", "lock")), f"{node.id} has come to rest", 120)
            now = self.files(node)
            changed = {name for name in names(step) if now.get(name) != before[node.id].get(name)}
            for batch in batches.values():
                self.assertIn(changed & batch, (set(), batch), f"{node.id} is neither all-new nor all-old")
            eventually(
                lambda: {name: digest(self.fleet.serves(node, name)) for name in names(step)} == now,
                f"{node.id} serves what lies on its disk", 30,
            )  # fmt: skip

    def require_told(
        self, step: str, kind: str, batches: dict[str, set[str]], events: list, rows: dict[str, dict]
    ) -> None:
        failures = [
            body["failure"]
            for name, body in events
            if name in ("rolloutStepped", "ejected") and body["rollout"] in batches and body.get("failure")
        ]
        # A step that hangs is cut half a minute after the signal: its rollout stays open and blames nobody, and the
        # next run finishes it.
        ended = {body["rollout"] for name, body in events if name == "rolloutEnded"}
        is_cut = not set(batches) <= ended
        # Whoever says that all is tidy, or back where it was, is believed until somebody looks.
        if not is_cut and not (kind == "lies" and step in ("cleanUp", "verifyOld")):
            self.assertTrue(failures, "nobody has heard of it")
        for name in set().union(*batches.values()):
            row = rows[name]
            # What was issued anew since has done with the old cause.
            if row["standing"] not in ("served", "issued"):
                self.assertIn("cause", row, f"the report does not say why {name} is {row['standing']}")

    def heal(self) -> None:
        fleet = self.fleet
        for node in self.lab.nodes:
            for path in glob.glob(node.path("armed", "*")):
                os.remove(path)
        fleet.certfleet("retry", "--all")
        # Asks every pair, also where nothing is left to do but to tidy.
        fleet.told("renew")
        fleet.require_proved(self)
        fleet.require_whole(self)
        fleet.require_sound()
        self.assertEqual(fleet.leftovers(), [])
        for node in self.lab.nodes:
            work = set(os.listdir(node.path("work")))
            self.assertLessEqual(work, {"keys", "rollouts", "seen", "sans", ".rnd"}, f"{node.id} has something left")
