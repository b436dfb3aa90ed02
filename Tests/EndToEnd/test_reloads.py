"""What reloading costs: measured from outside while it lasts, or said why not, and written down for rollbacks too."""

from __future__ import annotations

import os
import shutil
import ssl
import unittest

from lablib import spec
from lablib.inventory import word

from .fleet import FleetTest, shape, stranger


class Reloads(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        kinds = {"mail": "stunnel", "bound": "vip-bound", "hot": "haproxy-directory"}
        return shape(
            customers=[{"id": "acme"}],
            pairs=[{"id": name, "kind": kind, "challenge": "tunnel"} for name, kind in kinds.items()],
            domains=[{"domain": f"n{i}.{pair}.example", "pair": pair} for pair in kinds for i in range(3)],
        )

    def since(self, count: int) -> dict[str, list[dict]]:
        """Node → its reloads after the first so many."""
        found: dict[str, list[dict]] = {}
        for _, body in self.fleet.events("reloaded")[count:]:
            found.setdefault(body["node"], []).append(body["reload"])
        return found

    def check(self, found: dict[str, list[dict]]) -> None:
        lab = self.fleet.lab
        self.assertEqual(set(found), {node.id for pair in ("mail", "bound") for node in lab.pair(pair).nodes})
        for node, reloads in found.items():
            self.assertEqual(len(reloads), 1, reloads)
            handshakes = reloads[0]["handshakes"]
            pair = lab.pair_of(lab.node(node))
            if pair.vip_bound and pair.vips[0].holder != node:
                self.assertIn("does not hold the VIP", handshakes["notMeasured"]["reason"])
                continue
            seen = handshakes["measured"]
            place = pair.vips[0] if pair.vip_bound else lab.node(node)
            self.assertEqual(seen["at"], f"{place.address}:{place.https}")
            tally = seen["tally"]
            failed = sum(tally[kind] for kind in ("refused", "reset", "timedOut", "other"))
            self.assertGreater(tally["tried"], failed, "the last one is always finished")
            self.assertGreater(tally["slowestMilliseconds"], 0)
            self.assertEqual(tally["failingMilliseconds"] > 0, failed > 0, tally)

    def test_what_visitors_meet_while_a_node_reloads(self) -> None:
        fleet = self.fleet
        lab = fleet.lab
        # HAProxy without its socket has to be reloaded; a passive node that listens on the VIP alone is out of reach.
        for node in lab.pair("bound").nodes:
            fleet.edit(f"socket: {word(node.inside_socket('stats'))}\n", "socket: none\n")
        fleet.enroll()
        fleet.told("run")
        self.check(self.since(0))

        with self.subTest("names that are served already are looked at"):
            before = len(fleet.events("reloaded"))
            fleet.rekey("p384")
            done = fleet.told("run")
            self.check(self.since(before))
            self.assertIn("4 reloads on 4 nodes; the slowest took ", done.out)
            self.assertIn("Connecting to each node all the while (visitors use the active one only): ", done.out)
            self.assertIn("connections meanwhile not measured: this node has no address of its own", done.out)

        with self.subTest("a rollback writes its reloads down"):
            before = len(fleet.events("reloaded"))
            done = fleet.told("rollback", "--pair", "mail", "--json").json
            found = self.since(before)
            self.assertEqual({line["node"]: [line["reload"]] for line in done["reloads"]}, found)
            self.assertEqual(set(found), {node.id for node in lab.pair("mail").nodes})
            for reloads in found.values():
                self.assertGreater(reloads[0]["handshakes"]["measured"]["tally"]["tried"], 0)

        with self.subTest("status has the newest of each node"):
            done = fleet.told("status", "--pair", "mail", "--json").json
            self.assertEqual({one["node"]: [one["lastReload"]["reload"]] for one in done["fingerprints"]}, found)
            self.assertEqual(fleet.told("status", "--pair", "mail").out.count("last reload, "), 2)
            self.assertNotIn("last reload", fleet.told("status", "--pair", "hot").out)
        with self.subTest("what only the VIP shows not to be served goes back alone, on both nodes, by a reload"):
            self.one_of_three()

        with self.subTest("visitors without a server name get the site that they got before"):
            self.who_is_shown_to_the_nameless()
        fleet.require_sound()

    def one_of_three(self) -> None:
        """D1: a file that is loaded first hides one of three new certificates."""
        fleet, pair = self.fleet, self.fleet.lab.pair("bound")
        hidden, *others = (f"n{i}.bound.example" for i in (1, 0, 2))
        for node in pair.nodes:
            path = node.path("etc", "haproxy", "certs", "00-first.pem")
            with open(path, "w") as file:
                file.write(stranger(hidden))
            fleet.reload_haproxy(node, hidden, path)
        before = {name: fleet.vip_serves("bound", name) for name in others}
        count = len(fleet.events("reloaded"))
        fleet.rekey("p256")

        report = fleet.told("run", "--json", status=1).json

        rows = {row["names"][0]: row for row in report["rows"]}
        self.assertEqual(rows[hidden]["cause"]["kind"], "servesOldCertificate", rows[hidden])
        for name, old in before.items():
            self.assertEqual(rows[name]["standing"], "served", rows[name])
            self.assertNotEqual(fleet.vip_serves("bound", name), old, name)
        found = self.since(count)
        self.assertEqual([len(found[node.id]) for node in pair.nodes], [2, 2], found)

    def who_is_shown_to_the_nameless(self) -> None:
        """B3: with `crt DIR` alone, files that sort before a stranger's would take its place at a reload."""
        pair = self.fleet.lab.pair("bound")
        for node in pair.nodes:
            folder = node.path("etc", "haproxy")
            for name in os.listdir(os.path.join(folder, "certs")):
                if name.endswith(".pem"):
                    os.remove(os.path.join(folder, "certs", name))
            shutil.copy(os.path.join(folder, "default.pem"), os.path.join(folder, "certs", "zzz.pem"))
            with open(os.path.join(folder, "haproxy.cfg")) as file:
                text = file.read()
            with open(os.path.join(folder, "haproxy.cfg"), "w") as file:
                file.write(text.replace(f"crt {os.path.join(folder, 'default.pem')} ", ""))
            self.fleet.reload_haproxy(node, "n0.bound.example", os.path.join(folder, "certs", "zzz.pem"))
        vip = pair.vips[0]
        before = ssl.get_server_certificate((vip.address, vip.https))

        report = self.fleet.told("renew", "--json", status=1).json

        kinds = {row["names"][0]: row["cause"]["kind"] for row in report["rows"] if row["pair"] == "bound"}
        self.assertEqual({kinds[f"n{i}.bound.example"] for i in (0, 2)}, {"wouldBeDefault"}, kinds)
        self.assertEqual(ssl.get_server_certificate((vip.address, vip.https)), before)


if __name__ == "__main__":
    unittest.main()
