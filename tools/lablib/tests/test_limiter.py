"""The CA's limits in front of Pebble: what is refused, in which words, and what is let off."""

import json
import os
import tempfile
import unittest

from lablib import limiter
from lablib.model import LabError
from lablib.needs import require_tools

from . import support
from .acme import Client, Refused

LIMITS = {
    "limits": [
        {"name": "NewOrdersPerAccount", "production": {"burst": 4, "count": 2, "period_s": 7200}},
        {"name": "CertificatesPerDomain", "burst": 2, "count": 50, "period_s": 604800},
        {"name": "FailedAuthorizationsPerDomainPerAccount", "burst": 5, "count": 5, "period_s": 3600},
    ],
    "overrides": {"domains": {"wide.example": {"burst": 9, "count": 9, "period_s": 60}}},
}


class Tables(unittest.TestCase):
    def test_numbers_of_either_shape_and_overrides_are_read(self):
        rules = limiter.table(LIMITS)
        self.assertEqual(
            set(rules), {"NewOrdersPerAccount", "CertificatesPerDomain", "CertificatesPerDomain wide.example"}
        )
        self.assertEqual(rules["NewOrdersPerAccount"], {"burst": 4, "count": 2, "refill": 3600, "period": "2h0m0s"})
        self.assertEqual(limiter.duration(604800), "168h0m0s")
        self.assertEqual([limiter.duration(seconds) for seconds in (3, 90)], ["3s", "1m30s"])

    def test_a_file_that_is_none_is_refused_with_its_name(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write('{"limits": [{"name": "NewOrdersPerAccount", "burst": 0, "count": 1, "period_s": 1}]}')
            file.flush()
            with self.assertRaisesRegex(LabError, file.name):
                limiter.load(file.name)


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_tools()
        cls.scratch = cls.enterClassContext(tempfile.TemporaryDirectory())
        path = os.path.join(cls.scratch, "limits.json")
        with open(path, "w") as file:
            json.dump(LIMITS, file)
        flags = ("--pairs", "1", "--domains", "8", "--kind", "haproxy-directory", "--limits", path)
        cls.lab = cls.enterClassContext(support.running(*flags))

    def client(self):
        client = Client(self.lab, self.enterContext(tempfile.TemporaryDirectory()))
        client.register()
        support.told("thumbprint", self.lab.directory, client.thumbprint)
        return client

    def refused(self, client, name):
        with self.assertRaises(Refused) as caught:
            client.order(name)
        refusal = caught.exception
        self.assertEqual(refusal.status, 429)
        self.assertEqual(refusal.headers["Content-Type"], "application/problem+json")
        self.assertEqual(refusal.problem["type"], "urn:ietf:params:acme:error:rateLimited")
        self.assertEqual(refusal.problem["status"], 429)
        self.assertIn('rel="help"', refusal.headers["Link"])
        return refusal

    def test_the_fifth_order_of_an_account_waits_for_an_hour_and_another_account_does_not(self):
        client = self.client()
        for number in range(4):
            client.order(f"n{number}.orders{number}.example")

        refusal = self.refused(client, "one.more.example")

        self.assertRegex(
            refusal.problem["detail"],
            r"^too many new orders \(2\) from this account in the last 2h0m0s, retry after "
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: "
            r"see https://letsencrypt\.org/docs/rate-limits/#new-orders-per-account$",
        )
        self.assertAlmostEqual(int(refusal.headers["Retry-After"]), 3600, delta=60)
        self.assertIn("NewOrdersPerAccount", limiter.say(self.lab))
        self.client().order("one.more.example")

    def test_a_domain_counts_certificates_not_orders_and_the_same_set_is_let_off(self):
        client = self.client()
        first, second, third = [row.domain for row in self.lab.domains][:3]
        client.issue(first)
        client.order(second)
        client.issue(second)

        refusal = self.refused(client, third)

        domain = ".".join(third.split(".")[-2:])
        self.assertIn(f'too many certificates (50) already issued for "{domain}" in the last 168h0m0s', str(refusal))
        self.assertGreater(int(refusal.headers["Retry-After"]), 12_000)
        # Not even the account's limit counts for what was issued before: three of its four orders are spent.
        for _ in range(3):
            client.issue(first)

    def test_another_client_can_be_played(self):
        client = self.client()
        client.order("n1.played.example")

        said = support.told("limits", self.lab.directory, "spend", "NewOrdersPerAccount", client.account, "3")

        self.assertIn("next in 3", said)
        self.refused(client, "n2.played.example")
        self.assertIn("which limit", support.told("limits", self.lab.directory, "spend", "Nothing", "x", "1"))


if __name__ == "__main__":
    unittest.main()
