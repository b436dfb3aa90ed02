"""The challenge rule, Pebble, DNS and the mail server of a lab."""

import glob
import os
import shutil
import smtplib
import ssl
import tempfile
import unittest
from pathlib import Path

from lablib import haproxy, probes, processes
from lablib.model import Lab
from lablib.needs import require_tools

from . import support
from .acme import Client

PATH = "/.well-known/acme-challenge/"


class Authority(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_tools()
        cls.context = support.running("--pairs", "4", "--domains", "8", "--watchdog", "2", "--authz-reuse", "0")
        cls.lab = cls.context.__enter__()
        cls.scratch = tempfile.mkdtemp()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch)
        cls.context.__exit__(None, None, None)

    def vip(self, pair):
        vip = self.lab.pair(pair).vips[0]
        return vip.address, vip.http

    def name(self, pair):
        return next(row.domain for row in self.lab.domains if row.pair == pair)

    def test_pebble_validates_names_through_the_vip_by_the_rule(self):
        client = Client(self.lab, self.scratch)
        client.register()
        self.assertEqual(client.validate(self.name("pair1"))["status"], "invalid")

        support.told("thumbprint", self.lab.directory, client.thumbprint)

        for pair in ("pair1", "pair3", "pair4"):
            with self.subTest(pair):
                settled = client.validate(self.name(pair))
                self.assertEqual(settled["status"], "valid", settled)

    def test_prove_tells_a_name_that_is_served_from_one_that_is_not(self):
        client = Client(self.lab, self.scratch)
        client.register()
        support.told("thumbprint", self.lab.directory, client.thumbprint)
        name = self.name("pair4")
        pem = client.issue(name)
        for node in self.lab.pair("pair4").nodes:
            with open(node.path("etc", "haproxy", "certs", "name.pem"), "w") as file:
                file.write(pem)
            self.assertEqual(support.ssh(self.lab, node.id, node.path("bin", "reload-haproxy")).returncode, 0)

        def served():
            return support.tool("prove", self.lab.directory, name).returncode == 0

        support.eventually(served)
        self.assertIn("3 handshakes", support.told("prove", self.lab.directory, name))
        done = support.tool("prove", self.lab.directory, "pair4")
        self.assertEqual(done.returncode, 1)
        self.assertIn("VIP of pair4: self-signed certificate: shop", done.stdout)
        self.assertIn("pair4-b: self-signed certificate: shop", done.stdout)

    def test_the_rule_answers_only_for_known_hosts_and_tokens(self):
        support.told("thumbprint", self.lab.directory, support.THUMBPRINT)
        name = self.name("pair1")
        target = self.vip("pair1")

        good = probes.get(target, PATH + "a_-9", f"{name.upper()}:80")
        self.assertEqual((good.status, good.body), (200, f"a_-9.{support.THUMBPRINT}\n"))
        self.assertEqual(good.headers["X-Certfleet-Pair"], "pair1")
        for path, host in ((PATH + "a.b", name), (PATH, name), (PATH + "a/b", name), (PATH + "a", "other.example")):
            with self.subTest(path=path, host=host):
                self.assertEqual(probes.get(target, path, host).status, 301)

    def test_a_name_that_is_added_later_is_answered_for_at_once(self):
        support.told("thumbprint", self.lab.directory, support.THUMBPRINT)

        support.told("domain", self.lab.directory, "late.acme-widgets.example", "pair1")

        answer = probes.get(self.vip("pair1"), PATH + "abc", "late.acme-widgets.example")
        self.assertEqual(answer.status, 200)
        self.assertEqual(probes.addresses(self.lab, "late.acme-widgets.example"), [self.vip("pair1")[0]])

    def test_a_rule_that_haproxy_refuses_is_taken_back(self):
        node = self.lab.node("pair1-a")
        before = Path(haproxy.config_file(node)).read_text()

        done = support.tool("rule", self.lab.directory, "pair1", input="http-request nonsense\n")

        self.assertEqual(done.returncode, 3)
        self.assertIn("nonsense", done.stderr)
        self.assertEqual(Path(haproxy.config_file(node)).read_text(), before)
        self.assertIsNone(probes.http_answers((node.address, node.http)))

    def test_a_rule_from_outside_is_installed_on_both_nodes(self):
        rule = "http-request return status 418 if { path /teapot }\n"
        support.told("rule", self.lab.directory, "pair3", input=rule)
        for node in self.lab.pair("pair3").nodes:
            self.assertEqual(probes.get((node.address, node.http), "/teapot").status, 418)

    def test_dns_knows_the_names_of_the_lab_and_no_other(self):
        for row in self.lab.domains:
            self.assertEqual(probes.addresses(self.lab, row.domain), [self.lab.pair(row.pair).vip(row.vip).address])
        self.assertEqual(probes.addresses(self.lab, "nobody.example"), [])

    def test_dns_says_what_it_is_told(self):
        def point(address):
            support.told("dns", self.lab.directory, "x.acme-widgets.example", address)

        point("pair2")
        self.assertEqual(probes.addresses(self.lab, "x.acme-widgets.example"), [self.vip("pair2")[0]])
        point("127.0.0.9")
        self.assertEqual(probes.addresses(self.lab, "x.acme-widgets.example"), ["127.0.0.9"])
        point("servfail")
        with self.assertRaises(LookupError):
            probes.addresses(self.lab, "x.acme-widgets.example")
        point("none")
        self.assertEqual(probes.addresses(self.lab, "x.acme-widgets.example"), [])

    def test_a_hanging_pebble_is_started_again_with_other_roots(self):
        record = next(r for r in self.lab.processes if r.name == "pebble")
        started = Lab.load(self.lab.directory).authority.restarts
        roots = Path(self.lab.path("pebble-roots.pem")).read_text()
        current = next(r for r in Lab.load(self.lab.directory).processes if r.name == record.name)

        processes.send({current.pid: current.started}, processes.signal.SIGSTOP)

        def again():
            return Lab.load(self.lab.directory).authority.restarts > started and probes.pebble(self.lab) is None

        def quietly():
            try:
                return again()
            except OSError:
                return False

        support.eventually(quietly, 30)
        self.assertNotEqual(Path(self.lab.path("pebble-roots.pem")).read_text(), roots)

    def test_a_frozen_pebble_is_left_alone_and_remembers(self):
        client = Client(self.lab, self.scratch)
        client.register()
        before = Lab.load(self.lab.directory).authority.restarts
        support.told("ca", self.lab.directory, "freeze")
        # Longer than the watchdog of this lab is patient.
        with self.assertRaises(TimeoutError):
            probes.pebble_store(self.lab, 5)

        support.told("ca", self.lab.directory, "start")

        self.assertEqual(client.order(self.name("pair1"))[1]["status"], "pending")
        self.assertEqual(Lab.load(self.lab.directory).authority.restarts, before)

    def test_pebble_stops_and_starts_when_told(self):
        support.told("ca", self.lab.directory, "stop")
        with self.assertRaises(ConnectionRefusedError):
            probes.pebble(self.lab)
        said = support.told("ca", self.lab.directory, "start")
        self.assertIn("unknown to it", said)
        self.assertIsNone(probes.pebble(self.lab))


class Mail(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_tools()

    def send(self, lab, login=True):
        context = ssl.create_default_context(cafile=lab.path("pebble-tls.pem"))
        target = {"host": lab.mail.host, "port": lab.mail.port, "timeout": 10}
        kind = {"context": context} if lab.mail.tls == "tls" else {}
        with (smtplib.SMTP_SSL if kind else smtplib.SMTP)(**target, **kind) as connection:
            if lab.mail.tls in ("starttls", "auth"):
                connection.starttls(context=context)
            if lab.mail.tls == "auth" and login:
                connection.login(lab.mail.user, Path(lab.path("keys", "smtp-password")).read_text().strip())
            connection.sendmail("a@b.example", ["c@d.example"], "Subject: hello\r\n\r\nA line.\r\n.\r\n")

    def kept(self, lab):
        return [Path(name).read_text() for name in sorted(glob.glob(os.path.join(lab.mail.directory, "*.eml")))]

    def test_mail_is_kept_in_every_mode(self):
        for mode in ("none", "starttls", "tls", "auth"):
            with self.subTest(mode), support.running("--pairs", "1", "--smtp", mode) as lab:
                self.send(lab)

                (message,) = self.kept(lab)
                self.assertIn("X-Envelope-To: c@d.example\n", message)
                self.assertIn("\nSubject: hello\n\nA line.\n.\n", message)

    def test_a_mail_without_the_password_or_the_protection_is_refused(self):
        with support.running("--pairs", "1", "--smtp", "auth") as lab:
            with self.assertRaises(smtplib.SMTPException):
                self.send(lab, login=False)
            with smtplib.SMTP(lab.mail.host, lab.mail.port, timeout=10) as connection:
                with self.assertRaises(smtplib.SMTPException):
                    connection.sendmail("a@b.example", ["c@d.example"], "Subject: hello\r\n\r\n")
            self.assertEqual(self.kept(lab), [])

    def test_a_mail_server_that_is_down_refuses_and_comes_back(self):
        with support.running("--pairs", "1") as lab:
            support.told("mail", lab.directory, "down")
            with self.assertRaises(ConnectionRefusedError):
                self.send(lab)

            support.told("mail", lab.directory, "up")

            self.send(lab)
            self.assertEqual(len(self.kept(lab)), 1)

    def test_a_mail_server_that_is_told_to_refuse_answers_451(self):
        with support.running("--pairs", "1") as lab:
            support.told("mail", lab.directory, "refuse")
            with self.assertRaises(smtplib.SMTPSenderRefused) as caught:
                self.send(lab)
            self.assertEqual(caught.exception.smtp_code, 451)
            support.told("mail", lab.directory, "up")

            self.send(lab)

            said = support.told("mail", lab.directory, "show")
            self.assertIn("Subject: hello\n\nA line.\n.\n", said)
            self.assertIn("(1 in ", said)
