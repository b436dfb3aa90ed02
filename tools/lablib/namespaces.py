"""The network of a lab of high availability: a world with a bridge, and a box for each node, all of it in namespaces
without a name. They live as long as the processes in them, so nothing is left to take away."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess

from . import processes
from .model import Lab, LabError, Node

BRIDGE = "br0"
CLONE_NEWNET = 0x40000000
TOOLS = {"ip": "iproute2", "keepalived": "keepalived", "unshare": "util-linux", "nsenter": "util-linux"}


def check_tools() -> None:
    if missing := sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)}):
        raise LabError(f"missing packages; install them with: apt-get install {' '.join(missing)}")


def refused() -> str | None:
    """Why this machine cannot hold such a lab: not root, or a container that may make no namespaces."""
    if os.geteuid() != 0:
        return "pairs with keepalived need root, for namespaces of network and mounts"
    attempt = "mount --bind /mnt /srv && ip link add a0 type veth peer name b0 && ip link add c0 type bridge"
    attempt += " && echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind"
    done = subprocess.run(
        ["unshare", "--net", "--mount", "--uts", "--propagation", "private", "sh", "-ec", attempt],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return None if done.returncode == 0 else f"this machine gives no namespaces: {done.stderr.strip()[-200:]}"


def call(name: str, *arguments: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def leave() -> None:
    """This process gets a network of its own. Only before it has threads: a namespace belongs to a thread."""
    call("unshare", CLONE_NEWNET)


def join(lab: Lab) -> None:
    """This process, what it starts and the threads that it makes from now on are in the lab's world."""
    if not lab.ha:
        return
    if not lab.supervisor:
        raise LabError(f"the lab in {lab.directory} is not running")
    enter(f"/proc/{lab.supervisor.pid}/ns/net")


def enter(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        call("setns", descriptor, CLONE_NEWNET)
    finally:
        os.close(descriptor)


def box_name(node: Node) -> str:
    return f"box {node.id}"


def box(lab: Lab, node: Node) -> int:
    """The process that holds the node's namespaces."""
    return next(record.pid for record in lab.processes if record.name == box_name(node))


def inside(lab: Lab, node: Node) -> list[str]:
    """Words before a command that is to run on the node."""
    place = f"/proc/{box(lab, node)}/ns"
    return ["nsenter", f"--net={place}/net", f"--mount={place}/mnt", f"--uts={place}/uts", "--"]


def held(lab: Lab, node: Node) -> set[str]:
    """The node's own IPv4 addresses, as its kernel tells; no process has to be started to ask."""
    found, leaf = set(), ""
    with open(f"/proc/{box(lab, node)}/net/fib_trie") as trie:
        for line in trie:
            words = line.split()
            if words[0] == "|--":
                leaf = words[1]
            elif words == ["/32", "host", "LOCAL"]:
                found.add(leaf)
    return found


def inhabitants(lab: Lab, node: Node | None = None) -> dict[int, int]:
    """Processes on a node, or on any: pid → start time. The box itself is not one of the node's."""
    networks = [lab.networks[lab.nodes.index(node)]] if node else lab.networks
    boxes = {box(lab, node)} if node else set()
    found: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) in {os.getpid(), *boxes}:
            continue
        try:
            mine = os.readlink(f"/proc/{entry}/ns/net") in networks
        except OSError:
            continue
        if mine and (started := processes.start_time(int(entry))):
            found[int(entry)] = started
    return found


def card(lab: Lab, node: Node) -> str:
    """The bridge's end of the node's cable. A name has at most 15 characters."""
    return f"node{lab.nodes.index(node)}"


def world(lab: Lab) -> list[list[str]]:
    return [
        ["ip", "link", "set", "lo", "up"],
        # Without snooping VRRP's multicast reaches every port, as on a switch that knows no better.
        ["ip", "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0"],
        ["ip", "addr", "add", f"{lab.address}/16", "dev", BRIDGE],
        ["ip", "link", "set", BRIDGE, "up"],
    ]


def cable(lab: Lab, node: Node) -> list[list[str]]:
    name, network = card(lab, node), ["nsenter", f"--net=/proc/{box(lab, node)}/ns/net"]
    return [
        ["ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(box(lab, node))],
        ["ip", "link", "set", name, "master", BRIDGE, "up"],
        [*network, "ip", "link", "set", "lo", "up"],
        [*network, "ip", "link", "set", "eth0", "up"],
        *addressed(lab, node),
    ]


def addressed(lab: Lab, node: Node) -> list[list[str]]:
    """The node's own address alone, as after a start of the machine."""
    network = ["nsenter", f"--net=/proc/{box(lab, node)}/ns/net"]
    return [
        [*network, "ip", "-4", "addr", "flush", "dev", "eth0"],
        [*network, "ip", "addr", "add", f"{node.address}/16", "dev", "eth0"],
    ]
