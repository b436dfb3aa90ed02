"""`tools/lab up` and `down`: makes the files, hands over to the supervisor, and takes everything away again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from . import addresses, files, inventory, layout, namespaces, processes, spec
from .keeper import tail
from .model import MARK, Lab, LabError

MARKER = ".certfleet-lab"
TOOLS = {
    **{"haproxy": "haproxy", "stunnel4": "stunnel4", "pebble": "pebble", "pebble-challtestsrv": "pebble"},
    **{"/usr/sbin/sshd": "openssh-server", "ssh": "openssh-client", "ssh-keygen": "openssh-client"},
    **{"openssl": "openssl", "setpriv": "util-linux"},
}
PRIVILEGE_SEPARATION = "/run/sshd"


def check_tools() -> None:
    search = os.environ.get("PATH", "") + os.pathsep + files.PATH
    missing = {package for tool, package in TOOLS.items() if not shutil.which(tool, path=search)}
    probe = subprocess.run(["/usr/bin/python3", "-c", "import aiosmtpd"], capture_output=True, check=False)
    if probe.returncode != 0:
        missing.add("python3-aiosmtpd")
    if missing:
        raise LabError(f"missing packages; install them with: apt-get install {' '.join(sorted(missing))}")
    os.environ["PATH"] = search


def prepare(directory: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9/._+-]+", directory):
        raise LabError(f"{directory!r}: a directory without blanks and quotes, please; its name stands in many files")
    if os.path.exists(os.path.join(directory, MARKER)):
        raise LabError(f"{directory} holds a lab already; end it with: tools/lab down {directory}")
    if os.path.isdir(directory) and os.listdir(directory):
        raise LabError(f"{directory} is not empty, and `down` removes the whole directory; name a new one")
    os.makedirs(directory, exist_ok=True)
    Path(directory, MARKER).write_text("Made by tools/lab; `tools/lab down` removes this directory.\n")
    if os.geteuid() == 0:
        # sshd run by root insists on this empty directory; Debian's service makes it at boot.
        os.makedirs(PRIVILEGE_SEPARATION, mode=0o755, exist_ok=True)


def up(directory: str, shape: spec.Spec, timeout: float, owner: int, say) -> Lab:
    check_tools()
    if shape.ha:
        namespaces.check_tools()
        if reason := namespaces.refused():
            raise LabError(reason)
    spec.check(shape)
    prepare(directory)
    child: subprocess.Popen | None = None
    try:
        block, lock = addresses.reserve()
        with lock:
            lab = layout.make(directory, block, shape)
            lab.save()
            say(f"addresses 127.{block}.0.0/16, {len(lab.pairs)} pairs, {len(lab.domains)} domains")
            files.make(lab)
            inventory.make(lab)
            readable, writable = os.pipe()
            with open(lab.path("log", "supervisor.log"), "ab") as log:
                child = subprocess.Popen(
                    [sys.executable, "-B", "-m", "lablib.supervisor"]
                    + [directory, str(writable), str(timeout), str(owner)],
                    **{"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "start_new_session": True},
                    # The lock on the block lives as long as the supervisor holds its copy.
                    **{"pass_fds": (writable, lock.fileno()), "cwd": Path(__file__).parents[1]},
                )
            os.close(writable)
        follow(lab, readable, say)
        return Lab.load(directory)
    except BaseException as fault:
        if child and child.poll() is None:
            child.terminate()
            child.wait()
        if isinstance(fault, LabError):
            fault.add_note(f"Nothing is running. The files are kept; they go with: tools/lab down {directory}")
        raise


def follow(lab: Lab, readable: int, say) -> None:
    with os.fdopen(readable) as lines:
        for line in lines:
            if line.startswith("failed "):
                raise LabError(json.loads(line[7:]))
            if line == "ready\n":
                return
            say(line.rstrip("\n"))
    raise LabError(f"the supervisor ended before the lab was ready:\n{tail(lab.path('log', 'supervisor.log'))}")


def ask(lab: Lab, **request) -> str:
    """One question to the supervisor."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(120)
            connection.connect(lab.control)
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile() as answer:
                line = answer.readline()
    except OSError as fault:
        raise LabError(f"the lab in {lab.directory} is not running ({fault})") from None
    if not line:
        raise LabError("the supervisor hung up; see log/supervisor.log")
    reply = json.loads(line)
    if "error" in reply:
        raise LabError(reply["error"])
    return reply["ok"]


def leftovers(lab: Lab) -> dict[int, int]:
    """Nothing, after a supervisor that ended by itself."""
    left = processes.alive({record.pid: record.started for record in lab.processes})
    left |= processes.marked(MARK, lab.mark)
    left |= namespaces.inhabitants(lab)
    try:
        # While nobody else has the block, what still sits on it is ours.
        _, lock = addresses.reserve(lab.block)
        with lock:
            left |= processes.listening_in(lab.block)
    except LabError:
        pass
    return left | processes.descendants(set(left))


def down(directory: str, keep: bool, timeout: float = 30) -> None:
    """By pid and start time. What a killed supervisor left is found by its record and by the mark in its
    environment; then the directory goes."""
    if not os.path.exists(os.path.join(directory, MARKER)):
        raise LabError(f"{directory} holds no lab")
    if os.path.exists(os.path.join(directory, "lab.json")):
        lab = Lab.load(directory)
        if lab.supervisor and processes.is_same(lab.supervisor.pid, lab.supervisor.started):
            owner = {lab.supervisor.pid: lab.supervisor.started}
            processes.send(owner, signal.SIGTERM)
            deadline = time.monotonic() + timeout
            while processes.alive(owner) and time.monotonic() < deadline:
                time.sleep(0.02)
            processes.send(processes.alive(owner), signal.SIGKILL)
        left = leftovers(lab)
        processes.end(left)
        shutil.rmtree(lab.sockets, ignore_errors=True)
        if survivors := processes.alive(left):
            raise LabError(f"these processes did not end: {sorted(survivors)}")
    if not keep:
        shutil.rmtree(directory)
