"""A login with few rights: given what `enroll` prints and no more, it is enough for everything that certfleet does, and
no known way leads from it to root."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from lablib import logins, machine
from lablib.model import Node, write

from .fleet import compile_c
from .ha import EdgeTest, add_login

LOGIN = "certfleet"
#: Made by whatever gets root: a file where only root may write.
OWNED = "/root/owned"
PRELOADED = """\
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void begin(void) { if (geteuid() == 0) close(creat("/root/owned", 0600)); }
"""
#: Name → what somebody with the controller's key would type. SECRET is a file of root, UNITS the one command that sudo
#: allows, SYSTEMCTL its program, SOCKET asks HAProxy on the stats socket.
WAYS = {
    "sudoedit": """
        sudo -n -e /etc/SECRET; sudoedit -n /etc/SECRET
        EDITOR=cat sudo -n -e /etc/haproxy/haproxy.cfg""",
    "more arguments": """
        UNITS --root=/tmp; UNITS haproxy; UNITS -H x
        sudo -n SYSTEMCTL edit haproxy; sudo -n SYSTEMCTL link /tmp/x""",
    "another command": """
        sudo -n sh -c 'touch /root/owned'; sudo -n cat /etc/SECRET; sudo -n -s; sudo -n -i
        su -c 'cat /etc/SECRET'""",
    "LD_PRELOAD and env_keep": """
        export LD_PRELOAD=/tmp/preloaded.so
        UNITS; sudo -n -E SYSTEMCTL reload haproxy; sudo -n LD_PRELOAD=/tmp/preloaded.so SYSTEMCTL reload haproxy
        sudo -n --preserve-env=LD_PRELOAD SYSTEMCTL reload haproxy""",
    "BASH_ENV and ENV": """
        export BASH_ENV=/tmp/evil/haproxy ENV=/tmp/evil/haproxy
        UNITS""",
    "PATH": """
        PATH=/tmp/evil:$PATH; export PATH
        sudo -n systemctl reload haproxy; UNITS""",
    "the pager of systemctl": """
        export SYSTEMD_PAGER=/tmp/evil/haproxy PAGER=/tmp/evil/haproxy SYSTEMD_PAGERSECURE=0
        sudo -n SYSTEMCTL status haproxy; sudo -n SYSTEMCTL status; UNITS""",
    "user -1": """
        sudo -n -u#-1 cat /etc/SECRET; sudo -n -u#4294967295 touch /root/owned; sudo -n -g#0 cat /etc/SECRET""",
    "a link among the certificates": """
        ln -s /etc/SECRET /etc/haproxy/certs/zz.pem
        UNITS; SOCKET 'show ssl cert'; SOCKET 'show ssl cert /etc/haproxy/certs/zz.pem'
        cat /etc/haproxy/certs/zz.pem; rm /etc/haproxy/certs/zz.pem""",
    "a link instead of the hosts file": """
        rm -f /etc/haproxy/hosts.lst; ln -sf /etc/SECRET /etc/haproxy/hosts.lst; mv /etc/haproxy/hosts.lst /tmp/x
        UNITS; SOCKET 'show acl /etc/haproxy/hosts.lst'""",
    "haproxy.cfg": """
        echo '#' >>/etc/haproxy/haproxy.cfg; sed -i s/x/y/ /etc/haproxy/haproxy.cfg
        mv /tmp/evil/haproxy /etc/haproxy/haproxy.cfg; rm -f /etc/haproxy/haproxy.cfg
        chmod 666 /etc/haproxy/haproxy.cfg""",
    "the stats socket": """
        SOCKET 'expert-mode on; debug dev exec cat /etc/SECRET'; SOCKET 'debug dev exec touch /root/owned'
        SOCKET 'add map /etc/SECRET a b; show map /etc/SECRET'; SOCKET 'show acl /etc/SECRET'""",
    "the master's socket": """
        echo '@1 show env' | socat - UNIX-CONNECT:/run/haproxy/master.sock
        echo 'reload' | socat - UNIX-CONNECT:/run/haproxy/admin.sock""",
    "cron and at": """
        for f in /etc/cron.d/owned /etc/crontab /var/spool/cron/crontabs/root /var/spool/cron/atjobs/a; do
        echo '* * * * * root touch /root/owned' >$f; done
        echo 'touch /root/owned' | crontab -u root -; rm -f /var/spool/cron/crontabs/root""",
    "signals to root's processes": """
        kill -USR2 $(cat /run/haproxy.pid); kill -9 1; cat /proc/$(cat /run/haproxy.pid)/environ""",
    "sudoers and accounts": """
        echo 'certfleet ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/zz; echo 'x::0:0::/:/bin/sh' >>/etc/passwd
        cat /etc/shadow /etc/sudoers; echo k >>/etc/ssh/keys/root""",
}


class LimitedRights(EdgeTest):
    def systemctl(self) -> str:
        return machine.UNITS if os.path.exists(machine.UNITS) else "/usr/local/bin/systemctl"

    def make_login(self) -> None:
        """An account for certfleet on each node, the only one that its key opens."""
        for node in self.nodes:
            add_login(node, LOGIN)
            os.rename(node.path("etc", "ssh", "keys", "root"), node.path("etc", "ssh", "keys", LOGIN))
        fleet = self.fleet
        fleet.edit("user: root", f"user: {LOGIN}")
        fleet.edit('work: "/home/work"', 'work: "~/.certfleet"')
        fleet.edit('reload: "systemctl reload haproxy"', f'reload: "sudo -n {self.systemctl()} reload haproxy"')

    def grant(self, rights: dict) -> None:
        """What a person would paste."""
        for node in self.nodes:
            for line in rights["commands"]:
                self.on(node, "sh", "-c", line)
            write(node.path("etc", "sudoers.d", "certfleet"), "".join(f"{line}\n" for line in rights["sudoers"]), 0o440)
            self.on(node, "visudo", "-c", "-q")
            (socket,) = (line.partition(": ")[2] for line in rights["settings"])
            path = node.path("etc", "haproxy", "haproxy.cfg")
            lines = Path(path).read_text().splitlines(keepends=True)
            # A socket of its own: that of root hands out listeners (expose-fd), this one does not.
            own = f"  {socket.replace('admin.sock', 'certfleet.sock')}\n"
            write(path, "".join([lines[0], own, *lines[1:]]))
            self.on(node, "systemctl", "reload", "haproxy")

    def ssh(self, node: Node, command: str) -> str:
        done = subprocess.run([*self.login("ssh", node), node.address, command], input="", capture_output=True,
                              text=True, errors="replace", check=False, timeout=120)  # fmt: skip
        return done.stdout + done.stderr

    def login(self, program: str, node: Node) -> list[str]:
        return logins.words(self.fleet.lab, node, program, LOGIN)

    def ground(self, node: Node) -> dict[str, str]:
        """Everything that root owns there and this login was not given."""
        found = {}
        for folder in ("etc", "root", "spool", "bin"):
            for path in sorted(Path(node.path(folder)).rglob("*")):
                given = "/etc/haproxy/certs" in str(path) or path.name == "hosts.lst"
                if path.is_symlink() or not path.is_file() or given:
                    continue
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                state = path.stat()
                found[str(path.relative_to(node.directory))] = f"{digest} {oct(state.st_mode)} {state.st_uid}"
        return found

    def test_a_login_with_few_rights_is_enough_and_leads_nowhere(self) -> None:
        fleet = self.fleet
        self.make_login()
        first = fleet.certfleet("enroll", "--accept", "--json").json
        for line in first["nodes"]:
            self.assertEqual(line["rights"]["mode"], "limited", line)
        self.assertTrue(any(line["missing"] for line in first["nodes"]), "what is not given yet is missing")
        (pair,) = first["rights"]
        self.assertEqual(pair["nodes"], [node.id for node in self.nodes])
        rights = pair["rights"]
        self.assertEqual(rights["sudoers"], [f"{LOGIN} ALL=(root) NOPASSWD: {self.systemctl()} reload haproxy"])
        self.grant(rights)
        fleet.edit('socket: "/run/haproxy/admin.sock"', 'socket: "/run/haproxy/certfleet.sock"')

        fleet.enroll()
        fleet.told("run")

        with self.subTest("it is enough"):
            fleet.require_proved(self)
            second = fleet.told("enroll", "--json").json
            self.assertEqual([line["missing"] for line in second["nodes"]], [[], []])
            fleet.rekey("p384")
            fleet.told("run")
            fleet.require_whole(self)
            self.assertEqual(fleet.leftovers(), [])
            for node in self.nodes:
                self.assertEqual(self.ssh(node, f"sudo -n {self.systemctl()} reload haproxy && echo done"), "done\n")

        node = self.nodes[0]
        self.secret = secrets.token_hex(16)
        mark = f"secret-{secrets.token_hex(4)}"
        write(node.path("etc", mark), f"{self.secret}\n", 0o600)
        self.lay_traps(node)
        before = self.ground(node)
        for name, command in WAYS.items():
            with self.subTest(name):
                said = self.ssh(node, self.typed(command, mark))
                self.require_nothing(node, before, said)
        with self.subTest("sftp and scp"):
            said = self.copies(node, mark)
            self.require_nothing(node, before, said)
        with self.subTest("what sudo lists is the one command"):
            listed = [line.strip() for line in self.ssh(node, "sudo -n -l").splitlines() if "NOPASSWD" in line]
            self.assertEqual(listed, [f"(root) NOPASSWD: {self.systemctl()} reload haproxy"])
        with self.subTest("and all of it did no harm"):
            self.on(node, "systemctl", "reload", "haproxy")
            fleet.told("run")
            fleet.require_whole(self)

    def lay_traps(self, node: Node) -> None:
        """What an intruder would bring along: a library that acts when root loads it, programs that act when root finds
        them first."""
        folder = self.enterContext(tempfile.TemporaryDirectory())
        source, library = os.path.join(folder, "p.c"), os.path.join(folder, "preloaded.so")
        write(source, PRELOADED)
        compile_c(source, library, "-shared", "-fPIC")
        shutil.copy(library, node.path("tmp", "preloaded.so"))
        # The trap works: root does fall into it.
        self.on(node, "env", "LD_PRELOAD=/tmp/preloaded.so", "true")
        self.assertTrue(os.path.exists(node.path("root", "owned")))
        os.remove(node.path("root", "owned"))
        os.makedirs(node.path("tmp", "evil"))
        for program in ("systemctl", "haproxy", "cat", "kill", "less"):
            write(node.path("tmp", "evil", program), "#!/bin/sh\ntouch /root/owned\n", 0o755)

    def typed(self, command: str, mark: str) -> str:
        ask = "cli() { echo \"$1\" | socat -t5 - UNIX-CONNECT:/run/haproxy/certfleet.sock; }; "
        command = command.replace("UNITS", f"sudo -n {self.systemctl()} reload haproxy")
        command = command.replace("SYSTEMCTL", self.systemctl()).replace("SOCKET", "cli")
        return ask + command.replace("SECRET", mark)

    def copies(self, node: Node, mark: str) -> str:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        own = os.path.join(folder, "own")
        write(own, "certfleet ALL=(ALL) NOPASSWD: ALL\n")
        said = ""
        place = node.address
        # The way there is open, and ends in its own home.
        subprocess.run([*self.login("scp", node), own, f"{place}:own"], check=True, timeout=60)
        for target in ("/etc/owned", "/etc/sudoers.d/owned", "/root/owned", "/etc/haproxy/haproxy.cfg"):
            for program in (["scp"], ["scp", "-O"]):
                words = [*program, *self.login("scp", node)[1:], own, f"{place}:{target}"]
                said += self.ran(words)
        said += self.ran([*self.login("scp", node), f"{place}:/etc/{mark}", os.path.join(folder, "stolen")])
        batch = f"put {own} /etc/owned\nrename /etc/passwd /etc/owned\nsymlink /etc/{mark} /etc/haproxy/hosts.lst\n"
        for line in (batch + f"get /etc/{mark} {folder}/stolen\n").splitlines():
            said += self.ran([*self.login("sftp", node), "-b", "-", place], f"{line}\n")
        self.assertFalse(os.path.exists(os.path.join(folder, "stolen")) and
                         Path(folder, "stolen").read_text(errors="replace").strip() == self.secret)  # fmt: skip
        return said

    def ran(self, words: list[str], text: str = "") -> str:
        done = subprocess.run(words, input=text, capture_output=True, text=True, check=False, timeout=60)
        self.assertNotEqual(done.returncode, 0, words)
        return done.stdout + done.stderr

    def require_nothing(self, node: Node, before: dict[str, str], said: str) -> None:
        self.assertNotIn(self.secret, said)
        self.assertFalse(os.path.exists(node.path(*OWNED.split("/")[1:])), said)
        self.assertEqual(self.ground(node), before, said)
        for path in Path(node.path("tmp")).rglob("*"):
            if path.is_file() and not path.is_symlink():
                self.assertNotIn(self.secret.encode(), path.read_bytes(), path)
