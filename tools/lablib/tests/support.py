"""Labs for tests: started with the real command, and proved to be gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lablib import logins, namespaces, processes
from lablib.model import MARK, Lab
from lablib.up import MARKER

ENTRY = Path(__file__).parents[2] / "lab"
THUMBPRINT = "0123456789012345678901234567890123456789abc"


def tool(*arguments: str | Path, **options) -> subprocess.CompletedProcess:
    return subprocess.run([ENTRY, *arguments], capture_output=True, text=True, timeout=120, check=False, **options)


def told(*arguments: str | Path, **options) -> str:
    done = tool(*arguments, **options)
    if done.returncode != 0:
        raise AssertionError(f"tools/lab {arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def starting(path: str) -> subprocess.Popen:
    """An `up` that a test will end before its time. A shell without job control starts what it puts in the background
    with SIGINT ignored, and so would everything below it be; a person's `up` hears the interrupt."""
    return subprocess.Popen(
        [ENTRY, "up", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


@contextlib.contextmanager
def directory() -> Iterator[str]:
    parent = tempfile.mkdtemp(prefix="certfleet-lab-test-")
    try:
        yield os.path.join(parent, "lab")
    finally:
        # Where a test failed half-way, its lab may still be running.
        if os.path.exists(os.path.join(parent, "lab", MARKER)):
            tool("down", os.path.join(parent, "lab"))
        shutil.rmtree(parent, ignore_errors=True)


@contextlib.contextmanager
def running(*flags: str) -> Iterator[Lab]:
    with directory() as path:
        told("up", path, "--owner", str(os.getpid()), *flags)
        lab = Lab.load(path)
        try:
            yield lab
        finally:
            told("down", path)
            assert not os.path.exists(path)
            assert_gone(lab)


def everything(lab: Lab) -> dict[int, int]:
    """All processes of a lab, as a search by mark and by parentage finds them."""
    roots = {record.pid: record.started for record in [*lab.processes, *([lab.supervisor] if lab.supervisor else [])]}
    return processes.alive(roots | processes.descendants(set(roots)) | processes.marked(MARK, lab.mark))


def assert_gone(lab: Lab) -> None:
    left = everything(lab) | processes.listening_in(lab.block)
    assert not left, f"left over: {[Path(f'/proc/{pid}/cmdline').read_bytes() for pid in left]}"
    assert not os.path.exists(lab.sockets), f"left over: {lab.sockets}"


def ssh(lab: Lab, node: str, command: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([*ssh_command(lab, node), command], capture_output=True, text=True, check=False, **options)


def ssh_command(lab: Lab, node: str) -> list[str]:
    box = lab.node(node)
    return [*logins.words(lab, box), box.address]


def eventually(question: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.05)


@contextlib.contextmanager
def in_world(lab: Lab) -> Iterator[None]:
    """This thread is where the addresses of a lab with --ha are."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        namespaces.join(lab)
        yield
    finally:
        namespaces.enter(f"/proc/self/fd/{before}")
        os.close(before)


def ssh_in(lab: Lab, node: str, command: str) -> subprocess.CompletedProcess:
    with in_world(lab):
        return ssh(lab, node, command)
