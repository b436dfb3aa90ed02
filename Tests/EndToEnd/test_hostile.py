"""Text of strangers: notes in a list, a web server that answers the CA, another that answers us. It must reach
terminal, mail, CSV and journal without doing anything there."""

from __future__ import annotations

import csv
import http.server
import io
import json
import re
import threading

from lablib import mailbox, spec
from lablib.haproxy import hosts_file

from .ca_proxy import CAProxy
from .fleet import FleetTest, shape

ESCAPES = "\x1b]0;owned\x07\x1b[31m\x9b2J"
MARKUP = "<script>alert('owned')</script><img src=x onerror=alert(1)>"
FORMULA = "=HYPERLINK(\"http://evil.example\",\"=1+1\")"
HOSTILE = f"{ESCAPES}{MARKUP}\r\nBcc: everybody@evil.example\r\n{FORMULA}\u202e\u0000"
#: What a terminal would obey: control characters but newline, in UTF-8 the C1 ones too, and right-to-left overrides.
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200, "OK")
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(HOSTILE.encode())

    def log_message(self, *_) -> None:
        pass


def quoting(content: bytes) -> bytes:
    """Pebble escapes what it quotes of a web server. Not every CA need do so."""
    try:
        document = json.loads(content)
        for challenge in document.get("challenges", []):
            if "error" in challenge:
                challenge["error"]["detail"] = f"Invalid response from http://x: \"{HOSTILE}\""
                challenge["error"]["type"] += "\x1b[2J"
        return json.dumps(document).encode()
    except (ValueError, AttributeError):
        return content  # The certificate chain, or nothing.


class Hostile(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(
            customers=[{"id": "acme", "name": "Acme"}],
            pairs=[
                {"id": "edge", "kind": "haproxy-directory", "challenge": "thumbprint"},
                {"id": "evil", "kind": "haproxy-directory", "challenge": "thumbprint", "nodes": 1},
            ],
            domains=[
                {"domain": "good.acme-shop.example", "pair": "edge"},
                {"domain": "away.acme-shop.example", "pair": "edge"},
                {"domain": "wrong.acme-shop.example", "pair": "evil"},
            ],
        )

    def test_hostile_text_is_only_text(self) -> None:
        fleet = self.fleet
        lab = fleet.lab
        with open(fleet.path("domains.csv"), "w") as file:
            table = csv.writer(file)
            table.writerow(["domain", "pair", "customer", "notes"])
            for row in lab.domains:
                table.writerow([row.domain, row.pair, row.customer, f"{MARKUP}\r\n{FORMULA}\u202e"])
        proxy = CAProxy(lab)
        self.addCleanup(proxy.close)
        proxy.rewrite = quoting
        fleet.edit(lab.authority.directory, proxy.directory)
        fleet.enroll()
        address = f"127.{lab.block}.250.1"
        server = http.server.ThreadingHTTPServer((address, lab.ports["http"]), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        fleet.ask(do="dns", name="away.acme-shop.example", address=address)
        body = "".join(f"\\x{byte:02x}" for byte in (ESCAPES + MARKUP + FORMULA).encode("latin-1"))
        known = f"acl acme_host req.hdr(host),field(1,:),lower -m str -f {hosts_file(lab.node('evil-a'))}"
        rule = f'{known}\nhttp-request return status 200 content-type text/html string "{body}"'
        fleet.ask(do="rule", pair="evil", lines=rule)

        run = fleet.told("run", "-v", status=1)
        stream = fleet.certfleet("run", "--json")
        shown = {
            "run": run.text,
            "run --json": stream.text,
            "status": fleet.told("status", "-v").text,
            "status --json": fleet.told("status", "--json").text,
            "report": fleet.told("report", "--customer", "acme").text,
            "plan": fleet.told("plan", "-v").text,
        }

        with self.subTest("the strangers were quoted"):
            for name in ("away.acme-shop.example", "wrong.acme-shop.example"):
                self.assertIn(name, run.out)
            rows = {row["names"][0]: row for row in fleet.told("status", "--json").json["rows"]}
            for name in ("away.acme-shop.example", "wrong.acme-shop.example"):
                self.assertIn("owned", rows[name]["cause"]["detail"])
        with self.subTest("no names of types"):
            self.assertNotIn("Fleet.", run.text)
        for place, text in shown.items():
            with self.subTest(place):
                self.assertIsNone(OBEYED.search(text), OBEYED.search(text))
        with self.subTest("HTML"):
            page = fleet.told("report", "--customer", "acme", "--format", "html").out
            mail = mailbox.messages(lab)[0]
            for text in (page, mail.get_body(("html",)).get_content()):
                self.assertNotIn("<script", text.lower())
                self.assertNotIn("<img", text.lower())
                self.assertIsNone(OBEYED.search(text.replace("\r\n", "\n")))
        with self.subTest("mail"):
            mail = mailbox.messages(lab)[0]
            self.assertNotIn("Bcc", mail)
            self.assertNotIn("evil.example", mail["X-Envelope-To"])
            self.assertIsNone(OBEYED.search(mail.get_body(("plain",)).get_content().replace("\r\n", "\n")))
        with self.subTest("CSV"):
            attached = next(part for part in mail.walk() if part.get_content_type() == "text/csv").get_content()
            for text in (attached, fleet.told("report", "--customer", "acme", "--format", "csv").out):
                for row in csv.reader(io.StringIO(text)):
                    for cell in row:
                        self.assertNotRegex(cell, r"\A[=+\-@\t\r]")
                        self.assertIsNone(OBEYED.search(cell))
        with self.subTest("journal"):
            # Facts are kept as they came, as JSON on one line; whoever shows them makes them fit to show.
            with fleet.database() as database:
                for (body,) in database.execute("SELECT body FROM event"):
                    self.assertIsNone(re.search("[\x00-\x1f]", body))
            fleet.require_sound()
        with self.subTest("and the good name is served"):
            fleet.require_whole(self, [("good.acme-shop.example", "edge")])
