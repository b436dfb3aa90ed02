"""`reuse_keys`: a renewal keeps the key of the certificate before it, wherever keys are made; else it has a new one."""

from __future__ import annotations

import secrets

from lablib import spec

from .fleet import FleetTest, eventually, shape
from .needles import openssl

#: Due at half of it.
LIFE = 180
#: Pair → what the inventory says of its keys.
PAIRS = {
    "node-reused": "keys: node, reuse_keys: true",
    "node-new": "keys: node",
    "controller-reused": "keys: controller, reuse_keys: true",
    "controller-new": "keys: controller",
}
VARIABLE = "CERTFLEET_KEYS_PASSPHRASE"


def name(pair: str) -> str:
    return f"www.{pair}.example"


class ReusedKeys(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        kinds = ("haproxy-directory", "haproxy-directory", "stunnel", "haproxy-crt-list")
        return shape(
            customers=[{"id": "acme"}],
            pairs=[{"id": pair, "kind": kind, "challenge": "thumbprint", "detector": "command"}
                   for pair, kind in zip(PAIRS, kinds, strict=True)],
            domains=[{"domain": name(pair), "pair": pair} for pair in PAIRS],
            validity=LIFE,
        )  # fmt: skip

    def setUp(self) -> None:
        fleet = self.fleet
        fleet.environment[VARIABLE] = secrets.token_urlsafe(24)
        fleet.edit("defaults:\n", f"controller_keys: {{ passphrase_env: {VARIABLE} }}\ndefaults:\n")
        for pair, words in PAIRS.items():
            lines = "".join(f"    {line}\n" for line in words.split(", "))
            fleet.edit(f"  - id: {pair}\n", f"  - id: {pair}\n{lines}")

    def served(self) -> dict[str, tuple[bytes, bytes]]:
        """Pair → the leaf at its VIP, and the public key in it."""
        leaves = {pair: self.fleet.vip_serves(pair, name(pair)) for pair in PAIRS}
        return {pair: (leaf, openssl("x509", "-inform", "DER", "-noout", "-pubkey", give=leaf))
                for pair, leaf in leaves.items()}  # fmt: skip

    def test_a_renewal_takes_the_key_again_where_the_pair_says_so(self) -> None:
        fleet = self.fleet
        fleet.enroll()
        fleet.told("run")
        first = self.served()

        def renewed() -> bool:
            fleet.told("renew")
            return all(self.served()[pair][0] != first[pair][0] for pair in PAIRS)

        eventually(renewed, "a second certificate for every pair", 2 * LIFE)
        second = self.served()

        kept = {pair for pair in PAIRS if second[pair][1] == first[pair][1]}
        self.assertEqual(kept, {"node-reused", "controller-reused"})
        fleet.require_whole(self)
        self.assertEqual(fleet.leftovers(), [])

        with self.subTest("another kind of key is another key"):
            fleet.rekey("p384")
            fleet.told("run")
            third = self.served()
            for pair in PAIRS:
                self.assertIn(b"\n", third[pair][1])
                self.assertGreater(len(third[pair][1]), len(second[pair][1]), f"{pair} has a longer key")
            fleet.require_whole(self)
