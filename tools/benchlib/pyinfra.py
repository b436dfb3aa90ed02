"""pyinfra, a peer of `push`: it comes from PyPI, into a virtual environment beside what the build made."""

from __future__ import annotations

import getpass
import subprocess
import sys
from pathlib import Path

from .product import ROOT, BenchError
from .sshds import Nodes

VERSION = "3.10.0"
PLACE = ROOT / ".build" / f"pyinfra-{VERSION}"


def install() -> None:
    if (PLACE / "bin/pyinfra").exists():
        return
    print(f"installing pyinfra {VERSION} …", file=sys.stderr, flush=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(PLACE)], check=True, stdout=sys.stderr)
        pip = [str(PLACE / "bin/pip"), "--quiet", "--disable-pip-version-check", "install", f"pyinfra=={VERSION}"]
        subprocess.run(pip, check=True, stdout=sys.stderr)
    except subprocess.CalledProcessError as fault:
        raise BenchError("pyinfra could not be installed from PyPI; leave it out with --clients") from fault


def command(directory: Path, nodes: Nodes) -> list[str]:
    """The job of the others in three operations: see the role, bring the ready tar, check and move."""
    data = {
        "ssh_user": getpass.getuser(),
        "ssh_port": nodes.nodes[0].port,
        "ssh_key": str(nodes.user_key),
        "ssh_known_hosts_file": str(directory / "known_hosts"),
        "ssh_strict_host_key_checking": "yes",
        "ssh_allow_agent": False,
        "ssh_look_for_keys": False,
        "ssh_config_file": "/dev/null",
    }
    hosts = [
        (node.name, {"ssh_hostname": node.address, "here": str(node.directory), **data}) for node in nodes.nodes
    ]
    (directory / "pyinfra_nodes.py").write_text(f"nodes = {hosts!r}\n")
    (directory / "pyinfra_push.py").write_text("""\
from pyinfra import host
from pyinfra.operations import files, server

here = host.data.here
server.shell(commands=f'umask 077; cd {here}; [ "$(cat status)" = active ] && rm -rf .new && mkdir .new')
files.put(src=f"{here}/new.tar", dest=f"{here}/.new/new.tar", mode="600")
server.shell(commands=(
    f"umask 077; cd {here}/.new && tar -xf new.tar && rm new.tar && sha256sum -c --status SHA256SUMS"
    " && rm SHA256SUMS && mv -f *.pem ../live/ && cd .. && rmdir .new && true"
))
""")
    scripts = [str(directory / "pyinfra_nodes.py"), str(directory / "pyinfra_push.py")]
    return [str(PLACE / "bin/pyinfra"), "--yes", *scripts]
