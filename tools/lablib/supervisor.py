"""The process in the background that owns a lab: starts everything, answers `tools/lab`, watches Pebble."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable

from . import dns_records, files, haproxy, logins, namespaces, probes, processes, services, spec
from .boxes import Boxes
from .ends import home_vanishes, note, owner_ends
from .keeper import Keeper, tail
from .model import REFUSING, Lab, LabError, Node, Pair, Process, Vip, write


class Supervisor:
    def __init__(self, lab: Lab, deadline: float) -> None:
        self.lab = lab
        self.keeper = Keeper(lab, deadline)
        self.boxes = Boxes(lab, self.keeper)
        self.ended = asyncio.Event()
        self.authority_wanted = True
        self.operations: dict[str, Callable[..., Awaitable[str] | str]] = {
            **{"status": self.status, "down": self.down, "failover": self.failover, "node": self.node},
            **{"split": self.split, "heal": self.heal, "rekey": self.rekey, "dns": self.dns, "mail": self.mail},
            "cable": self.cable,
            **{"domain": self.domain, "ca": self.authority, "thumbprint": self.thumbprint, "rule": self.rule},
        }

    async def start(self, say: Callable[[str], None]) -> None:
        if self.lab.ha:
            await self.boxes.build(say)
        shared = services.shared(self.lab)
        own = [service for pair in self.lab.pairs for node in pair.nodes for service in services.of_node(pair, node)]
        for pair in self.lab.pairs:
            files.write_roles(pair)
        for service in [*shared, *own]:
            self.keeper.start(service)
        self.lab.save()
        say(f"started {len(shared) + len(own)} processes for {len(self.lab.nodes)} nodes")
        await self.keeper.wait([*shared, *own])
        say("every process answers")
        dns_records.fill(self.lab)
        self.save_roots()
        for pair in self.lab.pairs:
            await self.switch(pair)
        await self.login()
        self.lab.save()

    async def login(self) -> None:
        """sshd shows its banner to everybody. That the key opens it is tried once, for all nodes are alike."""
        node = self.lab.nodes[0]
        try:
            await self.keeper.run(*logins.words(self.lab, node), node.address, "true")
        except LabError as fault:
            log = self.keeper.services[f"{node.id}/sshd"].log
            raise LabError(f"the key does not open {node.id}: {fault}\n{tail(log)}") from None

    def save_roots(self) -> None:
        """Pebble makes new roots at each start; with alternate chains there are several."""
        roots, number = [], 0
        while True:
            status, body = probes.https_get(self.lab, self.lab.authority.management_port, f"/roots/{number}")
            if status != 200:
                break
            roots.append(body.decode())
            number += 1
        write(self.lab.path("pebble-roots.pem"), "".join(roots))

    async def watch(self) -> None:
        """Pebble can deadlock for ever when a newOrder meets a POST-as-GET of an authorization (2.4.0, 2.10.1). One
        question that waits longer than the watchdog's patience is a hang, not a busy machine."""
        patience = self.lab.authority.watchdog
        while patience:
            await asyncio.sleep(1)
            if not self.authority_wanted:
                continue
            restarts = self.lab.authority.restarts
            try:
                refusal = await asyncio.to_thread(probes.pebble_store, self.lab, patience)
            except OSError as fault:
                refusal = str(fault) or type(fault).__name__
            # What was seen of a Pebble that somebody restarted meanwhile says nothing about the new one.
            if refusal and self.authority_wanted and self.lab.authority.restarts == restarts:
                note(f"Pebble hangs ({refusal}): restarted; its accounts, orders and roots are lost")
                try:
                    await self.authority("restart")
                except LabError as fault:
                    note(f"Pebble did not come back: {fault}")
                    self.authority_wanted = True

    # What `tools/lab` asks for. Each returns the line to print.

    def status(self) -> str:
        self.keeper.reap()
        if self.lab.ha:
            self.boxes.look()
            self.lab.save()
        return "running"

    def down(self) -> str:
        self.ended.set()
        return "going down"

    async def failover(self, pair: str, vip: str | None = None, to: str | None = None) -> str:
        box = self.lab.pair(pair)
        vips = [box.vip(vip)] if vip else box.vips
        if len(vips) < len(box.vips) and box.detector == "file":
            raise LabError(f"{pair} has one status file for the whole node: its VIPs move together")
        for address in vips:
            if to is not None:
                address.holder = None if to == "none" else box.node(to).id
            elif len(box.nodes) == 1:
                raise LabError(f"{pair} has one node; use --to none to take the address away")
            else:
                address.holder = next(node.id for node in box.nodes if node.id != address.holder)
        files.write_roles(box)
        await self.switch(box, vips)
        self.lab.save()
        return "; ".join(f"{address.address} ({pair} {address.id}) is held by {address.holder}" for address in vips)

    async def switch(self, pair: Pair, vips: list[Vip] | None = None) -> None:
        if self.lab.ha:
            for vip in vips or pair.vips:
                await self.boxes.elect(pair, vip)
                await self.until(lambda vip=vip: self.boxes.election(pair, vip))
                if vip.holder:
                    await self.until(lambda vip=vip: probes.vip(pair, vip.address, vip.https, vip.holder))
            return
        for vip in pair.vips:
            for line in haproxy.switch_commands(pair, vip.id, vip.holder):
                answer = haproxy.command(haproxy.forwarder_socket(self.lab), line)
                if answer and "already" not in answer:
                    raise LabError(f"the forwarder answered {answer!r} to {line!r}")
        for vip in pair.vips:
            running = vip.holder and self.keeper.process(f"{vip.holder}/haproxy")
            if running and running.state == "running":
                await self.until(lambda: probes.vip(pair, vip.address, vip.https, vip.holder))

    async def until(self, question: Callable[[], probes.Answer]) -> None:
        end = time.monotonic() + self.keeper.deadline
        while True:
            try:
                reason = await asyncio.to_thread(question)
            except (OSError, ValueError) as fault:
                reason = str(fault) or type(fault).__name__
            if reason is None:
                return
            if time.monotonic() > end:
                raise LabError(reason)
            await asyncio.sleep(0.03)

    def split(self, pair: str) -> str:
        box = self.lab.pair(pair)
        if self.lab.ha:
            raise LabError("cut the cable of a node, and both will claim the VIP")
        box.split = True
        files.write_roles(box)
        self.lab.save()
        return f"every node of {pair} says that it is active"

    def heal(self, pair: str) -> str:
        box = self.lab.pair(pair)
        box.split = False
        files.write_roles(box)
        self.lab.save()
        return f"{pair} is whole again"

    async def node(self, node: str, action: str) -> str:
        box = self.lab.node(node)
        pair = self.lab.pair_of(box)
        mine = services.of_node(pair, box)
        names = [service.name for service in mine]
        records = [record for record in self.lab.processes if record.node == node]
        if action in ("stop", "kill"):
            if self.lab.ha and action == "kill":
                # A machine without power: first it is gone from the network, so that nothing says good-bye.
                await self.boxes.cable(self.lab.node(node), "cut")
            self.keeper.stop(names, "stopped" if action == "stop" else "killed", self.keeper.of_node(box))
            if self.lab.ha:
                await self.boxes.fresh(box)
        elif action == "freeze":
            self.keeper.freeze(box)
            for record in records:
                record.state = "frozen"
        elif action == "start":
            processes.send(self.keeper.of_node(box), signal.SIGCONT)
            missing = [s for s, r in zip(mine, records) if not processes.is_same(r.pid, r.started)]
            files.write_roles(pair)
            if self.lab.ha:
                await self.boxes.cable(self.lab.node(node), "join")
            for service in missing:
                self.keeper.start(service)
            await self.keeper.wait(mine)
        self.lab.save()
        return f"{node}: {', '.join(f'{record.short} {record.state}' for record in records)}"

    async def rekey(self, node: str) -> str:
        box = self.lab.node(node)
        service = next(s for s in services.of_node(self.lab.pair_of(box), box) if s.name.endswith("/sshd"))
        self.keeper.stop([service.name])
        files.host_keys(box)
        self.keeper.start(service)
        await self.keeper.wait([service])
        self.lab.save()
        return f"{node} has new host keys"

    def dns(self, name: str, address: str) -> str:
        for pair in self.lab.pairs:
            if pair.id == address:
                address = pair.vips[0].address
        with dns_records.Records(self.lab) as records:
            records.point(name, address)
        return f"{name} → {address}"

    async def domain(self, name: str, pair: str, vip: str | None = None) -> str:
        """A name that the inventory may get later: DNS leads to the VIP, and the nodes' challenge rule knows it."""
        box = self.lab.pair(pair)
        address = box.vip(vip) if vip else box.vips[0]
        if not spec.NAME.match(name):
            raise LabError(f"{name!r} is not a lower-case A-label name")
        with dns_records.Records(self.lab) as records:
            records.point(name, address.address)
        for node in box.nodes:
            path = haproxy.hosts_file(node)
            with open(path) as file:
                hosts = file.read().splitlines()
            if name not in hosts:
                write(path, "".join(f"{host}\n" for host in sorted([*hosts, name])))
                record = self.keeper.process(f"{node.id}/haproxy")
                if box.challenge == "thumbprint" and self.lab.thumbprint and record and record.state == "running":
                    haproxy.command(node.socket("stats"), f"add acl {haproxy.hosts_inside(node)} {name}")
        return f"{name} → {address.address} ({pair})"

    async def cable(self, node: str, action: str) -> str:
        if not self.lab.ha:
            raise LabError("only a node of --ha has a cable")
        await self.boxes.cable(self.lab.node(node), action)
        return f"the cable of {node} is {'in' if action == 'join' else 'out'}"

    async def mail(self, action: str) -> str:
        refusing = os.path.join(self.lab.mail.directory, REFUSING)
        if action == "refuse":
            write(refusing, "")
        elif os.path.exists(refusing):
            os.remove(refusing)
        return await self.one("smtp", action)

    async def authority(self, action: str) -> str:
        running = self.keeper.tree(["pebble"])
        if action == "start" and running:
            processes.send(running, signal.SIGCONT)
            await self.one("pebble", "up")
            self.authority_wanted = True
            return "Pebble runs, and knows what it knew"
        self.authority_wanted = False
        if action == "freeze":
            processes.send(running, signal.SIGSTOP)
            return "Pebble takes requests and answers none until `ca start`"
        self.keeper.stop(["pebble"], "killed")
        if action == "stop":
            self.lab.save()
            return "Pebble is stopped"
        await self.one("pebble", "up")
        self.save_roots()
        self.lab.authority.restarts += 1
        self.lab.save()
        self.authority_wanted = True
        return "Pebble runs anew: accounts, orders and certificates of before are unknown to it, and its roots are new"

    async def one(self, name: str, action: str) -> str:
        service = next(service for service in services.shared(self.lab) if service.name == name)
        record = self.keeper.process(name)
        if action == "down":
            self.keeper.stop([name])
        elif record is None or not processes.is_same(record.pid, record.started):
            self.keeper.start(service)
            await self.keeper.wait([service])
        self.lab.save()
        return f"{name} is {action}"

    async def thumbprint(self, value: str) -> str:
        self.lab.thumbprint = haproxy.check_thumbprint(value)
        pairs = [pair for pair in self.lab.pairs if pair.challenge == "thumbprint"]
        for pair in pairs:
            for node in pair.nodes:
                await self.install(node, haproxy.thumbprint_rule(pair, node, value))
        self.lab.save()
        return f"the rule is on {sum(len(pair.nodes) for pair in pairs)} nodes"

    async def rule(self, pair: str, lines: str) -> str:
        for node in self.lab.pair(pair).nodes:
            await self.install(node, lines)
        return f"the rule is on {len(self.lab.pair(pair).nodes)} nodes of {pair}"

    async def install(self, node: Node, lines: str) -> None:
        path = haproxy.config_file(node)
        with open(path) as file:
            before = file.read()
        haproxy.replace_rule(node, lines)
        record = self.keeper.process(f"{node.id}/haproxy")
        if record is None or record.state != "running":
            return
        workers = processes.descendants({record.pid})
        try:
            if node.ha:
                await self.keeper.run(*namespaces.inside(self.lab, node), "systemctl", "reload", "haproxy")
            else:
                await self.keeper.run(node.path("bin", "reload-haproxy"))
        except LabError:
            write(path, before)
            raise
        # The reload is asynchronous: it is done when a worker that was not there before answers.
        await self.until(lambda: None if set(processes.descendants({record.pid})) - set(workers) else "no new worker")
        await self.keeper.wait([s for s in services.of_node(self.lab.pair_of(node), node) if s.name == record.name])

    # The control socket: one JSON line in, one JSON line out.

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            operation = self.operations[request.pop("do")]
            try:
                answer = operation(**request)
                text = answer if isinstance(answer, str) else await answer
                reply = {"ok": text}
            except (LabError, OSError) as fault:
                note(f"{request}: {fault}")
                reply = {"error": str(fault)}
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
        except (ConnectionError, ValueError, KeyError, TypeError) as fault:
            note(f"a request was not understood: {fault!r}")
        finally:
            writer.close()


async def live(directory: str, ready: int, deadline: float, owner: int) -> int:
    lab = Lab.load(directory)
    if lab.ha:
        namespaces.leave()
    lab.supervisor = Process("supervisor", "", os.getpid(), processes.start_time(os.getpid()), "running", "")
    lab.save()
    supervisor = Supervisor(lab, deadline)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.ended.set)
    loop.add_signal_handler(signal.SIGCHLD, supervisor.keeper.reap)

    def say(text: str) -> None:
        os.write(ready, text.encode() + b"\n")

    failed = 0
    try:
        server = await asyncio.start_unix_server(supervisor.serve, lab.control, limit=1 << 20)
        starting = asyncio.ensure_future(supervisor.start(say))
        stopping = asyncio.ensure_future(supervisor.ended.wait())
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            raise LabError("told to stop while starting")
        starting.result()
        say("ready")
        os.close(ready)
        note("ready")
        watching = asyncio.ensure_future(supervisor.watch())
        ends = [stopping, asyncio.ensure_future(home_vanishes(lab))]
        if owner:
            ends.append(asyncio.ensure_future(owner_ends(owner, processes.start_time(owner))))
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        watching.cancel()
        server.close()
    except (LabError, OSError) as fault:
        failed = 1
        note(str(fault))
        try:
            say("failed " + json.dumps(str(fault)))
        except OSError:
            pass
    supervisor.keeper.stop_all()
    lab.supervisor = None
    if os.path.exists(directory):
        lab.save()
    note("down")
    shutil.rmtree(lab.sockets, ignore_errors=True)
    return failed


if __name__ == "__main__":
    processes.become_subreaper()
    sys.exit(asyncio.run(live(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))))
