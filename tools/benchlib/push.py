"""ten PEMs to many nodes: certfleet's SSH layer beside `ssh` + tar under xargs, pyinfra and Ansible"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

from lablib import processes

from . import product, pyinfra, tables, tree
from .sshds import Nodes, sha256

DETAILS = """\
Every node is an sshd of its own on an address of 127.0.0.0/8, with a host key of its own that is pinned for every
client. One job is: connect, see that the node is active, bring ten files of 4 KiB under temporary names, check their
SHA-256, move them over the old ones, disconnect. Afterwards all files are compared byte for byte.
"""
CLIENTS = ("certfleet", "ssh-tar", "pyinfra", "ansible")
LABELS = {
    "certfleet": "certfleet's SSH layer",
    "ssh-tar": "ssh + tar, xargs -P16",
    "pyinfra": f"pyinfra {pyinfra.VERSION}",
    "ansible": "ansible, forks 50",
}
#: What stands behind each job: the same steps, the same safety.
REMOTE = """\
set -e; umask 077; cd {directory}; [ "$(cat status)" = active ]; rm -rf .new; mkdir .new; cd .new; tar -xf -; \
sha256sum -c --status SHA256SUMS; rm SHA256SUMS; mv -f *.pem ../live/; cd ..; rmdir .new; true"""


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--nodes", type=int, default=100, metavar="N", help="nodes (100)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="in each of them every client runs (3)")
    parser.add_argument(
        "--clients", default=",".join(CLIENTS), metavar="LIST", help=f"which ones ({','.join(CLIENTS)})"
    )


def run(options: argparse.Namespace) -> int:
    clients = options.clients.split(",")
    if unknown := set(clients) - set(CLIENTS):
        raise product.BenchError(f"--clients: {', '.join(sorted(unknown))} is none of {', '.join(CLIENTS)}")
    if "pyinfra" in clients:
        pyinfra.install()
    program = product.build("PushBench", options.debug)
    machine = tables.machine(["ssh", "ansible"])
    tables.warn_if_busy(machine)
    # What Ansible leaves behind (its ssh masters) becomes ours, with its bill.
    processes.become_subreaper()
    runs: list[dict] = []
    with tempfile.TemporaryDirectory(prefix="cfb-") as folder:
        directory = Path(folder)
        tables.say(f"starting {options.nodes} sshds …")
        with Nodes(directory, options.nodes) as nodes:
            commands = prepare(directory, nodes, program)
            for number in range(options.rounds):
                # Each round begins with another client: who goes first pays for cold caches.
                for client in clients[number % len(clients) :] + clients[: number % len(clients)]:
                    tables.say(f"round {number + 1} of {options.rounds}: {LABELS[client]} …")
                    runs.append({"round": number + 1, "client": client, **once(directory, nodes, commands[client])})
    text = f"{tables.describe(machine)}\n{options.nodes} nodes, ten files of 4 KiB each; median of {options.rounds}\n\n"
    text += tables.table(rows(runs, clients, options.nodes))
    result = {"benchmark": "push", "machine": machine, "nodes": options.nodes, "runs": runs}
    tables.show({**result, "table": rows(runs, clients, options.nodes)}, text, options.json)
    return 0 if all(not run["wrong"] for run in runs if run["client"] == "certfleet") else 1


def once(directory: Path, nodes: Nodes, command: list[str]) -> dict:
    nodes.clear()
    before = nodes.cpu_seconds()
    log = directory / "client.log"
    log.write_text("")
    servers = {server.pid for server in nodes.servers}
    cost = tree.run(command, directory, log, deadline=60 + 10 * nodes.count, others=servers)
    cpu = cost.cpu + left_behind(nodes)
    wrong = nodes.wrong()
    if wrong:
        tables.say(f"{len(wrong)} nodes do not hold their files; the client said:\n{log.read_text()[-1500:]}")
    return {
        **{"wall": cost.wall, "cpu": cpu, "server_cpu": nodes.cpu_seconds() - before, "peak_mib": cost.peak_mib},
        **{"status": cost.status, "timed_out": cost.timed_out, "wrong": wrong},
    }


def left_behind(nodes: Nodes) -> float:
    """Ends and collects what outlived the client; returns its CPU seconds."""
    cpu = 0.0
    for pid in tree.children(os.getpid()) - {server.pid for server in nodes.servers}:
        os.kill(pid, signal.SIGTERM)
        _, _, usage = os.wait4(pid, 0)
        cpu += usage.ru_utime + usage.ru_stime
    return cpu


def rows(runs: list[dict], clients: list[str], count: int) -> list[list[str]]:
    def middle(client: str, key: str) -> float:
        return tables.median([run[key] for run in runs if run["client"] == client]) or 0.0

    base = middle("certfleet", "wall") if "certfleet" in clients else 0.0
    found = [["client", "wall s", "ratio", "nodes/s", "client CPU ms/node", "server CPU ms/node", "peak MiB", "wrong"]]
    for client in clients:
        wall = middle(client, "wall")
        found.append(
            [LABELS[client], tables.number(wall), f"{wall / base:.1f}" if base else "–", tables.number(count / wall)]
            + [tables.number(1000 * middle(client, key) / count) for key in ("cpu", "server_cpu")]
            + [tables.number(middle(client, "peak_mib"))]
            + [str(sum(len(run["wrong"]) for run in runs if run["client"] == client))]
        )
    return found


def prepare(directory: Path, nodes: Nodes, program: Path) -> dict[str, list[str]]:
    """Everything that clients read, written before any clock runs."""
    (directory / "job.json").write_text(json.dumps(job(nodes)))
    (directory / "ssh_config").write_text(ssh_config(directory, nodes))
    lines = "".join(f"{node.name}\n" for node in nodes.nodes)
    (directory / "names").write_text(lines)
    for node in nodes.nodes:
        (node.directory / "remote").write_text(REMOTE.format(directory=node.directory))
    one = f'exec ssh -F {directory}/ssh_config "$1" "$(cat {directory}/$1/remote)" <{directory}/$1/new.tar'
    return {
        "certfleet": [str(program), str(directory / "job.json")],
        "ssh-tar": ["xargs", "-a", str(directory / "names"), "-P16", "-n1", "sh", "-c", one, "sh"],
        "pyinfra": pyinfra.command(directory, nodes),
        "ansible": ansible(directory, nodes),
    }


def job(nodes: Nodes) -> dict:
    hosts = [
        {
            **{"address": node.address, "port": node.port, "hostKey": node.host_key, "directory": str(node.directory)},
            "files": [{"name": path.name, "path": str(path), "sha256": sha256(path)} for path in node.sources],
        }
        for node in nodes.nodes
    ]
    return {"user": getpass.getuser(), "key": str(nodes.user_key), "hosts": hosts}


def ssh_config(directory: Path, nodes: Nodes) -> str:
    hosts = "".join(f"Host {node.name}\n  HostName {node.address}\n" for node in nodes.nodes)
    return f"""\
{hosts}Host *
  User {getpass.getuser()}
  Port {nodes.nodes[0].port}
  IdentityFile {nodes.user_key}
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {directory / "known_hosts"}
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  BatchMode yes
  LogLevel ERROR
"""


def ansible(directory: Path, nodes: Nodes) -> list[str]:
    """Its fastest form without plug-ins: one archive a node, one connection a node, pipelining, 50 nodes at once."""
    (directory / "ansible.cfg").write_text(f"""\
[defaults]
inventory = {directory / "hosts.ini"}
forks = 50
gathering = explicit
interpreter_python = /usr/bin/python3
local_tmp = {directory / "ansible"}
retry_files_enabled = False
[ssh_connection]
pipelining = True
ssh_args = -F {directory / "ssh_config"} -o ControlMaster=auto -o ControlPersist=60s
control_path_dir = {directory / "cm"}
""")
    (directory / "hosts.ini").write_text(
        "".join(f"{node.name} here={node.directory}\n" for node in nodes.nodes)
    )
    (directory / "play.yaml").write_text("""\
- hosts: all
  tasks:
    - ansible.builtin.shell: 'umask 077; [ "$(cat status)" = active ] && rm -rf .new && mkdir .new'
      args: { chdir: "{{ here }}" }
    - ansible.builtin.unarchive: { src: "{{ here }}/new.tar", dest: "{{ here }}/.new" }
    - ansible.builtin.shell: >-
        sha256sum -c --status SHA256SUMS && rm SHA256SUMS && mv -f *.pem ../live/ && cd .. && rmdir .new && true
      args: { chdir: "{{ here }}/.new" }
""")
    command = ["env", f"ANSIBLE_CONFIG={directory / 'ansible.cfg'}", f"ANSIBLE_HOME={directory / 'ansible'}"]
    return [*command, "ansible-playbook", str(directory / "play.yaml")]
