"""Answers of a CA that a client meets sooner or later, each for names of its own; in front of a real one."""

from __future__ import annotations

import base64
import json

from EndToEnd.ca_proxy import CAProxy, Exchange

PROBLEM = "urn:ietf:params:acme:error:"
KINDS = (
    "serverInternal in its authorization",
    "challenge stays pending with an error",
    "answer to newOrder is lost",
    "answer to finalize is cut",
    "no certificate at the download",
    "polls may come at once (Retry-After: 0)",
    "userActionRequired",
    "orderNotReady at finalize",
    "350 roots behind the leaf",
    "3,000 authorizations",
)


def label(kind: str) -> str:
    return f"ca{KINDS.index(kind)}"


class HostileAnswers:
    """Twists what the proxy hands on, by the name that a request is about."""

    def __init__(self, proxy: CAProxy) -> None:
        self.proxy = proxy
        self.names: dict[str, str] = {}
        self.asked: dict[str, int] = {}
        proxy.twist = self.twist

    def kind(self, path: str) -> str | None:
        name = self.names.get(path, "")
        word = name.split(".")[0]
        return next((kind for kind in KINDS if word == label(kind)), None)

    def twist(self, exchange: Exchange) -> bool:
        try:
            document = json.loads(exchange.content)
        except ValueError:
            document = {}
        self.learn(exchange, document)
        kind = self.kind(exchange.path)
        if exchange.path.startswith("/order-plz") and exchange.status == 201:
            kind = self.kind(self.location(exchange))
        if kind is None:
            return True
        again = self.asked[exchange.path] = self.asked.get(exchange.path, 0) + 1
        place = exchange.path.split("/")[1]
        match (kind, place):
            case ("serverInternal in its authorization", "authZ") if document.get("status") != "pending":
                error = {"type": PROBLEM + "serverInternal", "detail": "our validators are broken", "status": 500}
                document["status"] = "invalid"
                fallen = {"status": "invalid", "error": error}
                document["challenges"] = [{**one, **fallen} for one in document["challenges"]]
                self.answer(exchange, document)
            case ("serverInternal in its authorization", "my-order"):
                self.answer(exchange, {**document, "status": "invalid"})
            case ("challenge stays pending with an error", "authZ"):
                error = {"type": PROBLEM + "connection", "detail": "connection refused", "status": 400}
                document["status"] = "pending"
                if again > 1:
                    document["challenges"] = [
                        {**one, "status": "pending", "error": error} for one in document["challenges"]
                    ]
                self.answer(exchange, document)
            case ("challenge stays pending with an error", "chalZ"):
                # The real one has long been content.
                exchange.status = 200
                url = f"{self.proxy.directory.rpartition('/')[0]}{exchange.path}"
                self.answer(exchange, {"type": "http-01", "url": url, "status": "pending", "token": "x" * 43})
            case ("challenge stays pending with an error", "my-order"):
                self.answer(exchange, {**document, "status": "pending"})
            case ("answer to newOrder is lost", "order-plz"):
                return False
            case ("answer to finalize is cut", "finalize-order"):
                return again > 1
            case ("no certificate at the download", "certZ"):
                exchange.content = b"<html>maintenance</html>"
            case ("polls may come at once (Retry-After: 0)", "my-order" | "authZ") if again < 6:
                exchange.headers = [h for h in exchange.headers if h[0].lower() != "retry-after"]
                exchange.headers.append(("Retry-After", "0"))
                if place == "my-order":
                    self.answer(exchange, {**document, "status": "processing"})
            case ("userActionRequired", "order-plz"):
                detail = {"type": PROBLEM + "userActionRequired", "detail": "new terms", "status": 403}
                exchange.status = 403
                self.answer(exchange, {**detail, "instance": "https://ca.example/terms"})
            case ("orderNotReady at finalize", "finalize-order") if again < 3:
                exchange.status = 403
                self.answer(exchange, {"type": PROBLEM + "orderNotReady", "detail": "not yet", "status": 403})
            case ("350 roots behind the leaf", "certZ"):
                last = exchange.content[exchange.content.rindex(b"-----BEGIN CERTIFICATE") :]
                exchange.content += last * 350
            case ("3,000 authorizations", "order-plz" | "my-order") if document.get("authorizations"):
                self.answer(exchange, {**document, "authorizations": document["authorizations"] * 3000})
        return True

    def answer(self, exchange: Exchange, document: dict) -> None:
        exchange.content = json.dumps(document).encode()

    def location(self, exchange: Exchange) -> str:
        found = next((value for name, value in exchange.headers if name.lower() == "location"), "")
        return self.path(found)

    @staticmethod
    def path(url: str) -> str:
        return "/" + url.split("/", 3)[3] if url.count("/") >= 3 else url

    def learn(self, exchange: Exchange, document: dict) -> None:
        """Which URL is about which name."""
        name = self.names.get(exchange.path)
        if exchange.path.startswith("/order-plz") and exchange.status == 201:
            payload = json.loads(exchange.body)["payload"]
            wanted = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            name = wanted["identifiers"][0]["value"]
            self.names[self.location(exchange)] = name
        if not name or not isinstance(document, dict):
            return
        urls = [*document.get("authorizations", []), document.get("finalize"), document.get("certificate")]
        urls += [challenge["url"] for challenge in document.get("challenges", [])]
        for url in urls:
            if url:
                self.names[self.path(url)] = name
