"""SIGKILL between each request to the CA and its answer; then run again. The CA has acted, and nobody knows."""

from __future__ import annotations

import signal

from .ca_proxy import CAProxy, Cut
from .fleet import QUICK, Done, eventually
from .resumption import PAIRS, Resumption


class CutOff(Resumption):
    def test_a_run_killed_before_any_answer_of_the_ca_is_finished_by_the_next(self) -> None:
        fleet = self.fleet
        proxy = CAProxy(fleet.lab)
        self.addCleanup(proxy.close)
        fleet.edit(fleet.lab.authority.directory, proxy.directory)
        fleet.enroll()
        # The first rounds share their names, until the account's registration has been cut off.
        request, swallowed = 0, []
        names = self.bring(0)
        while "sign-me-up" not in swallowed:
            request += 1
            ended, cut = self.cut_off(proxy, request)
            self.assertEqual(ended.status, -signal.SIGKILL, ended.text)
            swallowed.append(cut.requests[request - 1].path.split("/")[1])
        self.go_on("the account's registration", names, 0)

        request = 0
        while True:
            request += 4 if QUICK else 1
            names = self.bring(request)
            before = fleet.orders()
            ended, cut = self.cut_off(proxy, request)
            if not cut.done:
                self.assertEqual(ended.status, 0, ended.text)
                break
            self.assertEqual(ended.status, -signal.SIGKILL, ended.text)
            path = cut.requests[request - 1].path.split("/")[1]
            swallowed.append(path)
            orders, lost = self.go_on(f"request {request}, {path}", names, before)
            # Every order that the CA has is a certificate or a loss that the report names, and nothing else is named.
            self.assertGreaterEqual(orders, len(PAIRS))
            self.assertLessEqual(orders, len(PAIRS) + lost, f"request {request}, {path}")
        if not QUICK:
            wanted = "dir nonce-plz sign-me-up order-plz authZ chalZ finalize-order my-order certZ".split()
            self.assertLessEqual(set(wanted), set(swallowed))
        self.assertEqual(fleet.certificates(), fleet.kinds()["specAdded"])

    def cut_off(self, proxy: CAProxy, request: int) -> tuple[Done, Cut]:
        """One run, killed when the CA has answered this request of it."""
        held = []
        cut = proxy.arm(request, lambda: eventually(lambda: held, "its pid")[0].send_signal(signal.SIGKILL))
        held.append(self.fleet.start("run"))
        ended = self.fleet.finish(held[0])
        proxy.disarm()
        return ended, cut
