"""Traffic at a VIP, by the client in handshakes.c: started, ended, and read."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from lablib.model import write

from .fleet import compile_c


@dataclass
class Leaf:
    digest: str
    count: int
    first: float
    last: float


@dataclass
class Seen:
    #: Name → digest → when and how often its leaf was shown.
    leaves: dict[str, dict[str, Leaf]] = field(default_factory=lambda: defaultdict(dict))
    #: (kind, when, name); the kinds are timeout, reset, refused, closed, alert, invalid-certificate, …
    faults: list[tuple[str, float, str]] = field(default_factory=list)
    #: (when, good, bad) of each second.
    seconds: list[tuple[float, int, int]] = field(default_factory=list)
    slowest: float = 0

    @property
    def good(self) -> int:
        return sum(good for _, good, _ in self.seconds)

    @property
    def bad(self) -> int:
        return sum(bad for _, _, bad in self.seconds)

    @property
    def rate(self) -> float:
        """Handshakes a second over the whole time, the first and the last second left out: they are not whole."""
        whole = self.seconds[1:-1]
        return sum(good + bad for _, good, bad in whole) / max(1.0, whole[-1][0] - whole[0][0] + 1)

    @property
    def text(self) -> str:
        kinds = Counter(kind for kind, _, _ in self.faults)
        faults = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()) or "no failure"
        return (
            f"{self.good + self.bad} handshakes in {len(self.seconds)} s, {self.rate:.0f} a second, the slowest took"
            f" {self.slowest:.0f} ms: {faults}"
        )


def client(directory: str) -> str:
    program = str(Path(directory, "handshakes"))
    compile_c(str(Path(__file__).with_name("handshakes.c")), program, "-O2", "-pthread", "-lssl", "-lcrypto")
    return program


class Traffic:
    """Handshakes with one address, from the start to `end`."""

    def __init__(self, program: str, directory: str, address: str, port: int, roots: str, names: list[str],
                 rate: int, threads: int = 64) -> None:  # fmt: skip
        listed = str(Path(directory, f"names-{address}"))
        write(listed, "".join(f"{name}\n" for name in names))
        self.said = Path(directory, f"handshakes-{address}")
        with open(self.said, "wb") as out:
            # The client must not be what is slow: it goes before what else the machine does.
            words = ["nice", "-n", "-10", program, address, str(port), str(rate), str(threads), roots, listed]
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out)

    def end(self) -> Seen:
        if self.process.poll() is not None:
            raise AssertionError(f"the client ended by itself ({self.process.returncode})")
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            raise AssertionError(f"the client ended with {self.process.returncode}")
        return read(self.said.read_text())

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def read(text: str) -> Seen:
    seen = Seen()
    for line in text.splitlines():
        kind, *words = line.split()
        if kind == "leaf":
            name, digest, count, first, last = words
            leaf = seen.leaves[name].setdefault(digest, Leaf(digest, 0, float(first), float(last)))
            leaf.count += int(count)
            leaf.first, leaf.last = min(leaf.first, float(first)), max(leaf.last, float(last))
        elif kind == "fault":
            seen.faults.append((words[0], float(words[1]), words[2]))
        elif kind == "second":
            seen.seconds.append((float(words[0]), int(words[1]), int(words[2])))
        elif kind == "slowest":
            seen.slowest = float(words[0])
    return seen
