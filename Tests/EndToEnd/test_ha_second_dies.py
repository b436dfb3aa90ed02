"""The node whose turn is second dies at every moment of a rollout."""

from __future__ import annotations

from .ha_moments import Moments


class SecondDies(Moments):
    def test_the_second_node_dies_at_every_moment_of_a_rollout(self) -> None:
        self.each("second")
