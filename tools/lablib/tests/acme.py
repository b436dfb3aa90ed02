"""The least ACME client that can prove a name to the lab's Pebble: one EC account key, one name, http-01 by rule."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import ssl
import subprocess
import time

from lablib.model import Lab


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments: str, data: bytes | None = None) -> bytes:
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


class Refused(AssertionError):
    """An answer that is no success, and why."""

    def __init__(self, status: int, headers: http.client.HTTPMessage, problem: dict) -> None:
        super().__init__(f"{status} {problem}")
        self.status, self.headers, self.problem = status, headers, problem


class Client:
    def __init__(self, lab: Lab, directory: str) -> None:
        self.key = os.path.join(directory, "account.key")
        self.directory = directory
        self.context = ssl.create_default_context(cafile=lab.path("pebble-tls.pem"))
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key)
        # A P-256 public key in DER ends with the two coordinates.
        point = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")[-64:]
        self.jwk = {"crv": "P-256", "kty": "EC", "x": encode(point[:32]), "y": encode(point[32:])}
        canonical = json.dumps(self.jwk, separators=(",", ":"), sort_keys=True)
        self.thumbprint = encode(hashlib.sha256(canonical.encode()).digest())
        self.account: str | None = None
        self.nonce: str | None = None
        self.places = json.loads(self.request("GET", lab.authority.directory)[2])

    def request(self, method: str, url: str, body: bytes | None = None) -> tuple[int, http.client.HTTPMessage, bytes]:
        host, path = url.removeprefix("https://").split("/", 1)
        connection = http.client.HTTPSConnection(host, timeout=20, context=self.context)
        headers = {"Content-Type": "application/jose+json"} if body else {}
        connection.request(method, f"/{path}", body, headers)
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        self.nonce = answer.headers["Replay-Nonce"] or self.nonce
        return answer.status, answer.headers, read

    def sign(self, text: bytes) -> bytes:
        """ES256 is r and s, 32 bytes each; openssl writes them as two DER integers."""
        der = openssl("dgst", "-sha256", "-sign", self.key, data=text)
        first = der[4 : 4 + der[3]]
        second = der[6 + der[3] :]
        return b"".join(part.lstrip(b"\0").rjust(32, b"\0") for part in (first, second))

    def post(self, url: str, payload: dict | None) -> tuple[http.client.HTTPMessage, bytes]:
        """Pebble refuses some good nonces on purpose: then again with the one from its answer."""
        for _ in range(20):
            if self.nonce is None:
                self.request("HEAD", self.places["newNonce"])
            head = {"alg": "ES256", "nonce": self.nonce, "url": url}
            head |= {"kid": self.account} if self.account else {"jwk": self.jwk}
            protected = encode(json.dumps(head).encode())
            content = "" if payload is None else encode(json.dumps(payload).encode())
            signature = encode(self.sign(f"{protected}.{content}".encode()))
            body = json.dumps({"protected": protected, "payload": content, "signature": signature}).encode()
            status, headers, answer = self.request("POST", url, body)
            if status < 400:
                return headers, answer
            if not json.loads(answer)["type"].endswith(":badNonce"):
                raise Refused(status, headers, json.loads(answer))
        raise AssertionError("every nonce was refused")

    def register(self) -> None:
        headers, _ = self.post(self.places["newAccount"], {"termsOfServiceAgreed": True})
        self.account = headers["Location"]

    def until_settled(self, url: str, unsettled: tuple[str, ...] = ("pending", "processing")) -> dict:
        deadline = time.monotonic() + 30
        while True:
            state = json.loads(self.post(url, None)[1])
            if state["status"] not in unsettled:
                return state
            assert time.monotonic() < deadline, state
            time.sleep(0.05)

    def order(self, name: str) -> tuple[str, dict]:
        headers, order = self.post(self.places["newOrder"], {"identifiers": [{"type": "dns", "value": name}]})
        return headers["Location"], json.loads(order)

    def issue(self, name: str) -> str:
        """Certificate, chain and key of a name, as one PEM."""
        url, order = self.order(name)
        settled = self.authorize(order)
        assert settled["status"] == "valid", settled
        key = os.path.join(self.directory, "leaf.key")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
        subject = ("-subj", "/", "-addext", f"subjectAltName=DNS:{name}")
        self.post(order["finalize"], {"csr": encode(openssl("req", "-new", "-key", key, *subject, "-outform", "DER"))})
        done = self.until_settled(url, ("pending", "processing", "ready"))
        with open(key) as file:
            return self.post(done["certificate"], None)[1].decode().strip() + "\n" + file.read()

    def validate(self, name: str) -> dict:
        """The authorization of one name, settled."""
        return self.authorize(self.order(name)[1])

    def authorize(self, order: dict) -> dict:
        url = order["authorizations"][0]
        authorization = json.loads(self.post(url, None)[1])
        if authorization["status"] == "pending":
            challenge = next(c for c in authorization["challenges"] if c["type"] == "http-01")
            self.post(challenge["url"], {})
        return self.until_settled(url)
