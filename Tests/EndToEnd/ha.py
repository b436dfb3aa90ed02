"""A lab with --ha for one test class: pairs in namespaces, with a real keepalived. The test itself lives among them."""

from __future__ import annotations

import os
import subprocess

from lablib import namespaces, spec
from lablib.model import Node
from lablib.needs import require_namespaces

from .fleet import FleetTest, shape


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
