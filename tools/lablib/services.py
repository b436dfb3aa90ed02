"""Which processes a lab consists of, with their command lines and the proof that each one works."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import haproxy, limiter, machine, namespaces, probes
from .model import Lab, Node, Pair

SSHD = "/usr/sbin/sshd"
DEBIAN_PYTHON = "/usr/bin/python3"


@dataclass
class Service:
    name: str
    argv: list[str]
    log: str
    ready: Callable[[], probes.Answer]
    #: The node it belongs to; empty for what the whole lab shares.
    node: str = ""
    environment: dict[str, str] = field(default_factory=dict)


def boxes(lab: Lab) -> list[Service]:
    """What holds the namespaces of nodes that have some."""
    words = ["unshare", "--net", "--mount", "--uts", "--propagation", "private"]
    return [
        Service(
            namespaces.box_name(node), [*words, node.path("box")], lab.path("log", f"box-{node.id}.log"),
            lambda node=node: machine.standing(node),
        )
        for node in lab.nodes
        if lab.ha
    ]  # fmt: skip


def shared(lab: Lab) -> list[Service]:
    host, port = lab.dns.server.rsplit(":", 1)
    unused = ("http01", "https01", "tlsalpn01", "defaultIPv4", "defaultIPv6")
    off = [word for name in unused for word in (f"-{name}", "")]
    management = lab.dns.management.removeprefix("http://")
    sink = str(Path(__file__).with_name("smtp_sink.py"))
    found = [
        Service(
            "dns",
            ["pebble-challtestsrv", "-dns01", f"{host}:{port}", "-management", management, *off],
            lab.path("log", "dns.log"),
            lambda: probes.dns(lab),
        ),
        Service(
            "pebble",
            ["pebble", "-strict", "-config", lab.path("pebble", "config.json"), "-dnsserver", lab.dns.server],
            lab.path("log", "pebble.log"),
            lambda: probes.pebble(lab),
            environment=lab.authority.environment,
        ),
        Service(
            "smtp",
            [DEBIAN_PYTHON, sink, lab.mail.host, str(lab.mail.port), lab.mail.tls]
            + [lab.mail.user, lab.mail.directory, lab.path("keys")],
            lab.path("log", "smtp.log"),
            lambda: probes.smtp(lab),
        ),
    ]
    if not lab.ha:
        found.append(
            Service(
                "forwarder",
                ["haproxy", "-db", "-f", lab.path("forwarder.cfg")],
                lab.path("log", "forwarder.log"),
                lambda: None if haproxy.command(haproxy.forwarder_socket(lab), "show info") else "its socket is silent",
            )
        )
    if lab.authority.limits:
        found.append(
            Service(
                "limiter",
                ["haproxy", "-db", "-f", lab.path("limiter.cfg")],
                lab.path("log", "limiter.log"),
                lambda: probes.limiter(lab),
            )
        )
    return found


def of_node(pair: Pair, node: Node) -> list[Service]:
    pid_file = node.inside("run", "haproxy.pid") if node.ha else node.path("var", "haproxy.pid")
    found = [
        Service(
            f"{node.id}/sshd",
            # -D -e: in the foreground, with the log on stderr. sshd starts itself anew for each connection, so its
            # path must be absolute.
            [SSHD, "-D", "-e", "-f", node.inside("etc", "ssh", "sshd_config")],
            node.path("log", "sshd.log"),
            lambda: probes.sshd(node),
            node.id,
        ),
        Service(
            f"{node.id}/haproxy",
            ["haproxy", "-W", "-S", f"{node.inside_socket('master')},mode,600", "-p", pid_file]
            + ["-f", node.inside("etc", "haproxy", "haproxy.cfg")],
            node.path("log", "haproxy.log"),
            lambda: probes.node_haproxy(pair, node),
            node.id,
        ),
    ]
    if pair.has_stunnel:
        found.append(
            Service(
                f"{node.id}/stunnel",
                ["stunnel4", node.inside("etc", "stunnel", "stunnel.conf")],
                node.path("log", "stunnel.out"),
                lambda: probes.node_stunnel(node),
                node.id,
            )
        )
    if node.ha:
        words = ["--dont-fork", "--log-console", "--vrrp", "--dont-respawn"]
        files = ["-f", "/etc/keepalived/keepalived.conf", "-p", "/run/keepalived.pid", "-r", "/run/keepalived_vrrp.pid"]
        found.append(
            Service(
                f"{node.id}/keepalived",
                ["keepalived", *words, *files],
                node.path("log", "keepalived.log"),
                lambda: None if os.path.exists(node.path("run", "keepalived_vrrp.pid")) else "it has no process",
                node.id,
            )
        )
    return found
