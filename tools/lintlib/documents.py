"""That the pages lead somewhere and say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from .source import Source

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CAUSES = "Sources/Fleet/Issuance/FailureAnswers.swift"
REPORTS = "Docs/Reports.md"


def document_faults(sources: list[Source], top: Path) -> list[str]:
    texts = {source.path: source.text for source in sources}
    faults = []
    for path, text in texts.items():
        if path.endswith(".md"):
            faults += dead_links(path, text, texts, top)
    if CAUSES in texts and REPORTS in texts:
        faults += missing_causes(texts[CAUSES], texts[REPORTS])
    return faults


def dead_links(path: str, text: str, texts: dict[str, str], top: Path) -> list[str]:
    faults = []
    for number, line in enumerate(text.splitlines(), 1):
        for target in LINK.findall(line):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            place = (top / path).parent / file if file else top / path
            if not place.exists():
                faults.append(f"{path}:{number}: {target} leads nowhere [links]")
                continue
            name = str(place.resolve().relative_to(top.resolve()))
            if anchor and anchor not in anchors(texts.get(name, "")):
                faults.append(f"{path}:{number}: {name} has no heading #{anchor} [links]")
    return faults


def anchors(text: str) -> set[str]:
    """As forges make them: lower case, punctuation away, spaces as hyphens."""
    headings = re.findall(r"^#+ +(.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing_causes(code: str, page: str) -> list[str]:
    """Titles and advice of every kind of failure stand in the table of Docs/Reports.md."""
    faults = []
    for question in ("title", "advice"):
        body = code[code.index(f"public var {question}: String") :]
        body = body[: body.index("\n  }\n")]
        for text in re.findall(r'case \.\w+:\s*"((?:[^"\\]|\\.)+)"', body):
            if f"| {text.replace(chr(92), '')} |" not in page:
                faults.append(f"{REPORTS}:1: no cause with the {question} “{text}” [causes]")
    return faults
