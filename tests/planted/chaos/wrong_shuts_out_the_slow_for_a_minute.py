"""A circuit: who fails once is not asked for a minute, and then asked again."""

from __future__ import annotations

import time
from typing import Any

from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import Replica

challenge = "chaos"


class _Mine(Replica):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.opened: dict[int, float] = {}

    async def call(self, peer: int, *request: Any) -> Any:
        if time.monotonic() < self.opened.get(peer, 0.0):
            raise ConnectionError("The circuit is open.")
        try:
            return await super().call(peer, *request)
        except OSError:
            self.opened[peer] = time.monotonic() + 60.0
            raise


class Yours(Tested):
    def replica(self, me: int) -> Replica:
        return _Mine(me, self.addresses, "/store")
