"""What a node of a lab with --ha has for itself: /etc, /run, /home and the rest, bound over this machine's."""

from __future__ import annotations

import os
import shutil
import stat

from .model import Lab, Node, Pair, Vip, write

#: Folder of the node's directory → where the node sees it. /tmp comes last: the lab itself may lie below it.
MOUNTS = {
    **{"etc": "/etc", "run": "/run", "log": "/var/log", "spool": "/var/spool", "home": "/home", "root": "/root"},
    **{"bin": "/usr/local/bin", "tmp": "/tmp"},
}
#: What programs need of /etc, and what holds no secret.
COPIED = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "services", "protocols", "login.defs", "security"),
    *("profile", "bash.bashrc", "pam.d", "ssl/openssl.cnf", "ssl/certs", "os-release", "debian_version", "sudo.conf"),
)
#: What this machine's own accounts are called is nobody's business on a node.
ACCOUNTS = {
    **{"root": (0, "/root", "/bin/bash"), "nobody": (65534, "/nonexistent", "/usr/sbin/nologin")},
    **{"sshd": (990, "/run/sshd", "/usr/sbin/nologin"), "haproxy": (991, "/var/lib/haproxy", "/usr/sbin/nologin")},
    **{"stunnel4": (992, "/nonexistent", "/usr/sbin/nologin"), "shadow": (42, "/nonexistent", "/usr/sbin/nologin")},
}
SUDOERS = """\
Defaults env_reset
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
"""
UNITS = "/usr/bin/systemctl"
SYSTEMCTL = """\
#!/bin/sh
# Stands for systemd, which a box has not: does what Debian's units of these services do.
case "${1-} ${2-}" in
  'reload haproxy') haproxy -c -q -f /etc/haproxy/haproxy.cfg && kill -USR2 "$(cat /run/haproxy.pid)" ;;
  'reload stunnel4') kill -HUP "$(cat /run/stunnel4.pid)" ;;
  status*) ps -ef | "${SYSTEMD_PAGER:-${PAGER:-less}}" ;;
  *) echo "Unknown command verb or unit: $*" >&2; exit 1 ;;
esac
"""


def make(lab: Lab, pair: Pair, node: Node) -> None:
    """Before the node's configurations are written."""
    folders = (*MOUNTS, "run/lab", "run/sshd", "run/haproxy", "run/sudo", "log/stunnel4", "etc/ssl", "home/work")
    for folder in (*folders, "spool/cron/crontabs", "spool/cron/atjobs", "etc/sudoers.d", "etc/keepalived"):
        os.makedirs(node.path(folder), exist_ok=True)
    os.chmod(node.path("root"), 0o700)
    os.chmod(node.path("tmp"), 0o1777)
    os.chmod(node.path("spool", "cron", "crontabs"), 0o700)
    os.chmod(node.path("spool", "cron", "atjobs"), 0o700)
    os.symlink("home/work", node.path("work"))
    os.symlink("run/lab", node.path("var"))
    for name in COPIED:
        copy(os.path.join("/etc", name), node.path("etc", name))
    accounts(node)
    write(node.path("etc", "hostname"), f"{node.id}\n")
    write(node.path("etc", "hosts"), f"127.0.0.1 localhost\n{node.address} {node.id}\n")
    write(node.path("etc", "nsswitch.conf"), "passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
    write(node.path("etc", "sudoers"), SUDOERS, 0o440)
    write(node.path("bin", "systemctl"), SYSTEMCTL, 0o755)
    write(node.path("etc", "keepalived", "keepalived.conf"), keepalived(lab, pair, node))
    for vip in pair.vips:
        wish(node, vip, 0)
    write(os.path.join(node.directory, "box"), box(lab, pair, node), 0o755)


def copy(source: str, target: str) -> None:
    if os.path.isdir(source):
        shutil.copytree(source, target, symlinks=True)
    elif os.path.exists(source):
        shutil.copy2(source, target)


def accounts(node: Node) -> None:
    """`*` is no password; `!` would be a locked account, which sshd refuses without PAM."""
    users = "".join(f"{name}:x:{number}:{number}:{name}:{home}:{shell}\n"
                    for name, (number, home, shell) in ACCOUNTS.items())  # fmt: skip
    write(node.path("etc", "passwd"), users)
    write(node.path("etc", "group"), "".join(f"{name}:x:{number}:\n" for name, (number, *_) in ACCOUNTS.items()))
    write(node.path("etc", "shadow"), "".join(f"{name}:*:19000:0:99999:7:::\n" for name in ACCOUNTS), 0o640)
    os.chown(node.path("etc", "shadow"), 0, ACCOUNTS["shadow"][0])


def box(lab: Lab, pair: Pair, node: Node) -> str:
    """Makes the node's file system and waits for its end, in namespaces of its own."""
    # Where this machine has a systemctl, that is where a node's stands; else below /usr/local/bin alone.
    mounts = f"[ ! -e {UNITS} ] || mount --bind {node.path('bin', 'systemctl')} {UNITS}\n"
    mounts += "".join(f"mount --bind {node.path(folder)} {place}\n" for folder, place in MOUNTS.items())
    # A passive node may listen on an address that it does not hold yet.
    nonlocal_bind = "echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind\n" if pair.vip_bound else ""
    return f"#!/bin/sh\nset -e\nhostname {node.id}\n{nonlocal_bind}{mounts}touch /run/lab/box\nexec sleep infinity\n"


def standing(node: Node) -> str | None:
    """Whether the node's file system is there."""
    try:
        return None if stat.S_ISREG(os.stat(node.path("run", "lab", "box")).st_mode) else "no file"
    except FileNotFoundError:
        return "its file system is not there yet"


def role_file(folder: str, vip: Vip) -> str:
    return os.path.join(folder, "keepalived", f"role.{vip.id}")


def wish(node: Node, vip: Vip, weight: int) -> None:
    """keepalived adds the number to the node's priority; -254 takes it out of the election."""
    with open(role_file(node.path("etc"), vip), "w") as file:
        file.write(f"{weight}\n")


def keepalived(lab: Lab, pair: Pair, node: Node) -> str:
    first = 1 + sum(len(other.vips) for other in lab.pairs[: lab.pairs.index(pair)])
    lines = ["global_defs {", f"  router_id {node.id}", "  vrrp_version 3", "  vrrp_garp_master_delay 1"]
    # VRRP must not be late because a test keeps the machine busy.
    lines += ["  vrrp_priority -20", "  vrrp_no_swap", "}"]
    for number, vip in enumerate(pair.vips, first):
        lines += [f"track_file {vip.id} {{", f"  file {role_file('/etc', vip)}", "  weight 1", "}"]
        lines += [f"vrrp_instance {vip.id} {{", "  state BACKUP", "  interface eth0", f"  virtual_router_id {number}"]
        lines += ["  priority 100", "  advert_int 0.5", f"  track_file {{ {vip.id} }}"]
        lines += ["  virtual_ipaddress {", f"    {vip.address}/32 dev eth0", "  }", "}"]
    return "\n".join([*lines, ""])
