"""What was proved once is looked at again in every sweep, on HAProxy with a directory, HAProxy with a crt-list, and
stunnel: each class of drift is put right or reported in one `renew`, and none costs an order. B2, B5, B12."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import ssl
import subprocess

from lablib import files, spec
from lablib.model import Node

from .fleet import FleetTest, eventually, first_certificate, shape, stranger

PAIRS = {"edge": "haproxy-directory", "list": "haproxy-crt-list", "mail": "stunnel", "moved": "haproxy-directory"}
MISSING, REVERTED, REPLACED, UNLISTED, SHADOWED = "missing", "reverted", "replaced", "unlisted", "shadowed"
#: Its first certificate would be in danger beside one of 90 days.
ENDING = "ending"
DAY = 86400


def name(what: str, pair: str) -> str:
    return f"{what}.{pair}-shop.example"


class Drift(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(
            customers=[{"id": "acme"}],
            pairs=[
                {"id": pair, "kind": kind, "challenge": "thumbprint", "detector": "command"}
                for pair, kind in PAIRS.items()
            ],
            domains=[
                {"domain": name(what, pair), "pair": pair}
                for pair in PAIRS
                for what in (
                    (MISSING,) if pair == "moved" else (MISSING, REVERTED, REPLACED, UNLISTED, SHADOWED, ENDING)
                )
            ],
            validity=8 * DAY,
        )

    def test_every_class_is_healed_or_reported_without_an_order(self) -> None:
        fleet = self.fleet
        self.three = [fleet.lab.pair(pair) for pair in ("edge", "list", "mail")]
        fleet.enroll()
        fleet.told("run")
        nodes = [node for pair in self.three for node in pair.nodes]
        earlier = {(node.id, ENDING): self.contents(node, ENDING) for node in nodes}
        self.live_longer()
        fleet.rekey("p384")
        fleet.told("run")
        earlier |= {(node.id, REVERTED): self.contents(node, REVERTED) for node in nodes}
        fleet.rekey("p256")
        fleet.told("run")
        fleet.require_proved(self)
        self.orders = fleet.orders()
        self.newest = {pair.id: fleet.vip_serves(pair.id, name(REVERTED, pair.id)) for pair in self.three}

        self.nothing_differs()
        self.most_classes(earlier)
        self.known_drift_is_no_news()
        self.a_person_says_retry()
        self.listeners_die()
        self.a_second_time_and_shadows()
        fleet.require_sound()

    def live_longer(self) -> None:
        """The CA's certificates last for 90 days from now on. This one forgets its accounts when it starts."""
        path = self.fleet.lab.path("pebble", "config.json")
        with open(path) as file:
            settings = json.load(file)
        settings["pebble"]["certificateValidityPeriod"] = 90 * DAY
        with open(path, "w") as file:
            json.dump(settings, file)
        self.fleet.ask(do="ca", action="restart")
        self.fleet.told("account", "register")

    def nothing_differs(self) -> None:
        """A look that finds nothing is no event; it is told when it was."""
        before = len(self.fleet.events())
        report = self.renew(0)
        self.assertEqual(report["drift"], {"groups": [], "healed": []})
        kinds = {kind for kind, _ in self.fleet.events()[before:]}
        self.assertLessEqual(kinds, {"sweepStarted", "sweepEnded", "nodeSurveyed", "mailQueued", "mailSent"})
        for row in self.fleet.told("status", "--json").json["rows"]:
            self.assertEqual(set(row["lastSeen"]["places"].values()), {"same"}, row)
            self.assertEqual(len(row["lastSeen"]["places"]), 3, row)

    def most_classes(self, earlier: dict[tuple[str, str], str]) -> None:
        for pair in self.three:
            a, b = pair.nodes
            # B12: a file is gone on one node; where a reload can take that up, it did.
            os.remove(self.pem(b, MISSING))
            self.unlist(b, MISSING)
            for node in pair.nodes:
                # B2: last week's disk, restored; what lay there is good for long, or was renewed just in time.
                for what in (REVERTED, ENDING):
                    self.write(node, what, earlier[node.id, what])
                # B2: another certificate by hand.
                self.write(node, REPLACED, stranger(name(REPLACED, pair.id)))
            self.reload(a)
            self.reload(b)
            # B1: in memory, but no longer on the disk, or in no section.
            if pair.id == "edge":
                os.remove(self.pem(a, UNLISTED))
            else:
                self.unlist(a, UNLISTED)
            # Its line stays: this node would not come up again until the file is back.
            if pair.id == "list":
                os.remove(self.pem(b, UNLISTED))
        self.move("moved")

        report = self.renew(1)

        groups = {(group["pair"], group["kind"]): group for group in report["drift"]["groups"]}
        self.assertEqual(set(groups), {(pair.id, "replaced") for pair in self.three}, groups)
        for pair in self.three:
            group = groups[pair.id, "replaced"]
            self.assertEqual(group["reluctance"], "stranger")
            self.assertEqual(group["newCount"], 1)
            self.assertEqual(set(group["lines"][0]["places"]), {node.id for node in pair.nodes} | {"VIP"})
            self.assertIn("of stranger", group["lines"][0]["detail"])
        self.assertEqual(report["troubles"], [], "what could not restart can again")
        healed = {one["pair"]: one["count"] for one in report["drift"]["healed"]}
        self.assertEqual(healed, {"edge": 4, "list": 4, "mail": 4, "moved": 1}, report["drift"])
        for one in report["drift"]["healed"]:
            if one["pair"] != "moved":
                self.assertIn("an old certificate is about to expire although it was renewed", one["titles"])
                self.assertIn("an earlier certificate is back", one["titles"])
        for node in self.fleet.lab.pair("moved").nodes:
            self.assertIn(f"{name(MISSING, 'moved')}.pem", os.listdir(self.moved(node)))
        self.require_served((MISSING, REVERTED, UNLISTED, SHADOWED, ENDING))
        for pair in self.three:
            for node in pair.nodes:
                for what in (MISSING, UNLISTED):
                    self.assertTrue(os.path.exists(self.pem(node, what)), f"{node.id} {what}")
                    self.assertTrue(self.is_listed(node, what), f"{node.id} {what}")
                self.assertNotEqual(self.contents(node, REPLACED), "", "a stranger's file is left")

    def known_drift_is_no_news(self) -> None:
        report = self.renew(0)
        self.assertEqual({group["newCount"] for group in report["drift"]["groups"]}, {0})
        # B2: served is what visitors get now.
        served, wanted = (sum(line[key] for line in report["customers"]) for key in ("served", "wanted"))
        self.assertEqual(served, wanted - 3)
        self.assertEqual(sum(len(group["lines"]) for group in report["drift"]["groups"]), 3)
        text = self.fleet.told("status").out
        self.assertIn("replaced by another certificate: 1 certificate (mail-a, mail-b, VIP)", text)
        self.assertIn("certfleet retry NAME", text)
        doctor = self.fleet.told("doctor", "--pair", "mail", status=1).out
        self.assertIn(f"replaced by another certificate at mail-a, mail-b, VIP: {name(REPLACED, 'mail')}", doctor)

    def a_person_says_retry(self) -> None:
        self.fleet.told("retry", *(name(REPLACED, pair.id) for pair in self.three))
        report = self.renew(0)
        self.assertEqual(report["drift"]["groups"], [])
        self.require_served((REPLACED,))

    def listeners_die(self) -> None:
        """B5: nobody notices a dead passive node before the next fail-over."""
        passive = [pair.nodes[1] for pair in self.three]
        for node in passive:
            self.assertNotEqual(self.fleet.lab.pair_of(node).vips[0].holder, node.id)
            program = "stunnel" if self.fleet.lab.pair_of(node).has_stunnel else "haproxy"
            process = next(one for one in self.fleet.lab.processes if one.name == f"{node.id}/{program}")
            os.kill(process.pid, signal.SIGTERM)
            eventually(lambda node=node: not self.answers(node), f"{node.id} is gone", 30)

        report = self.renew(1)

        troubles = {(one["node"], one["failure"]["kind"]) for one in report["troubles"]}
        # Of a stunnel that ended, its missing pid file tells before its listener is looked at.
        expected = {("edge-b", "listenerDead"), ("list-b", "listenerDead"), ("mail-b", "toolMissing")}
        self.assertEqual(troubles, expected, report["troubles"])
        for node in passive:
            self.fleet.ask(do="node", node=node.id, action="start")
        report = self.renew(0)
        self.assertEqual(report["troubles"], [])

    def a_second_time_and_shadows(self) -> None:
        edge, mail = self.fleet.lab.pair("edge"), self.fleet.lab.pair("mail")
        # It was put right a moment ago: somebody else wants it otherwise, and two must not reload against each other.
        os.remove(self.pem(edge.nodes[1], MISSING))
        for node in edge.nodes:
            with open(os.path.join(os.path.dirname(self.pem(node, MISSING)), "00-first.pem"), "w") as file:
                file.write(stranger(name(SHADOWED, "edge")))
            self.reload(node)
        for node in mail.nodes:
            other = node.path("etc", "stunnel", "other.pem")
            with open(other, "w") as file:
                file.write(stranger(name(SHADOWED, "mail")))
            os.chmod(other, 0o600)
            with open(node.path("etc", "stunnel", "conf.d", "00-other.conf"), "w") as file:
                file.write(f"[other]\nsni = https:{name(SHADOWED, 'mail')}\ncert = {other}\nconnect = 127.0.0.1:1\n")
            self.reload(node)

        report = self.renew(1)

        found = {(group["pair"], group["kind"]): group["reluctance"] for group in report["drift"]["groups"]}
        self.assertEqual(
            found,
            {
                ("edge", "missing"): "repeated",
                ("edge", "shadowed"): "wouldNotHelp",
                ("mail", "shadowed"): "wouldNotHelp",
            },
        )
        self.assertEqual(report["drift"]["healed"], [])

    # MARK: Hands

    def renew(self, status: int) -> dict:
        """One `renew`, and the CA saw nothing of it."""
        report = self.fleet.told("renew", "--json", status=status).json
        self.assertEqual(self.fleet.orders(), self.orders)
        return report

    def folder(self, node: Node) -> str:
        return node.path("etc", "stunnel" if self.fleet.lab.pair_of(node).has_stunnel else "haproxy", "certs")

    def pem(self, node: Node, what: str) -> str:
        return os.path.join(self.folder(node), f"{name(what, node.pair)}.pem")

    def contents(self, node: Node, what: str) -> str:
        with open(self.pem(node, what)) as file:
            return file.read()

    def write(self, node: Node, what: str, text: str) -> None:
        with open(self.pem(node, what), "w") as file:
            file.write(text)

    def sections(self, node: Node, what: str) -> list[str]:
        folder = node.path("etc", "stunnel", "conf.d")
        end = f"-{name(what, node.pair)}.conf"
        return [os.path.join(folder, one) for one in os.listdir(folder) if one.endswith(end)]

    def unlist(self, node: Node, what: str) -> None:
        """Takes away the line or section that names the file; of a directory there is none."""
        if self.fleet.lab.pair_of(node).has_stunnel:
            for path in self.sections(node, what):
                os.remove(path)
        elif PAIRS[node.pair] == "haproxy-crt-list":
            path = node.path("etc", "haproxy", "crt-list.txt")
            with open(path) as file:
                lines = [line for line in file if not line.startswith(self.pem(node, what))]
            with open(path, "w") as file:
                file.writelines(lines)

    def is_listed(self, node: Node, what: str) -> bool:
        if self.fleet.lab.pair_of(node).has_stunnel:
            return bool(self.sections(node, what))
        if PAIRS[node.pair] != "haproxy-crt-list":
            return True
        with open(node.path("etc", "haproxy", "crt-list.txt")) as file:
            return any(line.split()[:1] == [self.pem(node, what)] for line in file)

    def reload(self, node: Node) -> None:
        """As an operator would; waits until the listener shows it."""
        if self.fleet.lab.pair_of(node).has_stunnel:
            log = files.stunnel_log(node)
            before = self.count(log, "Configuration successful")
            with open(files.stunnel_pid(node)) as file:
                os.kill(int(file.read()), signal.SIGHUP)
            eventually(lambda: self.count(log, "Configuration successful") > before, f"{node.id} reloads", 30)
        else:
            path, what = self.pem(node, REPLACED), REPLACED
            first = os.path.join(self.folder(node), "00-first.pem")
            if os.path.exists(first):
                path, what = first, SHADOWED
            self.fleet.reload_haproxy(node, name(what, node.pair), path)

    @staticmethod
    def count(path: str, words: str) -> int:
        with open(path, errors="replace") as file:
            return file.read().count(words)

    def seen(self, node: Node, what: str) -> bytes | None:
        with contextlib.suppress(OSError, ssl.SSLError):
            return self.fleet.serves(node, name(what, node.pair))
        return None

    def answers(self, node: Node) -> bool:
        return self.seen(node, MISSING) is not None

    def moved(self, node: Node) -> str:
        return node.path("etc", "haproxy", "elsewhere")

    def move(self, pair: str) -> None:
        """B12: `certificates:` of a pair is changed, and its HAProxy loads both directories."""
        for node in self.fleet.lab.pair(pair).nodes:
            os.mkdir(self.moved(node))
            config = node.path("etc", "haproxy", "haproxy.cfg")
            with open(config) as file:
                text = file.read()
            with open(config, "w") as file:
                old = f"crt {self.folder(node)}/"
                file.write(text.replace(old, f"{old} crt {self.moved(node)}/"))
            subprocess.run([node.path("bin", "reload-haproxy")], check=True)
            self.fleet.edit(f'"{self.folder(node)}"', f'"{self.moved(node)}"')

    def require_served(self, whats: tuple[str, ...]) -> None:
        """Nodes and VIP show the same, of our CA, and what was reverted is the newest again."""
        for pair in self.three:
            for what in whats:
                vip = self.fleet.vip_serves(pair.id, name(what, pair.id))
                if what == REVERTED:
                    self.assertEqual(vip, self.newest[pair.id], pair.id)
                for node in pair.nodes:
                    self.assertEqual(self.seen(node, what), vip, f"{node.id} {what}")
                    self.assertEqual(first_certificate(self.contents(node, what)), vip, f"{node.id} {what}")
