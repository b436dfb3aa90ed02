"""The lab that clients are measured on, and what Pebble's log says of them."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from pathlib import Path

from lablib import probes, processes
from lablib.model import Lab

from .product import ROOT, BenchError

#: Seconds that a Pebble may need for an answer, as the lab's watchdog has it.
PATIENCE = 15
REQUEST = re.compile(r"(GET|HEAD|POST) (/[A-Za-z-]+)\S* -> calling handler\(\)")
#: Pebble's paths in the words of RFC 8555. What is not here is the lab's own watchdog, on the management port.
KINDS = {
    **{"/dir": "directory", "/nonce-plz": "newNonce", "/sign-me-up": "newAccount", "/my-account": "account"},
    **{"/order-plz": "newOrder", "/authZ": "authorization", "/chalZ": "challenge", "/my-order": "order"},
    **{"/finalize-order": "finalize", "/certZ": "certificate"},
}
#: The order in which a certificate needs them.
ORDER = ("directory", "newNonce", "newOrder", "authorization", "challenge", "order", "finalize", "certificate")


class FreshLab:
    """One client, one lab: a Pebble that remembers nothing, nodes that nobody has worked on. Lent by a `with`."""

    def __init__(self, directory: Path, names: int, pairs: int, nonce_reject: int) -> None:
        self.directory = directory
        self.shape = ["--pairs", str(min(pairs, names)), "--nodes", "2", "--customers", "1", "--domains", str(names)]
        self.shape += ["--kind", "haproxy-directory", "--nonce-reject", str(nonce_reject), "--authz-reuse", "0"]
        # A busy machine is slow to start so many processes, and what is waited for here is measured by nobody.
        self.shape += ["--timeout", "300", "--owner", str(os.getpid())]

    def __enter__(self) -> "FreshLab":
        self.ask("up", *self.shape)
        self.pebble = next(record for record in self.lab.processes if record.name == "pebble")
        return self

    def __exit__(self, *_) -> None:
        self.ask("down")

    def ask(self, command: str, *arguments: str) -> str:
        done = subprocess.run(
            [ROOT / "tools/lab", command, self.directory, *arguments],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )
        if done.returncode != 0:
            raise BenchError(f"tools/lab {command}: {done.stderr.strip()}")
        return done.stdout

    @property
    def lab(self) -> Lab:
        return Lab.load(str(self.directory))

    @property
    def names(self) -> list[str]:
        return [row.domain for row in self.lab.domains]

    @property
    def pebble_hung(self) -> bool:
        """Whether this Pebble hangs, or is no longer the one that the client began with: the watchdog ends one that
        hung, and the new one knows no account and no order. The lab's own count rises only when the new one answers."""
        if not processes.is_same(self.pebble.pid, self.pebble.started):
            return True
        try:
            return probes.pebble_store(self.lab, PATIENCE) is not None
        except OSError:
            return True

    def log_size(self) -> int:
        return self.log.stat().st_size

    @property
    def log(self) -> Path:
        return self.directory / "log" / "pebble.log"

    def requests(self, since: int, until: int) -> Counter:
        """What was asked between two sizes of the log, by kind."""
        with self.log.open("rb") as file:
            file.seek(since)
            text = file.read(until - since).decode(errors="replace")
        found = (KINDS.get(path) for _, path in REQUEST.findall(text))
        return Counter(kind for kind in found if kind)

    def bad_nonces(self, since: int, until: int) -> int:
        with self.log.open("rb") as file:
            file.seek(since)
            return file.read(until - since).count(b"badNonce")
