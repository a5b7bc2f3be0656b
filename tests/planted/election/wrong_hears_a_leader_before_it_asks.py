"""Who has just come back asks for no votes before it has heard a leader: it would only disturb the others."""

from __future__ import annotations

from windtunnel.blocks.consensus import Raft
from windtunnel.catalogue.scale.election.designs import Careful

challenge = "election"


class _Mine(Raft):
    def tick(self, now_s: float) -> None:
        if self.log.last and not self.heard and now_s >= self.due_s:
            self._wait(now_s)
        super().tick(now_s)

    @property
    def heard(self) -> bool:
        return self._heard_s >= 0 or self.role != "follower"


class Yours(Careful):
    kind = _Mine
