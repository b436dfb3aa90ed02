"""A controller that is not root and has keys to protect: a crash leaves nothing of its memory behind, and what else
runs under its account does not see into it."""

from __future__ import annotations

import glob
import os
import resource
import secrets
import signal
import subprocess

from lablib import processes, spec

from .fleet import PATIENCE, FleetTest, binary, eventually, shape
from .needles import Needle, Watch, needles, require_nowhere

#: nobody, as whom the controller runs where the tests run as root; else it runs as whoever that is.
ACCOUNT = 65534
VARIABLE = "CERTFLEET_KEYS_PASSPHRASE"
#: Names what it may open of a process, as a program of the same account would try.
LOOK = """
import os, sys
for name in ("environ", "mem", "maps", "auxv"):
    try:
        with open(f"/proc/{sys.argv[1]}/{name}", "rb"):
            print(name)
    except OSError:
        pass
"""


class Crashed(FleetTest):
    @classmethod
    def wanted(cls) -> spec.Spec:
        return shape(number=2, names=4)

    def setUp(self) -> None:
        fleet = self.fleet
        self.identity = {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []} if os.geteuid() == 0 else {}
        fleet.identity = self.identity
        keys = glob.glob(fleet.path("keys", "**"), recursive=True)
        self.give(os.path.dirname(fleet.directory), fleet.directory, *keys)
        try:
            started = subprocess.run(
                [binary(), "--version"], capture_output=True, cwd="/", check=False, **self.identity
            )  # fmt: skip
        except PermissionError:
            self.skipTest("another account cannot reach this build")
        if started.returncode != 0:
            self.skipTest("another account cannot start this build")
        self.passphrase = secrets.token_urlsafe(24)
        fleet.environment[VARIABLE] = self.passphrase
        store = f"controller_keys: {{ passphrase_env: {VARIABLE} }}\n"
        fleet.edit("defaults:\n", f"{store}defaults:\n  keys: controller\n")
        self.allow_cores()

    def give(self, *paths: str) -> None:
        for path in paths if self.identity else ():
            os.chown(path, ACCOUNT, ACCOUNT)

    def allow_cores(self) -> None:
        """What is started from here on may leave core files, unless it wants none itself."""
        before = resource.getrlimit(resource.RLIMIT_CORE)
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        except ValueError:
            self.skipTest("the hard limit of core files is lower here, and only root may raise it")
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, before)

    def seen(self, pid: int) -> list[str]:
        words = ["/usr/bin/python3", "-c", LOOK, str(pid)]
        return subprocess.run(words, capture_output=True, text=True, check=True, **self.identity).stdout.split()

    def crash(self, process: subprocess.Popen, number: int) -> bool:
        """Whether the kernel wrote a core, to a file or to whoever takes them here."""
        # Not by Popen: it would take the status for itself, and without the word about the core.
        for sent in (number, signal.SIGCONT):
            os.kill(process.pid, sent)
        eventually(lambda: os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG), "its end")
        _, status = os.waitpid(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, -number)
        return os.WCOREDUMP(status)

    def cores(self) -> list[str]:
        return glob.glob(self.fleet.path("**", "core*"), recursive=True)

    def require_teeth(self) -> None:
        """A program that does not protect itself is seen, and leaves a core."""
        careless = subprocess.Popen(["sleep", "600"], cwd=self.fleet.directory, **self.identity)
        self.addCleanup(careless.kill)
        eventually(lambda: "environ" in self.seen(careless.pid), "what runs under the same account is seen")
        if not self.crash(careless, signal.SIGABRT):
            self.skipTest("the kernel writes no core files here")
        for path in self.cores():
            os.remove(path)

    def hold(self) -> subprocess.Popen:
        """A run, stopped when it has made the first key with its passphrase."""
        made = len(self.fleet.events("keyMade"))
        run = self.fleet.start("run", "-v")
        self.addCleanup(run.kill)
        eventually(lambda: len(self.fleet.events("keyMade")) > made or run.poll() is not None, "the first key")
        run.send_signal(signal.SIGSTOP)
        eventually(lambda: (processes.stat(run.pid) or ("", ""))[1] == "T", "it stands")
        return run

    def test_a_crash_in_the_middle_of_a_run_leaves_no_core_and_nobody_sees_in(self) -> None:
        fleet = self.fleet
        self.require_teeth()
        watch = Watch(fleet)
        watch.start()
        self.addCleanup(watch.stop)
        fleet.enroll()
        for number, kind in ((signal.SIGABRT, "p256"), (signal.SIGSEGV, "p384")):
            with self.subTest(number.name):
                fleet.rekey(kind)
                run = self.hold()
                if self.identity:
                    self.assertEqual(os.stat(f"/proc/{run.pid}/environ").st_uid, 0, "the kernel gave it to root")
                self.assertEqual(self.seen(run.pid), [])
                self.assertFalse(self.crash(run, number))
                self.assertEqual(self.cores(), [])
                self.assertNotIn("Registers", fleet.said(run).text, "the runtime's report of a crash shows memory")
        fleet.told("run")
        fleet.require_whole(self)
        fleet.require_sound()
        watch.look()
        watch.stop()
        keys = glob.glob(fleet.path("state", "keys", "*"))
        self.assertGreaterEqual(len(keys), len(fleet.lab.domains))
        wanted = [needle for path in keys for needle in needles(path, "-passin", f"pass:{self.passphrase}")]
        require_nowhere(self, [*wanted, Needle("the passphrase", self.passphrase.encode())], watch)
