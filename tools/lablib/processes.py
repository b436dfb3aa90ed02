"""Processes by identity: a pid alone may be somebody else's tomorrow, a pid with its start time never is."""

from __future__ import annotations

import ctypes
import os
import signal
import time

PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> None:
    """Orphans (a HAProxy worker whose master was killed, a session whose sshd was) become children of this process
    instead of init's, so that nothing the lab started is ever out of reach."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def stat(pid: int) -> tuple[int, str, int] | None:
    """Parent, state letter and start time; None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command name stands in parentheses and may hold spaces and parentheses of its own.
    words = text[text.rindex(b")") + 2 :].split()
    return int(words[1]), words[0].decode(), int(words[19])


def start_time(pid: int) -> int:
    """0 when the process is gone, or is a zombie that only waits to be read."""
    found = stat(pid)
    return 0 if found is None or found[1] in "ZX" else found[2]


def is_same(pid: int, started: int) -> bool:
    return started != 0 and start_time(pid) == started


def descendants(roots: set[int]) -> dict[int, int]:
    """Every living process below the roots, without them: pid → start time."""
    children: dict[int, list[int]] = {}
    started: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        found = stat(int(entry))
        if found is None or found[1] in "ZX":
            continue
        children.setdefault(found[0], []).append(int(entry))
        started[int(entry)] = found[2]
    result: dict[int, int] = {}
    queue = list(roots)
    while queue:
        for child in children.get(queue.pop(), ()):
            if child not in result and child not in roots:
                result[child] = started[child]
                queue.append(child)
    return result


def marked(name: str, value: str) -> dict[int, int]:
    """Processes whose environment carries NAME=VALUE. Sessions get it from sshd's SetEnv."""
    wanted = f"{name}={value}".encode()
    result: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                variables = file.read().split(b"\0")
        except OSError:
            continue
        started = start_time(int(entry))
        if wanted in variables and started:
            result[int(entry)] = started
    return result


def listening_in(block: int) -> dict[int, int]:
    """Processes with a TCP socket whose own end is in 127.BLOCK.0.0/16: servers of that lab and their sessions. (The
    end of a client is 127.0.0.1.) sshd overwrites its environment, so no mark tells its sessions."""
    inodes = set()
    with open("/proc/net/tcp") as table:
        next(table)
        for line in table:
            words = line.split()
            address = bytes.fromhex(words[1].split(":")[0])[::-1]
            if address[:2] == bytes([127, block]) and words[9] != "0":
                inodes.add(f"socket:[{words[9]}]")
    result: dict[int, int] = {}
    for entry in os.listdir("/proc") if inodes else ():
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            held = {os.readlink(f"/proc/{entry}/fd/{number}") for number in os.listdir(f"/proc/{entry}/fd")}
        except OSError:
            continue
        started = start_time(int(entry))
        if started and held & inodes:
            result[int(entry)] = started
    return result


def send(targets: dict[int, int], number: signal.Signals) -> None:
    for pid, started in targets.items():
        if is_same(pid, started):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass


def alive(targets: dict[int, int]) -> dict[int, int]:
    return {pid: started for pid, started in targets.items() if is_same(pid, started)}


def end(targets: dict[int, int], grace: float = 3.0) -> None:
    """Asks, waits, then insists. A stopped process must be woken to hear the request."""
    send(targets, signal.SIGTERM)
    send(targets, signal.SIGCONT)
    deadline = time.monotonic() + grace
    while alive(targets) and time.monotonic() < deadline:
        time.sleep(0.02)
    send(alive(targets), signal.SIGKILL)
    deadline = time.monotonic() + 5
    while alive(targets) and time.monotonic() < deadline:
        time.sleep(0.02)
