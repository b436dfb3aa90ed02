"""Name servers beside the lab's: the controller may know names better than the CA does."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import unittest
from collections.abc import Iterator

from .fleet import eventually


def require_dnsmasq() -> None:
    if shutil.which("dnsmasq"):
        return
    if os.environ.get("CI"):
        raise RuntimeError("dnsmasq is missing: apt-get install dnsmasq-base")
    raise unittest.SkipTest("dnsmasq is not installed (apt-get install dnsmasq-base)")


@contextlib.contextmanager
def second_resolver(lab, *words: str) -> Iterator[str]:
    """A real resolver beside the lab's: it asks the lab, and knows some names better."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((lab.address, 0))
        port = probe.getsockname()[1]
    host, upstream = lab.dns.server.rsplit(":", 1)
    process = subprocess.Popen(
        ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file="]
        + [f"--port={port}", f"--listen-address={lab.address}", "--bind-interfaces", "--cache-size=0", "--user="]
        + [f"--server={host}#{upstream}", *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:

        def answers() -> bool:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                return probe.connect_ex((lab.address, port)) == 0

        eventually(answers, "the second resolver listens", 30)
        yield f"{lab.address}:{port}"
    finally:
        process.terminate()
        process.wait()
