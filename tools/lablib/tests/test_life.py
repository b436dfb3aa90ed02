"""A lab comes up whole, and leaves nothing, however it ends."""

import os
import shutil
import signal
import subprocess
import unittest

from lablib import processes
from lablib.model import Lab
from lablib.needs import require_tools

from . import support


class Life(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_tools()

    def test_what_up_starts_is_alive_and_down_leaves_no_process_and_no_file(self):
        with support.running("--pairs", "4") as lab:
            names = {record.name for record in lab.processes if record.state == "running"}
            self.assertEqual(len(lab.nodes), 8)
            self.assertLessEqual({"pebble", "dns", "smtp", "forwarder", "pair3-b/stunnel", "pair4-b/haproxy"}, names)
            self.assertGreater(len(support.everything(lab)), 22)
        # `running` itself looks for what is left.

    def test_up_refuses_a_directory_that_holds_something(self):
        with support.directory() as path:
            os.mkdir(path)
            with open(os.path.join(path, "mine"), "w"):
                pass

            done = support.tool("up", path)

            self.assertEqual(done.returncode, 3)
            self.assertIn("is not empty", done.stderr)
            self.assertTrue(os.path.exists(os.path.join(path, "mine")))

    def test_down_refuses_a_directory_that_it_did_not_make(self):
        with support.directory() as path:
            os.mkdir(path)

            done = support.tool("down", path)

            self.assertEqual(done.returncode, 3)
            self.assertTrue(os.path.isdir(path))

    def test_two_labs_do_not_meet(self):
        with support.running("--pairs", "2") as first, support.running("--pairs", "2") as second:
            self.assertNotEqual(first.block, second.block)
            tunnels = [{node.tunnel for node in lab.nodes if node.tunnel} for lab in (first, second)]
            self.assertFalse(tunnels[0] & tunnels[1])
            support.told("node", first.directory, "pair1-a", "kill")
            self.assertEqual(support.ssh(second, "pair1-a", "true").returncode, 0)

    def test_a_killed_up_leaves_nothing(self):
        for moment in ("lab.json", "log/supervisor.log", "nodes/pair1-a/log/haproxy.log"):
            with self.subTest(moment), support.directory() as path:
                child = support.starting(path)
                support.eventually(lambda: os.path.exists(os.path.join(path, moment)))
                child.kill()
                child.wait()
                lab = Lab.load(path)

                support.told("down", path)

                self.assertFalse(os.path.exists(path))
                support.eventually(lambda: not support.everything(lab))
                support.assert_gone(lab)

    def test_an_interrupted_up_ends_what_it_started(self):
        with support.directory() as path:
            child = support.starting(path)
            support.eventually(lambda: os.path.exists(os.path.join(path, "nodes/pair1-a/log/haproxy.log")))
            lab = Lab.load(path)

            child.send_signal(signal.SIGINT)

            self.assertEqual(child.wait(90), 130)
            support.assert_gone(lab)

    def test_a_killed_supervisor_takes_its_processes_along_and_down_cleans_up(self):
        with support.directory() as path:
            support.told("up", path, "--pairs", "1", "--owner", str(os.getpid()))
            lab = Lab.load(path)
            session = subprocess.Popen([*support.ssh_command(lab, "pair1-a"), "echo here; cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.assertEqual(session.stdout.readline(), b"here\n")

            processes.send({lab.supervisor.pid: lab.supervisor.started}, signal.SIGKILL)
            support.eventually(lambda: not processes.is_same(lab.supervisor.pid, lab.supervisor.started))
            support.told("down", path)

            session.communicate(timeout=20)
            self.assertFalse(os.path.exists(path))
            support.assert_gone(lab)

    def test_a_lab_ends_with_its_owner(self):
        with support.directory() as path:
            owner = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
            support.told("up", path, "--pairs", "1", "--owner", str(owner.pid))
            lab = Lab.load(path)

            owner.communicate()

            support.eventually(lambda: not support.everything(lab))
            self.assertEqual(support.tool("status", path).returncode, 1)
            support.told("down", path)

    def test_a_lab_ends_when_its_directory_is_removed_by_hand(self):
        with support.directory() as path:
            support.told("up", path, "--pairs", "1", "--owner", str(os.getpid()))
            lab = Lab.load(path)

            shutil.rmtree(path)

            support.eventually(lambda: not support.everything(lab))
            support.assert_gone(lab)

    def test_what_a_session_left_behind_ends_with_the_lab(self):
        with support.running("--pairs", "1") as lab:
            done = support.ssh(lab, "pair1-a", "setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $!")
            pid = int(done.stdout)
            started = processes.start_time(pid)
            self.assertTrue(started)
        self.assertFalse(processes.is_same(pid, started))

    def test_a_program_that_cannot_start_is_named_with_its_log(self):
        with support.directory() as path:
            shape = os.path.join(os.path.dirname(path), "shape.json")
            with open(shape, "w") as file:
                file.write('{"environment": {"GOMEMLIMIT": "many"}}')

            done = support.tool("up", path, "--spec", shape, "--pairs", "1")

            self.assertEqual(done.returncode, 3)
            self.assertIn("pebble ended while it was starting", done.stderr)
            support.assert_gone(Lab.load(path))
