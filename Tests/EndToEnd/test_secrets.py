"""No byte of any private key where the controller writes, and none on a command line."""

from __future__ import annotations

import base64
import glob
import os
import subprocess
import threading
import unittest
from dataclasses import dataclass

from lablib import spec

from .fleet import Fleet, FleetTest, shape


def openssl(*words: str, give: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *words], input=give, capture_output=True, check=True).stdout


@dataclass
class Needle:
    of: str
    bytes: bytes


def needles(path: str, *password: str) -> list[Needle]:
    """DER in both forms, each base64 line of both PEM bodies, and the private number, raw and in hex. Lines that hold
    only the public half are left out: requests and certificates hold it, too."""
    with open(path, "rb") as file:
        pem = file.read()
    if password:
        pem = openssl("pkey", "-in", path, *password)
    public = openssl("pkey", "-pubout", "-outform", "DER", give=pem)
    forms = [
        openssl("pkey", "-outform", "DER", give=pem),
        openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", give=pem),
    ]
    found = []
    for form in forms:
        found.append(Needle(path, form))
        text = base64.b64encode(form)
        for start in range(0, len(text), 64):
            line = text[start : start + 64]
            if len(line) >= 16 and base64.b64decode(line) not in public:
                found.append(Needle(path, line))
    printed = openssl("pkey", "-text", "-noout", give=pem).decode()
    if "priv:" in printed:
        digits = printed.split("priv:")[1].split("pub:")[0]
    else:
        digits = printed.split("privateExponent:")[1].split("prime1:")[0]
    number = bytes.fromhex("".join(digits.split()).replace(":", ""))[-32:]
    forms = [number, number.hex().encode(), number.hex().upper().encode()]
    return found + [Needle(path, form) for form in forms]


class Watch(threading.Thread):
    """What the controller wrote, and every command line on this machine, looked at as long as the run lasts."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(daemon=True)
        self.fleet, self.done = fleet, threading.Event()
        self.lines: set[bytes] = set()
        #: Every state that a file was seen in.
        self.written: dict[str, set[bytes]] = {}
        self.rounds = 0

    def run(self) -> None:
        while not self.done.is_set():
            self.look()
            self.done.wait(0.05)

    def look(self) -> None:
        self.rounds += 1
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    self.lines.add(file.read())
            except OSError:
                continue
        for path in controller_files(self.fleet):
            if path.endswith((".sqlite-wal", ".sqlite-shm")) or "said-" in path or "/mail/" in path:
                try:
                    with open(path, "rb") as file:
                        self.written.setdefault(path, set()).add(file.read())
                except OSError:
                    continue

    def stop(self) -> None:
        self.done.set()
        self.join()


def controller_files(fleet: Fleet) -> list[str]:
    found = glob.glob(fleet.path("state", "**"), recursive=True) + glob.glob(fleet.path("said-*"))
    return [path for path in found + glob.glob(fleet.path("mail", "*")) if os.path.isfile(path)]


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
        self.assertGreater(watch.rounds, 10)
        places = {path: {content} for path in controller_files(fleet) for content in [open(path, "rb").read()]}
        for path, contents in watch.written.items():
            places.setdefault(path, set()).update(contents)
        self.assertTrue(any(path.endswith("journal.sqlite") for path in places))
        self.assertTrue(any(path.endswith("-wal") for path in places))
        for needle in wanted:
            for path, contents in places.items():
                for content in contents:
                    self.assertNotIn(needle.bytes, content, f"key material of {needle.of} in {path}")
            for line in watch.lines:
                self.assertNotIn(needle.bytes, line, f"key material of {needle.of} on a command line")

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
