"""Names that are bad in every way that can be seen before an order: `doctor` and `plan --preflight` say so with a
remedy, a run spends no order on what is vetoed, and after healing nothing is left to say."""

from __future__ import annotations

from lablib import spec
from lablib.dns_records import Records

from .fleet import FleetTest, shape
from .resolvers import require_dnsmasq, second_resolver

NAMES = ("good", "stray", "gone", "broken", "caa", "elsewhere", "foreign", "torn", "late")
#: What `doctor` says of each name: the check that is bad, and a word of its remedy.
BAD = {
    "stray": ("DNS", "AAAA"),
    "gone": ("DNS", "Create the DNS record"),
    "broken": ("DNS", "DNS provider"),
    "caa": ("CAA", "CAA record"),
    "elsewhere": ("DNS", "A record"),
    "foreign": ("DNS", "different load balancer"),
    "torn": ("DNS", "A record"),
    "loop": ("challenge at the VIP", "certfleet enroll"),
}


def name(word: str) -> str:
    return f"{word}.acme-shop.example"


class Preflight(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        require_dnsmasq()
        return shape(
            customers=[{"id": "acme"}, {"id": "bluebird"}],
            pairs=[
                {"id": "edge", "customer": "acme", "kind": "haproxy-directory", "challenge": "thumbprint"},
                {"id": "shut", "customer": "acme", "kind": "haproxy-directory", "challenge": "tunnel"},
                # One node, so that its rule can be put back as it was.
                {"id": "lone", "customer": "acme", "kind": "haproxy-directory", "challenge": "thumbprint", "nodes": 1},
                {"id": "other", "customer": "bluebird", "kind": "haproxy-crt-list", "challenge": "thumbprint"},
            ],
            domains=[{"domain": name(word), "pair": "edge"} for word in NAMES]
            + [{"domain": name("loop"), "pair": "lone"}, {"domain": name("closed"), "pair": "shut"}]
            + [{"domain": "one.blue.example", "pair": "other"}],
        )

    def spoil(self) -> None:
        fleet, lab = self.fleet, self.fleet.lab
        nobody = f"127.{lab.block}.250.1"
        fleet.ask(do="dns", name=name("stray"), address="2001:db8::1")
        fleet.ask(do="dns", name=name("gone"), address="none")
        fleet.ask(do="dns", name=name("broken"), address="servfail")
        fleet.ask(do="dns", name=name("elsewhere"), address=nobody)
        fleet.ask(do="dns", name=name("foreign"), address="other")
        with Records(lab) as records:
            records.post("add-caa", host=name("caa") + ".", policies=[{"tag": "issue", "value": ";"}])
        fleet.ask(do="failover", pair="shut", to="none")
        text = open(lab.node("lone-a").path("etc", "haproxy", "haproxy.cfg")).read()
        self.rule = text.split("# BEGIN", 1)[1].split("\n", 1)[1].split("  # END", 1)[0]
        loop = (
            "http-request redirect location http://%[req.hdr(host)]%[path]?again code 302"
            f" if {{ req.hdr(host) -i {name('loop')} }}\n"
        )
        fleet.ask(do="rule", pair="lone", lines=loop + self.rule)

    def heal(self) -> None:
        fleet, lab = self.fleet, self.fleet.lab
        with Records(lab) as records:
            records.post("clear-aaaa", host=name("stray") + ".")
            records.post("clear-caa", host=name("caa") + ".")
        for word in ("gone", "broken", "elsewhere", "foreign"):
            fleet.ask(do="dns", name=name(word), address="edge")
        fleet.ask(do="failover", pair="shut", to="shut-a")
        fleet.ask(do="rule", pair="lone", lines=self.rule)

    def test_what_is_bad_is_seen_before_an_order_and_healed_after(self) -> None:
        fleet, lab = self.fleet, self.fleet.lab
        fleet.enroll()
        self.spoil()
        wrong = f"127.{lab.block}.250.2"
        plain = f'resolvers: ["{lab.dns.server}"]'
        with second_resolver(lab, f"--address=/{name('gone')}/", f"--host-record={name('torn')},{wrong}") as second:
            both = f'resolvers: ["{lab.dns.server}", "{second}"]'
            fleet.edit(plain, both)

            report = fleet.told("doctor", "--json", status=1).json
            rows = {(row["subject"], row["check"]): row for row in report["rows"]}
            with self.subTest("every name that is bad has its row with a remedy"):
                for word, (check, remedy) in BAD.items():
                    row = rows[name(word), check]
                    self.assertEqual(row["verdict"], "bad", row)
                    self.assertIn(remedy, row["remedy"], row)
                self.assertIn("disagree", rows[name("torn"), "DNS"]["evidence"])
                self.assertIn("loop", rows[name("loop"), "challenge at the VIP"]["evidence"])
                self.assertEqual(rows[name("closed"), "challenge at the VIP"]["verdict"], "bad")
                self.assertIn("nobody listens", rows[name("closed"), "challenge at the VIP"]["evidence"])
            with self.subTest("what is well is well"):
                for word in ("good", "late"):
                    for check in ("DNS", "CAA", "challenge at the VIP", "challenge from outside"):
                        self.assertEqual(rows[name(word), check]["verdict"], "ok", rows[name(word), check])
                for subject, check in (
                    ("controller", "clock"), ("controller", "way to the CA"), ("edge-a", "SSH"), ("edge-b", "clock"),
                    ("shut-a", "challenge route"),
                ):  # fmt: skip
                    self.assertEqual(rows[subject, check]["verdict"], "ok", rows[subject, check])
                active = [row["verdict"] for row in report["rows"] if row["check"] == "active node"]
                self.assertEqual(active.count("ok"), 3)
            with self.subTest("the table is for people"):
                shown = fleet.told("doctor", status=1).out
                self.assertIn("What to do:", shown)
                self.assertIn(f"{len(NAMES) + 3} names looked at, {len(BAD) + 1} will fail", shown)
                self.assertNotIn(name("late"), shown)
                one = fleet.told("doctor", "--domain", name("good"))
                self.assertIn("Nothing stands in the way.", one.out)
                self.assertIn(name("good"), one.out)
            with self.subTest("what does not exist is bad input"):
                self.assertEqual(fleet.certfleet("doctor", "--pair", "nowhere").status, 2)
                self.assertEqual(fleet.certfleet("doctor", "--domain", "nobody.example").status, 2)
            with self.subTest("the plan goes by what was seen"):
                plan = fleet.told("plan").out
                self.assertIn("will fail (checked", plan)
                self.assertIn("CAA forbids the CA", plan)
                self.assertIn("will fail (checked", fleet.told("forecast").out)
                outlook = fleet.told("plan", "--preflight", "--json").json["outlook"]
                kinds = {group["kind"]: len(group["specs"]) for group in outlook["groups"]}
                self.assertEqual(kinds.get("anotherPair"), 1)
                self.assertEqual(kinds.get("nameNotFound"), 1)
                self.assertEqual(kinds.get("dnsBroken"), 1)
                self.assertEqual(outlook["checked"], outlook["total"])
            self.assertEqual(fleet.orders(), 0, "looking costs no order")

            run = fleet.told("run", "--until", "20s", status=1)

            with self.subTest("no order is made for what is vetoed, and our own fault is ours"):
                standing = {row["names"][0]: row for row in fleet.told("status", "--json").json["rows"]}
                self.assertEqual(standing[name("foreign")]["cause"]["kind"], "anotherPair")
                self.assertEqual(standing[name("loop")]["cause"]["kind"], "vipAnswersWrongly")
                self.assertEqual(standing[name("good")]["standing"], "served", run.text)
                created = [body["of"]["spec"] for _, body in fleet.events("orderCreated")]
                for word in ("foreign", "loop"):
                    self.assertFalse([spec for spec in created if name(word) in spec])
            self.heal()
            fleet.edit(both, plain)
        fleet.told("retry", "--all")
        healed = fleet.told("doctor", "--json").json

        self.assertEqual([row for row in healed["rows"] if row["verdict"] == "bad"], [])
        fleet.told("run")
        fleet.require_proved(self)
        fleet.require_sound()
