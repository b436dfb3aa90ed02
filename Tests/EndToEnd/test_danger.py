"""Certificates of minutes: a passive node dies before the renewal. The VIP must never show an expired certificate."""

from __future__ import annotations

import socket
import ssl
import threading
import time

from lablib import spec

from .fleet import FleetTest, digest, eventually, shape

#: Due at half of it, in danger with a ninth left.
LIFE = 225
NAME = "shop01.acme-widgets.example"


class Look(threading.Thread):
    """Handshakes with the VIP as a browser makes them: an expired certificate is an error."""

    def __init__(self, fleet) -> None:
        super().__init__(daemon=True)
        lab = fleet.lab
        self.trust = ssl.create_default_context(cafile=lab.path("pebble-roots.pem"))
        self.fleet, self.done = fleet, threading.Event()
        self.vip = lab.pairs[0].vips[0]
        self.good, self.bad = 0, []

    def run(self) -> None:
        while not self.done.is_set():
            try:
                with socket.create_connection((self.vip.address, self.vip.https), 30) as plain:
                    with self.trust.wrap_socket(plain, server_hostname=NAME):
                        self.good += 1
            except ssl.SSLCertVerificationError as fault:
                self.bad.append(f"{time.strftime('%X')} {fault.verify_message}")
            except OSError as fault:
                self.bad.append(f"{time.strftime('%X')} {fault}")
            self.done.wait(0.2)


class Danger(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(number=1, names=2, kind="haproxy-directory", validity=LIFE)

    def test_a_dead_passive_delays_a_renewal_only_up_to_the_danger_line(self) -> None:
        fleet = self.fleet
        fleet.enroll()
        fleet.told("run")
        first = digest(fleet.vip_serves("pair1", NAME))
        look = Look(fleet)
        look.start()
        self.addCleanup(look.done.set)
        fleet.ask(do="node", node="pair1-b", action="stop")
        issued = fleet.kinds()["issued"]

        # The timer of this small world fires without pause.
        def renewed() -> bool:
            fleet.certfleet("renew")
            return fleet.kinds()["issued"] > issued

        eventually(renewed, "the renewal", LIFE)
        self.assertEqual(digest(fleet.vip_serves("pair1", NAME)), first, "half a pair is not touched before its time")

        def replaced() -> bool:
            last = fleet.certfleet("renew")
            self.assertIn("node pair1-b: node not reachable", last.out)
            self.assertEqual(last.status, 1, "a dead node needs a person")
            return digest(fleet.vip_serves("pair1", NAME)) != first

        eventually(replaced, "the roll-out to the active node alone", LIFE)
        # Beyond the end of what was served first.
        second = digest(fleet.vip_serves("pair1", NAME))
        ends = [body["end"] for _, body in fleet.events("rolloutEnded")]
        self.assertIn("degradedSecond", ends)

        fleet.ask(do="node", node="pair1-b", action="start")
        lab = fleet.lab
        self.assertEqual(digest(fleet.serves(lab.node("pair1-b"), NAME)), first, "it came back with what it had")
        fleet.told("run")
        current = digest(fleet.serves(lab.node("pair1-b"), NAME))
        self.assertEqual(current, digest(fleet.vip_serves("pair1", NAME)), "the debt is settled")
        fleet.ask(do="failover", pair="pair1", to="pair1-b")
        self.assertEqual(digest(fleet.vip_serves("pair1", NAME)), current)
        look.done.set()
        look.join()
        # The fail-over cuts connections, which is no fault of a certificate.
        self.assertEqual([line for line in look.bad if "expired" in line or "certificate" in line], [])
        self.assertGreater(look.good, 100)
        self.assertNotEqual(second, first)
        fleet.require_sound()
