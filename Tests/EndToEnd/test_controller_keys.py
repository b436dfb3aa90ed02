"""`keys: controller`: encrypted on the controller, sealed on the way, and in clear nowhere but where they serve."""

from __future__ import annotations

import glob
import os
import subprocess
import unittest

from lablib import spec

from .fleet import FleetTest, eventually, shape
from .needles import Needle, Watch, needles, require_nowhere, require_on_no_node

PASSPHRASE = "correct horse battery staple 4711"
KINDS = ("p256", "p384", "rsa2048", "p256", "p384", "rsa3072", "p256", "rsa4096")


class ControllerKeys(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(number=4, names=8)

    def setUp(self) -> None:
        fleet = self.fleet
        credentials = fleet.path("credentials")
        if not os.path.exists(credentials):
            os.mkdir(credentials, 0o700)
            path = os.path.join(credentials, "certfleet-keys")
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(PASSPHRASE + "\n")
            store = "controller_keys: { passphrase_credential: certfleet-keys }\n"
            fleet.edit("defaults:\n", store + "defaults:\n  keys: controller\n")
            fleet.rekey(*KINDS)
        self.credentials = {"CREDENTIALS_DIRECTORY": credentials}

    def test_keys_lie_encrypted_on_the_controller_and_in_clear_only_where_they_serve(self) -> None:
        fleet = self.fleet
        fleet.told("check")
        fleet.enroll()
        with self.subTest("without the passphrase nothing is ordered"):
            refused = fleet.told("run", status=3)
            self.assertIn("systemd credential certfleet-keys", refused.err)
            self.assertEqual(fleet.orders(), 0)

        watch = Watch(fleet)
        watch.start()
        self.addCleanup(watch.stop)
        run = fleet.start("run", "-v", environment=self.credentials)
        limits = eventually(lambda: self.core_limit(run.pid), "the limits of the run")
        done = fleet.finish(run)
        self.assertEqual(done.status, 0, done.text)
        watch.look()
        watch.stop()

        self.assertEqual(limits, ["0", "0"], "soft and hard limit of core files")
        fleet.require_proved(self)
        fleet.require_whole(self)
        keys = glob.glob(fleet.path("state", "keys", "*"))
        self.assertEqual(len(keys), len(KINDS))
        for path in keys:
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600, path)
            with open(path) as file:
                self.assertTrue(file.read().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----"), path)
        wanted = [needle for path in keys for needle in needles(path, "-passin", "pass:" + PASSPHRASE)]
        wanted.append(Needle("the passphrase", PASSPHRASE.encode()))
        require_nowhere(self, wanted, watch)
        # In clear only in what HAProxy or stunnel read, in what is kept to go back to, and in the node's own store.
        require_on_no_node(self, wanted, fleet.lab, but=("/certs/", "/work/keys/"))
        self.assertEqual(fleet.leftovers(), [])

        with self.subTest("another passphrase opens nothing"):
            wrong = subprocess.run(
                ["openssl", "pkey", "-in", keys[0], "-passin", "pass:another", "-noout"], capture_output=True
            )
            self.assertNotEqual(wrong.returncode, 0)

    @staticmethod
    def core_limit(pid: int) -> list[str] | None:
        try:
            with open(f"/proc/{pid}/limits") as limits:
                line = next(line for line in limits if line.startswith("Max core file size"))
        except OSError:
            return None
        found = line.split()[4:6]
        return found if found == ["0", "0"] else None


if __name__ == "__main__":
    unittest.main()
