"""Who sets the key first takes over the longest log of those that answer, and then leads."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.scale.election.naive import FirstToSet, KeyHolder, Keys
from windtunnel.catalogue.scale.election.servers import SERVERS, Asked

challenge = "election"


class _Mine(KeyHolder):
    def what(self) -> list[object]:
        return list(self.log)

    async def _look(self) -> None:
        for one in self.servers.values():
            try:
                log = await self.call(one, "what") if one is not self else self.log
            except TimeoutError:
                continue
            if len(log) > len(self.log):
                self.journal.append([len(self.log), log[len(self.log) :]])
                self.log = list(log)
        await self.journal.sync()
        super().lead()

    def lead(self) -> None:
        self.host.spawn(self._look(), daemon=True)


class Yours(FirstToSet):
    def make(self) -> Sequence[Asked]:
        keys = Keys(self.stage, "keys")
        made = [_Mine(self.stage, f"server {i}", self.p, SERVERS // 2) for i in range(SERVERS)]
        for one in made:
            one.keys = keys
        return made
