"""What numbers are made of: thumbprints, requests in a log, CPU time and memory of a tree."""

from __future__ import annotations

import subprocess
import tempfile
import unittest
from pathlib import Path

from benchlib import accounts, authority, issue, tables, tree

#: RFC 7638 section 3.1, with the thumbprint that it gives.
EXAMPLE = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiF"
    "V4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0"
    "zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqb"
    "w0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
LOG = """\
Pebble 2026/11/23 07:27:16 GET /dir -> calling handler()
Pebble 2026/11/23 07:27:16 HEAD /nonce-plz -> calling handler()
Pebble 2026/11/23 07:27:16 GET /cert-status-by-serial/1 -> calling handler()
Pebble 2026/11/23 07:27:17 POST /order-plz -> calling handler()
Pebble 2026/11/23 07:27:17 There are now 1 authorizations in the db
Pebble 2026/11/23 07:27:17 POST /my-order/aZ-1_x -> calling handler()
Pebble 2026/11/23 07:27:17 POST /my-order/aZ-1_x -> calling handler()
Pebble 2026/11/23 07:27:18 POST /certZ/4b37476c4eca305a -> calling handler()
"""


class Thumbprints(unittest.TestCase):
    def test_the_example_of_the_rfc(self) -> None:
        self.assertEqual(accounts.of_jwk(EXAMPLE), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")

    def test_a_curve_that_no_acme_client_uses_is_said(self) -> None:
        der = subprocess.run(
            "openssl genpkey -algorithm ED25519 | openssl pkey -pubout -outform DER", shell=True, capture_output=True
        ).stdout
        with self.assertRaisesRegex(Exception, "neither RSA nor"):
            accounts.jwk(der)


class Requests(unittest.TestCase):
    def test_only_those_between_the_two_sizes_and_none_of_the_watchdog(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            fresh = authority.FreshLab(Path(folder), 1, 1, 5)
            fresh.log.parent.mkdir()
            fresh.log.write_text(LOG)
            start = LOG.index("Pebble 2026/11/23 07:27:16 HEAD")

            found = fresh.requests(start, fresh.log_size())

        self.assertEqual(found, {"newNonce": 1, "newOrder": 1, "order": 2, "certificate": 1})


class Trees(unittest.TestCase):
    def run_it(self, script: str, **options) -> tree.Cost:
        with tempfile.TemporaryDirectory() as folder:
            return tree.run(["sh", "-c", script], Path(folder), Path(folder, "log"), **options)

    def test_the_work_of_grandchildren_counts(self) -> None:
        busy = "sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done'; true"

        cost = self.run_it(f"{busy}; {busy}")

        self.assertEqual(cost.status, 0)
        # Even a machine of ten years from now needs more for 600,000 turns in a shell.
        self.assertGreater(cost.cpu, 0.05)

    def test_the_memory_of_children_that_live_together_is_added(self) -> None:
        holder = "import time; held = bytearray(40 << 20); time.sleep(1.5)"
        one = f"/usr/bin/python3 -c '{holder}'"

        alone = self.run_it(f"{one}; true").peak_mib
        together = self.run_it(f"{one} & {one} & wait").peak_mib

        self.assertGreater(alone, 40)
        self.assertGreater(together - alone, 35)

    def test_a_client_that_never_ends_is_ended_with_its_children(self) -> None:
        cost = self.run_it("sleep 1000 & sleep 1000", deadline=0.3)

        self.assertTrue(cost.timed_out)
        self.assertLess(cost.wall, 60)


class Tables(unittest.TestCase):
    def test_numbers_have_three_digits_that_count(self) -> None:
        shown = [tables.number(value) for value in (0, 0.1234, 1.234, 12.34, 123.4, 12345.6, None)]

        self.assertEqual(shown, ["0", "0.123", "1.23", "12.3", "123", "12,346", "–"])

    def test_a_client_that_issued_nothing_has_a_row_all_the_same(self) -> None:
        nothing = {"client": "lego", "wall": 9.0, "cpu": 1.0, "peak_mib": 5.0, "issued": 0, "lost": {"a": "no"}}
        something = {**nothing, "client": "certfleet", "issued": 3, "lost": {}, "requests": {"order": 6}}

        labels = {"certfleet": "certfleet", "lego": "lego", "certbot": "certbot"}

        rows = issue.rates([something, {**nothing, "requests": {}}], labels)

        self.assertEqual(rows[1][-2:], ["2.00", "0 of 3"])
        self.assertEqual(rows[2][1:3] + rows[2][-1:], ["0", "–", "1 of 1"])
        # Pebble hung in each of its tries.
        self.assertEqual(rows[3], ["certbot", *["–"] * 8])
