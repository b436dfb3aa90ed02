"""H5: a CA whose validators are broken fails every order: it is asked for one order a minute, and for all again when it
is whole. Honest failures of one customer stop nobody else.

The CA's name server and the controller's are two: what the CA resolves leads to where nobody listens, while the
controller sees that all is well. The clock of the program jumps, so no test waits for the minute."""

from __future__ import annotations

import signal
import statistics
import unittest
from collections import Counter

from lablib import mailbox, spec
from lablib.dns_records import Records

from .clock import ShiftedClock
from .fleet import FleetTest, eventually, shape, stop
from .resolvers import require_dnsmasq, second_resolver

PAIRS, NAMES, HONEST = 3, 24, 300
#: Of the first minute: ten in a row, and the first one alone.
MOST = 12


class FailingCA(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        require_dnsmasq()
        wanted = shape(number=PAIRS, names=NAMES, kind="haproxy-directory")
        cls.honest = [(f"left{number:03d}.gone-shop.example", "pair3") for number in range(HONEST)]
        cls.late = [(f"late{number:02d}.new-shop.example", f"pair{number % 2 + 1}") for number in range(NAMES)]
        return wanted

    def known_to_the_ca(self, names: list[str], right: bool) -> None:
        lab = self.fleet.lab
        with Records(lab) as records:
            for name in names:
                records.point(name, self.vips[name] if right else f"127.{lab.block}.250.1")

    def rows(self) -> list[tuple[str, int, str]]:
        """The journal: kind, second, certificate."""
        with self.fleet.database() as database:
            rows = database.execute(
                "SELECT kind, at, json_extract(body, '$.' || kind || '.of.spec') FROM event ORDER BY sequence"
            ).fetchall()
        return [(kind, at, spec or "") for kind, at, spec in rows]

    def count(self, kind: str) -> int:
        return self.fleet.kinds()[kind]

    def ended(self, orders: int) -> None:
        """So many orders were asked for, and none is under way."""
        eventually(lambda: self.count("orderRequested") >= orders, f"{orders} orders")
        eventually(
            lambda: self.count("attemptFailed") + self.count("issued") == self.count("attemptStarted"), "their ends"
        )
        self.assertEqual(self.count("orderRequested"), orders)

    def test_a_ca_that_fails_everything_is_asked_once_a_minute_until_it_is_whole(self) -> None:
        fleet, lab = self.fleet, self.fleet.lab
        # The lists get these later, as customers come and go.
        for name, pair in (*self.honest, *self.late):
            fleet.ask(do="domain", name=name, pair=pair)
        first = [row.domain for row in lab.domains]
        pairs = {row.domain: row.pair for row in lab.domains} | dict(self.honest) | dict(self.late)
        self.vips = {name: lab.pair(pair).vips[0].address for name, pair in pairs.items()}
        fleet.enroll()
        clock = ShiftedClock(self)
        fleet.environment |= clock.environment
        hosts = [f"--host-record={name},{address}" for name, address in self.vips.items()]
        with second_resolver(lab, *hosts) as resolver:
            fleet.edit(lab.dns.server, resolver)
            self.known_to_the_ca(first, False)
            self.blow(clock)
            self.heal(clock, first)
            self.fail_honestly()
        fleet.require_sound()

    def blow(self, clock: ShiftedClock) -> None:
        fleet = self.fleet
        run = fleet.start("run")
        self.addCleanup(stop, run, 9)
        eventually(lambda: self.count("authorityFailing"), "ten failures")
        spent = self.count("orderRequested")
        self.assertLessEqual(spent, MOST - 1)
        # Whoever was under way has ended, then one goes alone.
        self.ended(11)
        self.assertLessEqual(fleet.orders(), MOST)
        clock.jump(61)
        self.ended(12)
        run.send_signal(signal.SIGTERM)
        said = fleet.finish(run)
        self.assertEqual(said.status, 130, said.text)
        lines = [line for line in said.out.splitlines() if line.strip()]
        self.assertIn("the CA fails every order", lines[0])
        self.assertIn("The CA has failed every order since", lines[1])
        rows = fleet.told("status", "--json").json["rows"]
        self.assertEqual([row["names"] for row in rows if row["standing"] == "failing"], [], "booked on a name")

    def heal(self, clock: ShiftedClock, names: list[str]) -> None:
        fleet = self.fleet
        run = fleet.start("run")
        self.addCleanup(stop, run, 9)
        # The next run remembers: one order, and nothing beside it.
        self.ended(13)
        clock.jump(61)
        self.ended(14)
        self.known_to_the_ca(names, True)
        clock.jump(61)
        said = fleet.finish(run)
        self.assertEqual(said.status, 0, said.text)
        rows = self.rows()
        requests = [(number, at) for number, (kind, at, _) in enumerate(rows) if kind == "orderRequested"]
        whole = next(number for number, (kind, _, _) in enumerate(rows) if kind == "issued")
        alone = [at for number, at in requests[11:] if number < whole]
        # The last of the run before, and the first of this one.
        self.assertEqual(len(alone), 4)
        self.assertTrue(all(later - earlier >= 59 for earlier, later in zip(alone[1:], alone[2:])), alone)
        # Nothing waits for another minute: the rest goes within the clock's minute that began with the good order.
        self.assertLess(requests[-1][1] - alone[-1], 90)
        fleet.require_proved(self)

    def fail_honestly(self) -> None:
        fleet = self.fleet
        self.known_to_the_ca([name for name, _ in self.honest], False)
        before = len(self.rows())
        with open(fleet.path("domains.csv"), "a") as table:
            for number in range(max(HONEST, NAMES)):
                for rows, customer in ((self.honest, "cedar"), (self.late, "")):
                    if number < len(rows):
                        table.write(f"{rows[number][0]},{rows[number][1]},,{customer},,\n")
        said = fleet.told("run", status=1)
        rows = self.rows()[before:]
        kinds = Counter(kind for kind, _, _ in rows)
        self.assertEqual(kinds["authorityFailing"], 0)
        self.assertEqual(kinds["issued"], len(self.late), said.text)
        self.assertEqual(kinds["attemptFailed"], len(self.honest))
        self.assertTrue(all("gone-shop" in spec for kind, _, spec in rows if kind == "attemptFailed"))
        # A fuse that counted them would let ten go at once; all that the pace allows are under way.
        flying, crowd = 0, []
        last = max(number for number, (kind, _, _) in enumerate(rows) if kind == "issued")
        for kind, _, _ in rows[:last]:
            flying += (kind == "attemptStarted") - (kind in ("attemptFailed", "issued"))
            if kind == "attemptStarted":
                crowd.append(flying)
        self.assertGreater(statistics.median(crowd), 10)


if __name__ == "__main__":
    unittest.main()
