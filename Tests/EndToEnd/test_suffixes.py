"""The public suffix list that certfleet fetches itself: from a server over HTTPS, checked, kept, its age shown; and
what goes on without one."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from .fleet import binary

SYSTEM = Path("/usr/share/publicsuffix/public_suffix_list.dat")
INVENTORY = """\
state: state
suffixes: {suffixes}
resolvers: ["127.0.0.1:9"]
authorities:
  - {{ id: ca, directory: "https://127.0.0.1:9/dir" }}
defaults:
  ssh: {{ user: root, agent: true }}
pairs:
  - id: web1
    appliance: haproxy
    vips: [{{ id: web, address: 127.0.0.2 }}]
    nodes: [{{ id: a, address: 127.0.0.3, ssh: {{ port: 9 }} }}]
    active: always
"""


class Server:
    """Hands out one text over HTTPS, and counts how often."""

    def __init__(self, folder: str):
        self.text = b""
        self.status = 200
        self.location = ""
        self.asked = 0
        self.root = os.path.join(folder, "root.pem")
        key = os.path.join(folder, "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", self.root],
            check=True, capture_output=True)  # fmt: skip
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked += 1
                self.send_response(server.status)
                if server.location:
                    self.send_header("Location", server.location)
                self.send_header("Content-Length", str(len(server.text)))
                self.end_headers()
                with contextlib.suppress(OSError):  # whoever follows a redirect reads no more
                    self.wfile.write(server.text)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.root, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}/list.dat"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@unittest.skipUnless(SYSTEM.exists(), "needs the package publicsuffix")
class Suffixes(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.server = Server(self.folder)
        self.addCleanup(self.server.server.server_close)
        self.addCleanup(self.server.server.shutdown)
        self.inventory = os.path.join(self.folder, "fleet.yaml")
        self.write(f"{{ url: '{self.server.url}', trust: root.pem }}")

    def write(self, suffixes: str) -> None:
        Path(self.inventory).write_text(INVENTORY.format(suffixes=suffixes))

    def run_certfleet(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([binary(), *words, "--inventory", self.inventory], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=120)  # fmt: skip

    def show(self) -> dict:
        return json.loads(self.run_certfleet("suffixes", "show", "--json").stdout)

    def listed(self, days: float = 1, extra: str = "") -> bytes:
        """The system's list, with a date and further rules."""
        day = time.strftime("%Y-%m-%d_%H-%M-%S_UTC", time.gmtime(time.time() - days * 86_400))
        text = SYSTEM.read_text().replace("// ===END PRIVATE", f"{extra}\n// ===END PRIVATE")
        return f"// VERSION: {day}\n{text}".encode()

    def age_everything(self, days: float) -> None:
        """As if it had been fetched and asked for so long ago."""
        then = time.time() - days * 86_400
        for name in ("suffixes.dat", "suffixes.tried"):
            os.utime(os.path.join(self.folder, "state", name), (then, then))

    def test_a_list_is_fetched_checked_kept_and_its_age_shown(self) -> None:
        """G9: a fresh list over HTTPS; what is no whole list, or an older one, replaces nothing; offline it goes on."""
        self.assertEqual(self.show()["source"], "system")
        self.server.text = self.listed(3, "shops.example")
        done = self.run_certfleet("suffixes", "update", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = json.loads(done.stdout)
        self.assertEqual((shown["source"], shown["days"]), ("fetched", 3))
        kept = Path(self.folder, "state", "suffixes.dat")
        self.assertEqual(kept.read_bytes(), self.server.text)
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        self.assertNotIn("days old", self.run_certfleet("check").stderr)

        whole = self.listed(1)
        refused = {
            "a page of a captive portal": b"<html>please log in</html>",
            "one that was cut": whole[: len(whole) // 2],
            "one with few rules": b"\n".join(
                line for line in whole.split(b"\n") if line.startswith(b"//") or line in (b"com", b"org", b"de")
            ),
            "an older one": self.listed(10),
            "one in which everything is a suffix": whole.replace(b"\ncom\n", b"\ncom\nexample.com\n", 1),
            "no text": whole + b"\xff\xfe",
        }
        for name, text in refused.items():
            with self.subTest(name):
                self.server.text = text
                done = self.run_certfleet("suffixes", "update")
                self.assertEqual(done.returncode, 3, done.stdout)
                self.assertIn("what was fetched is not kept", done.stderr)
                self.assertEqual(self.show()["days"], 3)
        with self.subTest("a redirect away from https"):
            self.server.status, self.server.location = 302, "http://127.0.0.1:9/list.dat"
            self.assertEqual(self.run_certfleet("suffixes", "update").returncode, 3)
            self.server.status, self.server.location = 200, ""
        with self.subTest("a server whose certificate nobody vouches for"):
            self.server.text = whole
            self.write(f"'{self.server.url}'")
            done = self.run_certfleet("suffixes", "update")
            self.assertEqual(done.returncode, 3)
            self.assertIn("could not be fetched", done.stderr)
            self.write(f"{{ url: '{self.server.url}', trust: root.pem }}")
        with self.subTest("a kept list that was damaged is as good as none"):
            kept.write_bytes(b"nothing")
            self.assertEqual(self.show()["source"], "system")
        with self.subTest("system: nothing is fetched"):
            self.write("system")
            done = self.run_certfleet("suffixes", "update")
            self.assertIn("suffixes: system", done.stderr)

    def test_a_renewal_asks_once_a_week_and_goes_on_without(self) -> None:
        """G9: `renew` refreshes the list weekly, tries no more than daily, and never with `suffixes: system`."""
        self.server.text = self.listed(1)
        for _ in range(2):
            self.run_certfleet("renew", "-q")
        self.assertEqual(self.server.asked, 1)
        self.age_everything(6)
        self.run_certfleet("renew", "-q")
        self.assertEqual(self.server.asked, 1)
        self.age_everything(8)
        self.run_certfleet("renew", "-q")
        self.assertEqual(self.server.asked, 2)

        self.age_everything(8)
        self.server.status = 503
        said = self.run_certfleet("renew").stderr
        self.assertIn("the newest that is there is used", said)
        self.run_certfleet("renew", "-q")
        self.assertEqual(self.server.asked, 3)
        self.assertEqual(self.show()["source"], "fetched")

        self.write("system")
        self.age_everything(30)
        self.run_certfleet("renew", "-q")
        self.assertEqual(self.server.asked, 3)


if __name__ == "__main__":
    unittest.main()
