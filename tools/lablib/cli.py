"""The command line of tools/lab."""

from __future__ import annotations

import argparse
import json
import os
import sys

from . import haproxy, limiter, mailbox, namespaces, processes, prove, spec
from .model import KINDS, Lab, LabError
from .up import ask, down, up

ABOUT = """\
A fleet of load-balancer pairs on this machine's loopback addresses, without root: every node has its own sshd,
HAProxy (or stunnel) and files, every pair a virtual address that can be moved; with Pebble as the CA, its DNS, and a
mail server that keeps what it gets. For trying an inventory, for the demo and for the tests.

With --ha, and root: each node in a network namespace with its own /etc, /run, accounts and ports 22, 80 and 443, and
keepalived that moves the virtual address. Its addresses exist in there only: `exec` runs a command among them.
"""


SHAPE = """\
The shape that --spec reads, each key optional:
  customers    [{"id": "acme", "name": "Acme Widgets"}]
  pairs        [{"id": "edge", "customer": "acme", "kind": one of --kind, "challenge": "thumbprint" or "tunnel",
                 "detector": "file" or "command", "nodes": 1 or 2, "vips": ["web", "shop"]}]
  domains      [{"domain": "shop01.acme-widgets.example", "pair": "edge", "vip": "web", "customer": "acme"}]
  domains_csv  lists of certfleet, instead of domains
  environment  PEBBLE_* variables, as {"PEBBLE_ALTERNATE_ROOTS": "2"}
  smtp, validity, thumbprint, as the flags
Everything about the running lab stands in DIR/lab.json, its inventory in DIR/fleet.yaml. When root runs it, /run/sshd
is made if it is not there: sshd insists on that empty directory.
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="tools/lab", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(dest="do", required=True, metavar="COMMAND")

    def add(name: str, text: str, *arguments: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("dir", metavar="DIR", help="the lab's directory")
        for argument in arguments:
            command.add_argument(argument.lower(), metavar=argument)
        return command

    start = add("up", "makes a lab in DIR (new or empty), waits until everything answers, and prints `ready`")
    start.formatter_class = argparse.RawDescriptionHelpFormatter
    start.epilog = SHAPE
    start.add_argument("--pairs", type=int, default=4, metavar="N", help="pairs (4)")
    start.add_argument("--nodes", type=int, default=2, metavar="N", help="nodes in a pair, 1 or 2 (2)")
    start.add_argument("--customers", type=int, default=3, metavar="N", help="customers (3)")
    start.add_argument("--domains", type=int, default=12, metavar="N", help="domains in all (12)")
    start.add_argument("--kind", choices=KINDS, help="only this kind of pair; otherwise they take turns")
    start.add_argument(
        "--ha", action="store_true", help="nodes in network namespaces, with keepalived, ports 80 and 443; needs root"
    )
    start.add_argument("--spec", metavar="FILE", help="a JSON shape: pairs, customers, domains or domains_csv, smtp, …")
    start.add_argument(
        "--domains-csv", metavar="FILE", action="append", help="take the domains from a list of certfleet; repeatable"
    )
    start.add_argument("--smtp", choices=spec.SMTP, help="protection of the mail server (none)")
    start.add_argument("--validity", type=int, metavar="SECONDS", help="lifetime of certificates (90 days)")
    start.add_argument("--limits", metavar="FILE", help="keep its limits in front of Pebble, as Let's Encrypt does")
    start.add_argument("--thumbprint", metavar="VALUE", help="put the challenge rule of this ACME account on the nodes")
    start.add_argument("--authz-reuse", type=int, metavar="PERCENT", help="how often Pebble reuses authorizations (50)")
    start.add_argument("--nonce-reject", type=int, default=5, metavar="PERCENT", help="how often it refuses nonces (5)")
    start.add_argument(
        "--watchdog", type=float, default=15, metavar="SECONDS",
        help="a Pebble that hangs for so long is started again and has lost its state; 0: never (15)",
    )
    start.add_argument("--timeout", type=float, default=60, metavar="SECONDS", help="for becoming ready (60)")
    start.add_argument("--owner", type=int, default=0, metavar="PID", help="the lab ends when this process ends")
    add("down", "ends the lab's processes and removes DIR").add_argument(
        "--keep", action="store_true", help="end the processes, leave the files"
    )
    add("status", "shows the lab's processes and who holds which address").add_argument("--json", action="store_true")
    move = add("failover", "moves the VIPs of a pair (or one VIP) to the other node and cuts their connections", "PAIR")
    move.add_argument("vip", nargs="?", metavar="VIP")
    move.add_argument("--to", metavar="NODE", help="the node that shall hold it, or `none`")
    node = add("node", "stop, kill (SIGKILL), freeze (SIGSTOP) or start (or thaw) a node", "NODE")
    node.add_argument("action", choices=("stop", "start", "kill", "freeze"))
    add("cable", "takes the network cable out of a node of --ha (cut), or puts it back (join)", "NODE").add_argument(
        "action", choices=("cut", "join")
    )
    run = add("exec", "runs a command where the lab's addresses are, with CERTFLEET_INVENTORY set")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND …")
    run = add("on", "runs a command on a node of --ha, as root", "NODE")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND …")
    add("split", "both nodes of the pair claim to be active", "PAIR")
    add("heal", "the nodes of the pair say again who is active", "PAIR")
    add("rekey", "gives the node new SSH host keys", "NODE")
    dns = add("dns", "what a name resolves to", "NAME")
    dns.add_argument("address", metavar="ADDRESS|PAIR|servfail|none")
    name = add("domain", "adds a name: DNS leads to the pair's VIP, its challenge rule answers for it", "NAME")
    name.add_argument("pair", metavar="PAIR")
    name.add_argument("vip", nargs="?", metavar="VIP")
    add("mail", "the mail server goes down, refuses (451), or works; or shows the last mail").add_argument(
        "action", choices=("down", "refuse", "up", "show")
    )
    look = add("prove", "handshakes with every node and VIP for every name; ends with 1 unless all serve Pebble's")
    look.add_argument("only", nargs="?", metavar="PAIR|CUSTOMER|NAME")
    add("ca", "Pebble: freeze (requests wait until start), or stop and start, which loses what it knew").add_argument(
        "action", choices=("restart", "stop", "start", "freeze")
    )
    take = add("limits", "what the limiter accepted and refused; or takes tokens away, as another client would")
    take.add_argument("line", nargs="*", metavar="spend LIMIT SUBJECT|any COUNT")
    add("thumbprint", "puts the challenge rule for an ACME account on every node that answers by rule", "VALUE")
    add("rule", "puts the lines on stdin where the challenge rule stands, on the nodes of a pair; reloads", "PAIR")
    return top


def shape(options: argparse.Namespace) -> spec.Spec:
    base = spec.generated(options.pairs, options.nodes, options.customers, options.domains, options.kind, options.ha)
    environment = {"PEBBLE_WFE_NONCEREJECT": str(options.nonce_reject), "PEBBLE_VA_NOSLEEP": "1"}
    if options.authz_reuse is not None:
        environment["PEBBLE_AUTHZREUSE"] = str(options.authz_reuse)
    base.environment = environment
    if options.spec:
        base = spec.from_file(options.spec, base)
    if options.domains_csv:
        base = spec.from_json({"domains_csv": options.domains_csv}, base)
    base.watchdog = options.watchdog
    base.limits = limiter.load(options.limits) if options.limits else base.limits
    base.smtp = options.smtp or base.smtp
    base.validity = options.validity or base.validity
    base.thumbprint = haproxy.check_thumbprint(options.thumbprint) if options.thumbprint else base.thumbprint
    return base


def show(lab: Lab) -> str:
    lines = [f"lab        {lab.directory} (127.{lab.block}.0.0/16)"]
    for pair in lab.pairs:
        vips = ", ".join(f"{vip.id} {vip.address}:{vip.https} → {vip.holder or 'nobody'}" for vip in pair.vips)
        split = ", split brain" if pair.split else ""
        lines.append(f"{pair.id:<10} {pair.kind}, {pair.challenge}, {pair.customer}{split}: {vips}")
        for node in pair.nodes:
            mine = [record for record in lab.processes if record.node == node.id]
            states = ", ".join(f"{record.short} {record.state} ({record.pid})" for record in mine)
            lines.append(f"  {node.id:<10} ssh {node.address}:{node.ssh}  {states}")
    lines.append(f"CA         {lab.authority.directory} (started again {lab.authority.restarts} times)")
    lines.append(f"DNS        {lab.dns.server}")
    lines.append(f"mail       {lab.mail.host}:{lab.mail.port} ({lab.mail.tls}) into {lab.mail.directory}")
    for record in lab.processes:
        if not record.node and record.state != "running":
            lines.append(f"           {record.name} {record.state}")
    lines.append(f"domains    {len(lab.domains)} in {lab.path('domains' if lab.lists else 'domains.csv')}")
    lines.append(f"inventory  {lab.path('fleet.yaml')}")
    return "\n".join(lines)


def status(directory: str, as_json: bool) -> int:
    lab = Lab.load(directory)
    running = bool(lab.supervisor) and processes.is_same(lab.supervisor.pid, lab.supervisor.started)
    if running:
        ask(lab, do="status")
        lab = Lab.load(directory)
    if as_json:
        with open(lab.path("lab.json")) as file:
            print(json.dumps({"running": running, **json.load(file)}))
    else:
        print(show(lab) if running else f"the lab in {directory} is not running; tools/lab down {directory} removes it")
    return 0 if running else 1


def execute(lab: Lab, command: list[str], node: str | None = None) -> None:
    words = command[1:] if command[:1] == ["--"] else command
    if not words:
        raise LabError("which command?")
    if node and not lab.ha:
        raise LabError("only a node of --ha has an inside")
    if node:
        words = [*namespaces.inside(lab, lab.node(node)), *words]
    else:
        namespaces.join(lab)
        os.environ["CERTFLEET_INVENTORY"] = lab.path("fleet.yaml")
    try:
        os.execvp(words[0], words)
    except OSError as fault:
        raise LabError(f"{words[0]}: {fault.strerror}") from None


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["thumbprint"] and "--" not in arguments:
        # One thumbprint in 64 begins with a dash, which is no option.
        arguments = [*arguments[:-1], "--", arguments[-1]] if len(arguments) == 3 else arguments
    options = vars(parser().parse_args(arguments))
    directory = os.path.abspath(options.pop("dir"))
    name = options["do"]
    try:
        if name == "up":
            lab = up(directory, shape(argparse.Namespace(**options)), options["timeout"], options["owner"], progress)
            print("ready")
            print(show(lab))
        elif name == "down":
            down(directory, options["keep"])
        elif name == "status":
            return status(directory, options["json"])
        elif name == "exec":
            execute(Lab.load(directory), options["command"])
        elif name == "on":
            execute(Lab.load(directory), options["command"], options["node"])
        elif name == "mail" and options["action"] == "show":
            print(mailbox.show(Lab.load(directory)))
        elif name == "prove":
            lab = Lab.load(directory)
            namespaces.join(lab)
            found = prove.prove(lab, options["only"])
            print(prove.text(lab, found))
            return 1 if found.bad or not found.good else 0
        elif name == "limits":
            print(limiter.say(Lab.load(directory), *options["line"]))
        else:
            if name == "rule":
                options["lines"] = sys.stdin.read()
            if name == "thumbprint":
                options["value"] = haproxy.check_thumbprint(options["value"])
            print(ask(Lab.load(directory), **options))
        return 0
    except LabError as fault:
        print("\n".join([f"tools/lab: {fault}", *getattr(fault, "__notes__", ())]), file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
