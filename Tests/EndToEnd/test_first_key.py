"""G13: the account key of a first run is on the disk, its name as well, before anything is told to the CA."""

from __future__ import annotations

import os
import subprocess
import tempfile
import unittest

from .fleet import binary, compiled

INVENTORY = """\
authorities: [{ id: ca, directory: "https://127.0.0.1:1/dir" }]
customers: [{ id: acme }]
pairs:
  - { id: edge, vips: [{ id: web, address: 192.0.2.1 }], nodes: [{ id: a, address: 192.0.2.2 }] }
defaults: { ssh: { user: root, agent: true } }
"""


class FirstKey(unittest.TestCase):
    def test_the_name_of_the_key_is_flushed_after_the_key(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            inventory, log = os.path.join(folder, "fleet.yaml"), os.path.join(folder, "flushed")
            with open(inventory, "w") as file:
                file.write(INVENTORY)
            library = compiled("flushed.c", folder)
            done = subprocess.run(
                [binary(), "account", "show", "--inventory", inventory], stdin=subprocess.DEVNULL, capture_output=True,
                text=True, env={**os.environ, "LD_PRELOAD": library, "FLUSHED": log},
            )  # fmt: skip
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            with open(log) as file:
                lines = [line.rstrip("\n").split(" ", 1) for line in file]

        accounts = os.path.join(os.path.realpath(folder), "state", "accounts")
        for name in ("passphrase", "ca.key.pem"):
            named = lines.index(["name", os.path.join(accounts, name)])
            drafts = [line for line in lines[:named] if line[1].startswith(os.path.join(accounts, name + ".new"))]
            self.assertIn("flush", [what for what, _ in drafts], lines)
            self.assertIn(["flush", accounts], lines[named:], lines)
        # The directory's own name, too.
        self.assertIn(["flush", os.path.dirname(accounts)], lines)
