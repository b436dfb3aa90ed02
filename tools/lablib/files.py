"""Writes everything that a lab's processes read: keys, certificates, configurations, scripts."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from . import haproxy, limiter, machine
from .model import MARK, NODE_MARK, Lab, LabError, Node, Pair, write

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run(*argv: str) -> None:
    """A tool that has to succeed; its own words are the message when it does not."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise LabError(f"{' '.join(argv[:3])} … ended with {done.returncode}: {done.stderr.strip()[-400:]}")


def make(lab: Lab) -> None:
    for folder in ("keys", "log", "pebble", "mail"):
        os.makedirs(lab.path(folder), exist_ok=True)
    os.chmod(lab.path("keys"), 0o700)
    key = lab.path("keys", "controller")
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "controller of a lab", "-f", key)
    os.replace(f"{key}.pub", lab.path("keys", "authorized_keys"))
    infrastructure(lab)
    if not lab.ha:
        write(lab.path("forwarder.cfg"), haproxy.forwarder_config(lab))
    if lab.authority.limits:
        limiter.make(lab)
    with ThreadPoolExecutor(max_workers=4) as pool:
        for _ in pool.map(lambda node: node_files(lab, lab.pair_of(node), node), lab.nodes):
            pass


def infrastructure(lab: Lab) -> None:
    """One small CA signs what Pebble and the mail sink show on their TLS ports."""
    authority, server = lab.path("keys", "ca"), lab.path("keys", "server")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    run(
        *("openssl", "req", "-x509", *new_key, "-keyout", f"{authority}.key", "-out", lab.path("pebble-tls.pem")),
        *("-days", "3650", "-subj", "/CN=CA of a certfleet lab", "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )
    write(
        f"{server}.ext",
        f"subjectAltName=IP:{lab.address},DNS:localhost\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n",
    )
    run("openssl", "req", *new_key, "-keyout", f"{server}.key", "-out", f"{server}.csr", "-subj", "/CN=localhost")
    run(
        *("openssl", "x509", "-req", "-in", f"{server}.csr", "-CA", lab.path("pebble-tls.pem")),
        *("-CAkey", f"{authority}.key", "-CAcreateserial", "-CAserial", f"{authority}.srl"),
        *("-days", "3650", "-extfile", f"{server}.ext", "-out", f"{server}.pem"),
    )
    settings = {
        "listenAddress": f"{lab.address}:{lab.authority.port}",
        "managementListenAddress": f"{lab.address}:{lab.authority.management_port}",
        "certificate": f"{server}.pem",
        "privateKey": f"{server}.key",
        "httpPort": lab.ports["http"],
        "tlsPort": lab.ports["https"],
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
        "certificateValidityPeriod": lab.authority.validity,
    }
    write(lab.path("pebble", "config.json"), json.dumps({"pebble": settings}, indent=1) + "\n")
    write(lab.path("keys", "smtp-password"), secrets.token_urlsafe(18) + "\n", 0o600)


def node_files(lab: Lab, pair: Pair, node: Node) -> None:
    if lab.ha:
        machine.make(lab, pair, node)
        os.makedirs(node.path("etc", "ssh", "keys"))
        shutil.copy(lab.path("keys", "authorized_keys"), node.path("etc", "ssh", "keys", "root"))
    for folder in ("bin", "etc/ssh", "etc/haproxy/certs", "var", "log", "work", "home"):
        os.makedirs(node.path(folder), exist_ok=True)
    names = sorted({row.domain for row in lab.domains if row.pair == pair.id})
    write(haproxy.hosts_file(node), "".join(f"{name}\n" for name in names))
    write(haproxy.config_file(node), haproxy.node_config(pair, node, lab.thumbprint))
    if not lab.ha:
        write(node.path("bin", "reload-haproxy"), reload_script(node), 0o755)
        write(node.path("bin", "holds"), holds_script(node), 0o755)
    if pair.has_stunnel:
        for folder in ("conf.d", "certs"):
            os.makedirs(node.path("etc", "stunnel", folder))
        self_signed(node, node.path("etc", "stunnel", "default.pem"))
        write(node.path("etc", "stunnel", "stunnel.conf"), stunnel_config(node))
    else:
        default = node.path("etc", "haproxy", "default.pem")
        self_signed(node, default)
        if pair.kind == "haproxy-crt-list":
            write(node.path("etc", "haproxy", "crt-list.txt"), f"{node.inside('etc', 'haproxy', 'default.pem')}\n")
    host_keys(node)
    write(node.path("etc", "ssh", "sshd_config"), sshd_config(lab, node))


def self_signed(node: Node, path: str) -> None:
    """What a listener shows for names it has no certificate for."""
    certificate, key = f"{path}.certificate", f"{path}.private"
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650"),
        *("-subj", f"/CN=default of {node.id}", "-keyout", key, "-out", certificate),
    )
    with open(certificate) as first, open(key) as second:
        write(path, first.read() + second.read(), 0o600)
    os.remove(certificate)
    os.remove(key)


def host_keys(node: Node) -> None:
    for kind in ("ed25519", "ecdsa"):
        path = node.path("etc", "ssh", f"host_{kind}")
        for old in (path, f"{path}.pub"):
            if os.path.exists(old):
                os.remove(old)
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", node.id, "-f", path)


def sshd_config(lab: Lab, node: Node) -> str:
    # HOME is the node's own: a login must not run the start-up files of the person who tries the lab.
    home = "" if node.ha else f"HOME={node.path('home')} "
    environment = f"{home}PATH={PATH} {MARK}={lab.mark} {NODE_MARK}={node.id}"
    # On a node with accounts of its own somebody may add some.
    users = "" if node.ha else f"AllowUsers {lab.user}\n"
    keys = node.inside("etc", "ssh", "keys", "%u") if node.ha else lab.path("keys", "authorized_keys")
    return f"""\
Port {node.ssh}
ListenAddress {node.address}
HostKey {node.inside("etc", "ssh", "host_ed25519")}
HostKey {node.inside("etc", "ssh", "host_ecdsa")}
PidFile none
AuthorizedKeysFile {keys}
{users}\
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
UseDNS no
MaxStartups 500
MaxSessions 100
AllowTcpForwarding yes
GatewayPorts no
X11Forwarding no
PrintMotd no
PrintLastLog no
LogLevel VERBOSE
Subsystem sftp internal-sftp
SetEnv {environment}
"""


def stunnel_config(node: Node) -> str:
    # Without a syslog daemon every line of its log would go to the console: on a serial one 8 ms a connection.
    return f"""\
foreground = yes
pid = {stunnel_pid(node)}
output = {stunnel_log(node)}
syslog = no
debug = notice

[https]
accept = {"" if node.ha else f"{node.address}:"}{node.https}
connect = {haproxy.app_address(node)}:{node.app}
cert = {node.inside("etc", "stunnel", "default.pem")}

include = {node.inside("etc", "stunnel", "conf.d")}
"""


def stunnel_pid(node: Node) -> str:
    return node.inside("run", "stunnel4.pid") if node.ha else node.path("var", "stunnel.pid")


def stunnel_log(node: Node) -> str:
    return node.inside("log", "stunnel4", "stunnel.log") if node.ha else node.path("log", "stunnel.log")


def reload_script(node: Node) -> str:
    return f"""\
#!/bin/sh
# What `systemctl reload haproxy` does with Debian's unit: check, then SIGUSR2 to the master, without waiting for it.
set -eu
haproxy -c -f {haproxy.config_file(node)} >/dev/null
kill -USR2 "$(cat {node.path("var", "haproxy.pid")})"
"""


def holds_script(node: Node) -> str:
    return f"""\
#!/bin/sh
# holds ADDRESS: prints `active` when this node holds the virtual address, else `passive`. On a real node
# `ip -o addr show` would know; the loopback interface of a lab cannot.
if grep -qxF -e "${{1:?an address}}" {node.path("var", "vips")}; then echo active; else echo passive; fi
"""


def write_roles(pair: Pair) -> None:
    """The node's own opinion: a Loadbalancer.org status file, and the addresses that it holds."""
    for node in pair.nodes:
        held = [vip.address for vip in pair.vips if pair.split or vip.holder == node.id]
        write(node.path("var", "vips"), "".join(f"{address}\n" for address in held))
        write(node.role_file, "active\n" if held else "passive\n")
