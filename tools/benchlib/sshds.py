"""So many nodes for `push`: real sshds with addresses and host keys of their own."""

from __future__ import annotations

import getpass
import hashlib
import os
import secrets
import subprocess
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lablib import addresses, files, probes, processes
from lablib.services import SSHD
from lablib.up import PRIVILEGE_SEPARATION

from . import tree
from .product import BenchError

FILES = 10
FILE_BYTES = 4096
READY_SECONDS = 60


@dataclass
class Node:
    name: str
    address: str
    port: int
    directory: Path

    @property
    def host_key(self) -> str:
        return " ".join((self.directory / "host_key.pub").read_text().split()[:2])

    @property
    def sources(self) -> list[Path]:
        return sorted((self.directory / "new").glob("*.pem"))


class Nodes:
    """Lent by a `with`: they end with it, or with this process."""

    def __init__(self, directory: Path, count: int) -> None:
        self.directory = directory
        self.count = count
        self.nodes: list[Node] = []
        self.servers: list[subprocess.Popen] = []

    def __enter__(self) -> "Nodes":
        block, self.lock = addresses.reserve()
        found = [f"127.{block}.{1 + i // 200}.{1 + i % 200}" for i in range(self.count)]
        port = addresses.common_port(found, set())
        self.nodes = [Node(f"n{i:04}", a, port, self.directory / f"n{i:04}") for i, a in enumerate(found)]
        self.user_key = self.directory / "key"
        files.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", str(self.user_key))
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(self.make, self.nodes))
        pins = "".join(f"[{node.address}]:{node.port} {node.host_key}\n" for node in self.nodes)
        (self.directory / "known_hosts").write_text(pins)
        if os.geteuid() == 0:
            # sshd run by root insists on this empty directory; Debian's service makes it at boot.
            os.makedirs(PRIVILEGE_SEPARATION, mode=0o755, exist_ok=True)
        try:
            self.servers = [self.start(node) for node in self.nodes]
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        for server in self.servers:
            server.terminate()
        for server in self.servers:
            server.wait()
        self.lock.close()

    def make(self, node: Node) -> None:
        """Keys, ten files that only this node gets, and them as a tar with their checksums for those who want one."""
        for folder in ("live", "new", "home"):
            (node.directory / folder).mkdir(parents=True)
        (node.directory / "status").write_text("active\n")
        key = str(node.directory / "host_key")
        files.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", node.name, "-f", key)
        for number in range(FILES):
            (node.directory / "new" / f"shop{number:02}.example.pem").write_text(made_up_pem())
        sums = node.directory / "new" / "SHA256SUMS"
        sums.write_text("".join(f"{sha256(path)}  {path.name}\n" for path in node.sources))
        with tarfile.open(node.directory / "new.tar", "w") as archive:
            for path in [*node.sources, sums]:
                archive.add(path, path.name)
        (node.directory / "sshd_config").write_text(self.config(node))

    def config(self, node: Node) -> str:
        return f"""\
Port {node.port}
ListenAddress {node.address}
HostKey {node.directory / "host_key"}
PidFile none
AuthorizedKeysFile {self.user_key}.pub
AllowUsers {getpass.getuser()}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
UseDNS no
MaxStartups 500
PrintMotd no
PrintLastLog no
LogLevel ERROR
Subsystem sftp internal-sftp
SetEnv HOME={node.directory / "home"} PATH={files.PATH}
"""

    def start(self, node: Node) -> subprocess.Popen:
        command = ["setpriv", "--pdeathsig", "TERM", SSHD, "-D", "-e", "-f", str(node.directory / "sshd_config")]
        with (node.directory / "sshd.log").open("ab") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self) -> None:
        limit = time.monotonic() + READY_SECONDS
        for node in self.nodes:
            while True:
                try:
                    refusal = probes.banner((node.address, node.port), b"SSH-2.0-")
                except OSError as fault:
                    refusal = str(fault)
                if refusal is None:
                    break
                if time.monotonic() > limit:
                    raise BenchError(f"{node.name}: {refusal}: {(node.directory / 'sshd.log').read_text()[-500:]}")
                time.sleep(0.05)

    def clear(self) -> None:
        """As before the first push: an old file that lies there, nothing half done."""
        for node in self.nodes:
            for path in (node.directory / "live").iterdir():
                path.unlink()
            (node.directory / "live" / "shop00.example.pem").write_text("the one before\n")
            subprocess.run(["rm", "-rf", str(node.directory / ".new")], check=True)

    def wrong(self) -> list[str]:
        """Nodes that do not hold exactly their files, byte for byte."""
        return [node.name for node in self.nodes if not is_served(node)]

    def cpu_seconds(self) -> float:
        """What the servers used until now, once every session has ended."""
        limit = time.monotonic() + 10
        while processes.descendants({server.pid for server in self.servers}) and time.monotonic() < limit:
            time.sleep(0.05)
        return sum(tree.cpu_seconds(server.pid) for server in self.servers)


def is_served(node: Node) -> bool:
    live = {path.name: path.read_bytes() for path in (node.directory / "live").iterdir()}
    return live == {path.name: path.read_bytes() for path in node.sources} and not (node.directory / ".new").exists()


def made_up_pem() -> str:
    """As long as a certificate with its chain, and as little compressible; it holds no key."""
    lines = ["-----BEGIN CERTIFICATE-----"]
    left = FILE_BYTES - len("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")
    while left > 0:
        line = secrets.token_urlsafe(48)[: min(64, left - 1)]
        lines.append(line)
        left -= len(line) + 1
    return "\n".join([*lines, "-----END CERTIFICATE-----", ""])


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
