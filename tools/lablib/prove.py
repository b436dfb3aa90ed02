"""Looks at what every listener of a lab serves for every name. Knows nothing of certfleet: this is the outside view."""

from __future__ import annotations

import socket
import ssl
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import probes
from .model import Domain, Lab


@dataclass
class Proof:
    #: Handshakes in which the certificate was valid for the name, now, and led to one of Pebble's roots.
    good: int = 0
    #: Place (`VIP`, or a node) → name → why not.
    bad: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))


def prove(lab: Lab, only: str | None = None) -> Proof:
    """Both nodes of each pair and its VIP. The lab also knows the Unix sockets that hide vip-bound listeners."""
    context = ssl.create_default_context(cafile=lab.path("pebble-roots.pem"))
    proof = Proof()
    with ThreadPoolExecutor(max_workers=8) as pool:
        rows = [row for row in lab.domains if only in (None, row.pair, row.domain, row.customer)]
        for place, row, reason in pool.map(lambda task: look(context, *task), list(tasks(lab, rows))):
            if reason is None:
                proof.good += 1
            else:
                proof.bad[place][row.domain] = reason
    return proof


def tasks(lab: Lab, rows: list[Domain]):
    for row in rows:
        pair = lab.pair(row.pair)
        vip = pair.vip(row.vip)
        yield f"VIP of {pair.id}", (vip.address, vip.https), row
        # The listener of a node that binds the VIP alone cannot be reached past the VIP's holder.
        for node in () if lab.ha and pair.vip_bound else pair.nodes:
            yield node.id, node.socket("https") if pair.vip_bound else (node.address, node.https), row


def look(context: ssl.SSLContext, place: str, target, row: Domain) -> tuple[str, Domain, str | None]:
    try:
        with probes.connect(target, 10) as connection:
            with context.wrap_socket(connection, server_hostname=row.domain):
                return place, row, None
    except ssl.SSLCertVerificationError as fault:
        return place, row, fault.verify_message
    except (OSError, socket.timeout) as fault:
        return place, row, str(fault) or type(fault).__name__


def text(lab: Lab, proof: Proof) -> str:
    lines = [f"{proof.good} handshakes show a certificate for their name that leads to Pebble's root"]
    for place, names in sorted(proof.bad.items()):
        reasons = defaultdict(list)
        for name, reason in names.items():
            reasons[reason].append(name)
        for reason, found in sorted(reasons.items()):
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            lines.append(f"{place}: {reason}: {', '.join(sorted(found)[:3])}{more}")
    return "\n".join(lines)
