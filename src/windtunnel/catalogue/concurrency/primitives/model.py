"""A design's task as a program: begun by the judge, run by whichever explorer, and looked at by nobody else.

The same coroutines are searched by all their states, run by schedules that differ (`Model` with a reduction), run by
luck, and, for who may be left out for ever, in loops that have no end (`starving`).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from windtunnel.catalogue.concurrency.primitives.kit import Kit, Turn, Who
from windtunnel.catalogue.concurrency.primitives.size import Sizes
from windtunnel.catalogue.concurrency.primitives.tasks import TASKS
from windtunnel.catalogue.concurrency.primitives.worlds import World
from windtunnel.explore import Access, Failure
from windtunnel.sim import Simulator


class Taken(NamedTuple):
    """A step that was taken."""

    actor: str
    access: Access


MOST_STEPS = 500
"""After so many a run is given up: somebody asks again and again."""
RAISES = " ends with "
"""In what is wrong: it is nothing that the world saw, but an exception."""
Choose = Callable[[Sequence[str], Mapping[str, Access]], str | None]
Programs = dict[str, Coroutine[Any, Any, None]]


def never() -> bool:
    """Nobody goes on here."""
    return False


async def lives(kit: Kit, world: World, live: dict[str, None], name: str, body: Any) -> None:
    """A thread from beginning to end; the last one looks whether all is there."""
    Who.runs = name
    try:
        await body()
        kit.keeps_still()
        del live[name]
        if not live:
            Who.runs = ""
            world.check()
    except Exception as error:
        kit.wrong = kit.wrong or f"{name}{RAISES}{type(error).__name__}: {str(error).rstrip('.')}."
    if kit.wrong:
        await Turn(kit, "stands still", Access("read", "nothing"), never)


def built(design: type, task: str, p: Sizes, sim: Simulator) -> tuple[Kit, tuple[object, ...], Programs]:
    """A task, begun by a design of this class: what is shared, and the threads."""
    kit = Kit(sim)
    one = design(None, p)
    world, threads = TASKS[task](one, kit, p)
    kit.watch(one, world)
    live = dict.fromkeys(threads)
    programs = {name: lives(kit, world, live, name, body) for name, body in threads.items()}
    return kit, (one, world, kit, live), programs


class Model:
    """The task as a program for the explorer, schedule by schedule."""

    def __init__(self, design: type, task: str, p: Sizes) -> None:
        self.make = partial(built, design, task, p, Simulator(0))

    def run(self, choose: Choose, max_steps: int) -> tuple[list[Any], Failure | None]:
        """Run once; as `Program.run`."""
        kit, _, programs = self.make()
        at: dict[str, Turn] = {}
        taken: list[Any] = []

        def go(name: str) -> None:
            try:
                at[name] = programs[name].send(None)
            except StopIteration:
                at.pop(name, None)

        try:
            for name in programs:
                go(name)
            while not kit.wrong and at:
                pending = {name: step.access for name, step in at.items()}
                enabled = [name for name, step in at.items() if step.done()]
                chosen = choose(enabled, pending)
                if not enabled:
                    waits = "; ".join(f"{name} waits for {step.describe()}" for name, step in at.items())
                    return taken, Failure("deadlock", waits, tuple(taken))
                if chosen is None or len(taken) >= min(max_steps, MOST_STEPS):
                    return taken, None
                taken.append(Taken(chosen, pending[chosen]))
                go(chosen)
            return taken, Failure("wrong", kit.wrong, tuple(taken)) if kit.wrong else None
        finally:
            for program in programs.values():
                program.close()
