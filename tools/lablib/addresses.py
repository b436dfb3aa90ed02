"""Addresses and ports of a lab, chosen so that two labs on one machine never meet."""

from __future__ import annotations

import random
import socket

from .model import LabError

#: One lab owns 127.BLOCK.0.0/16. 127.0.0.0/10 is left to everything else on the machine.
BLOCKS = range(64, 255)
MAX_PAIRS = 250
#: Tunnel backends all live on 127.0.0.1, so each block owns a slice of that address's ports.
TUNNELS_PER_BLOCK = 60
FIRST_TUNNEL = 20_000
#: Below the ephemeral range of Linux, so that no outgoing connection takes one between choosing and binding.
PORTS = range(16_000, 19_999)


def reserve(block: int | None = None) -> tuple[int, socket.socket]:
    """Takes a free block. The abstract Unix socket is the lock: it belongs to the same network namespace as the
    loopback addresses, and it vanishes with the last process that holds it, however that process ends."""
    candidates = [block] if block else random.sample(BLOCKS, len(BLOCKS))
    for candidate in candidates:
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            lock.bind(f"\0certfleet-lab-127.{candidate}")
        except OSError:
            lock.close()
            continue
        return candidate, lock
    raise LabError("every block of loopback addresses is taken by another lab")


def infrastructure(block: int, network: int = 127) -> str:
    return f"{network}.{block}.0.1"


def vip(block: int, pair: int, index: int, network: int = 127) -> str:
    return f"{network}.{block}.{pair + 1}.{index + 1}"


def node(block: int, pair: int, index: int, network: int = 127) -> str:
    return f"{network}.{block}.{pair + 1}.{index + 101}"


def is_free(address: str, port: int) -> bool:
    """True when nobody listens there. No SO_REUSEADDR and no SO_REUSEPORT: two HAProxies that both set the second
    one share an address at random."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def common_port(addresses: list[str], taken: set[int]) -> int:
    """A port that is free on all the addresses. `taken` grows, so that one port never means two things in a lab."""
    for port in random.sample(PORTS, 200):
        if port not in taken and all(is_free(address, port) for address in addresses):
            taken.add(port)
            return port
    raise LabError("no port was free on all of the lab's addresses")


def tunnel_ports(block: int, count: int) -> list[int]:
    first = FIRST_TUNNEL + (block - BLOCKS.start) * TUNNELS_PER_BLOCK
    free = [port for port in range(first, first + TUNNELS_PER_BLOCK) if is_free("127.0.0.1", port)]
    if len(free) < count:
        raise LabError(f"{count} nodes want a tunnel, and only {len(free)} ports of 127.0.0.1 are free for them")
    return free[:count]
