"""What must hold after a run was killed and run again, whatever the moment."""

from __future__ import annotations

from lablib import spec

from .fleet import FleetTest, shape

#: A pair with HAProxy and one with stunnel: both ways of rolling out go through every moment.
PAIRS = ("edge", "mail")


class Resumption(FleetTest):
    """Each round brings new names, kills the run that gets them, and runs again to the end. The lab runs on: what
    earlier rounds brought is kept, and must stay."""

    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(
            customers=[{"id": "acme"}],
            pairs=[
                {"id": "edge", "kind": "haproxy-directory", "challenge": "thumbprint"},
                {"id": "mail", "kind": "stunnel", "challenge": "thumbprint", "detector": "command"},
            ],
            domains=[],
        )

    def bring(self, number: int, pairs: tuple[str, ...] = PAIRS) -> list[tuple[str, str]]:
        rows = [(f"r{number:03d}.{pair}-shop.example", pair) for pair in pairs]
        self.fleet.add(rows)
        return rows

    def go_on(self, moment: str, names: list[tuple[str, str]], orders_before: int) -> tuple[int, int]:
        """Runs to the end. Answers with the orders that the CA saw for this round, and the losses that were named."""
        fleet = self.fleet
        with self.subTest(moment):
            report = fleet.told("run", "--json").json
            standings = {row["names"][0]: row["standing"] for row in report["rows"]}
            self.assertEqual([standings[name] for name, _ in names], ["served"] * len(names))
            self.assertEqual(set(standings.values()), {"served"})
            fleet.require_whole(self, names)
            fleet.require_sound()
            self.assertEqual(fleet.leftovers(), [])
            return fleet.orders() - orders_before, len(report["lostOrders"])
        return -1, 0
