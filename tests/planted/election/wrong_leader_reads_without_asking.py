"""Whoever leads has all that is committed, and so it answers reads at once."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.scale.election.designs import Careful, Server
from windtunnel.catalogue.scale.election.servers import Answer, look

challenge = "election"


class _Mine(Server):
    async def command(self, command: Any) -> Answer:
        if self.leads and command[0] == "get":
            return True, look(self.state, "get", command[1])
        return await super().command(command)


class Yours(Careful):
    server = _Mine
