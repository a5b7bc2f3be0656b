"""What the threads share that is not theirs, and who judges them by it: each touch is a step, and is looked at.

The same text serves the explorer of models and, without `await`, threads of this Python (`real`). There a step is an
opcode, so that what is shared is changed by one: by an append, and not by `+= 1`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any


class World:
    """What a task is done to. A step that must not be ends the run there and then."""

    def __init__(self, kit: Any) -> None:
        self.kit = kit

    def check(self) -> None:
        """All have ended: fail where something is missing."""


class Bank(World):
    """Accounts; somebody may read or write one whoever else does."""

    def __init__(self, kit: Any, money: dict[str, int], end: dict[str, int]) -> None:
        super().__init__(kit)
        self.money, self.end = money, end

    async def read(self, account: str) -> int:
        """What lies there."""
        await self.kit.touch("read", account, f"reads {account}")
        return self.money[account]

    async def write(self, account: str, amount: int) -> None:
        """Let so much lie there."""
        await self.kit.touch("write", account, f"writes {account}")
        self.money[account] = amount

    def check(self) -> None:
        if self.money != self.end:
            self.kit.fail(f"There should be {self.end}, and there is {self.money}.")


class Listened(Bank):
    """Accounts with somebody who is told of each move, and asks for the total."""

    def __init__(self, kit: Any, money: dict[str, int], end: dict[str, int]) -> None:
        super().__init__(kit, money, end)
        self.total = sum(money.values())
        self.told = 0
        self.ask: Callable[[Bank], Awaitable[int]]

    async def tell(self) -> None:
        """Something has been moved: whoever listens asks for the total."""
        self.told += 1
        await self.asked("who listens")
        if self.money != self.end:
            self.kit.fail("Who listens is told of a move that has not been made.")

    async def asked(self, who: str) -> None:
        """Ask for the total, and compare."""
        found = await self.ask(self)
        if found != self.total:
            self.kit.fail(f"{who} is told of a total of {found}, and there are {self.total}.")

    def check(self) -> None:
        super().check()
        if self.told != 1:
            self.kit.fail(f"One move was made, and told {self.told} times.")


class Pool(World):
    """So many connections, for one user each."""

    def __init__(self, kit: Any, places: int, ends: int) -> None:
        super().__init__(kit)
        self.places, self.ends = places, ends
        self.inside: list[int] = []
        self.served: list[int] = []

    async def use(self, breaks: bool = False) -> None:
        """Use one for a while; it may break in use."""
        await self.kit.touch("write", "the pool", "takes a connection")
        self.inside.append(1)
        if len(self.inside) > self.places:
            self.kit.fail(f"{len(self.inside)} use {self.places} connections.")
        await self.kit.touch("write", "the pool", USES)
        self.inside.pop()
        self.served.append(1)
        if breaks:
            raise ConnectionError("The connection broke in use.")

    def check(self) -> None:
        if len(self.served) < self.ends:
            self.kit.fail(f"{self.ends} should have been served, and {len(self.served)} were.")


USES, READS, WRITES = "uses a connection", "reads the page", "writes the page"


class Buffer(World):
    """A place or two for things that wait to be used."""

    def __init__(self, kit: Any, room: int, things: int) -> None:
        super().__init__(kit)
        self.room, self.things = room, things
        self.here: list[str] = []
        self.taken: list[str] = []

    async def put(self, thing: str) -> None:
        """Lay it there."""
        await self.kit.touch("write", "the buffer", f"puts {thing}")
        if len(self.here) >= self.room:
            self.kit.fail(f"{thing} is put into a buffer that is full.")
        self.here.append(thing)

    async def take(self) -> str:
        """Take what lies there longest."""
        await self.kit.touch("write", "the buffer", "takes a thing")
        if not self.here:
            self.kit.fail("Somebody takes from a buffer that is empty.")
        thing = self.here.pop(0)
        self.taken.append(thing)
        return thing

    def check(self) -> None:
        if len(self.taken) != self.things:
            self.kit.fail(f"{self.things} were put, and {len(self.taken)} taken.")


class Jobs(World):
    """A list of jobs, which anybody may add to and take from."""

    def __init__(self, kit: Any, many: int) -> None:
        super().__init__(kit)
        self.many = many
        self.waiting: list[str] = []
        self.done = 0

    async def add(self, job: str) -> None:
        """Add one."""
        await self.kit.touch("write", "the jobs", f"adds {job}")
        self.waiting.append(job)

    async def take(self) -> str | None:
        """Take one and do it; None where there is none."""
        await self.kit.touch("write", "the jobs", "takes a job")
        if not self.waiting:
            return None
        self.done += 1
        return self.waiting.pop(0)

    def check(self) -> None:
        if self.done != self.many:
            self.kit.fail(f"{self.many} jobs were announced, and {self.done} done.")


class Hall(World):
    """Where several do rounds of work, and nobody begins one before all have ended the last."""

    def __init__(self, kit: Any, names: Sequence[str]) -> None:
        super().__init__(kit)
        self.names = list(names)
        self.worked: list[str] = []

    async def work(self, who: str) -> None:
        """A round of work."""
        await self.kit.touch("write", "the rounds", "works a round", self.settle)
        self.worked.append(who)

    def settle(self) -> None:
        """Look whether all is well until now, and forget the rounds that all have worked."""
        self.check()
        while set(self.names) <= set(self.worked):
            for name in self.names:
                self.worked.remove(name)
        self.worked.sort()

    def check(self) -> None:
        rounds = dict.fromkeys(self.names, 0)
        for who in self.worked:
            rounds[who] += 1
            if rounds[who] > min(rounds.values()) + 1:
                self.kit.fail(f"{who} works a round before all have ended the last one.")


class Page(World):
    """Read by several at once, or written by one alone; it is stale, and has to be made anew once."""

    def __init__(self, kit: Any, makes: int) -> None:
        super().__init__(kit)
        self.makes = makes
        self.reading: list[int] = []
        self.writing: list[int] = []
        self.made: list[int] = []

    def opens(self) -> None:
        """Somebody begins to read."""
        self.reading.append(1)
        if self.writing:
            self.kit.fail("Somebody reads the page while it is written.")

    def opens_to_write(self) -> None:
        """Somebody begins to write."""
        self.writing.append(1)
        if len(self.writing) > 1 or self.reading:
            self.kit.fail("Somebody writes the page while others are at it.")

    async def read(self) -> bool:
        """Read it; whether it is fresh."""
        await self.kit.touch("write", "the page", "opens the page")
        self.opens()
        await self.kit.touch("write", "the page", READS)
        self.reading.pop()
        return bool(self.made)

    async def look(self) -> bool:
        """Whether it is fresh."""
        await self.kit.touch("read", "the page", "looks at the page")
        return bool(self.made)

    async def write(self) -> None:
        """Make it anew."""
        await self.kit.touch("write", "the page", "opens the page to write")
        self.opens_to_write()
        await self.kit.touch("write", "the page", WRITES)
        self.writing.pop()
        self.made.append(1)

    def check(self) -> None:
        if len(self.made) != self.makes:
            self.kit.fail(f"The page should be made {self.makes} times, and was made {len(self.made)} times.")
