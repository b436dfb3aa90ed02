"""What a test of a lab needs. A missing tool is a failure in CI, and a skip with its reason elsewhere."""

from __future__ import annotations

import os
import unittest
from collections.abc import Callable

from . import namespaces, up
from .model import LabError


def require_tools() -> None:
    found(up.check_tools)


def require_namespaces() -> None:
    """What this machine cannot give to anybody is no failure, in CI neither."""
    require_tools()
    if reason := namespaces.refused():
        raise unittest.SkipTest(reason)
    found(namespaces.check_tools)


def found(check: Callable[[], None]) -> None:
    try:
        check()
    except LabError as fault:
        if os.environ.get("CI"):
            raise
        raise unittest.SkipTest(str(fault)) from None
