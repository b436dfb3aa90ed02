"""The shape of a lab: from flags, from a JSON file, or both; checked, with defaults that show one of everything."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import re
from dataclasses import dataclass, field

from .addresses import MAX_PAIRS
from .model import CHALLENGES, DETECTORS, HA_DETECTORS, KINDS, Customer, Domain, LabError

SMTP = ("none", "starttls", "tls", "auth")
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
CUSTOMERS = (
    ("acme", "Acme Widgets", "acme-widgets"),
    ("bluebird", "Bluebird Books", "bluebird-books"),
    ("cedar", "Cedar Clinic", "cedar-clinic"),
    ("dune", "Dune Travel", "dune-travel"),
    ("ember", "Ember Bakery", "ember-bakery"),
    ("fjord", "Fjord Outdoor", "fjord-outdoor"),
)
#: A shop chain has some dozens of names under one registered domain, then another registered domain.
NAMES_PER_REGISTERED_DOMAIN = 40
#: Pair number modulo four: kind, challenge, detector.
CYCLE = (
    ("haproxy-directory", "thumbprint", "file"),
    ("haproxy-crt-list", "tunnel", "command"),
    ("stunnel", "thumbprint", "command"),
    ("vip-bound", "thumbprint", "file"),
)
#: The same for pairs in namespaces.
HA_CYCLE = (
    ("haproxy-directory", "thumbprint", "address"),
    ("vip-bound", "thumbprint", "keepalived"),
    ("stunnel", "thumbprint", "address"),
    ("haproxy-crt-list", "tunnel", "address"),
)


@dataclass
class PairSpec:
    id: str
    customer: str
    kind: str
    challenge: str
    detector: str
    nodes: int = 2
    vips: list[str] = field(default_factory=lambda: ["web"])


@dataclass
class Spec:
    customers: list[Customer]
    pairs: list[PairSpec]
    domains: list[Domain]
    smtp: str = "none"
    validity: int = 90 * 86400
    thumbprint: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    watchdog: float = 15
    #: CSV files that the domains came from: name → text.
    lists: dict[str, str] = field(default_factory=dict)
    #: Pairs in network namespaces, with keepalived.
    ha: bool = False
    #: What a file of limits holds: they are kept in front of Pebble, and the inventory names the same file.
    limits: dict = field(default_factory=dict)


def slug(index: int) -> tuple[str, str, str]:
    if index < len(CUSTOMERS):
        return CUSTOMERS[index]
    return f"customer{index + 1}", f"Customer {index + 1}", f"customer{index + 1}"


def generated(
    pairs: int, nodes: int, customers: int, domains: int, kind: str | None = None, ha: bool = False
) -> Spec:
    if not 1 <= pairs <= MAX_PAIRS:
        raise LabError(f"--pairs: between 1 and {MAX_PAIRS}")
    if nodes not in (1, 2):
        raise LabError("--nodes: a pair has one or two nodes")
    if customers < 1 or domains < 0:
        raise LabError("--customers: at least 1; --domains: at least 0")
    people = [slug(i) for i in range(customers)]
    cycle = [row for row in (HA_CYCLE if ha else CYCLE) if kind in (None, row[0])]
    boxes = [
        PairSpec(f"pair{i + 1}", people[i % customers][0], *cycle[i % len(cycle)], nodes=nodes) for i in range(pairs)
    ]
    counters = [0] * customers
    rows = []
    for i in range(domains):
        box = boxes[i % pairs]
        owner = (i % pairs) % customers
        group, number = divmod(counters[owner], NAMES_PER_REGISTERED_DOMAIN)
        counters[owner] += 1
        registered = people[owner][2] + (f"-{group + 1}" if group else "")
        rows.append(Domain(f"shop{number + 1:02d}.{registered}.example", box.id, box.vips[0], box.customer))
    return Spec([Customer(i, n) for i, n, _ in people], boxes, rows, ha=ha)


def from_file(path: str, base: Spec) -> Spec:
    """Reads a shape from JSON. What the file does not say stays as the flags have it."""
    try:
        with open(path) as file:
            raw = json.load(file)
        return from_json(raw, base)
    except (OSError, ValueError, TypeError, KeyError) as fault:
        raise LabError(f"{path}: {fault!r}") from None


def from_json(raw: dict, base: Spec) -> Spec:
    known = {"customers", "pairs", "domains", "domains_csv", "smtp", "validity", "thumbprint", "environment"}
    if unknown := set(raw) - known:
        raise LabError(f"the shape has unknown keys {sorted(unknown)}; known: {sorted(known)}")
    spec = dataclasses.replace(base)
    if "customers" in raw:
        spec.customers = [Customer(c["id"], c.get("name", c["id"])) for c in raw["customers"]]
    if "pairs" in raw:
        spec.pairs = []
        for index, pair in enumerate(raw["pairs"]):
            kind, challenge, detector = (HA_CYCLE if spec.ha else CYCLE)[index % len(CYCLE)]
            defaults = {"customer": spec.customers[0].id, "kind": kind, "challenge": challenge, "detector": detector}
            spec.pairs.append(PairSpec(**{**defaults, **pair}))
        if "domains" not in raw and "domains_csv" not in raw:
            spec.domains = []
    if "domains" in raw:
        spec.domains = [domain(row, spec) for row in raw["domains"]]
    if "domains_csv" in raw:
        paths = raw["domains_csv"]
        read_lists([paths] if isinstance(paths, str) else paths, spec)
    spec.smtp = raw.get("smtp", spec.smtp)
    spec.validity = raw.get("validity", spec.validity)
    spec.thumbprint = raw.get("thumbprint", spec.thumbprint)
    spec.environment = {**spec.environment, **raw.get("environment", {})}
    return spec


def domain(row: dict, spec: Spec) -> Domain:
    pairs = {pair.id: pair for pair in spec.pairs}
    name = row.get("pair") or spec.pairs[0].id
    if name not in pairs:
        raise LabError(f"{row['domain']}: there is no pair {name!r} in this lab")
    vip = row.get("vip") or pairs[name].vips[0]
    customer = row.get("customer") or pairs[name].customer
    return Domain(a_label(row["domain"]), name, vip, customer, row.get("certificate") or "", row.get("label") or "")


def read_lists(paths: list[str], spec: Spec) -> None:
    """Lists as certfleet reads them. It gets them unchanged; the lab only has to know which name is whose."""
    spec.domains, spec.lists = [], {}
    for path in paths:
        name = os.path.basename(path)
        if name in spec.lists or not name.endswith(".csv"):
            raise LabError(f"{path}: lists need different names that end in .csv")
        try:
            with open(path, newline="", encoding="utf-8-sig") as file:
                spec.lists[name] = file.read()
        except (OSError, UnicodeDecodeError) as fault:
            raise LabError(f"{path}: {fault}") from None
        lines = (line for line in spec.lists[name].splitlines() if line.strip() and not line.startswith("#"))
        rows = csv.DictReader(lines)
        if "domain" not in (rows.fieldnames or []):
            raise LabError(f"{path}: its first line does not name a column `domain`")
        spec.domains += [domain(row, spec) for row in rows]


def a_label(name: str) -> str:
    """Near enough for DNS here: certfleet itself uses libidn2."""
    try:
        return name.strip().lower().rstrip(".").encode("idna").decode()
    except UnicodeError:
        raise LabError(f"{name!r} is no domain name") from None


def check(spec: Spec) -> None:
    """Everything that would otherwise surface as a riddle in some process's log."""
    customers = {customer.id for customer in spec.customers}
    pairs: dict[str, PairSpec] = {}
    detectors = HA_DETECTORS if spec.ha else DETECTORS
    for pair in spec.pairs:
        if not IDENTIFIER.match(pair.id) or pair.id in pairs:
            raise LabError(f"pair id {pair.id!r} is taken or no identifier")
        pairs[pair.id] = pair
        if pair.customer not in customers:
            raise LabError(f"{pair.id}: there is no customer {pair.customer!r}")
        for value, allowed in ((pair.kind, KINDS), (pair.challenge, CHALLENGES), (pair.detector, detectors)):
            if value not in allowed:
                raise LabError(f"{pair.id}: {value!r} is none of {', '.join(allowed)}")
        if pair.nodes not in (1, 2) or not 1 <= len(pair.vips) <= 90:
            raise LabError(f"{pair.id}: one or two nodes, 1 to 90 VIPs")
        if spec.ha and pair.nodes != 2:
            raise LabError(f"{pair.id}: high availability takes two nodes")
        if len(pair.vips) > 1 and pair.detector == "file":
            raise LabError(f"{pair.id}: a status file speaks for the whole node; several VIPs need detector 'command'")
    if spec.smtp not in SMTP or not isinstance(spec.validity, int) or spec.validity < 1:
        raise LabError(f"smtp is one of {', '.join(SMTP)}; validity is a number of seconds")
    if not 1 <= len(pairs) <= MAX_PAIRS:
        raise LabError(f"a lab has 1 to {MAX_PAIRS} pairs")
    for row in spec.domains:
        if not NAME.match(row.domain):
            raise LabError(f"{row.domain!r} is not a lower-case A-label name")
        if row.pair not in pairs or row.vip not in pairs[row.pair].vips or row.customer not in customers:
            raise LabError(f"{row.domain}: unknown pair, VIP or customer")
