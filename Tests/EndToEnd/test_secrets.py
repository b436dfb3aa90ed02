"""No byte of any private key where the controller writes, and none on a command line."""

from __future__ import annotations

import glob
import os
import unittest

from lablib import spec

from .fleet import FleetTest, shape
from .needles import Needle, Watch, needles, openssl, require_nowhere


class Secrets(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(names=12)

    def test_no_byte_of_a_private_key_leaves_its_node(self) -> None:
        fleet = self.fleet
        watch = Watch(fleet)
        watch.start()
        self.addCleanup(watch.stop)
        fleet.enroll()
        fleet.told("run", "-v")
        fleet.told("run", "--json")
        fleet.told("status", "-v")
        watch.look()
        watch.stop()

        keys = [path for node in fleet.lab.nodes for path in glob.glob(node.path("work", "keys", "*.key"))]
        wanted = [needle for path in keys for needle in needles(path)]
        wanted += self.account_key()

        self.assertGreaterEqual(len(keys), 2 * 12, "each key lies on both nodes")
        places = require_nowhere(self, wanted, watch)
        self.assertTrue(any(path.endswith("journal.sqlite") for path in places))
        self.assertTrue(any(path.endswith("-wal") for path in places))

    def test_the_finder_finds(self) -> None:
        path = self.fleet.path("planted.key")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
        with open(path, "rb") as file:
            pem = file.read()

        found = [needle for needle in needles(path) if needle.bytes in pem.replace(b"\n", b"") or needle.bytes in pem]

        self.assertTrue(found)
        os.remove(path)

    def account_key(self) -> list[Needle]:
        folder = self.fleet.path("state", "accounts")
        keys = glob.glob(os.path.join(folder, "*.pem")) + glob.glob(os.path.join(folder, "*.key"))
        phrases = glob.glob(os.path.join(folder, "*pass*"))
        self.assertEqual((len(keys), len(phrases)), (1, 1), os.listdir(folder))
        for path in (*keys, *phrases):
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600, path)
        with open(keys[0]) as file:
            self.assertIn("BEGIN ENCRYPTED PRIVATE KEY", file.read())
        return needles(keys[0], "-passin", f"file:{phrases[0]}")


if __name__ == "__main__":
    unittest.main()
