"""What a lab consists of. The whole model is one JSON file, lab.json, written by `up` and kept current."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

#: How TLS ends on the nodes of a pair. `vip-bound` nodes listen where only the VIP's forwarder can reach them.
KINDS = ("haproxy-directory", "haproxy-crt-list", "stunnel", "vip-bound")
CHALLENGES = ("thumbprint", "tunnel")
DETECTORS = ("file", "command")
#: Nodes in namespaces have a real address to look for, and a real keepalived to ask.
HA_DETECTORS = ("address", "keepalived")

#: Environment variables that tell which lab and which node a process belongs to.
MARK = "CERTFLEET_LAB_MARK"
NODE_MARK = "CERTFLEET_LAB_NODE"
#: While this file stands in the mail directory, the mail server refuses every message.
REFUSING = ".refusing"


class LabError(Exception):
    """A fault with a sentence for the person at the terminal."""


#: Folder of a node's directory → where a node with a file system of its own sees it.
SEEN = {
    **{"etc": "/etc", "run": "/run", "log": "/var/log", "bin": "/usr/local/bin", "home": "/home"},
    **{"work": "/home/work", "var": "/run/lab"},
}
#: Names of HAProxy's sockets there.
SOCKETS = {"stats": "admin.sock", "master": "master.sock"}


@dataclass
class Customer:
    id: str
    name: str


@dataclass
class Domain:
    domain: str
    pair: str
    vip: str
    customer: str
    certificate: str = ""
    label: str = ""


@dataclass
class Vip:
    id: str
    address: str
    http: int
    https: int
    #: The node that the forwarder leads to; None when no node holds the address.
    holder: str | None = None


@dataclass
class Node:
    id: str
    pair: str
    address: str
    ssh: int
    directory: str
    #: TCP port of the node's own listeners; 0 where they can only be reached through the VIP.
    http: int = 0
    https: int = 0
    #: Where stunnel hands its connections to; 0 on nodes without stunnel.
    app: int = 0
    #: `backend letsencrypt` leads to this port of 127.0.0.1; 0 on nodes with the thumbprint rule.
    tunnel: int = 0
    #: Unix sockets stand in a directory with a short name: their path is limited to about 100 bytes.
    sockets: str = ""
    #: The node has a network and a file system of its own: it sees its files elsewhere than we do.
    ha: bool = False

    def path(self, *parts: str) -> str:
        return os.path.join(self.directory, *parts)

    def inside(self, first: str, *parts: str) -> str:
        """The path as the node's own programs see it."""
        return os.path.join(SEEN[first], *parts) if self.ha else self.path(first, *parts)

    def socket(self, name: str) -> str:
        if self.ha:
            return self.path("run", "haproxy", SOCKETS[name])
        return os.path.join(self.sockets, f"{self.id}.{name}")

    def inside_socket(self, name: str) -> str:
        return self.inside("run", "haproxy", SOCKETS[name]) if self.ha else self.socket(name)

    @property
    def role_file(self) -> str:
        return self.path("var", "nodestatus_local")


@dataclass
class Pair:
    id: str
    customer: str
    kind: str
    challenge: str
    detector: str
    vips: list[Vip]
    nodes: list[Node]
    #: Set by `split`: every node says it is active, whatever the forwarder does.
    split: bool = False

    @property
    def has_stunnel(self) -> bool:
        return self.kind == "stunnel"

    @property
    def vip_bound(self) -> bool:
        return self.kind == "vip-bound"

    def node(self, name: str) -> Node:
        return find(self.nodes, name, f"node of {self.id}")

    def vip(self, name: str) -> Vip:
        return find(self.vips, name, f"VIP of {self.id}")


@dataclass
class Authority:
    directory: str
    management: str
    port: int
    management_port: int
    validity: int
    #: PEBBLE_* variables of the process; nonce refusals stay on.
    environment: dict[str, str]
    #: Pebble is started again when it does not answer for so many seconds; 0 leaves it alone.
    watchdog: float = 15
    #: Pebble keeps everything in memory: after a restart accounts, orders and roots are others.
    restarts: int = 0
    #: The file of limits that stands in front of Pebble; none where this is empty.
    limits: dict = field(default_factory=dict)
    limiter_port: int = 0


@dataclass
class Dns:
    server: str
    management: str


@dataclass
class Mail:
    host: str
    port: int
    tls: str
    user: str
    directory: str


@dataclass
class Process:
    name: str
    node: str
    pid: int
    #: Start time in clock ticks since boot: with it a pid names one process for ever.
    started: int
    state: str
    log: str

    @property
    def short(self) -> str:
        return self.name.rpartition("/")[2]


@dataclass
class Lab:
    directory: str
    user: str
    block: int
    address: str
    sockets: str
    ports: dict[str, int]
    authority: Authority
    dns: Dns
    mail: Mail
    customers: list[Customer]
    pairs: list[Pair]
    domains: list[Domain]
    thumbprint: str = ""
    #: CSV files that the domains came from: name → text, unchanged.
    lists: dict[str, str] = field(default_factory=dict)
    supervisor: Process | None = None
    processes: list[Process] = field(default_factory=list)
    #: Pairs in namespaces, with keepalived; `networks` are the nodes' (`net:[inode]`).
    ha: bool = False
    networks: list[str] = field(default_factory=list)
    version: int = 1

    def path(self, *parts: str) -> str:
        return os.path.join(self.directory, *parts)

    @property
    def mark(self) -> str:
        return f"{self.block}:{self.directory}"

    @property
    def control(self) -> str:
        return os.path.join(self.sockets, "control")

    @property
    def nodes(self) -> list[Node]:
        return [node for pair in self.pairs for node in pair.nodes]

    def pair(self, name: str) -> Pair:
        return find(self.pairs, name, "pair")

    def node(self, name: str) -> Node:
        return find(self.nodes, name, "node")

    def pair_of(self, node: Node) -> Pair:
        return self.pair(node.pair)

    def save(self) -> None:
        write(self.path("lab.json"), json.dumps(dataclasses.asdict(self), indent=1) + "\n")

    @staticmethod
    def load(directory: str) -> "Lab":
        file = Path(directory, "lab.json")
        try:
            raw = json.loads(file.read_text())
        except FileNotFoundError:
            raise LabError(f"{directory} holds no lab (there is no lab.json in it)") from None
        except ValueError as fault:
            raise LabError(f"{file} cannot be read: {fault}") from None
        return Lab(
            **{
                **raw,
                "authority": Authority(**raw["authority"]),
                "dns": Dns(**raw["dns"]),
                "mail": Mail(**raw["mail"]),
                "customers": [Customer(**c) for c in raw["customers"]],
                "domains": [Domain(**d) for d in raw["domains"]],
                "pairs": [
                    Pair(**{**p, "vips": [Vip(**v) for v in p["vips"]], "nodes": [Node(**n) for n in p["nodes"]]})
                    for p in raw["pairs"]
                ],
                "supervisor": Process(**raw["supervisor"]) if raw["supervisor"] else None,
                "processes": [Process(**p) for p in raw["processes"]],
            }
        )


def find(items: list, name: str, what: str):
    for item in items:
        if item.id == name:
            return item
    known = ", ".join(item.id for item in items)
    raise LabError(f"there is no {what} {name!r}; there are: {known}")


def write(path: str, text: str, mode: int = 0o644) -> None:
    """Replaces a file at once: a reader sees the old text or the new one, never half."""
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.replace(temporary, path)
