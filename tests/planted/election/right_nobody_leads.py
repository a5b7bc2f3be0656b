"""Pages that are read and written need no leader: each by a majority, and a read writes back what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from windtunnel.catalogue.scale.election.servers import PATIENCE_S, SERVERS, Answer, Asked, Cluster, sync_s
from windtunnel.parts import Journal, first_answers

challenge = "election"
NOTHING = [0, "", None]


class _Mine(Asked):
    disk_ms = 7.0
    leads = False

    def boot(self) -> None:
        luck, draw = self.sim.random(f"{self.host.name} disk"), sync_s(self.disk_ms)
        self.journal = Journal(self.host, sync_s=lambda: draw(luck))
        self.cells: dict[str, list[Any]] = {}
        self.seen: list[Any] = []
        self.begun: set[int] = set()
        for key, cell in self.journal.records():
            self.take(key, cell)

    def take(self, key: str, cell: list[Any]) -> bool:
        if cell[2] is not None and cell[2] not in self.seen:
            self.seen.append(cell[2])
        newer = cell[:2] > self.cells.get(key, NOTHING)[:2]
        if newer:
            self.cells[key] = cell
        return newer

    async def keep(self, key: str, cell: list[Any]) -> bool:
        if cell[2] not in self.seen:
            self.journal.append([key, cell])
        await self.journal.sync()
        self.take(key, cell)  # nobody is shown what a crash could take back
        return True

    def cell(self, key: str) -> list[Any]:
        return self.cells.get(key, NOTHING)

    def values(self) -> list[Any]:
        return list(self.seen)

    async def ask_most(self, name: str, *args: Any) -> list[Any]:
        return await first_answers(
            self, list(self.servers.values()), SERVERS // 2 + 1, name, *args, within_s=PATIENCE_S
        )

    async def want(self, command: list[Any]) -> Answer:
        what, key, value, request = command
        if request in self.begun:  # a message that came twice
            await self.sim.sleep(2 * PATIENCE_S)
            return False, None
        self.begun.add(request)
        written = False
        try:
            if what == "everything":
                return True, list(dict.fromkeys(one for some in await self.ask_most("values") for one in some))
            found = await self.ask_most("cell", key)
            best = max(found, key=lambda cell: cell[:2])
            if what == "put":
                best = [best[0] + 1, f"{self.host.name} {request}", value]
            if what == "put" or any(cell[:2] != best[:2] for cell in found):
                written = what == "put"
                await self.ask_most("keep", key, best)
            return True, None if what == "put" else best[2]
        except TimeoutError:
            if written:
                await self.sim.sleep(PATIENCE_S)
            return False, None


class Yours(Cluster):
    def make(self) -> Sequence[Asked]:
        _Mine.disk_ms = self.p.disk_ms
        return [_Mine(self.stage, f"server {i}") for i in range(SERVERS)]
