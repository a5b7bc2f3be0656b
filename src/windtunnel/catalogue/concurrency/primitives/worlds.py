"""What the threads share that is not theirs, and who judges them by it: each touch is a step, and is looked at.

The same text serves the explorer of models and, without `await`, threads of this Python (`real`). There a step is an
opcode, so that what is shared is changed by one: by an append, and not by `+= 1`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any


class World:
    """What a task is done to. A step that must not be ends the run there and then.

    Whoever uses it calls its methods: what it keeps is the judge's, and touching that would be no step.
    """

    def __init__(self, kit: Any) -> None:
        self._kit = kit

    def check(self) -> None:
        """All have ended: fail where something is missing."""


class Bank(World):
    """Accounts; somebody may read or write one whoever else does. In the end there is one of what may be."""

    def __init__(self, kit: Any, money: dict[str, int], *ends: dict[str, int]) -> None:
        super().__init__(kit)
        self._money, self._ends = money, ends
        self._refused: list[int] = []

    async def read(self, account: str) -> int:
        """What lies there."""
        await self._kit.touch("read", account, f"reads {account}")
        return self._money[account]

    async def write(self, account: str, amount: int) -> None:
        """Let so much lie there."""
        await self._kit.touch("write", account, f"writes {account}")
        self._money[account] = amount

    def refuses(self, amount: int) -> None:
        """Somebody is told that there is not so much."""
        self._refused.append(amount)

    def check(self) -> None:
        if self._money not in self._ends:
            may = " or ".join(str(end) for end in self._ends)
            self._kit.fail(f"There should be {may}, and there is {self._money}.")
        if len(self._refused) != len(self._ends) - 1:
            self._kit.fail(f"{len(self._ends) - 1} should have been refused, and {len(self._refused)} were.")


class Listened(Bank):
    """Accounts with somebody who is told of each move, and asks for the total."""

    def __init__(self, kit: Any, money: dict[str, int], end: dict[str, int]) -> None:
        super().__init__(kit, money, end)
        self._end = end
        self._sum = sum(money.values())
        self._told = 0
        self._ask: Callable[[Bank], Awaitable[int]]

    def listens(self, ask: Callable[[Any], Awaitable[int]]) -> None:
        """Who is told asks so for the total."""
        self._ask = ask

    async def tell(self) -> None:
        """Something has been moved: whoever listens asks for the total."""
        self._told += 1
        await self.asked("who listens")
        if self._money != self._end:
            self._kit.fail("Who listens is told of a move that has not been made.")

    async def asked(self, who: str) -> None:
        """Ask for the total, and compare."""
        found = await self._ask(self)
        if found != self._sum:
            self._kit.fail(f"{who} is told of a total of {found}, and there are {self._sum}.")

    def check(self) -> None:
        super().check()
        if self._told != 1:
            self._kit.fail(f"One move was made, and told {self._told} times.")


class Pool(World):
    """So many connections, for one user each."""

    def __init__(self, kit: Any, places: int, ends: int) -> None:
        super().__init__(kit)
        self._places, self._ends = places, ends
        self._inside: list[int] = []
        self._served: list[int] = []

    async def use(self, breaks: bool = False) -> None:
        """Use one for a while; it may break in use."""
        await self._kit.touch("write", "the pool", "takes a connection")
        self._inside.append(1)
        if len(self._inside) > self._places:
            self._kit.fail(f"{len(self._inside)} use {self._places} connections.")
        await self._kit.touch("write", "the pool", USES)
        self._inside.pop()
        self._served.append(1)
        if breaks:
            raise ConnectionError("The connection broke in use.")

    def check(self) -> None:
        if len(self._served) < self._ends:
            self._kit.fail(f"{self._ends} should have been served, and {len(self._served)} were.")


USES, READS, WRITES = "uses a connection", "reads the page", "writes the page"


class Buffer(World):
    """A place or two for things that wait to be used."""

    def __init__(self, kit: Any, room: int, things: int) -> None:
        super().__init__(kit)
        self._room, self._things = room, things
        self._here: list[str] = []
        self._taken: list[str] = []

    async def put(self, thing: str) -> None:
        """Lay it there."""
        await self._kit.touch("write", "the buffer", f"puts {thing}")
        if len(self._here) >= self._room:
            self._kit.fail(f"{thing} is put into a buffer that is full.")
        self._here.append(thing)

    async def take(self) -> str:
        """Take what lies there longest."""
        await self._kit.touch("write", "the buffer", "takes a thing")
        if not self._here:
            self._kit.fail("Somebody takes from a buffer that is empty.")
        thing = self._here.pop(0)
        self._taken.append(thing)
        return thing

    def check(self) -> None:
        if len(self._taken) != self._things:
            self._kit.fail(f"{self._things} were put, and {len(self._taken)} taken.")


class Jobs(World):
    """A list of jobs, which anybody may add to and take from."""

    def __init__(self, kit: Any, many: int) -> None:
        super().__init__(kit)
        self._many = many
        self._waiting: list[str] = []
        self._done = 0

    async def add(self, job: str) -> None:
        """Add one."""
        await self._kit.touch("write", "the jobs", f"adds {job}")
        self._waiting.append(job)

    async def take(self) -> str | None:
        """Take one and do it; None where there is none."""
        await self._kit.touch("write", "the jobs", "takes a job")
        if not self._waiting:
            return None
        self._done += 1
        return self._waiting.pop(0)

    def check(self) -> None:
        if self._done != self._many:
            self._kit.fail(f"{self._many} jobs were announced, and {self._done} done.")


class Hall(World):
    """Where several do rounds of work, and nobody begins one before all have ended the last."""

    def __init__(self, kit: Any, names: Sequence[str]) -> None:
        super().__init__(kit)
        self._names = list(names)
        self._worked: list[str] = []

    async def work(self, who: str) -> None:
        """A round of work."""
        await self._kit.touch("write", "the rounds", "works a round", self.settle)
        self._worked.append(who)

    def settle(self) -> None:
        """Look whether all is well until now, and forget the rounds that all have worked."""
        self.check()
        while set(self._names) <= set(self._worked):
            for name in self._names:
                self._worked.remove(name)
        self._worked.sort()

    def check(self) -> None:
        rounds = dict.fromkeys(self._names, 0)
        for who in self._worked:
            rounds[who] += 1
            if rounds[who] > min(rounds.values()) + 1:
                self._kit.fail(f"{who} works a round before all have ended the last one.")


class Page(World):
    """Read by several at once, or written by one alone; it is stale, and has to be made anew once."""

    def __init__(self, kit: Any, makes: int) -> None:
        super().__init__(kit)
        self._makes = makes
        self._reading: list[int] = []
        self._writing: list[int] = []
        self._made: list[int] = []

    def opens(self) -> None:
        """Somebody begins to read."""
        self._reading.append(1)
        if self._writing:
            self._kit.fail("Somebody reads the page while it is written.")

    def closes(self) -> None:
        """And ends."""
        self._reading.pop()

    def opens_to_write(self) -> None:
        """Somebody begins to write."""
        self._writing.append(1)
        if len(self._writing) > 1 or self._reading:
            self._kit.fail("Somebody writes the page while others are at it.")

    def closes_to_write(self) -> None:
        """And ends."""
        self._writing.pop()

    async def read(self) -> bool:
        """Read it; whether it is fresh."""
        await self._kit.touch("write", "the page", "opens the page")
        self.opens()
        await self._kit.touch("write", "the page", READS)
        self.closes()
        return bool(self._made)

    async def look(self) -> bool:
        """Whether it is fresh."""
        await self._kit.touch("read", "the page", "looks at the page")
        return bool(self._made)

    async def write(self) -> None:
        """Make it anew."""
        await self._kit.touch("write", "the page", "opens the page to write")
        self.opens_to_write()
        await self._kit.touch("write", "the page", WRITES)
        self.closes_to_write()
        self._made.append(1)

    def check(self) -> None:
        if len(self._made) != self._makes:
            self._kit.fail(f"The page should be made {self._makes} times, and was made {len(self._made)} times.")
