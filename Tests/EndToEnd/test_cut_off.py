"""SIGKILL between each request to the CA and its answer; then run again. The CA has acted, and nobody knows."""

from __future__ import annotations

import signal

from .ca_proxy import CAProxy, Cut
from .fleet import QUICK, Done, eventually
from .resumption import PAIRS, Resumption

KINDS = ("dir", "nonce-plz", "sign-me-up", "order-plz", "authZ", "chalZ", "my-order", "finalize-order", "certZ")


class CutOff(Resumption):
    def test_a_run_killed_before_any_answer_of_the_ca_is_finished_by_the_next(self) -> None:
        fleet = self.fleet
        self.proxy = CAProxy(fleet.lab)
        self.addCleanup(self.proxy.close)
        fleet.edit(fleet.lab.authority.directory, self.proxy.directory)
        fleet.enroll()
        # An account is registered once.
        swallowed = {self.round(0, "sign-me-up")}
        number = 1
        while kind := self.round(number, number):
            swallowed.add(kind)
            number += 4 if QUICK else 1
        # Two names are on their way at once: which request comes at which place is chance.
        for kind in KINDS if not QUICK else ():
            if kind not in swallowed:
                number += 1
                self.assertEqual(self.round(number, kind), kind)
        self.assertEqual(fleet.certificates(), fleet.kinds()["specAdded"])

    def round(self, number: int, request: int | str) -> str:
        """New names, a run that is killed when the CA has answered this request, and a run to the end. Answers with
        what was swallowed; nothing if the run never came so far."""
        fleet = self.fleet
        names = self.bring(number)
        before = fleet.orders()
        ended, cut = self.cut_off(request)
        if not cut.done:
            self.assertEqual(ended.status, 0, ended.text)
            return ""
        self.assertEqual(ended.status, -signal.SIGKILL, ended.text)
        kind = cut.swallowed.kind
        orders, lost = self.go_on(f"request {request}, {kind}", names, before)
        # Every order that the CA has is a certificate, or a loss that the report names.
        self.assertGreaterEqual(orders, len(PAIRS))
        self.assertLessEqual(orders, len(PAIRS) + lost, f"request {request}, {kind}")
        # A refused nonce makes no order.
        if kind == "order-plz" and cut.swallowed.status == 201:
            self.assertGreater(orders, len(PAIRS), "the CA has an order whose answer was swallowed")
        return kind

    def cut_off(self, request: int | str) -> tuple[Done, Cut]:
        """One run, killed when the CA has answered this request of it."""
        held = []
        cut = self.proxy.arm(request, lambda: eventually(lambda: held, "its pid")[0].send_signal(signal.SIGKILL))
        held.append(self.fleet.start("run"))
        ended = self.fleet.finish(held[0])
        self.proxy.disarm()
        return ended, cut
