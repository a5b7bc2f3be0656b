"""Readers and writers of a page who never end: who of them can be left out for ever, where locks keep to an order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from windtunnel.catalogue.concurrency.primitives.kit import Kit, Who
from windtunnel.catalogue.concurrency.primitives.model import Programs
from windtunnel.catalogue.concurrency.primitives.size import Sizes
from windtunnel.catalogue.concurrency.primitives.worlds import READS, WRITES, Page
from windtunnel.explore import Lasso, States, states
from windtunnel.sim import Simulator

RESTS = "rests"
MOST_STATES = 5_000


def shut_out(design: Any, readers: int, writers: int) -> tuple[States, dict[str, Lasso | None]]:
    """Readers and writers of a page who never end: for each of the two, a run in which one is never let in."""

    def make(sim: Simulator) -> tuple[object, Programs]:
        kit = Kit(sim, orderly=True)
        one = design(None, Sizes())
        page = Page(kit, 0)
        one.page(kit)
        kit.watch(one, page)

        async def reads(me: str) -> None:
            Who.runs = me
            while not kit.wrong:
                await kit.touch("read", "nothing", RESTS)
                await one.begin_read()
                page.opens()
                await kit.touch("read", "the page", READS)
                page.closes()
                await one.end_read()

        async def writes(me: str) -> None:
            Who.runs = me
            while not kit.wrong:
                await kit.touch("read", "nothing", RESTS)
                await one.begin_write()
                page.opens_to_write()
                await kit.touch("write", "the page", WRITES)
                page.closes_to_write()
                await one.end_write()

        programs = {f"reader {i}": reads(f"reader {i}") for i in range(1, readers + 1)}
        programs |= {f"writer {i}": writes(f"writer {i}") for i in range(1, writers + 1)}
        return (one, page, kit), programs

    found = states(make, MOST_STATES)
    runs = {}
    for i, name in enumerate(found.names):
        hungry = partial(waits, i)
        runs[name] = found.lasso(hungry, owes=RESTS.__ne__)
    return found, runs


def waits(who: int, does: Sequence[str]) -> bool:
    """Whether this one has come and is not let in."""
    return does[who] not in (RESTS, READS, WRITES)
