"""A write is acknowledged when the leader has it in its log; the others will have it in a moment."""

from __future__ import annotations

from typing import Any

from windtunnel.blocks.consensus import NotLeader
from windtunnel.catalogue.scale.election.designs import Careful, Server
from windtunnel.catalogue.scale.election.servers import Answer

challenge = "election"


class _Mine(Server):
    async def command(self, command: Any) -> Answer:
        if command[0] != "put":
            return await super().command(command)
        try:
            self.raft.propose(command)
        except NotLeader as error:
            return False, error.leader
        await self.settle()
        return True, None


class Yours(Careful):
    server = _Mine
