"""A request that got no answer in time has failed, and its client is told so."""

from __future__ import annotations

from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import InDoubt, NotDone

challenge = "chaos"


class Yours(Tested):
    async def put(self, replica: int, key: str, value: int) -> None:
        try:
            await super().put(replica, key, value)
        except InDoubt as error:
            raise NotDone("It took too long.") from error
