"""A lab with --ha for one test class: pairs in namespaces, with a real keepalived. The test itself lives among them."""

from __future__ import annotations

import os
import subprocess

from lablib import namespaces, spec
from lablib.model import Node
from lablib.needs import require_namespaces

from .fleet import FleetTest, shape


#: One pair with HAProxy, for tests that want no more.
PAIR = "edge"
NAMES = [f"{word}.edge-shop.example" for word in ("one", "two", "three")]


def add_login(node: Node, name: str, password: str = "*") -> None:
    """An account on the node, with a home. The password is a hash of crypt(3); none fits `*`."""
    for file, line in (("passwd", f"{name}:x:1500:1500::/home/{name}:/bin/sh"), ("group", f"{name}:x:1500:"),
                       ("shadow", f"{name}:{password}:19000:0:99999:7:::")):  # fmt: skip
        with open(node.path("etc", file), "a") as table:
            table.write(f"{line}\n")
    os.makedirs(node.path("home", name), 0o700)
    os.chown(node.path("home", name), 1500, 1500)


class HATest(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(ha=True, number=1)

    @classmethod
    def setUpClass(cls) -> None:
        require_namespaces()
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

        def back() -> None:
            namespaces.enter(f"/proc/self/fd/{before}")
            os.close(before)

        super().setUpClass()
        namespaces.join(cls.fleet.lab)
        # Noted last, done first: the lab is taken down from where it was made.
        cls.addClassCleanup(back)

    def on(self, node: Node, *words: str, status: int | None = 0, stdin: str = "") -> str:
        """A command on a node, as root."""
        done = subprocess.run(
            [*namespaces.inside(self.fleet.lab, node), *words],
            input=stdin, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        if status is not None:
            self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def holders(self, pair: str) -> list[str]:
        lab = self.fleet.lab
        box = lab.pair(pair)
        return [node.id for node in box.nodes if box.vips[0].address in namespaces.held(lab, node)]


class EdgeTest(HATest):
    """PAIR with NAMES."""

    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(
            ha=True,
            customers=[{"id": "acme"}],
            pairs=[{"id": PAIR, "kind": "haproxy-directory"}],
            domains=[{"domain": name, "pair": PAIR} for name in NAMES],
        )

    @property
    def nodes(self) -> list[Node]:
        return self.fleet.lab.pair(PAIR).nodes
