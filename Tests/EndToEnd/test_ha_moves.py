"""The VIP moves at every moment of a rollout."""

from __future__ import annotations

from .ha_moments import Moments


class Moved(Moments):
    def test_the_vip_moves_at_every_moment_of_a_rollout(self) -> None:
        self.each("move")
