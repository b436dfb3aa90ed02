"""Questions that only a process which really works can answer. Each returns None, or why not yet."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import struct
from dataclasses import dataclass

from . import haproxy
from .model import Lab, Node, Pair

TIMEOUT = 2.0
Answer = str | None


def connect(target: str | tuple[str, int], timeout: float = TIMEOUT) -> socket.socket:
    kind = socket.AF_UNIX if isinstance(target, str) else socket.AF_INET
    connection = socket.socket(kind, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        connection.connect(target)
    except OSError:
        connection.close()
        raise
    return connection


def banner(target: tuple[str, int], expected: bytes) -> Answer:
    with connect(target) as connection:
        received = connection.recv(256)
    return None if received.startswith(expected) else f"said {received[:60]!r}"


@dataclass
class Answered:
    status: int
    headers: http.client.HTTPMessage
    body: str


def get(
    target: str | tuple[str, int], path: str = "/", host: str = "probe.example", timeout: float = TIMEOUT
) -> Answered:
    with connect(target, timeout) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return Answered(answer.status, answer.headers, answer.read().decode(errors="replace"))


def http_answers(target: str | tuple[str, int]) -> Answer:
    status = get(target).status
    return None if status in (200, 301) else f"answered {status}"


def tls_answers(target: str | tuple[str, int], name: str = "probe.example") -> Answer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with connect(target) as connection, context.wrap_socket(connection, server_hostname=name) as secured:
        return None if secured.getpeercert(binary_form=True) else "showed no certificate"


def sshd(node: Node) -> Answer:
    return banner((node.address, node.ssh), b"SSH-2.0-")


def node_haproxy(pair: Pair, node: Node) -> Answer:
    def place(name: str, port: int) -> str | tuple[str, int]:
        return node.socket(name) if pair.vip_bound else (node.address, port)

    master = haproxy.command(node.socket("master"), "show proc")
    if "worker" not in master:
        return f"master said {master[:60]!r}"
    if node.ha and pair.vip_bound:
        # Only where the VIP is does anybody reach it.
        return None if haproxy.command(node.socket("stats"), "show info") else "its socket is silent"
    if refusal := http_answers(place("http", node.http)):
        return refusal
    if pair.has_stunnel:
        return None if node.ha else http_answers((node.address, node.app))
    return tls_answers(place("https", node.https))


def node_stunnel(node: Node) -> Answer:
    return tls_answers((node.address, node.https))


def vip(pair: Pair, address: str, port: int, holder: str) -> Answer:
    """The page behind the VIP names the node that answered: on the https side, in a header."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with connect((address, port)) as connection, context.wrap_socket(connection) as secured:
        secured.sendall(b"GET / HTTP/1.1\r\nHost: probe.example\r\nConnection: close\r\n\r\n")
        answer = http.client.HTTPResponse(secured)
        answer.begin()
        node = answer.getheader("X-Lab-Node")
    return None if node == holder else f"VIP of {pair.id} leads to {node}, not {holder}"


def https_get(lab: Lab, port: int, path: str, timeout: float = TIMEOUT) -> tuple[int, bytes]:
    context = ssl.create_default_context(cafile=lab.path("pebble-tls.pem"))
    connection = http.client.HTTPSConnection(lab.address, port, timeout=timeout, context=context)
    try:
        # RFC 8555 section 6.1: a client of a CA says who it is; current Pebble refuses others.
        connection.request("GET", path, headers={"User-Agent": "certfleet-lab"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def pebble(lab: Lab) -> Answer:
    status, body = https_get(lab, lab.authority.port, "/dir")
    if status != 200 or "newOrder" not in json.loads(body):
        return f"directory answered {status}"
    return pebble_store(lab, TIMEOUT)


def limiter(lab: Lab) -> Answer:
    status, _ = https_get(lab, lab.authority.limiter_port, "/dir")
    return None if status == 200 else f"answered {status}"


def pebble_store(lab: Lab, timeout: float) -> Answer:
    """A question that needs the lock of Pebble's store. The directory answers even when Pebble is deadlocked."""
    status, _ = https_get(lab, lab.authority.management_port, "/cert-status-by-serial/1", timeout)
    return None if status in (200, 404) else f"management answered {status}"


def dns(lab: Lab, name: str = "probe.invalid") -> Answer:
    """Any well-formed answer will do; what it says is the business of `addresses`."""
    addresses(lab, name)
    return None


def addresses(lab: Lab, name: str) -> list[str]:
    """The A records that the lab's DNS answers for a name."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = labels + b"\0" + struct.pack("!HH", 1, 1)
    host, port = lab.dns.server.rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect((host, int(port)))
        connection.send(struct.pack("!HHHHHH", 4711, 0x0100, 1, 0, 0, 0) + question)
        answer = connection.recv(4096)
    identifier, flags, _, count, _, _ = struct.unpack("!HHHHHH", answer[:12])
    if identifier != 4711 or flags & 0x8000 == 0:
        raise OSError("not an answer")
    if code := flags & 15:
        raise LookupError(f"{name}: response code {code}")
    found, at = [], 12 + len(question)
    for _ in range(count):
        while answer[at] and answer[at] < 0xC0:
            at += answer[at] + 1
        at += 2 if answer[at] >= 0xC0 else 1
        kind, _, _, size = struct.unpack("!HHIH", answer[at : at + 10])
        at += 10
        if kind == 1:
            found.append(socket.inet_ntoa(answer[at : at + size]))
        at += size
    return found


def smtp(lab: Lab) -> Answer:
    target = (lab.mail.host, lab.mail.port)
    return tls_answers(target, "localhost") if lab.mail.tls == "tls" else banner(target, b"220 ")
