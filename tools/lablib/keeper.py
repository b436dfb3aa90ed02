"""Starts, watches and ends a lab's processes. Lives in the supervisor, which is the ancestor of all of them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
import time

from . import namespaces, processes
from .model import MARK, NODE_MARK, Lab, LabError, Node, Process
from .services import Service

POLL = 0.03


class Keeper:
    def __init__(self, lab: Lab, deadline: float) -> None:
        self.lab = lab
        self.deadline = deadline
        self.services: dict[str, Service] = {}
        self.popen: dict[int, subprocess.Popen] = {}

    def process(self, name: str) -> Process | None:
        return next((process for process in self.lab.processes if process.name == name), None)

    def start(self, service: Service) -> None:
        """Starts, and records at once. `setpriv --pdeathsig` ends the process if this supervisor is killed."""
        self.services[service.name] = service
        environment = {
            **os.environ,
            **service.environment,
            MARK: self.lab.mark,
            NODE_MARK: service.node,
        }
        place = namespaces.inside(self.lab, self.lab.node(service.node)) if self.lab.ha and service.node else []
        with open(service.log, "ab") as log:
            popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *place, *service.argv],
                **{"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "env": environment},
                **{"start_new_session": True, "cwd": self.lab.directory},
            )
        self.popen[popen.pid] = popen
        record = self.process(service.name)
        if record is None:
            record = Process(service.name, service.node, 0, 0, "", service.log)
            self.lab.processes.append(record)
        record.pid, record.started, record.state = popen.pid, processes.start_time(popen.pid), "starting"

    async def wait(self, services: list[Service]) -> None:
        """Until every one answers. A process that ends, or stays silent past the deadline, is the error."""
        end = time.monotonic() + self.deadline
        await asyncio.gather(*(self.wait_for(service, end) for service in services))

    async def wait_for(self, service: Service, end: float) -> None:
        record = self.process(service.name)
        while True:
            self.reap()
            if record is None or not processes.is_same(record.pid, record.started):
                raise LabError(f"{service.name} ended while it was starting:\n{tail(service.log)}")
            try:
                reason = await asyncio.to_thread(service.ready)
            except (OSError, ValueError, LookupError) as fault:
                reason = str(fault) or type(fault).__name__
            if reason is None:
                record.state = "running"
                return
            if time.monotonic() > end:
                raise LabError(f"{service.name} did not answer in {self.deadline:g} s ({reason}):\n{tail(service.log)}")
            await asyncio.sleep(POLL)

    async def run(self, *argv: str) -> None:
        """A tool that has to succeed. `subprocess.run` in a thread would race with `reap` for the exit status, and
        take a status that it lost for success."""
        with tempfile.TemporaryFile() as said:
            popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
            self.popen[popen.pid] = popen
            end = time.monotonic() + self.deadline
            while popen.returncode is None:
                if time.monotonic() > end:
                    popen.kill()
                    raise LabError(f"{argv[0]} did not end in {self.deadline:g} s")
                await asyncio.sleep(0.01)
                self.reap()
            if popen.returncode != 0:
                said.seek(0)
                words = said.read().decode(errors="replace").strip()[-600:]
                raise LabError(f"{argv[0]} ended with {popen.returncode}: {words}")

    def reap(self) -> None:
        """Collects every child that ended, adopted orphans included, and notes services that went away unasked."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if popen := self.popen.pop(pid, None):
                popen.returncode = os.waitstatus_to_exitcode(status)
            for record in self.lab.processes:
                if record.pid == pid and record.state not in ("stopped", "killed"):
                    record.state = f"ended by itself ({os.waitstatus_to_exitcode(status)})"
                    self.lab.save()

    def tree(self, names: list[str]) -> dict[int, int]:
        """The named services with everything below them."""
        records = [record for record in self.lab.processes if record.name in names]
        roots = processes.alive({record.pid: record.started for record in records})
        return {**roots, **processes.descendants(set(roots))}

    def of_node(self, node: Node) -> dict[int, int]:
        """The node's services, and what its sessions left behind (sshd's SetEnv marks it)."""
        names = [record.name for record in self.lab.processes if record.node == node.id]
        mine = processes.descendants({os.getpid()})
        # A sudo on a node takes the mark away; its network stays.
        left = namespaces.inhabitants(self.lab, node) if node.ha else processes.marked(NODE_MARK, node.id)
        return {**self.tree(names), **{pid: started for pid, started in left.items() if pid in mine}}

    def freeze(self, node: Node) -> None:
        """Again until nothing new turns up: a process may have forked just before it was stopped."""
        seen: set[int] = set()
        while new := {pid: t for pid, t in self.of_node(node).items() if pid not in seen}:
            processes.send(new, signal.SIGSTOP)
            seen |= set(new)

    def stop(self, names: list[str], state: str = "stopped", extra: dict[int, int] | None = None) -> None:
        targets = {**self.tree(names), **(extra or {})}
        for record in self.lab.processes:
            if record.name in names:
                record.state = state
        if state == "killed":
            # Stopped first, so that no parent has time to notice and answer for a child.
            processes.send(targets, signal.SIGSTOP)
            processes.send(targets, signal.SIGKILL)
        processes.end(targets)
        self.reap()

    def stop_all(self) -> None:
        for record in self.lab.processes:
            record.state = "stopped"
        for _ in range(3):
            if remaining := processes.descendants({os.getpid()}):
                processes.end(remaining)
                self.reap()


def tail(path: str, lines: int = 12) -> str:
    try:
        with open(path, errors="replace") as file:
            return "".join(f"    {line}" for line in file.readlines()[-lines:]).rstrip() or "    (its log is empty)"
    except OSError as fault:
        return f"    (no log: {fault})"
