"""A sixth machine has all that was written; a server that hears two others asks it, and nobody has to be elected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from windtunnel.catalogue.scale.election.servers import (
    PATIENCE_S,
    SERVERS,
    TRY_S,
    Answer,
    Asked,
    Cluster,
    apply,
    sync_s,
)
from windtunnel.parts import Journal, Peer, first_answers

challenge = "election"


class _Store(Peer):
    disk_ms = 7.0

    def boot(self) -> None:
        disk, draw = self.sim.random("the store's disk"), sync_s(self.disk_ms)
        self.journal = Journal(self.host, sync_s=lambda: draw(disk))
        self.state: dict[str, Any] = {}
        for command in self.journal.records():
            apply(self.state, command)

    async def do(self, command: list[Any]) -> Answer:
        if command[0] == "put":
            await self.journal.keep(command)
        return True, apply(self.state, command)


class _Mine(Asked):
    store: _Store

    def here(self) -> bool:
        return True

    async def want(self, command: list[Any]) -> Answer:
        asked = False
        try:
            await first_answers(self, list(self.servers.values()), SERVERS // 2 + 1, "here", within_s=TRY_S)
            asked = True
            found: Answer = await self.call(self.store, "do", command, within_s=PATIENCE_S)
            return found
        except TimeoutError:
            if asked:
                await self.sim.sleep(PATIENCE_S)
            return False, None


class Yours(Cluster):
    def make(self) -> Sequence[Asked]:
        store = _Store(self.stage, "store")
        store.disk_ms = self.p.disk_ms
        made = [_Mine(self.stage, f"server {i}") for i in range(SERVERS)]
        for one in made:
            one.store = store
        return made

    def leading(self) -> Sequence[Peer]:
        return ()
