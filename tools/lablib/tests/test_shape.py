"""Shapes: what may be asked for, and what the inventory says about it. Nothing is started."""

import csv
import io
import json
import os
import tempfile
import unittest

from lablib import addresses, haproxy, inventory, layout, spec
from lablib.model import Lab, LabError


def shape(**raw):
    return spec.from_json(raw, spec.generated(pairs=4, nodes=2, customers=3, domains=12))


class Shape(unittest.TestCase):
    def test_pairs_take_turns_in_kind_and_domains_are_spread(self):
        made = spec.generated(pairs=5, nodes=2, customers=3, domains=200)

        kinds = [pair.kind for pair in made.pairs]
        self.assertEqual(kinds, ["haproxy-directory", "haproxy-crt-list", "stunnel", "vip-bound", "haproxy-directory"])
        self.assertEqual(len({row.domain for row in made.domains}), 200)
        self.assertGreaterEqual(len({row.domain.split(".", 1)[1] for row in made.domains}), 5)
        spec.check(made)

    def test_ten_thousand_domains_are_all_different_and_well_formed(self):
        made = spec.generated(pairs=100, nodes=2, customers=20, domains=10_000)
        self.assertEqual(len({row.domain for row in made.domains}), 10_000)
        spec.check(made)

    def test_faults_are_told_in_words(self):
        cases = [
            ({"pair": []}, "unknown keys ['pair']"),
            ({"pairs": [{"id": "a b"}]}, "no identifier"),
            ({"pairs": [{"id": "a"}, {"id": "a"}]}, "is taken"),
            ({"pairs": [{"id": "a", "kind": "f5"}]}, "'f5' is none of"),
            ({"pairs": [{"id": "a", "customer": "x"}]}, "no customer 'x'"),
            ({"pairs": [{"id": "a", "vips": ["x", "y"]}]}, "status file"),
            ({"domains": [{"domain": "under_score.example"}]}, "lower-case"),
            ({"domains_csv": "/nowhere.csv"}, "No such file"),
            ({"domains": [{"domain": "a.example", "pair": "pair9"}]}, "no pair 'pair9'"),
            ({"domains": [{"domain": "a.example", "vip": "x"}]}, "unknown pair, VIP or customer"),
            ({"smtp": "plain"}, "smtp is one of"),
        ]
        for raw, words in cases:
            with self.subTest(raw), self.assertRaises(LabError) as caught:
                spec.check(shape(**raw))
            self.assertIn(words, str(caught.exception))

    def test_domains_come_from_a_csv(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "domains.csv")
            with open(path, "w") as file:
                file.write("# a comment\ndomain,pair,vip,customer,certificate\n")
                file.write("Bücher.example.,pair2,,cedar,\nb.example,pair1,web,,x\n")

            made = shape(domains_csv=path)

        self.assertIn("Bücher", made.lists["domains.csv"])
        rows = [(row.domain, row.pair, row.vip, row.customer, row.certificate) for row in made.domains]
        self.assertEqual(rows[0], ("xn--bcher-kva.example", "pair2", "web", "cedar", ""))
        self.assertEqual(rows[1:], [("b.example", "pair1", "web", "acme", "x")])


class Layout(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.block, lock = addresses.reserve()
        self.addCleanup(lock.close)

    def lab(self, made=None) -> Lab:
        return layout.make(self.folder.name, self.block, made or shape())

    def test_a_lab_survives_its_file(self):
        lab = self.lab()
        lab.save()
        self.assertEqual(Lab.load(self.folder.name), lab)

    def test_a_block_is_given_to_one_lab_only(self):
        with self.assertRaises(LabError):
            addresses.reserve(self.block)

    def test_no_address_and_port_is_used_twice(self):
        lab = self.lab(spec.generated(pairs=60, nodes=2, customers=3, domains=0, kind="stunnel"))
        ends = [(node.address, port) for node in lab.nodes for port in (node.ssh, node.http, node.https, node.app)]
        ends += [(vip.address, port) for pair in lab.pairs for vip in pair.vips for port in (vip.http, vip.https)]
        self.assertEqual(len(ends), len(set(ends)))
        self.assertEqual(len(ends), 60 * 2 * 4 + 60 * 2)

    def test_more_tunnels_than_ports_is_an_error(self):
        with self.assertRaises(LabError) as caught:
            self.lab(spec.generated(pairs=31, nodes=2, customers=1, domains=0, kind="haproxy-crt-list"))
        self.assertIn("62 nodes want a tunnel", str(caught.exception))

    def test_the_csv_repeats_the_domains(self):
        lab = self.lab()
        rows = list(csv.DictReader(io.StringIO(inventory.domains(lab))))
        self.assertEqual([row["domain"] for row in rows], [row.domain for row in lab.domains])

    def test_words_are_quoted_where_yaml_would_read_something_else(self):
        words = ["plain", "a b", "yes", "1", "a: b", '"', "ü"]
        self.assertEqual(inventory.word(words[0]), "plain")
        for text in words[1:]:
            self.assertEqual(json.loads(inventory.word(text)), text)

    def test_a_thumbprint_is_43_characters_of_base64url(self):
        for wrong in ("", "a" * 42, "a" * 44, "a" * 42 + "+", "a" * 42 + "\n", "a" * 43 + "\n"):
            with self.assertRaises(LabError):
                haproxy.check_thumbprint(wrong)
        self.assertEqual(haproxy.check_thumbprint("a" * 43), "a" * 43)
