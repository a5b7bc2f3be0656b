"""What tries a design: a board after the other, each with what befalls it, and what clients were told.

Requests go to servers by turns. Who dies is started again and knows nothing but what lasts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from windtunnel import Stage
from windtunnel.catalogue.interview.q09_leaderboard.caches import board
from windtunnel.catalogue.interview.q09_leaderboard.days import Asked, Episode, asked_of, crowd
from windtunnel.catalogue.interview.q09_leaderboard.world import Desk, Entry, Killed, Layout, Program, World
from windtunnel.engines import Script
from windtunnel.parts import programs

if TYPE_CHECKING:
    from windtunnel.sim import Host

TRIES = 5
"""How often something is asked that has certainly not happened."""
WAIT_S = 0.05
"""Between two tries."""
STANDS_S = 0.3
"""For so long what is asked beside somebody who stands still is waited for; then that one goes on."""
SETTLES_S = 0.02
"""From when somebody stands still until others are served."""
LIMIT_S = 60.0
"""For so long an answer is waited for."""
FEW = 100
"""Of so many entries each one's height is told."""
COUNTED = 20_000
"""With more members it is not counted at what engines look: where they count, they take longer."""
ALL = 50
"""More than there are on a small board."""
UNKNOWN = "unknown"
"""What a client was told who was told nothing."""


def only_there(*_: object) -> None:
    """In the model nothing takes memory."""
    raise NotImplementedError("A real server knows how much memory it needs; the model is not asked.")


BYTES = Script("return redis.call('MEMORY', 'USAGE', KEYS[1], 'SAMPLES', '1000')", only_there)


class Design(Program, Protocol):
    """What is tried: made anew for each process."""

    tables: Mapping[str, Layout]
    caches: int


class Rig:
    """Tries one design."""

    def __init__(self, design: Any, stage: Stage, p: Any) -> None:
        self.design, self.stage, self.p = design, stage, p
        self.world = World(stage, design.tables, design.caches, p.row_us / 1e6)
        self.hosts: list[Host] = []
        if stage.name == "sim":
            self.hosts = [stage.host(f"server {i}") for i in range(p.servers)]
        self.running: dict[int, tuple[Desk, Any]] = {}
        self.turns = 0
        self.trouble = ""
        self.place = -1
        self.watched: Desk | None = None
        self.hit = False
        self.stood, self.go_on = stage.signal(), stage.signal()
        self.ends: dict[tuple[str, Asked, tuple[Asked, ...]], int] = {}
        """The first place that somebody does not have, once it is known."""

    async def start(self) -> None:
        if self.world.db is not None:
            for name, kept in self.world.tables.items():
                await self.world.db.create_table(name, kept.columns, unique=kept.indexes)

    # --- processes -----------------------------------------------------------------------------------------------
    def process(self, i: int) -> tuple[Desk, Any]:
        """Server i; started where it does not run."""
        if i not in self.running:
            # What is kept at the class, or in the module of somebody's file, is the process's own, and dies with it.
            kind = type(programs(type(self.design)(self.stage, self.p), self.stage, self.p)[1])
            made = kind(self.stage, self.p)
            desk = Desk(self.world, self.act)
            made.boot(desk)
            self.running[i] = desk, made
        return self.running[i]

    def end(self, i: int) -> None:
        """Nothing goes on of server i."""
        if i in self.running:
            self.running.pop(i)[0].dead = True

    async def act(self, desk: Desk, what: str) -> None:
        """Somebody is about to do this. Raises Killed where it is the end."""
        if desk is not self.watched or self.place < 0:
            return
        self.place -= 1
        if self.place >= 0:
            return
        self.hit = True
        if self.trouble == "dies":
            for i, (known, _) in list(self.running.items()):
                if known is desk:
                    self.end(i)
            raise Killed
        self.stood.set()
        await self.go_on

    async def ask(self, i: int, day: int, asked: Asked) -> Any:
        """Ask server i, on its host; what the client is told."""
        if not self.hosts:
            return await self.asked(i, day, asked)
        over, answers = self.stage.signal(), list[Any]()

        async def there() -> None:
            try:
                answers.append((await self.asked(i, day, asked), None))
            except Exception as error:
                answers.append((None, error))
            over.set()

        self.hosts[i].create_task(there())
        await over
        ((found, error),) = answers
        if error is not None:
            raise error
        return found

    async def asked(self, i: int, day: int, asked: Asked) -> Any:
        """What comes of it."""
        what, *args = asked
        if what == "friends":
            args = [tuple(args)]
        for tried in range(TRIES):
            if tried:
                await asyncio.sleep(WAIT_S)
            try:
                async with asyncio.timeout(LIMIT_S):
                    desk, program = self.process(i)
                    found = await getattr(program, what)(day, *args)
                    await desk.here("told")
                    return told(found)
            except Killed:
                return UNKNOWN
            except OSError:  # with TimeoutError
                return UNKNOWN
            except Exception as error:
                if getattr(error, "outcome", "") != "fail":
                    raise  # the design is broken
        return UNKNOWN

    def next(self) -> int:
        """Whose turn it is."""
        self.turns += 1
        return self.turns % int(self.p.servers)

    # --- boards --------------------------------------------------------------------------------------------------
    async def board(
        self,
        day: int,
        kind: str,
        first: Sequence[Asked],
        one: Asked,
        others: Sequence[Asked],
        place: int,
        size: int,
    ) -> Mapping[str, Any] | None:
        """One board; None where nobody has such a place, which is known from one before."""
        if kind in ("pair", "dies") and place >= self.ends.get((kind, one, tuple(others)), place + 1):
            return None
        e = Episode(day, kind, tuple(first), one, tuple(others), place, size)  # type: ignore[arg-type]  # it is a kind
        if kind == "size":
            return await self.large(e)
        found: dict[str, Any] = {"first": await self.row(day, first)}
        if kind == "day":
            return {**found, "after": await self.look(day)}
        self.trouble, self.place, self.hit = kind, place, False
        found |= await self.beside(e)
        self.trouble, self.place, self.watched = "", -1, None
        if not self.hit:
            self.ends[kind, one, e.others] = place
        return {**found, "hit": self.hit, "after": await self.look(day)}

    async def row(self, day: int, requests: Sequence[Asked]) -> list[Any]:
        """One after the other, and a turn of the job now and then; what was told."""
        found = []
        for i, asked in enumerate(requests, 1):
            found.append(await self.ask(self.next(), day, asked))
            if i % self.p.turn == 0:
                await self.ask(0, day, ("turn",))
        return found

    async def beside(self, e: Episode) -> dict[str, Any]:
        """Somebody dies at a place, or stands still there, others are served, and he goes on."""
        here, there = 0, int(self.p.servers) - 1
        self.watched = self.process(here)[0]
        self.stood, self.go_on = self.stage.signal(), self.stage.signal()
        first = asyncio.create_task(self.ask(here, e.day, e.one))
        if e.kind == "dies":
            return {"one": await first, "others": []}
        standing = asyncio.create_task(waited(self.stood))
        await asyncio.wait({first, standing}, return_when=asyncio.FIRST_COMPLETED)
        standing.cancel()
        if first.done():
            self.place = -1  # what comes now is no place of his
        else:
            await asyncio.sleep(SETTLES_S)  # what else he has asked at the same moment is answered
        second = asyncio.create_task(self.rest(there, e.day, e.others))
        await asyncio.wait({second}, timeout=STANDS_S)
        self.go_on.set()
        return {"one": await first, "others": await second}

    async def rest(self, i: int, day: int, requests: Sequence[Asked]) -> list[Any]:
        """One after the other, of one server."""
        return [await self.ask(i, day, asked) for asked in requests]

    async def look(self, day: int) -> dict[str, Any]:
        """The board of each server when all is over, two ranks, of the last server, and what is left of the day."""
        await self.ask(0, day, ("turn",))
        last = int(self.p.servers) - 1
        tops = [await self.ask(i, day, ("top", ALL)) for i in range(last + 1)]
        found = tops[-1] if tops[-1] != UNKNOWN else []
        # The last one's rank is the sum of all counts that there are.
        members = sorted({found[-1][0], found[len(found) // 2][0]}) if found else []
        ranks = [[member, await self.ask(last, day, ("rank", member))] for member in members]
        await self.ask(last, day, ("forget",))
        return {"tops": tops, "ranks": ranks, "left": [await self.ask(last, day, ("top", 1))]}

    async def large(self, e: Episode) -> Mapping[str, Any]:
        """A board of many members: what each request looks at, asks for, writes and takes."""
        ((_, seed),) = e.first
        luck = Random(seed)
        size = e.size * (1 if self.stage.name == "sim" else int(self.p.times))
        entries = [Entry(*one) for one in crowd(size, self.p.most, luck)]
        for i in list(self.running):
            self.end(i)
        await self.ask(0, e.day, ("fill", entries))
        size_bytes = 0
        if self.stage.name != "sim" and self.world.caches:
            said: Any = await self.world.caches[0].run(BYTES, [board(e.day)])
            size_bytes = int(said or 0)
        costs: list[list[Any]] = []
        _, program = self.process(0)
        heights = program.heights(e.day) if hasattr(program, "heights") else []
        levels = [sum(one > level for one in heights) for level in range(max(heights, default=0))]
        for asked in [*asked_of(entries, luck), ("turn",), ("forget",)]:
            if asked[0] in ("turn", "forget") and e.size > self.p.members // 10:
                continue
            looked, done, began = self.looked(program), self.world.done.copy(), self.stage.clock()
            # Who adds is another server: what one has in its memory the other does not know.
            found = await self.ask(int(self.p.servers) - 1 if asked[0] == "add" else 0, e.day, asked)
            took_s = self.stage.clock() - began
            after, cost = self.looked(program), self.world.done - done
            eyes = None if looked is None or after is None else after - looked
            costs.append([list(asked), found, eyes, cost["asked"], cost["written"], cost["carried"], took_s])
        return {
            "costs": costs,
            "levels": levels,
            "heights": heights if size <= FEW else [],
            "bytes": size_bytes,
            "size": size,
        }

    def looked(self, program: Any) -> int | None:
        """What engines have looked at, and the program in its own memory."""
        found = self.world.looked() if self.p.members * self.p.times <= COUNTED else None
        return None if found is None else found + (program.looked() if hasattr(program, "looked") else 0)


async def waited(signal: Any) -> None:
    """Until it has happened."""
    await signal


def told(found: Any) -> Any:
    """An answer as it is kept: entries as lists."""
    if isinstance(found, list | tuple):
        return [[int(member), int(points)] for member, points in found]
    return found
