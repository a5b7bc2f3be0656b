"""The log is on the disk; a term and a vote are over in a moment, and need not be there."""

from __future__ import annotations

from windtunnel.blocks.consensus import Ready
from windtunnel.catalogue.scale.election.designs import Careful, Server

challenge = "election"


class _Mine(Server):
    async def keep(self, work: Ready) -> None:
        await super().keep(work._replace(hard=None))


class Yours(Careful):
    server = _Mine
