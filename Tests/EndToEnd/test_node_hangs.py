"""The same as test_node_faults.py, with nodes that say nothing more. Most of it is waiting."""

from __future__ import annotations

import unittest

from . import test_node_faults as faults
from .fleet import QUICK


@unittest.skipIf(QUICK, "each step waits its minute and a half")
class NodeHangs(faults.NodeFaults):
    kinds = ("hangs",)
