"""Turns a shape into a lab with addresses, ports and paths."""

from __future__ import annotations

import getpass
import itertools
import os
import tempfile

from . import addresses
from .model import Authority, Dns, Lab, Mail, Node, Pair, Vip
from .spec import PairSpec, Spec

#: sun_path holds 108 bytes, and HAProxy binds PATH.PID.tmp before it renames.
LONGEST_SOCKET = 84
MAIL_USER = "certfleet"


def make(directory: str, block: int, spec: Spec) -> Lab:
    infrastructure = addresses.infrastructure(block, network(spec))
    ports, single, tunnels = (fixed if spec.ha else chosen)(block, spec, infrastructure)
    pairs = [make_pair(directory, block, index, pair, spec, ports, tunnels) for index, pair in enumerate(spec.pairs)]
    front = single["limiter" if spec.limits else "pebble"]
    lab = Lab(
        directory=directory,
        user=getpass.getuser(),
        block=block,
        address=infrastructure,
        sockets=socket_directory(directory, pairs),
        ports=ports,
        authority=Authority(
            directory=f"https://{infrastructure}:{front}/dir",
            management=f"https://{infrastructure}:{single['management']}",
            port=single["pebble"],
            management_port=single["management"],
            validity=spec.validity,
            environment=spec.environment,
            watchdog=spec.watchdog,
            limits=spec.limits,
            limiter_port=single["limiter"] if spec.limits else 0,
        ),
        dns=Dns(f"{infrastructure}:{single['dns']}", f"http://{infrastructure}:{single['dns_management']}"),
        mail=Mail(infrastructure, single["smtp"], spec.smtp, MAIL_USER, os.path.join(directory, "mail")),
        customers=spec.customers,
        pairs=pairs,
        domains=spec.domains,
        thumbprint=spec.thumbprint,
        lists=spec.lists,
        ha=spec.ha,
    )
    for node in lab.nodes:
        node.sockets = lab.sockets
    return lab


def network(spec: Spec) -> int:
    """The first byte of every address: loopback, or one of RFC 1918's inside namespaces."""
    return 10 if spec.ha else 127


def fixed(block: int, spec: Spec, infrastructure: str):
    """Nobody else is in these namespaces: the usual ports are free."""
    ports = {"ssh": 22, "http": 80, "https": 443, "app": 8080}
    single = {"pebble": 4001, "management": 4002, "dns": 4003, "dns_management": 4004, "smtp": 25, "limiter": 4005}
    return ports, single, itertools.repeat(8888)


def chosen(block: int, spec: Spec, infrastructure: str):
    vips = [addresses.vip(block, p, v) for p, pair in enumerate(spec.pairs) for v in range(len(pair.vips))]
    nodes = [addresses.node(block, p, n) for p, pair in enumerate(spec.pairs) for n in range(pair.nodes)]
    taken: set[int] = set()
    ports = {
        "ssh": addresses.common_port(nodes, taken),
        # Pebble knows one port for http-01 and one for TLS, so all VIPs of a lab share them.
        "http": addresses.common_port(vips + nodes, taken),
        "https": addresses.common_port(vips + nodes, taken),
        "app": addresses.common_port(nodes, taken),
    }
    single = {
        name: addresses.common_port([infrastructure], taken)
        for name in ("pebble", "management", "dns", "dns_management", "smtp", "limiter")
    }
    wanted = sum(pair.nodes for pair in spec.pairs if pair.challenge == "tunnel")
    return ports, single, iter(addresses.tunnel_ports(block, wanted))


def make_pair(
    directory: str, block: int, index: int, spec: PairSpec, lab: Spec, ports: dict[str, int], tunnels
) -> Pair:
    bound, stunnel = spec.kind == "vip-bound", spec.kind == "stunnel"
    nodes = []
    for number in range(spec.nodes):
        name = f"{spec.id}-{'ab'[number]}"
        nodes.append(
            Node(
                id=name,
                pair=spec.id,
                address=addresses.node(block, index, number, network(lab)),
                ssh=ports["ssh"],
                directory=os.path.join(directory, "nodes", name),
                http=0 if bound else ports["http"],
                https=0 if bound else ports["https"],
                app=ports["app"] if stunnel else 0,
                tunnel=next(tunnels) if spec.challenge == "tunnel" else 0,
                ha=lab.ha,
            )
        )
    vips = [
        Vip(name, addresses.vip(block, index, number, network(lab)), ports["http"], ports["https"], holder=nodes[0].id)
        for number, name in enumerate(spec.vips)
    ]
    return Pair(spec.id, spec.customer, spec.kind, spec.challenge, spec.detector, vips, nodes)


def socket_directory(directory: str, pairs: list[Pair]) -> str:
    near = os.path.join(directory, "run")
    longest = max(len(node.id) for pair in pairs for node in pair.nodes) + len("/.master")
    if len(near) + longest <= LONGEST_SOCKET:
        os.mkdir(near, 0o700)
        return near
    return tempfile.mkdtemp(prefix="certfleet-lab-")
