"""Writes the inventory with which certfleet manages the lab: fleet.yaml and domains.csv."""

from __future__ import annotations

import csv
import io
import json
import os

from . import files, haproxy, limiter
from .model import Lab, Node, Pair, write

#: Words that YAML 1.1 reads as something other than text.
RESERVED = ("yes", "no", "on", "off", "true", "false", "null", "y", "n")
#: Where lists that were given stand, as they were given.
LISTS = "domains"
COLUMNS = ("domain", "pair", "vip", "customer", "certificate", "label")


def make(lab: Lab) -> None:
    write(lab.path("fleet.yaml"), fleet(lab))
    for name, text in lab.lists.items():
        os.makedirs(lab.path(LISTS), exist_ok=True)
        write(lab.path(LISTS, name), text)
    if not lab.lists:
        write(lab.path("domains.csv"), domains(lab))


def domains(lab: Lab) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in lab.domains:
        table.writerow(getattr(row, column) for column in COLUMNS)
    return text.getvalue()


def fleet(lab: Lab) -> str:
    lines = [
        "# The inventory of a lab (tools/lab). Every address is "
        + ("in its own network namespaces." if lab.ha else "on this machine's loopback."),
        "state: state",
        "extra_suffixes: [example]",
        "suffixes: system",
        f"resolvers: [{word(lab.dns.server)}]",
        "authorities:",
        "  - id: lab",
        f"    directory: {word(lab.authority.directory)}",
        "    contact: [mailto:ops@ops.example]",
        f"    limits: {limiter.FILE if lab.authority.limits else 'none'}",
        "    trust: pebble-tls.pem",
        "    roots: pebble-roots.pem",
        "mail:",
        *indented(2, mail(lab)),
        "customers:",
        *(f"  - {{ id: {word(customer.id)}, name: {word(customer.name)} }}" for customer in lab.customers),
        "defaults:",
        f"  ssh: {{ user: {word(lab.user)}, key: keys/controller, port: {lab.ports['ssh']} }}",
        "pairs:",
    ]
    for pair in lab.pairs:
        lines += pair_lines(pair)
    return "\n".join([*lines, f"domains: [{LISTS}/*.csv]" if lab.lists else "domains: [domains.csv]", ""])


def mail(lab: Lab) -> list[str]:
    lines = [f"host: {lab.mail.host}", f"port: {lab.mail.port}"]
    lines.append(f"tls: {'starttls' if lab.mail.tls == 'auth' else lab.mail.tls}")
    if lab.mail.tls != "none":
        lines.append("trust: pebble-tls.pem")
    if lab.mail.tls == "auth":
        lines += [f"user: {word(lab.mail.user)}", "password_file: keys/smtp-password"]
    return [*lines, "from: certfleet@ops.example", "to: [ops@ops.example]"]


def pair_lines(pair: Pair) -> list[str]:
    lines = [
        f"  - id: {word(pair.id)}",
        f"    customer: {word(pair.customer)}",
        f"    appliance: {'stunnel' if pair.has_stunnel else 'haproxy'}",
        "    vips:",
    ]
    for vip in pair.vips:
        lines.append(f"      - {{ id: {word(vip.id)}, address: {vip.address}, http: {vip.http}, https: {vip.https} }}")
    lines.append("    nodes:")
    for node in pair.nodes:
        lines += indented(6, node_lines(pair, node))
    return lines


def node_lines(pair: Pair, node: Node) -> list[str]:
    lines = [f"- id: {word(node.id)}", f"  address: {node.address}", f"  work: {word(node.inside('work'))}"]
    if len(pair.nodes) > 1:
        command = f"{node.path('bin', 'holds')} %vip%"
        source = f"file: {word(node.role_file)}" if pair.detector == "file" else f"command: {word(command)}"
        source = {"address": "address", "keepalived": f"{{ keepalived: {pair.vips[0].id} }}"}.get(
            pair.detector, f"{{ {source} }}"
        )
        lines.append(f"  active: {source}")
    if pair.challenge == "tunnel":
        lines.append(f"  challenge: {{ tunnel: {{ port: {node.tunnel} }} }}")
    else:
        keys = f"hosts: {word(haproxy.hosts_inside(node))}"
        # The rule stands in the HAProxy before stunnel, which is no termination.
        keys += f", socket: {word(node.inside_socket('stats'))}" if pair.has_stunnel else ""
        lines.append(f"  challenge: {{ thumbprint: {{ {keys} }} }}")
    kind = "stunnel" if pair.has_stunnel else "haproxy"
    termination = stunnel(node) if pair.has_stunnel else haproxy_termination(pair, node)
    if not pair.vip_bound:
        termination.append(f"probe: {{ address: {node.address}, port: {node.https} }}")
    return [*lines, "  terminations:", f"    - {kind}:", *indented(8, termination)]


def haproxy_termination(pair: Pair, node: Node) -> list[str]:
    lines = [f"certificates: {word(node.inside('etc', 'haproxy', 'certs'))}"]
    if pair.kind == "haproxy-crt-list":
        lines.append(f"crt_list: {word(node.inside('etc', 'haproxy', 'crt-list.txt'))}")
    return [
        *lines,
        f"config: {word(node.inside('etc', 'haproxy', 'haproxy.cfg'))}",
        f"socket: {word(node.inside_socket('stats'))}",
        f"reload: {word('systemctl reload haproxy' if node.ha else node.path('bin', 'reload-haproxy'))}",
    ]


def stunnel(node: Node) -> list[str]:
    return [
        f"certificates: {word(node.inside('etc', 'stunnel', 'certs'))}",
        f"config: {word(node.inside('etc', 'stunnel', 'stunnel.conf'))}",
        f"include: {word(node.inside('etc', 'stunnel', 'conf.d'))}",
        "service: https",
        f"connect: {word(f'{haproxy.app_address(node)}:{node.app}')}",
        f"pid: {word(files.stunnel_pid(node))}",
        f"log: {word(files.stunnel_log(node))}",
    ]


def indented(columns: int, lines: list[str]) -> list[str]:
    return [" " * columns + line for line in lines]


def word(text: str) -> str:
    """A YAML scalar. JSON's quoting is valid YAML, and plain words read better without it."""
    plain = text.isascii() and text[:1].isalpha() and all(c.isalnum() or c in "._-" for c in text)
    return text if plain and text.lower() not in RESERVED else json.dumps(text)
