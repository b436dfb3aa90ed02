"""A lab with a controller: what an operator would type, and what anybody can see from outside."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import time
import unittest
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lablib import prove, spec
from lablib.model import Lab, Node
from lablib.needs import require_tools
from lablib.up import MARKER, ask, down, up

ROOT = Path(__file__).parents[2]
#: A loaded machine takes its time; what must be quick says so itself.
PATIENCE = 300.0
#: `--quick`: every loop over moments looks at some of them only.
QUICK = bool(os.environ.get("CERTFLEET_TEST_QUICK"))


def binary() -> str:
    path = os.environ.get("CERTFLEET_BINARY") or str(ROOT / ".build" / "debug" / "certfleet")
    if not os.access(path, os.X_OK):
        raise RuntimeError(f"{path} is missing: swift build, or name another one in CERTFLEET_BINARY")
    return path


@dataclass
class Done:
    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def json(self):
        """The document on stdout; the last one of a stream."""
        return self.stream[-1]

    @property
    def stream(self) -> list:
        found, rest = [], self.out.strip()
        while rest:
            value, end = json.JSONDecoder().raw_decode(rest)
            found.append(value)
            rest = rest[end:].lstrip()
        return found


class Fleet:
    """Commands are methods; questions about the outside are answered by looking there, never by asking certfleet."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.inventory = os.path.join(directory, "fleet.yaml")
        self.environment: dict[str, str] = {}
        #: user, group and extra_groups of the controller, where it is to be another account.
        self.identity: dict = {}

    @property
    def lab(self) -> Lab:
        return Lab.load(self.directory)

    def path(self, *parts: str) -> str:
        return os.path.join(self.directory, *parts)

    def ask(self, **request) -> str:
        return ask(self.lab, **request)

    # MARK: The controller

    def start(
        self, *words: str, environment: dict[str, str] | None = None, stdout: int | None = None,
        stderr: int | None = None,
    ) -> subprocess.Popen:  # fmt: skip
        """A command that is not waited for. It writes into files, so that a killed one leaves what it said; or where
        the descriptors given lead."""
        number = len(glob.glob(self.path("said-*")))
        names = [self.path(f"said-{number:04d}.{stream}") for stream in ("out", "err")]
        with open(names[0], "wb") as out, open(names[1], "wb") as err:
            process = subprocess.Popen(
                [binary(), *words], stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=stderr or err,
                cwd=self.directory, **self.identity,
                env={**os.environ, "CERTFLEET_INVENTORY": self.inventory, **self.environment, **(environment or {})},
            )  # fmt: skip
        process.said = names
        return process

    def finish(self, process: subprocess.Popen, patience: float = PATIENCE) -> Done:
        try:
            status = process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{process.args} did not end in {patience} s\n{self.said(process).text}") from None
        return self.said(process, status)

    def said(self, process: subprocess.Popen, status: int = -1) -> Done:
        out, err = (Path(name).read_bytes().decode() for name in process.said)
        return Done(status, out, err)

    def certfleet(self, *words: str, patience: float = PATIENCE, environment: dict[str, str] | None = None) -> Done:
        return self.finish(self.start(*words, environment=environment), patience)

    def told(self, *words: str, status: int = 0, **options) -> Done:
        """A command that has to end with this status."""
        done = self.certfleet(*words, **options)
        if done.status != status:
            raise AssertionError(f"certfleet {' '.join(words)} ended with {done.status}, not {status}:\n{done.text}")
        return done

    def enroll(self) -> None:
        """What the operator does once: pin the keys, make the account's key, paste the rule."""
        self.certfleet("enroll", "--accept")
        accounts = self.told("account", "show", "--json").json
        self.ask(do="thumbprint", value=(accounts[0] if isinstance(accounts, list) else accounts)["thumbprint"])

    def edit(self, old: str, new: str) -> None:
        """Changes the inventory."""
        with open(self.inventory) as file:
            text = file.read()
        assert old in text, f"{old!r} does not stand in {self.inventory}"
        with open(self.inventory, "w") as file:
            file.write(text.replace(old, new))

    def add(self, rows: Iterable[tuple[str, str]], file: str = "domains.csv") -> None:
        """Names for the lab's DNS and nodes and for the list: (domain, pair)."""
        lab = self.lab
        with open(self.path(file), "a") as table:
            for name, pair in rows:
                self.ask(do="domain", name=name, pair=pair)
                table.write(f"{name},{pair},,{lab.pair(pair).customer},,\n")

    def rekey(self, *kinds: str) -> None:
        """Writes the list anew, with these kinds of key in turn: another kind is a new certificate at the next run."""
        with open(self.path("domains.csv"), "w") as table:
            table.write("domain,pair,customer,key\n")
            for row, kind in zip(self.lab.domains, itertools.cycle(kinds)):
                table.write(f"{row.domain},{row.pair},{row.customer},{kind}\n")

    # MARK: What it wrote

    def database(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.path('state', 'journal.sqlite')}?mode=ro", uri=True)

    def events(self, *kinds: str) -> list[tuple[str, dict]]:
        if not os.path.exists(self.path("state", "journal.sqlite")):
            return []
        with contextlib.closing(self.database()) as database:
            rows = database.execute("SELECT kind, body FROM event ORDER BY sequence").fetchall()
        return [(kind, json.loads(body)[kind]) for kind, body in rows if not kinds or kind in kinds]

    def kinds(self) -> Counter:
        """How many of each; counted by SQLite, for this is asked fifty times a second."""
        if not os.path.exists(self.path("state", "journal.sqlite")):
            return Counter()
        with contextlib.closing(self.database()) as database:
            return Counter(dict(database.execute("SELECT kind, count(*) FROM event GROUP BY kind")))

    # MARK: What the CA saw

    def ca_log(self) -> str:
        with open(self.path("log", "pebble.log"), errors="replace") as file:
            return file.read()

    def orders(self) -> int:
        return len(re.findall(r"Added order ", self.ca_log()))

    def certificates(self) -> int:
        return len(re.findall(r"Issued certificate serial ", self.ca_log()))

    # MARK: What the nodes hold and serve

    def serves(self, node: Node, name: str) -> bytes:
        """The leaf that the node's own listener shows for the name."""
        pair = self.lab.pair_of(node)
        return leaf(node.socket("https") if pair.vip_bound else (node.address, node.https), name)

    def vip_serves(self, pair: str, name: str) -> bytes:
        vip = self.lab.pair(pair).vips[0]
        return leaf((vip.address, vip.https), name)

    def reload_haproxy(self, node: Node, name: str, path: str) -> None:
        """As an operator would. HAProxy's reload returns before the new process listens: this waits until the listener
        shows the certificate of that file for the name."""
        with open(path) as file:
            wanted = first_certificate(file.read())

        def is_shown() -> bool:
            with contextlib.suppress(OSError):
                return self.serves(node, name) == wanted
            return False

        subprocess.run([node.path("bin", "reload-haproxy")], check=True)
        eventually(is_shown, f"{node.id} reloads")

    def pems(self, node: Node) -> dict[bytes, str]:
        """The files that the node's TLS loads, by their leaf; each must hold the leaf's own key."""
        folder = node.path("etc", "stunnel" if self.lab.pair_of(node).has_stunnel else "haproxy", "certs")
        found = {}
        for path in glob.glob(os.path.join(folder, "*.pem")):
            with open(path) as file:
                text = file.read()
            if "PRIVATE KEY" not in text:
                continue  # What a test has put there.
            # Refuses a key that is not the leaf's.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)
            found[first_certificate(text)] = path
        return found

    def leftovers(self) -> list[str]:
        """What a rollout leaves behind only when nobody tidied up after it."""
        found = []
        for node in self.lab.nodes:
            for folder in glob.glob(node.path("etc", "*", "certs", ".certfleet", "*")):
                if os.path.basename(folder) != "previous":
                    found.append(folder)
            found += glob.glob(node.path("work", "rollouts", "*"))
            found += glob.glob(node.path("work", "**", ".*.new"), recursive=True)
        return found

    def require_whole(self, test: unittest.TestCase, names: Iterable[tuple[str, str]] | None = None) -> None:
        """Every name: one and the same valid certificate on every node and the VIP, from a file with its own key."""
        lab = self.lab
        rows = list(names) if names is not None else [(row.domain, row.pair) for row in lab.domains]
        pems = {node.id: self.pems(node) for pair in {pair for _, pair in rows} for node in lab.pair(pair).nodes}
        roots = ssl.create_default_context(cafile=lab.path("pebble-roots.pem"))
        for name, pair in rows:
            box = lab.pair(pair)
            address = box.vips[0]
            with socket.create_connection((address.address, address.https), 20) as plain:
                with roots.wrap_socket(plain, server_hostname=name) as secured:
                    vip = secured.getpeercert(binary_form=True)
            for node in box.nodes:
                served = digest(self.serves(node, name))
                test.assertEqual(served, digest(vip), f"{node.id} and the VIP differ for {name}")
                test.assertIn(vip, pems[node.id], f"{node.id} has no file with what is served for {name}")

    def require_proved(self, test: unittest.TestCase) -> None:
        lab = self.lab
        proof = prove.prove(lab)
        test.assertEqual(dict(proof.bad), {}, prove.text(lab, proof))
        test.assertEqual(proof.good, sum(1 + len(lab.pair(row.pair).nodes) for row in lab.domains))

    def require_sound(self) -> None:
        self.told("audit", "verify")


def compiled(source: str, directory: str) -> str:
    """A library for LD_PRELOAD."""
    library = str(Path(directory, source).with_suffix(".so"))
    compile_c(str(Path(__file__).with_name(source)), library, "-shared", "-fPIC", "-O1", "-ldl")
    return library


def compile_c(source: str, target: str, *options: str) -> None:
    compiler = next(name for name in ("cc", "clang", "gcc") if shutil.which(name))
    subprocess.run([compiler, "-Wall", "-Wextra", "-Werror", "-o", target, source, *options], check=True)


def leaf(target, name: str) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    family = socket.AF_UNIX if isinstance(target, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as plain:
        plain.settimeout(20)
        plain.connect(target)
        with context.wrap_socket(plain, server_hostname=name) as secured:
            return secured.getpeercert(binary_form=True)


def first_certificate(text: str) -> bytes:
    end = "-----END CERTIFICATE-----"
    begin = text.index("-----BEGIN CERTIFICATE-----")
    return ssl.PEM_cert_to_DER_cert(text[begin : text.index(end, begin) + len(end)])


def digest(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def eventually(question: Callable[[], object], what: str, seconds: float = PATIENCE):
    """Waits until the answer is true, and gives it back."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := question():
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)  # between two looks


def shape(**raw) -> spec.Spec:
    """A lab's shape: keywords as `tools/lab up --spec` reads them."""
    pairs, domains = raw.pop("number", 4), raw.pop("names", 12)
    base = spec.generated(pairs, 2, min(3, pairs), domains, raw.pop("kind", None), raw.pop("ha", False))
    base.environment = {"PEBBLE_WFE_NONCEREJECT": "5", "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0"}
    # A Pebble that is only slow must not be started anew: it would forget its orders.
    base.watchdog = 0
    return spec.from_json(raw, base) if raw else base


def stranger(name: str) -> str:
    """A certificate with its key that certfleet never saw, and that lives shorter than ours."""
    words = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"),
        *("-subj", "/CN=stranger", "-addext", f"subjectAltName=DNS:{name}", "-keyout", "-", "-out", "-"),
    ]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def one_pair(pair: str, names: tuple[str, ...]) -> spec.Spec:
    """A pair of one customer that reads its certificates from a directory, and its names."""
    return shape(
        customers=[{"id": "acme"}],
        pairs=[{"id": pair, "customer": "acme", "kind": "haproxy-directory", "challenge": "thumbprint"}],
        domains=[{"domain": name, "pair": pair} for name in names],
    )


@contextlib.contextmanager
def running(wanted: spec.Spec) -> Iterator[Fleet]:
    """A lab for one test class. It ends with this process, however this process ends."""
    parent = tempfile.mkdtemp(prefix="certfleet-e2e-")
    directory = os.path.join(parent, "lab")
    try:
        up(directory, wanted, PATIENCE, os.getpid(), lambda _: None)
        yield Fleet(directory)
    finally:
        if os.path.exists(os.path.join(directory, MARKER)):
            down(directory, keep=bool(os.environ.get("CERTFLEET_TEST_KEEP")))
        if not os.environ.get("CERTFLEET_TEST_KEEP"):
            shutil.rmtree(parent, ignore_errors=True)


class FleetTest(unittest.TestCase):
    """One lab a class, as `wanted` shapes it."""

    fleet: Fleet
    maxDiff = None

    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape()

    @classmethod
    def setUpClass(cls) -> None:
        require_tools()
        binary()
        cls.fleet = cls.enterClassContext(running(cls.wanted()))


def stop(process: subprocess.Popen, number: int = signal.SIGTERM) -> None:
    if process.poll() is None:
        process.send_signal(number)
