"""HAProxy of a node, and the forwarder that stands for the VIPs: configurations and runtime commands."""

from __future__ import annotations

import re
import socket

from .model import Lab, LabError, Node, Pair, write

BEGIN = "  # BEGIN challenge rule (tools/lab thumbprint, tools/lab rule)\n"
END = "  # END challenge rule\n"
COMMON = """\
global
  log stdout format raw daemon
  stats socket {stats} {access}
  nbthread 1
  maxconn 2000
  hard-stop-after 5s

defaults
  mode http
  log global
  option httplog
  timeout connect 3s
  timeout client 30s
  timeout server 30s
"""


PRIVATE = "mode 600 level admin expose-fd listeners"


def thumbprint_rule(pair: Pair, node: Node, thumbprint: str) -> str:
    """Answers every http-01 challenge of one account, for ever, with nothing to deploy (HAProxy >= 2.2). Only for
    hosts in the file and tokens of the ACME alphabet (RFC 8555 8.3: base64url)."""
    return (
        "  acl acme_token path_reg ^/\\.well-known/acme-challenge/[A-Za-z0-9_-]+$\n"
        f"  acl acme_host req.hdr(host),field(1,:),lower -m str -f {hosts_inside(node)}\n"
        "  http-request return status 200 content-type text/plain"
        f' hdr X-Certfleet-Pair {pair.id} lf-string "%[path,field(-1,/)].{thumbprint}\\n"'
        " if acme_token acme_host\n"
    )


def hosts_file(node: Node) -> str:
    return node.path("etc", "haproxy", "hosts.lst")


def hosts_inside(node: Node) -> str:
    return node.inside("etc", "haproxy", "hosts.lst")


def config_file(node: Node) -> str:
    return node.path("etc", "haproxy", "haproxy.cfg")


def bind(pair: Pair, node: Node, name: str, port: int) -> str:
    """On loopback no node binds the VIP: a vip-bound one listens on a Unix socket that only the forwarder knows."""
    if node.ha:
        return ",".join(f"{vip.address}:{port}" for vip in pair.vips) if pair.vip_bound else f":{port}"
    return f"unix@{node.socket(name)} mode 600" if pair.vip_bound else f"{node.address}:{port}"


def node_config(pair: Pair, node: Node, thumbprint: str) -> str:
    lines = [node_global(node)]
    lines.append(f"\nfrontend http\n  bind {bind(pair, node, 'http', node.http or 80)}\n")
    if pair.challenge == "tunnel":
        lines.append("  acl acme_path path_beg /.well-known/acme-challenge/\n")
        lines.append("  http-request redirect scheme https code 301 if !acme_path\n")
        lines.append("  use_backend letsencrypt if acme_path\n")
    else:
        rule = thumbprint_rule(pair, node, thumbprint) if thumbprint else ""
        lines.append(BEGIN + rule + END)
        lines.append("  http-request redirect scheme https code 301\n")
    body = f'"%[req.hdr(host),field(1,:),lower] at {node.id}\\n"'
    page = f"  http-request return status 200 content-type text/plain hdr X-Lab-Node {node.id} lf-string {body}\n"
    if pair.has_stunnel:
        lines.append(f"\nfrontend app\n  bind {app_address(node)}:{node.app}\n{page}")
    else:
        default = node.inside("etc", "haproxy", "default.pem")
        certificates = (
            f"crt-list {node.inside('etc', 'haproxy', 'crt-list.txt')}"
            if pair.kind == "haproxy-crt-list"
            else f"crt {default} crt {node.inside('etc', 'haproxy', 'certs')}/"
        )
        place = bind(pair, node, "https", node.https or 443)
        lines.append(f"\nfrontend https\n  bind {place} ssl {certificates}\n{page}")
    if pair.challenge == "tunnel":
        # No `check`: the server is always taken for up, and nobody listening means 503.
        lines.append(f"\nbackend letsencrypt\n  server letsencrypt 127.0.0.1:{node.tunnel}\n")
    return "".join(lines)


def node_global(node: Node) -> str:
    if not node.ha:
        return COMMON.format(stats=node.socket("stats"), access=PRIVATE)
    # As Debian ships it: the worker is nobody, and sits in an empty directory.
    text = COMMON.format(stats=node.inside_socket("stats"), access="mode 660 level admin expose-fd listeners")
    return text.replace("global\n", "global\n  user haproxy\n  group haproxy\n  chroot /var/lib/haproxy\n", 1)


def app_address(node: Node) -> str:
    return "127.0.0.1" if node.ha else node.address


def replace_rule(node: Node, rule: str) -> None:
    """Puts lines between the markers, as an operator would paste what `enroll` prints."""
    path = config_file(node)
    with open(path) as file:
        text = file.read()
    if BEGIN not in text or END not in text:
        raise LabError(f"{path} has no place for a challenge rule")
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    lines = "".join(f"  {line.strip()}\n" for line in rule.splitlines() if line.strip())
    write(path, head + BEGIN + lines + END + tail)


def check_thumbprint(value: str) -> str:
    """RFC 7638: base64url of a SHA-256, 43 characters."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", value):
        raise LabError(f"{value!r} is no account thumbprint (43 characters of base64url)")
    return value


def forwarder_config(lab: Lab) -> str:
    common = COMMON.format(stats=forwarder_socket(lab), access=PRIVATE)
    lines = [common.replace("mode http", "mode tcp").replace("httplog", "tcplog")]
    for pair in lab.pairs:
        for vip in pair.vips:
            for protocol, port in (("http", vip.http), ("https", vip.https)):
                name = listener(pair, vip.id, protocol)
                lines.append(f"\nfrontend {name}\n  bind {vip.address}:{port}\n  default_backend {name}\n")
                lines.append(f"backend {name}\n")
                for node in pair.nodes:
                    own = node.http if protocol == "http" else node.https
                    target = f"unix@{node.socket(protocol)}" if pair.vip_bound else f"{node.address}:{own}"
                    # Nobody holds a VIP at the start; the switch commands decide.
                    lines.append(f"  server {node.id} {target} disabled\n")
    return "".join(lines)


def forwarder_socket(lab: Lab) -> str:
    return f"{lab.sockets}/forwarder"


def listener(pair: Pair, vip: str, protocol: str) -> str:
    return f"{pair.id}.{vip}.{protocol}"


def switch_commands(pair: Pair, vip: str, holder: str | None) -> list[str]:
    """Moves an address. The old node is cut first, so that no connection lives on or is born at the wrong one; an
    address that nobody holds refuses connections."""
    commands = []
    for protocol in ("http", "https"):
        name = listener(pair, vip, protocol)
        if holder is None:
            commands.append(f"disable frontend {name}")
        for node in pair.nodes:
            if node.id != holder:
                commands.append(f"disable server {name}/{node.id}")
                commands.append(f"shutdown sessions server {name}/{node.id}")
        if holder is not None:
            commands.append(f"enable server {name}/{holder}")
            commands.append(f"enable frontend {name}")
    return commands


def command(path: str, line: str, timeout: float = 5.0) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(path)
        connection.sendall(line.encode() + b"\n")
        # The master's socket keeps the connection open for more commands until it sees the end of ours.
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer.decode(errors="replace").strip()
