"""An operator's rollback: what was there before is served again, everywhere and for good, or nothing is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import unittest

from lablib import spec
from lablib.model import Node

from .fleet import FleetTest, digest, eventually, shape


def expired(directory: str, name: str) -> str:
    """A certificate that ran out years ago, with its key."""
    os.makedirs(directory)
    for file, text in (
        ("index.txt", ""), ("serial", "01\n"),
        ("ca.cnf", f"[ca]\ndefault_ca=x\n[x]\ndatabase={directory}/index.txt\nserial={directory}/serial\n"
         f"new_certs_dir={directory}\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"),
    ):  # fmt: skip
        with open(os.path.join(directory, file), "w") as out:
            out.write(text)
    path = os.path.join(directory, "expired")
    quiet = {"check": True, "capture_output": True}
    subprocess.run(
        ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
         "-keyout", path + ".key", "-out", path + ".csr"], **quiet)  # fmt: skip
    subprocess.run(
        ["openssl", "ca", "-batch", "-notext", "-config", os.path.join(directory, "ca.cnf"), "-selfsign", "-keyfile",
         path + ".key", "-in", path + ".csr", "-out", path + ".crt", "-startdate", "20190101000000Z", "-enddate",
         "20200101000000Z"], **quiet)  # fmt: skip
    with open(path + ".crt") as certificate, open(path + ".key") as key:
        return certificate.read() + key.read()


class RollBack(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(number=4, names=8)

    def setUp(self) -> None:
        self.lab = self.fleet.lab
        self.rows = [(row.domain, row.pair) for row in self.lab.domains]

    def leaves(self) -> dict[tuple[str, str], str]:
        """What each node and VIP shows for each name."""
        found = {}
        for name, pair in self.rows:
            found["VIP", name] = digest(self.fleet.vip_serves(pair, name))
            for node in self.lab.pair(pair).nodes:
                found[node.id, name] = digest(self.fleet.serves(node, name))
        return found

    def names(self, pair: str) -> list[str]:
        return [name for name, on in self.rows if on == pair]

    def file(self, node: Node, name: str) -> str:
        """The file from which a node serves a name now."""
        return self.fleet.pems(node)[self.fleet.serves(node, name)]

    def kept(self, node: Node) -> str:
        return os.path.join(os.path.dirname(self.file(node, self.names(self.lab.pair_of(node).id)[0])), ".certfleet")

    def test_what_was_there_before_comes_back_and_stays(self) -> None:
        fleet = self.fleet
        fleet.enroll()
        fleet.told("run")
        before = self.leaves()

        with self.subTest("the first certificate has nothing before it"):
            refused = fleet.told("rollback", self.rows[0][0], status=1)
            self.assertIn("there is nothing to go back to", refused.out)
            self.assertEqual(self.leaves(), before)

        fleet.rekey("p384")
        fleet.told("run")
        newest = self.leaves()
        self.assertFalse(set(before.values()) & set(newest.values()))

        self.check_fingerprints(newest)
        for pair in self.lab.pairs:
            with self.subTest("a whole pair", kind=pair.kind):
                done = fleet.told("rollback", "--pair", pair.id, "--json").json
                self.assertEqual({line["outcome"] for line in done["lines"]}, {"putBack"})
                self.assertEqual(len(done["lines"]), 2 * len(self.names(pair.id)))
        self.assertEqual(self.leaves(), before)
        self.check_fingerprints(before)
        self.assertEqual(fleet.leftovers(), [])
        told = [body for kind, body in fleet.events("rolledBack")]
        self.assertEqual(sum(len(body["certificates"]) for body in told), 2 * len(self.rows))
        fleet.require_sound()

        with self.subTest("again is nothing"):
            again = fleet.told("rollback", "--pair", "pair1", "--json").json
            self.assertEqual({line["outcome"] for line in again["lines"]}, {"unchanged"})

        with self.subTest("a run leaves it as the operator wants it"):
            fleet.certfleet("run")
            self.assertEqual(self.leaves(), before)
            self.assertIn("rolled back by an operator", fleet.told("status").out)

        with self.subTest("retry brings the newest back"):
            fleet.told("retry", "--all")
            fleet.told("run")
            self.assertEqual(self.leaves(), newest)
            fleet.require_whole(self)

        self.check_refusals(newest)
        self.check_a_dead_peer(before, newest)

    def check_fingerprints(self, leaves: dict) -> None:
        """Of each node: disk, memory and wire, all of them what should be in use."""
        for pair in self.lab.pairs:
            with self.subTest("fingerprints", kind=pair.kind):
                nodes = self.fleet.told("status", "--pair", pair.id, "--json").json["fingerprints"]
                self.assertEqual([node["node"] for node in nodes], [node.id for node in pair.nodes])
                for node in nodes:
                    self.assertEqual(len(node["rows"]), len(self.names(pair.id)), node)
                    for row in node["rows"]:
                        self.assertIn(row["expected"], leaves.values())
                        self.assertIs(row["disk"]["matches"], True, row)
                        self.assertIs(row["memory"].get("matches"), None if pair.has_stunnel else True, row)
                        self.assertIs(row["wire"].get("matches"), None if pair.vip_bound else True, row)

    def check_refusals(self, newest: dict) -> None:
        fleet = self.fleet
        name, pair = self.rows[0]
        box = self.lab.pair(pair)
        path = self.file(box.nodes[1], name)
        keep = path + ".keep"
        shutil.copy2(path, keep)
        previous = os.path.join(self.kept(box.nodes[1]), "previous", os.path.basename(path))

        with self.subTest("a file replaced by hand"):
            with open(path, "w") as file:
                file.write(expired(fleet.path("expired"), name))
            done = fleet.told("rollback", name, status=1)
            self.assertIn("replaced by hand", done.out)
            self.assertIn("not without the pair's other node", done.out)
            self.assertIn("DIFFERS", fleet.told("status", "--pair", pair).out)
            os.replace(keep, path)
            self.assertEqual(self.leaves(), newest)

        with self.subTest("a previous certificate that ran out"):
            os.rename(previous, previous + ".keep")
            with open(previous, "w") as file:
                file.write(expired(fleet.path("expired2"), name))
            done = fleet.told("rollback", name, status=1)
            self.assertIn("ran out on 2020-01-01", done.out)
            self.assertEqual(self.leaves(), newest)

        with self.subTest("no previous certificate at all"):
            os.remove(previous)
            done = fleet.told("rollback", name, status=1)
            self.assertIn("no previous certificate is kept on this node", done.out)
            self.assertEqual(self.leaves(), newest)
            os.rename(previous + ".keep", previous)

        with self.subTest("an unknown name"):
            self.assertIn("no certificate has the name", fleet.told("rollback", "nobody.example", status=2).err)

    def check_a_dead_peer(self, before: dict, newest: dict) -> None:
        fleet = self.fleet
        name, pair = self.rows[0]
        passive = self.lab.pair(pair).nodes[1]
        with self.subTest("a dead peer does not stop the other, and gets its turn when it is back"):
            fleet.ask(do="node", node=passive.id, action="stop")
            done = fleet.told("rollback", name, status=1)
            self.assertIn(f"{passive.id} was not touched", done.out)
            self.assertEqual(digest(fleet.vip_serves(pair, name)), before["VIP", name])
            fleet.ask(do="node", node=passive.id, action="start")
            eventually(lambda: self.shows(passive, name) == newest[passive.id, name], "the node is back")
            self.assertEqual(fleet.told("rollback", name, "--json").json["nodes"], [])
            self.assertEqual(self.shows(passive, name), before[passive.id, name])
        fleet.told("retry", name)
        fleet.told("run")
        self.assertEqual(self.leaves(), newest)

    def shows(self, node: Node, name: str) -> str | None:
        try:
            return digest(self.fleet.serves(node, name))
        except OSError:
            return None


if __name__ == "__main__":
    unittest.main()
