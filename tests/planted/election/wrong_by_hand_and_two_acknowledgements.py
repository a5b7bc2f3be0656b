"""As by hand, and two others have each write before it is acknowledged."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.scale.election.naive import ByHand, Copy
from windtunnel.catalogue.scale.election.servers import Asked

challenge = "election"


class Yours(ByHand):
    def make(self) -> Sequence[Asked]:
        made = super().make()
        for one in made:
            assert isinstance(one, Copy)
            one.acks = 2
        return made
