"""The ACME clients that `issue` compares: how each gets an account, issues, and where it keeps what it got."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import accounts, tree
from .authority import FreshLab
from .product import BenchError
from .proofs import Result

MAIL = "ops@ops.example"


@dataclass
class Outcome:
    """What issuing all names took."""

    wall: float
    cpu: float
    peak_mib: float
    #: Size of Pebble's log when it was over.
    log_size: int
    #: What nodes spent meanwhile; only certfleet has keys made there.
    node_cpu: float = 0.0
    timed_out: bool = False
    #: Seconds from the start to each event of each certificate, in order; only certfleet tells.
    steps: list[list[tuple[str, float]]] = field(default_factory=list)


class Client:
    """One client in a directory of its own, on a lab of its own."""

    label = ""

    def __init__(self, fresh: FreshLab, directory: Path) -> None:
        self.fresh = fresh
        self.lab = fresh.lab
        self.names = fresh.names
        self.directory = directory
        self.log = directory / "client.log"
        self.trust = self.lab.path("pebble-tls.pem")
        directory.mkdir(parents=True)

    @property
    def deadline(self) -> float:
        """Twice what the slowest needed anywhere."""
        return 120 + 15 * len(self.names)

    def register(self) -> str:
        """Gets an account, which no measurement counts; returns its thumbprint."""
        raise NotImplementedError

    def issue(self) -> Outcome:
        raise NotImplementedError

    def results(self) -> list[Result]:
        raise NotImplementedError

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-1500:] if self.log.exists() else ""


class Peer(Client):
    """A client of files: names on stdin or in a file, certificates into its own directory."""

    #: Names issued by processes of their own: so many at once. 0: one process for all names.
    at_once = 0
    #: Where certificates and keys are, from its directory, by name.
    places = ("", "")
    environment: dict[str, str] = {}

    def command(self, *names: str) -> list[str]:
        raise NotImplementedError

    def account_key(self) -> Path | None:
        raise NotImplementedError

    def thumbprint(self, key: Path) -> str:
        return accounts.of_pem(key)

    def registration(self) -> list[str]:
        raise NotImplementedError

    def register(self) -> str:
        # The CA refuses one nonce in twenty, and not every client tries again.
        for _ in range(6):
            self.run(self.registration())
            if self.is_registered() and (key := self.account_key()):
                return self.thumbprint(key)
        raise BenchError(f"{self.label} could not register:\n{self.said()}")

    def is_registered(self) -> bool:
        return True

    def issue(self) -> Outcome:
        listed = self.directory / "names"
        listed.write_text("".join(f"{name}\n" for name in self.names))
        if self.at_once:
            # Exit status 123 means that one of them failed; what is lost is counted by looking.
            command = ["xargs", "-a", str(listed), f"-P{self.at_once}", "-I{}", *self.command("{}")]
        else:
            command = self.command()
        cost = self.run(command)
        return Outcome(cost.wall, cost.cpu, cost.peak_mib, self.fresh.log_size(), timed_out=cost.timed_out)

    def run(self, command: list[str]) -> tree.Cost:
        return tree.run(command, self.directory, self.log, deadline=self.deadline, environment=self.environment)

    def results(self) -> list[Result]:
        found = []
        for name in self.names:
            chain, key = (self.directory / place.format(name=name) for place in self.places)
            if chain.is_file():
                found.append(Result(name, chain.read_text(), key))
        return found

    def only(self, pattern: str) -> Path | None:
        return next(iter(self.directory.glob(pattern)), None)


class Dehydrated(Peer):
    label = "dehydrated"
    places = ("certs/{name}/fullchain.pem", "certs/{name}/privkey.pem")

    def registration(self) -> list[str]:
        (self.directory / "webroot").mkdir(exist_ok=True)
        settings = {
            **{"CA": self.lab.authority.directory, "BASEDIR": self.directory, "WELLKNOWN": self.directory / "webroot"},
            **{"DOMAINS_TXT": self.directory / "names", "KEY_ALGO": "prime256v1", "CONTACT_EMAIL": MAIL},
            **{"CURL_OPTS": f"--cacert {self.trust}", "OCSP_FETCH": "no"},
        }
        (self.directory / "config").write_text("".join(f'{key}="{value}"\n' for key, value in settings.items()))
        return ["dehydrated", "--config", str(self.directory / "config"), "--register", "--accept-terms"]

    def is_registered(self) -> bool:
        return self.only("accounts/*/registration_info.json") is not None

    def account_key(self) -> Path | None:
        return self.only("accounts/*/account_key.pem")

    def command(self, *names: str) -> list[str]:
        return ["dehydrated", "--config", str(self.directory / "config"), "--cron", "--keep-going"]


class Lego(Peer):
    label = "lego"
    at_once = 1
    places = ("certificates/{name}.crt", "certificates/{name}.key")

    @property
    def environment(self) -> dict[str, str]:
        return {"LEGO_CA_CERTIFICATES": self.trust}

    def registration(self) -> list[str]:
        """It has no command for this alone: a first order, for a name that cannot be proved, leaves an account."""
        (self.directory / "webroot").mkdir(exist_ok=True)
        return self.command("registration.invalid.example")

    def is_registered(self) -> bool:
        return self.only("accounts/*/*/account.json") is not None

    def account_key(self) -> Path | None:
        return self.only("accounts/*/*/keys/*.key")

    def command(self, *names: str) -> list[str]:
        options = ["--accept-tos", "--server", self.lab.authority.directory, "--email", MAIL, "--key-type", "ec256"]
        webroot = ["--http", "--http.webroot", str(self.directory / "webroot"), "--path", str(self.directory)]
        return ["lego", *options, *webroot, "--domains", *names, "run"]


class LegoBy8(Lego):
    label = "lego, xargs -P8"
    at_once = 8


class LegoBy64(Lego):
    label = "lego, xargs -P64"
    at_once = 64


class Certbot(Peer):
    label = "certbot"
    at_once = 1
    places = ("config/live/{name}/fullchain.pem", "config/live/{name}/privkey.pem")

    @property
    def environment(self) -> dict[str, str]:
        return {"REQUESTS_CA_BUNDLE": self.trust}

    @property
    def common(self) -> list[str]:
        folders = [("--config-dir", "config"), ("--work-dir", "work"), ("--logs-dir", "logs")]
        places = [word for option, name in folders for word in (option, str(self.directory / name))]
        # Left alone it keeps a thousand logs and renames them all at each start.
        return ["--non-interactive", "--server", self.lab.authority.directory, "--max-log-backups", "0", *places]

    def registration(self) -> list[str]:
        (self.directory / "webroot").mkdir(exist_ok=True)
        return ["certbot", "register", "--agree-tos", "--email", MAIL, "--no-eff-email", *self.common]

    def is_registered(self) -> bool:
        return self.only("config/accounts/*/*/*/regr.json") is not None

    def account_key(self) -> Path | None:
        return self.only("config/accounts/*/*/*/private_key.json")

    def thumbprint(self, key: Path) -> str:
        return accounts.of_jwk(json.loads(key.read_text()))

    def command(self, *names: str) -> list[str]:
        kind = ["--key-type", "ecdsa", "--elliptic-curve", "secp256r1"]
        how = ["--webroot", "--webroot-path", str(self.directory / "webroot")]
        return ["certbot", "certonly", *self.common, *kind, *how, "-d", *names]


class Certfleet(Client):
    """`certfleet run`, stopped when the last certificate is there and before anything is rolled out."""

    label = "certfleet"
    program = Path("certfleet")
    #: The largest that the inventory allows: no rollout may begin while certificates are still to come.
    PACE = "pace: { batch_size: 5000, batch_seconds: 86400 }\n"

    def register(self) -> str:
        inventory = Path(self.lab.path("bench.yaml"))
        inventory.write_text(Path(self.lab.path("fleet.yaml")).read_text() + self.PACE)
        self.inventory = inventory
        self.ask("enroll", "--accept", allowed=(0, 1))
        shown = json.loads(self.ask("account", "register", "--json"))
        return shown[0]["thumbprint"]

    def ask(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
        command = [str(self.program), *arguments, "--inventory", str(self.inventory)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode not in allowed:
            raise BenchError(f"certfleet {arguments[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def issue(self) -> Outcome:
        command = [str(self.program), "run", "--json", "--inventory", str(self.inventory)]
        self.lines: list[tuple[float, bytes]] = []
        left = len(self.names)
        nodes_before = self.node_cpu()
        with self.log.open("wb") as log:
            start = time.perf_counter()
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
            late = threading.Timer(self.deadline, tree.end, [process])
            late.start()
            outcome = Outcome(0, 0, 0, self.fresh.log_size())
            try:
                for line in process.stdout:
                    self.lines.append((time.perf_counter() - start, line))
                    if b'"event":{"issued":' in line:
                        left -= 1
                        outcome = self.look(process.pid, start, nodes_before)
                    elif b'"event":{"attemptFailed":' in line or b'"event":{"specVetoed":' in line:
                        left -= 1
                    if left == 0:
                        # Nothing new is started, and what was begun at this moment is finished.
                        process.send_signal(signal.SIGTERM)
                        left = -1
                process.wait()
                outcome.timed_out = time.perf_counter() - start >= self.deadline
            finally:
                late.cancel()
                if process.returncode is None:
                    tree.end(process)
        outcome.steps = self.steps()
        return outcome

    def look(self, pid: int, start: float, nodes_before: float) -> Outcome:
        """What it has cost until the certificate that was just recorded."""
        wall = time.perf_counter() - start
        cpu, peak = tree.cpu_seconds(pid), tree.high_water_mib(pid)
        return Outcome(wall, cpu, peak, self.fresh.log_size(), self.node_cpu() - nodes_before)

    def node_cpu(self) -> float:
        """Of every process at or below the nodes' sshds."""
        servers = {record.pid for record in self.lab.processes if record.short == "sshd"}
        return sum(tree.cpu_seconds(pid) for pid in tree.members(servers))

    def events(self) -> list[tuple[float, str, dict]]:
        found = []
        for at, line in self.lines:
            if line.startswith(b'{"at":'):
                ((kind, body),) = json.loads(line)["event"].items()
                found.append((at, kind, body))
        return found

    def steps(self) -> list[list[tuple[str, float]]]:
        """Each certificate's own line of events."""
        known = {"attemptStarted", "keyMade", "orderRequested", "orderCreated", "finalizeRequested", "issued"}
        attempts: dict[str, list[tuple[str, float]]] = {}
        for at, kind, body in self.events():
            if kind in known:
                attempts.setdefault(body["of"]["attempt"], []).append((kind, at))
        return list(attempts.values())

    def results(self) -> list[Result]:
        names: dict[str, str] = {}
        nodes: dict[str, str] = {}
        found = []
        for _, kind, body in self.events():
            if kind == "attemptStarted":
                names[body["of"]["attempt"]] = body["names"][0]
            elif kind == "keyMade":
                nodes[body["of"]["attempt"]] = body["key"]["node"]
            elif kind == "issued":
                attempt = body["of"]["attempt"]
                key = Path(self.lab.node(nodes[attempt]).path("work"), "keys", f"{attempt}.key")
                found.append(Result(names[attempt], "".join(body["certificate"]["chain"]), key))
        return found


PEERS: dict[str, Callable[[FreshLab, Path], Client]] = {
    **{"dehydrated": Dehydrated, "lego": Lego, "lego-p8": LegoBy8, "lego-p64": LegoBy64, "certbot": Certbot},
}
#: A name for two.
GROUPS = {"lego-parallel": ["lego-p8", "lego-p64"]}
