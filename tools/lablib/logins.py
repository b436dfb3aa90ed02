"""How one logs in to a lab's node: with the controller's key, and with nothing of whoever tries the lab."""

from __future__ import annotations

from .model import Lab, Node


def words(lab: Lab, node: Node, program: str = "ssh", user: str = "") -> list[str]:
    """The beginning of a command of ssh, scp or sftp."""
    found = [program, "-F", "none", "-i", lab.path("keys", "controller"), "-o", f"User={user or lab.user}"]
    for option in (f"Port={node.ssh}", "BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "LogLevel=ERROR",
                   "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"):  # fmt: skip
        found += ["-o", option]
    return found
