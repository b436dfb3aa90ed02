"""That a certificate which is not right is not counted as issued, and a file that is not there not as brought."""

from __future__ import annotations

import subprocess
import tempfile
import unittest
from pathlib import Path

from benchlib import proofs, push, sshds, tree

NAME = "shop01.acme-widgets.example"


class Certificates(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.directory = Path(folder.name)
        self.make("root", None, "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
        self.make("middle", "root", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
        leaf = f"subjectAltName=DNS:{NAME}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
        self.make("leaf", "middle", leaf)
        self.chain = self.read("leaf") + self.read("middle")

    def make(self, name: str, issuer: str | None, extensions: str, curve: str = "prime256v1") -> None:
        path = self.directory / name
        path.with_suffix(".ext").write_text(
            f"{extensions}subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always\n"
        )
        self.openssl("ecparam", "-name", curve, "-genkey", "-noout", "-out", f"{path}.key")
        self.openssl("req", "-new", "-key", f"{path}.key", "-subj", f"/CN={name}", "-out", f"{path}.csr")
        signer = ["-signkey", f"{path}.key"]
        if issuer:
            place = self.directory / issuer
            signer = ["-CA", f"{place}.pem", "-CAkey", f"{place}.key", "-CAcreateserial"]
        made = ["-extfile", f"{path}.ext", "-out", f"{path}.pem"]
        self.openssl("x509", "-req", "-in", f"{path}.csr", "-days", "9", *made, *signer)

    def openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    def read(self, name: str) -> str:
        return (self.directory / f"{name}.pem").read_text()

    def wrong(self, chain: str, key: str = "leaf", name: str = NAME) -> str | None:
        result = proofs.Result(name, chain, self.directory / f"{key}.key")
        return proofs.wrong([result], [name], self.directory / "root.pem", self.directory / "work").get(name)

    def test_a_right_one_is_right(self) -> None:
        self.assertIsNone(self.wrong(self.chain))

    def test_a_name_without_a_certificate_is_lost(self) -> None:
        found = proofs.wrong([], [NAME], self.directory / "root.pem", self.directory / "work")

        self.assertEqual(found, {NAME: "no certificate"})

    def test_another_name_is_refused(self) -> None:
        self.assertRegex(self.wrong(self.chain, name="shop02.acme-widgets.example") or "", "(?i)hostname mismatch")

    def test_another_key_is_refused(self) -> None:
        self.assertEqual(self.wrong(self.chain, key="middle"), "its key is another one")

    def test_a_leaf_alone_is_refused(self) -> None:
        self.assertEqual(self.wrong(self.read("leaf")), "1 certificates in its chain")

    def test_a_chain_of_somebody_else_is_refused(self) -> None:
        self.assertRegex(self.wrong(self.read("leaf") + self.read("root")) or "", "its chain is refused")

    def test_a_key_on_another_curve_is_refused(self) -> None:
        extensions = f"subjectAltName=DNS:{NAME}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
        self.make("large", "middle", extensions, curve="secp384r1")

        self.assertEqual(self.wrong(self.read("large") + self.read("middle"), key="large"), "its key is not on P-256")


class Pushes(unittest.TestCase):
    def test_the_peer_brings_all_files_and_a_node_that_is_passive_is_told(self) -> None:
        with tempfile.TemporaryDirectory(prefix="cfb-") as folder:
            directory = Path(folder)
            with sshds.Nodes(directory, 2) as nodes:
                command = push.prepare(directory, nodes, Path("PushBench"))["ssh-tar"]
                log = directory / "log"
                nodes.clear()

                self.assertEqual(nodes.wrong(), ["n0000", "n0001"])
                tree.run(command, directory, log, deadline=60)
                self.assertEqual(nodes.wrong(), [], log.read_text())
                self.assertGreater(nodes.cpu_seconds(), 0)

                nodes.clear()
                (nodes.nodes[1].directory / "status").write_text("passive\n")
                tree.run(command, directory, log, deadline=60)
                self.assertEqual(nodes.wrong(), ["n0001"])
