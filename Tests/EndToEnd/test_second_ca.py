"""A CA of another make: the ACME server of Debian's caddy (smallstep's). Its validator uses the system's resolver and
port 80, so it has a mount namespace with a hosts file of its own, and the VIPs get a forwarder from port 80.

H6: it leaves a challenge pending with an error where it cannot connect, and waits to be asked again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from lablib import probes, spec
from lablib.model import write

from .fleet import FleetTest, eventually, shape

NAMES = 4
CADDYFILE = """\
{{
  admin off
  auto_https off
  skip_install_trust
  storage file_system {folder}/storage
}}
https://{address}:{port} {{
  tls {keys}/server.pem {keys}/server.key
  acme_server
}}
"""


def require_caddy() -> None:
    if shutil.which("caddy") and os.getuid() == 0:
        return
    if os.environ.get("CI"):
        raise RuntimeError("root and caddy are needed: apt-get install caddy")
    raise unittest.SkipTest("root, for port 80 and a mount namespace, and caddy are needed (apt-get install caddy)")


class SecondCA(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        require_caddy()
        return shape(number=2, names=NAMES)

    def setUp(self) -> None:
        lab = self.fleet.lab
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.hosts = os.path.join(self.folder, "hosts")
        port = lab.authority.port
        # In Pebble's place, at its port: the inventory stays as it is but for the path.
        self.fleet.ask(do="ca", action="stop")
        config = CADDYFILE.format(folder=self.folder, address=lab.address, port=port, keys=lab.path("keys"))
        write(os.path.join(self.folder, "Caddyfile"), config)
        self.tell_hosts({row.domain: lab.pair(row.pair).vips[0].address for row in lab.domains})
        line = f"mount --bind {self.hosts} /etc/hosts && exec caddy run --config {self.folder}/Caddyfile"
        self.start("unshare", "--mount", "--propagation", "private", "sh", "-c", line)
        for pair in lab.pairs:
            vip = pair.vips[0]
            self.start("socat", f"TCP-LISTEN:80,bind={vip.address},fork,reuseaddr", f"TCP:{vip.address}:{vip.http}")
        directory = "/acme/local/directory"

        def answers() -> bool:
            try:
                return probes.https_get(lab, port, directory)[0] == 200
            except OSError:
                return False

        eventually(answers, "caddy answers", 60)
        root = os.path.join(self.folder, "storage", "pki", "authorities", "local", "root.crt")
        shutil.copy(root, lab.path("pebble-roots.pem"))
        self.fleet.edit(f":{port}/dir", f":{port}{directory}")

    def start(self, *words: str) -> None:
        with open(os.path.join(self.folder, "log"), "ab") as log:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "HOME": self.folder, "XDG_DATA_HOME": self.folder, "XDG_CONFIG_HOME": self.folder},
            )  # fmt: skip

        def end() -> None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

        self.addCleanup(end)

    def tell_hosts(self, names: dict[str, str]) -> None:
        """The same file, not another: it is bound over /etc/hosts."""
        with open(self.hosts, "w") as file:
            file.write("127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in names.items()))

    def test_another_ca_issues_renews_and_leaves_its_errors_in_a_pending_challenge(self) -> None:
        fleet, lab = self.fleet, self.fleet.lab
        fleet.enroll()
        fleet.told("run")
        fleet.require_proved(self)
        with self.subTest("another kind of key is another certificate"):
            fleet.rekey("rsa2048")
            said = fleet.told("run", "--json").json
            self.assertEqual([row["standing"] for row in said["rows"]], ["served"] * NAMES)
            fleet.require_proved(self)
        with self.subTest("H6: a challenge that stays pending with an error"):
            name, pair = "astray.late-shop.example", lab.pairs[0].id
            fleet.ask(do="domain", name=name, pair=pair)
            with open(fleet.path("domains.csv"), "a") as table:
                table.write(f"{name},{pair},{lab.pair(pair).customer},p256\n")
            places = {row.domain: lab.pair(row.pair).vips[0].address for row in lab.domains}
            self.tell_hosts(places | {name: f"127.{lab.block}.250.1"})
            said = fleet.told("run", "--json", status=1)
            row = next(row for row in said.json["rows"] if row["names"] == [name])
            self.assertEqual(row["standing"], "failing", row)
            self.assertEqual(row["cause"]["kind"], "port80Closed", row)
            self.assertIn(name, json.dumps(row["cause"]))
        fleet.require_sound()


if __name__ == "__main__":
    unittest.main()
