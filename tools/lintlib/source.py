"""Files as the rules see them: text, and Swift lines with strings blanked and comments apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

#: What a string literal or a block of one leaves behind: rules about code must not read prose.
STRING = re.compile(r'#*"(?:\\.|[^"\\])*"#*')


@dataclass
class Source:
    path: str
    text: str

    @property
    def is_swift(self) -> bool:
        return self.path.endswith(".swift")

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py") or self.text.startswith("#!/usr/bin/python3")

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def swift(self) -> list[tuple[str, str]]:
        """Code and comment of each line. Text in string literals is blanked; a `//` in a string is no comment."""
        return list(split(self.lines))


def split(lines: list[str]) -> Iterator[tuple[str, str]]:
    inside = False
    for line in lines:
        parts = line.split('"""')
        kept = []
        for index, part in enumerate(parts):
            if index:
                inside = not inside
            kept.append("" if inside else part)
        code = STRING.sub('""', '""'.join(kept))
        before, slashes, after = code.partition("//")
        yield before, (slashes + after).strip()
