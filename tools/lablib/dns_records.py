"""Tells the lab's DNS what each name resolves to."""

from __future__ import annotations

import http.client
import ipaddress
import json

from .model import Lab, LabError


class Records:
    """One connection for many records: ten thousand names take seconds, not minutes."""

    def __init__(self, lab: Lab) -> None:
        self.connection = http.client.HTTPConnection(lab.dns.management.removeprefix("http://"), timeout=5)

    def __enter__(self) -> "Records":
        return self

    def __exit__(self, *_) -> None:
        self.connection.close()

    def post(self, verb: str, **body) -> None:
        self.connection.request("POST", f"/{verb}", json.dumps(body))
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise LabError(f"the lab's DNS refused {verb} {body}: {answer.status} {text[:200]!r}")

    def point(self, name: str, address: str) -> None:
        """`address` is an IPv4 or IPv6 address, `servfail`, or `none` for no answer at all."""
        host = name.rstrip(".") + "."
        self.post("clear-servfail", host=host)
        if address == "servfail":
            self.post("set-servfail", host=host)
            return
        if address == "none":
            self.post("clear-a", host=host)
            self.post("clear-aaaa", host=host)
            return
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            raise LabError(f"{address!r} is no address, and neither `servfail` nor `none`") from None
        kind = "a" if parsed.version == 4 else "aaaa"
        self.post(f"clear-{kind}", host=host)
        self.post(f"add-{kind}", host=host, addresses=[str(parsed)])

    def add(self, name: str, address: str) -> None:
        self.post("add-a", host=f"{name}.", addresses=[address])


def fill(lab: Lab) -> None:
    addresses = {(pair.id, vip.id): vip.address for pair in lab.pairs for vip in pair.vips}
    with Records(lab) as records:
        # Set again by hand: the program falls back to 127.0.0.1 and ::1 for names that it does not know.
        records.post("set-default-ipv4", ip="")
        records.post("set-default-ipv6", ip="")
        for row in lab.domains:
            records.add(row.domain, addresses[row.pair, row.vip])
