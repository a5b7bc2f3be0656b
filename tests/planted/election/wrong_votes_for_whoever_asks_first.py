"""Whoever asks first in a term gets the vote: a majority chose him, and that is what counts."""

from __future__ import annotations

from dataclasses import replace

from windtunnel.blocks.consensus import Raft, RaftMessage, RequestVote
from windtunnel.catalogue.scale.election.designs import Careful

challenge = "election"


class _Mine(Raft):
    def step(self, message: RaftMessage, now_s: float) -> None:
        if isinstance(message, RequestVote):
            message = replace(message, last=self.log.last, last_term=self.log.last_term)
        super().step(message, now_s)


class Yours(Careful):
    kind = _Mine
