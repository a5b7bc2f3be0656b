"""Seven tasks, one a primitive: who does what at once, to what, and when it has gone wrong.

Each begins as it is written by a design: `rooms` makes its primitives, threads run its methods.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.concurrency.primitives.size import Sizes
from windtunnel.catalogue.concurrency.primitives.worlds import (
    Bank,
    Buffer,
    Hall,
    Jobs,
    Listened,
    Page,
    Pool,
    World,
)

Steps = Coroutine[Any, Any, None]
Live = Mapping[str, Callable[[], Steps]]


def lock(design: Any, kit: Any, p: Sizes) -> tuple[World, Live]:
    """Two move money from one account, which has enough for one of them, and a third moves some the other way."""
    bank = Bank(kit, {"x": 20, "y": 20}, {"x": 15, "y": 25}, {"x": 5, "y": 35})
    design.accounts(kit)

    async def moves(source: str, target: str, amount: int) -> None:
        try:
            await design.move(bank, source, target, amount)
        except Refused:
            bank.refuses(amount)

    return bank, {
        "A": lambda: moves("x", "y", 10),
        "B": lambda: moves("y", "x", 5),
        "C": lambda: moves("x", "y", 20),
    }


def rlock(design: Any, kit: Any, p: Sizes) -> tuple[World, Live]:
    """One moves money, and who listens is told, and asks for the total; another asks for it at any moment."""
    till = Listened(kit, {"cash": 50, "card": 50}, {"cash": 45, "card": 55})
    design.till(kit)
    till.listens(design.total)

    async def asks() -> None:
        await till.asked("B")

    return till, {"A": lambda: design.pay_in(till, 5), "B": asks}


def semaphore(design: Any, kit: Any, p: Sizes) -> tuple[World, Live]:
    """More users than connections: some break theirs, one waits for one, and one does not want to wait."""
    pool = Pool(kit, p.places, p.places + 1)
    design.pool(kit, p.places)

    async def breaks() -> None:
        try:
            await design.use(pool, wait=True, breaks=True)
        except ConnectionError:
            return
        kit.fail("A connection broke in use, and its user is not told.")

    async def hurries() -> None:
        await design.use(pool, wait=False, breaks=False)

    async def waits() -> None:
        await design.use(pool, wait=True, breaks=False)

    return pool, {**{"AB"[i]: breaks for i in range(p.places)}, "C": waits, "D": hurries}


def condition(design: Any, kit: Any, p: Sizes) -> tuple[World, Live]:
    """Some put a thing each into a buffer with one place, and as many take one each."""
    buffer = Buffer(kit, 1, p.pairs)
    design.buffer(kit, 1)
    puts = {f"P{i}": lambda i=i: design.put(buffer, f"thing {i}") for i in range(1, p.pairs + 1)}

    async def takes() -> None:
        await design.take(buffer)

    return buffer, {**puts, **{f"C{i}": takes for i in range(1, p.pairs + 1)}}


def event(design: Any, kit: Any, p: Sizes) -> tuple[World, Live]:
    """Two announce a job each, and one does both."""
    jobs = Jobs(kit, 2)
    design.bell(kit)
    return jobs, {
        "A": lambda: design.announce(jobs, "job 1"),
        "B": lambda: design.announce(jobs, "job 2"),
        "W": lambda: design.do_all(jobs, 2),
    }


def barrier(design: Any, kit: Any, p: Sizes) -> tuple[World, Live]:
    """Some do rounds of work, and nobody begins one before all have ended the last."""
    names = "ABCD"[: p.parties]
    hall = Hall(kit, names)
    design.hall(kit, p.parties)

    async def works(me: str) -> None:
        left = p.rounds
        while left:
            await hall.work(me)
            left -= 1
            if left:
                await design.meet()

    return hall, {name: lambda name=name: works(name) for name in names}


def rwlock(design: Any, kit: Any, p: Sizes) -> tuple[World, Live]:
    """Two read a page, and where it is stale it has to be made anew, once."""
    page = Page(kit, 1)
    design.page(kit)
    return page, {"A": lambda: design.refresh(page), "B": lambda: design.refresh(page)}


TASKS: Mapping[str, Callable[[Any, Any, Any], tuple[World, Live]]] = {
    "lock": lock,
    "rlock": rlock,
    "semaphore": semaphore,
    "condition": condition,
    "event": event,
    "barrier": barrier,
    "rwlock": rwlock,
}
