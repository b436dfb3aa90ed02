"""C2: what has another id in the inventory and the same address keeps its certificates: the same files, no order."""

from __future__ import annotations

from lablib import spec

from .fleet import FleetTest, one_pair

PAIR = "pair1"
NAMES = ("one.acme-widgets.example", "two.acme-widgets.example")


class Renames(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return one_pair(PAIR, NAMES)

    def test_another_id_is_no_new_certificate(self) -> None:
        fleet = self.fleet
        self.list("domain,pair,customer\n", *(f"{name},{PAIR},acme\n" for name in NAMES))
        fleet.enroll()
        with self.subTest("B7: what is said of names that are not there, or need nothing"):
            self.assertIn("The lists ask for 2 certificates", fleet.told("status").out)
            self.assertIn("no certificate has the name", fleet.told("status", "--domain", "nope", status=2).text)
            fleet.told("run")
            told = fleet.told("retry", NAMES[0]).text
            self.assertIn(f"nothing to try: {PAIR}/web/{NAMES[0]} is served until", told)
            self.assertNotIn("tried again", told)
        served = {name: fleet.vip_serves(PAIR, name) for name in NAMES}
        files = {node.id: sorted(fleet.pems(node).values()) for node in fleet.lab.nodes}
        orders = fleet.orders()

        def same(*words: str) -> None:
            """Nothing is done, in `renew` too, and all is known under the new ids."""
            for command in ("run", "renew"):
                done = fleet.told(command)
                for word in words if command == "run" else ():
                    self.assertIn(word, done.text)
            self.assertEqual(fleet.orders(), orders)
            self.assertEqual({name: fleet.vip_serves(PAIR, name) for name in NAMES}, served)
            self.assertEqual({node.id: sorted(fleet.pems(node).values()) for node in fleet.lab.nodes}, files)
            self.assertIn("The tables are what the journal says", fleet.told("audit", "verify").text)

        with self.subTest("VIP"):
            fleet.edit("{ id: web,", "{ id: www,")
            same("VIP web of pair1 is www now", "no new order")
        with self.subTest("node"):
            fleet.edit(f"- id: {PAIR}-a\n", "- id: left\n")
            same(f"node {PAIR}-a is left now")
        with self.subTest("pair"):
            fleet.edit(f"- id: {PAIR}\n", "- id: edge\n")
            self.list("domain,pair,customer\n", *(f"{name},edge,acme\n" for name in NAMES))
            same(f"pair {PAIR} is edge now")
        with self.subTest("label"):
            self.list("domain,pair,customer,label\n", *(f"{name},edge,acme,{name[:3]}\n" for name in NAMES))
            same()
        with self.subTest("a renewal goes to the same files"):
            # The lines for challenges that stand in HAProxy name the pair: back to the id that they have.
            fleet.edit("- id: edge\n", f"- id: {PAIR}\n")
            self.list("domain,pair,customer,label,key\n", *(f"{name},{PAIR},acme,{name[:3]},p384\n" for name in NAMES))
            fleet.told("run")
            self.assertEqual(fleet.orders(), orders + len(NAMES))
            self.assertEqual({node.id: sorted(fleet.pems(node).values()) for node in fleet.lab.nodes}, files)
            for name in NAMES:
                self.assertNotEqual(fleet.vip_serves(PAIR, name), served[name])

    def list(self, *lines: str) -> None:
        with open(self.fleet.path("domains.csv"), "w") as table:
            table.writelines(lines)
