"""Votes and entries are written, and told to others before the disk has them."""

from __future__ import annotations

from windtunnel.blocks.consensus import Ready
from windtunnel.catalogue.scale.election.designs import Careful, Server

challenge = "election"


class _Mine(Server):
    async def keep(self, work: Ready) -> None:
        if work.hard is not None:
            self.journal.append(["hard", *work.hard])
        if work.cut:
            self.journal.append(["log", work.first, work.entries])


class Yours(Careful):
    server = _Mine
