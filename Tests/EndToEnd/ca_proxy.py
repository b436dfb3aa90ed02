"""A TLS proxy in front of the lab's CA that can swallow or rewrite answers. The CA builds its URLs from the Host
header, so the URLs need no rewriting; it shows the CA's own server certificate, whose address it shares."""

from __future__ import annotations

import http.client
import http.server
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime

from lablib.model import Lab


@dataclass
class Seen:
    method: str
    path: str
    #: What the CA answered.
    status: int

    @property
    def kind(self) -> str:
        """order-plz, authZ, …: the first word of Pebble's paths."""
        return self.path.split("/")[1]


@dataclass
class Cut:
    """After the CA has answered the request with this number, or the first of this kind, `act` is called and the
    answer is thrown away."""

    request: int | str
    act: Callable[[], None]
    requests: list[Seen] = field(default_factory=list)
    swallowed: Seen | None = None
    done: bool = False


@dataclass
class Exchange:
    """A request and what the CA answered, before anybody else sees it."""

    method: str
    path: str
    body: bytes
    status: int
    headers: list[tuple[str, str]]
    content: bytes


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def forward(self) -> None:
        proxy: CAProxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        lab = proxy.lab
        upstream = http.client.HTTPSConnection(lab.address, lab.authority.port, timeout=60, context=proxy.trust)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "connection":
                    upstream.putheader(name, value)
            upstream.endheaders(body or None)
            answer = upstream.getresponse()
            content = proxy.rewrite(answer.read())
        finally:
            upstream.close()
        exchange = Exchange(self.command, self.path, body, answer.status, answer.getheaders(), content)
        if not proxy.twist(exchange):
            self.close_connection = True
            return
        content = exchange.content
        if proxy.swallows(Seen(self.command, self.path, answer.status)):
            self.close_connection = True
            return
        self.send_response_only(exchange.status)
        for name, value in exchange.headers:
            if name.lower() == "date":
                value = formatdate(parsedate_to_datetime(value).timestamp() + proxy.ahead, usegmt=True)
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        if self.command == "HEAD":
            self.send_header("Content-Length", answer.getheader("Content-Length") or "0")
        else:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else content)

    do_GET = do_HEAD = do_POST = forward

    def log_message(self, *_) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_) -> None:
        """A killed client breaks its connections: that is what this is for."""


class CAProxy:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.trust = ssl.create_default_context(cafile=lab.path("pebble-tls.pem"))
        self.server = Server((lab.address, 0), Handler)
        self.server.proxy = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(lab.path("keys", "server.pem"), lab.path("keys", "server.key"))
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.lock = threading.Lock()
        self.cut: Cut | None = None
        #: Seconds by which the CA says to be ahead of what it is.
        self.ahead = 0
        #: What a CA of another mind would have answered.
        self.rewrite: Callable[[bytes], bytes] = lambda content: content
        #: The same with the request before its eyes; what it says no to is cut.
        self.twist: Callable[[Exchange], bool] = lambda exchange: True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def directory(self) -> str:
        return f"https://{self.lab.address}:{self.server.server_address[1]}/dir"

    def arm(self, request: int | str, act: Callable[[], None]) -> Cut:
        with self.lock:
            self.cut = Cut(request, act)
            return self.cut

    def swallows(self, seen: Seen) -> bool:
        with self.lock:
            if self.cut is None:
                return False
            self.cut.requests.append(seen)
            if self.cut.done:
                return True  # The process is dead; nobody waits for this.
            if self.cut.request in (len(self.cut.requests), seen.kind):
                self.cut.swallowed = seen
                self.cut.done = True
                self.cut.act()
                return True
            return False

    def disarm(self) -> None:
        with self.lock:
            self.cut = None

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
