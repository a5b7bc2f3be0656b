"""Each server answers reads out of its own copy, which has all that it was told to apply."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.scale.election.designs import Careful, Server
from windtunnel.catalogue.scale.election.servers import Answer, look

challenge = "election"


class _Mine(Server):
    async def want(self, command: list[Any]) -> Answer:
        if command[0] == "get":
            return True, look(self.state, "get", command[1])
        return await super().want(command)


class Yours(Careful):
    server = _Mine
