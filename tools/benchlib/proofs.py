"""Whether what a client brought home is a certificate: chain, name and key."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)
#: A public key on P-256 has this many bytes in DER, and begins with these.
P256_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


@dataclass
class Result:
    """What a client has for one name: the chain as PEM, and where it keeps the key."""

    name: str
    chain: str
    key: Path


def wrong(results: list[Result], names: list[str], roots: Path, directory: Path) -> dict[str, str]:
    """Name → what is wrong, for every name that is not perfect; one without a result is lost."""
    directory.mkdir(exist_ok=True)
    found = {result.name: result for result in results}
    with ThreadPoolExecutor(max_workers=2) as pool:
        checked = pool.map(lambda name: (name, fault(found.get(name), roots, directory)), names)
        return {name: reason for name, reason in checked if reason}


def fault(result: Result | None, roots: Path, directory: Path) -> str | None:
    if result is None:
        return "no certificate"
    blocks = BLOCK.findall(result.chain)
    if len(blocks) < 2:
        return f"{len(blocks)} certificates in its chain"
    leaf, rest = directory / f"{result.name}.leaf", directory / f"{result.name}.rest"
    leaf.write_text(blocks[0])
    rest.write_text("".join(blocks[1:]))
    strict = ["-x509_strict", "-purpose", "sslserver", "-verify_hostname", result.name]
    done = openssl("verify", *strict, "-CAfile", str(roots), "-untrusted", str(rest), str(leaf))
    if done.returncode != 0:
        return f"its chain is refused: {done.stderr.decode(errors='replace').strip()[-200:]}"
    public = openssl("x509", "-in", str(leaf), "-noout", "-pubkey").stdout
    if not result.key.is_file():
        return "its key is not there"
    if openssl("pkey", "-in", str(result.key), "-pubout").stdout != public:
        return "its key is another one"
    if not openssl("pkey", "-pubin", "-outform", "DER", given=public).stdout.startswith(P256_PREFIX):
        return "its key is not on P-256"
    return None


def openssl(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=False)
