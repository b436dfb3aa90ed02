"""Tests of the lab, against the real programs."""
