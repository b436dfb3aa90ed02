"""HAProxy in front of Pebble that keeps the limits of a file as Let's Encrypt does: GCRA in limiter.lua."""

from __future__ import annotations

import json
from pathlib import Path

from . import haproxy
from .model import Lab, LabError, write

FILE = "limits.json"
#: What newOrder can tell here. Failures of authorizations are between the CA and the nodes.
KNOWN = ("NewOrdersPerAccount", "CertificatesPerDomain", "CertificatesPerFQDNSet")


def load(path: str) -> dict:
    """The file that `limits:` of an inventory names; certfleet and the limiter read the same one."""
    try:
        raw = json.loads(Path(path).read_text())
        table(raw)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as fault:
        raise LabError(f"{path}: {fault!r}") from None
    return raw


def table(raw: dict) -> dict[str, dict]:
    """Rules by limit, and by limit and subject where an override stands."""
    rules = {}
    for row in raw["limits"]:
        if row["name"] in KNOWN:
            rules[row["name"]] = rule(row if "burst" in row else row["production"])
    overrides = raw.get("overrides", {})
    rules |= {name: rule(span) for name, span in overrides.get("account", {}).items() if name in KNOWN}
    for domain, span in overrides.get("domains", {}).items():
        rules[f"CertificatesPerDomain {domain.lower()}"] = rule(span)
    return rules


def rule(span: dict) -> dict:
    burst, count, period = int(span["burst"]), int(span["count"]), float(span["period_s"])
    if burst < 1 or count < 1 or period <= 0:
        raise ValueError("burst, count and period_s must be positive")
    return {"burst": burst, "count": count, "refill": period / count, "period": duration(period)}


def duration(seconds: float) -> str:
    """As Go prints it: 3h0m0s."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s" if minutes else f"{rest}s"


def make(lab: Lab) -> None:
    write(lab.path(FILE), json.dumps(lab.authority.limits, indent=1) + "\n")
    rules = []
    for name, values in table(lab.authority.limits).items():
        fields = ", ".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
        rules.append(f"  [{json.dumps(name)}] = {{ {fields} }},\n")
    write(lab.path("limits.lua"), "limits = {\n" + "".join(rules) + "}\n")
    # HAProxy wants certificate and key in one file.
    shown = "".join(Path(lab.path("keys", name)).read_text() for name in ("server.pem", "server.key"))
    write(lab.path("keys", "limiter.pem"), shown, 0o600)
    write(lab.path("limiter.cfg"), config(lab))


def config(lab: Lab) -> str:
    common = haproxy.COMMON.format(stats=control(lab), access=haproxy.PRIVATE)
    loads = f"  lua-load {lab.path('limits.lua')}\n  lua-load {Path(__file__).with_suffix('.lua')}\n"
    common = common.replace("  nbthread 1\n", "  nbthread 1\n  tune.bufsize 65536\n" + loads)
    return f"""\
{common}
frontend limiter
  bind {lab.address}:{lab.authority.limiter_port} ssl crt {lab.path("keys", "limiter.pem")}
  http-request wait-for-body time 10s if METH_POST
  http-request lua.limit if METH_POST
  http-response lua.settle
  default_backend pebble

backend pebble
  # Pebble builds its URLs from the Host header, so they all lead here.
  server pebble {lab.address}:{lab.authority.port} ssl verify required ca-file {lab.path("pebble-tls.pem")}
"""


def control(lab: Lab) -> str:
    return f"{lab.sockets}/limiter"


def say(lab: Lab, *words: str) -> str:
    """`spend LIMIT SUBJECT COUNT`, or what happened."""
    if not lab.authority.limits:
        raise LabError(f"the lab in {lab.directory} has no limits; tools/lab up --limits FILE")
    return haproxy.command(control(lab), " ".join(["limits", *(words or ["show"])]))
