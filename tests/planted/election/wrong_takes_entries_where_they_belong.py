"""Entries have numbers: whoever gets some puts them where they belong."""

from __future__ import annotations

from dataclasses import replace

from windtunnel.blocks.consensus import AppendEntries, Raft, RaftMessage
from windtunnel.catalogue.scale.election.designs import Careful

challenge = "election"


class _Mine(Raft):
    def step(self, message: RaftMessage, now_s: float) -> None:
        if isinstance(message, AppendEntries) and message.before <= self.log.last:
            message = replace(message, before_term=self.log.term(message.before))
        super().step(message, now_s)


class Yours(Careful):
    kind = _Mine
