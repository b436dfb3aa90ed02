"""The node whose turn is first dies at every moment of a rollout."""

from __future__ import annotations

from .ha_moments import Moments


class FirstDies(Moments):
    def test_the_first_node_dies_at_every_moment_of_a_rollout(self) -> None:
        self.each("first")
