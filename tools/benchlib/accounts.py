"""The thumbprint of an ACME account (RFC 7638), from the key file that a client keeps."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .product import BenchError

#: Object identifiers of public keys, as in DER.
RSA = bytes.fromhex("2a864886f70d010101")
CURVES = {bytes.fromhex("2a8648ce3d030107"): "P-256", bytes.fromhex("2b81040022"): "P-384"}


def of_jwk(jwk: dict) -> str:
    """Only the public members that RFC 7638 names, in their order and without blanks."""
    names = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}[jwk["kty"]]
    canonical = json.dumps({name: jwk[name] for name in names}, separators=(",", ":"), sort_keys=True)
    return encode(hashlib.sha256(canonical.encode()).digest())


def of_pem(path: Path) -> str:
    done = subprocess.run(
        ["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"], capture_output=True, check=False
    )
    if done.returncode != 0:
        raise BenchError(f"{path} holds no key that openssl can read: {done.stderr.decode(errors='replace')}")
    return of_jwk(jwk(done.stdout))


def jwk(der: bytes) -> dict:
    """SubjectPublicKeyInfo: SEQUENCE { SEQUENCE { kind, parameters }, BIT STRING }."""
    (_, whole), = elements(der)
    (_, algorithm), (_, bits) = elements(whole)
    kind, *parameters = [content for _, content in elements(algorithm)]
    key = bits[1:]  # The first byte counts unused bits: none.
    if kind == RSA:
        (_, numbers), = elements(key)
        modulus, exponent = (content.lstrip(b"\0") for _, content in elements(numbers))
        return {"kty": "RSA", "n": encode(modulus), "e": encode(exponent)}
    curve = CURVES.get(parameters[0]) if parameters else None
    if curve is None:
        raise BenchError("an account key is neither RSA nor on P-256 or P-384")
    half = (len(key) - 1) // 2
    return {"kty": "EC", "crv": curve, "x": encode(key[1 : 1 + half]), "y": encode(key[1 + half :])}


def elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(der):
        tag, length = der[at], der[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(der[at : at + size], "big")
            at += size
        yield tag, der[at : at + length]
        at += length


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
