"""Keys and other secrets, as bytes to look for: in what the controller writes, and on every command line."""

from __future__ import annotations

import base64
import glob
import os
import subprocess
import threading
import unittest
from dataclasses import dataclass
from pathlib import Path

from lablib.model import Lab

from .fleet import Fleet


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


def require_nowhere(test: unittest.TestCase, wanted: list[Needle], watch: Watch) -> dict[str, set[bytes]]:
    """None of them in a file of the controller, as it is now or as it was seen, and none on a command line. Answers
    with what was searched."""
    places = {path: {content} for path in controller_files(watch.fleet) for content in [Path(path).read_bytes()]}
    for path, contents in watch.written.items():
        places.setdefault(path, set()).update(contents)
    test.assertGreater(watch.rounds, 10)
    for needle in wanted:
        for path, contents in places.items():
            for content in contents:
                test.assertNotIn(needle.bytes, content, f"{needle.of} in {path}")
        for line in watch.lines:
            test.assertNotIn(needle.bytes, line, f"{needle.of} on a command line")
    return places


def require_on_no_node(test: unittest.TestCase, wanted: list[Needle], lab: Lab, but: tuple[str, ...] = ()) -> None:
    """None of them in a file of any node, other than those that have one of these words in their paths."""
    searched = 0
    for node in lab.nodes:
        for path in glob.glob(node.path("**"), recursive=True, include_hidden=True):
            if not os.path.isfile(path) or any(word in path for word in but):
                continue
            searched += 1
            with open(path, "rb") as file:
                content = file.read()
            for needle in wanted:
                test.assertNotIn(needle.bytes, content, f"{needle.of} in {path}")
    test.assertGreater(searched, 8)
