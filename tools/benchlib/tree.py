"""What a process and everything below it costs."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from lablib import processes

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
#: Often enough to see the most processes at once, rarely enough to cost under a hundredth of a core for fifty of them.
SAMPLE_SECONDS = 0.1


@dataclass
class Cost:
    """One run of a client, its children included."""

    status: int
    wall: float
    cpu: float
    peak_mib: float
    timed_out: bool = False


def children(pid: int) -> set[int]:
    """Of all its threads. The kernel has to know this file (CONFIG_PROC_CHILDREN, as Debian's does)."""
    found: set[int] = set()
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found.update(int(word) for word in file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        pass  # It ended while it was looked at.
    return found


def members(roots: set[int]) -> set[int]:
    """The processes and their descendants, without looking at every process of the machine."""
    found: set[int] = set()
    queue = list(roots)
    while queue:
        process = queue.pop()
        if process not in found:
            found.add(process)
            queue += children(process)
    return found


def memory_mib(pids: set[int]) -> float:
    """Private pages of all, and the largest shared part once: less than the truth for a crowd of different programs,
    never more, whereas a plain sum of resident sizes counts one library as often as it is mapped."""
    private = shared = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm") as file:
                words = file.read().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        private += int(words[1]) - int(words[2])
        shared = max(shared, int(words[2]))
    return (private + shared) * PAGE / 2**20


def cpu_seconds(pid: int) -> float:
    """What the process and its children that were waited for used until now; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            words = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(word) for word in words[11:15]) / TICK


def high_water_mib(pid: int) -> float:
    """The most memory that one process ever had resident; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            line = next((line for line in file if line.startswith("VmHWM")), "VmHWM: 0 kB")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return int(line.split()[1]) / 1024


class PeakWatch:
    """Looks at a tree's memory until told to stop. With `others`, every child of this process but those belongs to the
    tree: what a client left behind was given to us (see `become_subreaper`)."""

    def __init__(self, root: int, others: set[int] | None = None) -> None:
        self.root = root
        self.others = others
        self.peak_mib = 0.0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def __enter__(self) -> "PeakWatch":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.done.set()
        self.thread.join()

    def look(self) -> None:
        while True:
            roots = {self.root} if self.others is None else children(os.getpid()) - self.others
            self.peak_mib = max(self.peak_mib, memory_mib(members(roots)))
            if self.done.wait(SAMPLE_SECONDS):
                return


def end(process: subprocess.Popen) -> None:
    """The group that was started for this process; nothing else is in it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        limit = time.monotonic() + 3
        # Not poll(): that would collect the process, and with it what it cost.
        while time.monotonic() < limit and processes.start_time(process.pid):
            time.sleep(0.05)


def run(
    command: list[str], directory: Path, log: Path, stdin: Path | None = None, deadline: float = 600,
    environment: dict[str, str] | None = None, others: set[int] | None = None,
) -> Cost:
    """Runs a client to its end. CPU time is from wait4: the process with all that it, or one below it, waited for."""
    with log.open("ab") as output, open(stdin or os.devnull, "rb") as given:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=directory, env={**os.environ, **(environment or {})}, stdin=given, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
        )
        late = threading.Timer(deadline, end, [process])
        late.start()
        try:
            with PeakWatch(process.pid, others) as watch:
                # WNOWAIT leaves the process to be collected by wait4, which alone tells what it cost.
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
                wall = time.perf_counter() - start
        except BaseException:
            end(process)
            raise
        finally:
            late.cancel()
        timed_out = wall >= deadline
        status, usage = collect(process)
    return Cost(
        status, wall, usage.ru_utime + usage.ru_stime, max(watch.peak_mib, usage.ru_maxrss / 1024), timed_out
    )


def collect(process: subprocess.Popen):
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage
