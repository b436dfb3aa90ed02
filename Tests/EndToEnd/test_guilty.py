"""D1: certificates that a node cannot use stop themselves alone: an older file for the same names, which only a look at
each name shows, and files of another CA beside a PEM. The others of their batch are served in the same run."""

from __future__ import annotations

import os
import subprocess

from lablib import spec
from lablib.model import write

from .fleet import FleetTest, shape

NAMES = [f"n{number}.edge-shop.example" for number in range(6)]
SHADOWED, SPOILT = NAMES[0], NAMES[1]


class Guilty(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(
            customers=[{"id": "acme"}],
            pairs=[{"id": "edge", "kind": "haproxy-directory", "challenge": "thumbprint", "detector": "command"}],
            domains=[{"domain": name, "pair": "edge"} for name in NAMES],
        )

    def test_each_is_refused_for_what_was_seen_and_the_others_are_served(self) -> None:
        fleet = self.fleet
        fleet.edit("domains: [domains.csv]", "pace: { batch_seconds: 3600 }\ndomains: [domains.csv]")
        self.plant()
        fleet.enroll()  # reloads HAProxy, which takes up the older file

        done = fleet.certfleet("run")

        out = {body["spec"].rpartition("/")[2]: body["failure"] for _, body in fleet.events("ejected")}
        self.assertEqual(set(out), {SHADOWED, SPOILT}, done.text)
        self.assertIn("000-old.pem", out[SHADOWED]["detail"])
        self.assertEqual(out[SHADOWED]["kind"], "servesOldCertificate")
        self.assertRegex(out[SPOILT]["detail"], r"beside it lies \S*/\S*\.pem\.issuer of another CA")
        fleet.require_whole(self, [(name, "edge") for name in NAMES[2:]])
        first = fleet.events("rolloutStarted")[0][1]
        self.assertEqual(len(first["batch"]), len(NAMES))
        ends = [body["end"] for _, body in fleet.events("rolloutEnded") if body["rollout"] == first["rollout"]]
        self.assertEqual(ends, ["done"], "the batch came to its good end without the two")
        fleet.require_sound()

    def plant(self) -> None:
        key = self.fleet.path("other.key")
        for words in (
            f"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {key}",
            f"req -x509 -new -key {key} -subj /CN=old -addext subjectAltName=DNS:{SHADOWED} -days 9 -out {key}.pem",
            f"req -new -key {key} -subj /CN=leaf -out {key}.csr",
            f"x509 -req -in {key}.csr -CA {key}.pem -CAkey {key} -set_serial 77 -days 9 -out {key}.leaf",
            f"ocsp -index {key}.index -CA {key}.pem -rsigner {key}.pem -rkey {key} -issuer {key}.pem -cert {key}.leaf"
            f" -respout {key}.ocsp -ndays 5",
        ):
            write(f"{key}.index", "V\t300101000000Z\t\t4D\tunknown\t/CN=leaf\n")
            subprocess.run(["openssl", *words.split()], capture_output=True, check=True)
        old, response = self.text(f"{key}.pem") + self.text(key), self.raw(f"{key}.ocsp")
        for node in self.fleet.lab.nodes:
            folder = node.path("etc", "haproxy", "certs")
            write(os.path.join(folder, "000-old.pem"), old, 0o600)
            write(os.path.join(folder, f"{SPOILT}.pem.issuer"), self.text(f"{key}.pem"))
            with open(os.path.join(folder, f"{SPOILT}.pem.ocsp"), "wb") as file:
                file.write(response)

    def text(self, path: str) -> str:
        return self.raw(path).decode()

    def raw(self, path: str) -> bytes:
        with open(path, "rb") as file:
            return file.read()
