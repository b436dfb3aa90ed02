"""Nodes in namespaces: built, elected, cut off and made fresh. The supervisor's hand for a lab with --ha."""

from __future__ import annotations

import os
from collections.abc import Callable

from . import machine, namespaces, probes, services
from .keeper import Keeper
from .model import Lab, Node, Pair, Vip


class Boxes:
    def __init__(self, lab: Lab, keeper: Keeper) -> None:
        self.lab = lab
        self.keeper = keeper

    async def build(self, say: Callable[[str], None]) -> None:
        """The world, a box for each node, and the cables between them."""
        for words in namespaces.world(self.lab):
            await self.keeper.run(*words)
        boxes = services.boxes(self.lab)
        for box in boxes:
            self.keeper.start(box)
        await self.keeper.wait(boxes)
        for node in self.lab.nodes:
            for words in namespaces.cable(self.lab, node):
                await self.keeper.run(*words)
        self.lab.networks = [os.readlink(f"/proc/{namespaces.box(self.lab, n)}/ns/net") for n in self.lab.nodes]
        self.lab.save()
        say(f"{len(boxes)} boxes stand, each with a network and a file system of its own")

    async def elect(self, pair: Pair, vip: Vip) -> None:
        """Tells the two keepaliveds what to wish for."""
        for node in pair.nodes:
            machine.wish(node, vip, -254 if vip.holder is None else 50 if node.id == vip.holder else 0)

    def election(self, pair: Pair, vip: Vip) -> probes.Answer:
        """Whether they have done so."""
        wanted = [vip.holder] if vip.holder else []
        holders = self.holders(pair, vip)
        return None if holders == wanted else f"{vip.address} is held by {holders}, not {wanted}"

    def holders(self, pair: Pair, vip: Vip) -> list[str]:
        return [node.id for node in pair.nodes if vip.address in namespaces.held(self.lab, node)]

    def look(self) -> None:
        """What keepalived decided by itself. Both nodes may hold an address while they do not hear each other."""
        for pair in self.lab.pairs:
            for vip in pair.vips:
                holders = self.holders(pair, vip)
                vip.holder = vip.holder if vip.holder in holders else next(iter(holders), None)

    async def cable(self, node: Node, action: str) -> None:
        """`cut`: the node lives on, alone."""
        state = "up" if action == "join" else "down"
        await self.keeper.run("ip", "link", "set", namespaces.card(self.lab, node), state)

    async def fresh(self, node: Node) -> None:
        """As after a start of the machine: its own address alone, and no trace of what ran before."""
        for words in namespaces.addressed(self.lab, node):
            await self.keeper.run(*words)
        for name in ("keepalived.pid", "keepalived_vrrp.pid"):
            if os.path.exists(node.path("run", name)):
                os.remove(node.path("run", name))
