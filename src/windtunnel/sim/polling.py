"""Time goes on for who polls: a program that asks again and again whether something has happened yet.

Virtual time stands still while anything is left to do, and `while not done: await asyncio.sleep(0)` always leaves
something to do; a real processor takes its time for every turn of such a loop. So when a hundred thousand callbacks and
empty sleeps have passed at one moment, turns begin to cost: what is ready is laid aside for `TURN_NS` of virtual time,
as a real event loop needs for a short turn, until a turn passes in which nobody polls. The rule looks at nothing but
the run itself, so it is the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from windtunnel.sim.signals import Deadlock, Timer
from windtunnel.sim.task import Handle, Task, whereabouts

if TYPE_CHECKING:
    from windtunnel.sim.kernel import Simulator

LIMIT: Final = 100_000
"""Callbacks and empty sleeps at one moment that are no polling yet: many tasks may start together."""
TURN_NS: Final = 10_000
"""What a turn of a polling loop takes."""
ALONE: Final = 10_000
"""Turns after which one takes `ALONE_NS`, if nothing else is to happen in the whole simulation."""
ALONE_NS: Final = 1_000_000
HOPELESS: Final = 1_000_000
"""Turns after which nobody believes any more that a program which polls alone waits for a certain time."""

CHECKED: Final = 1000
"""So many turns lie between two looks at what else is to happen."""

Turn = tuple[Any, int, BaseException | None]


class Polling:
    """Watches for polling in one simulation. The kernel counts callbacks and empty sleeps, and calls `look`.

    Attributes:
        turn_ns: what a turn takes now; 0 while nobody polls.
    """

    def __init__(self, sim: Simulator, is_stale: Callable[[Any], bool]) -> None:
        self._sim = sim
        self._is_stale = is_stale
        self._since_ns = -1
        self._busy: set[Any] = set()
        """Loops (and hosts, for light processes) that poll. Only asked for membership: its order is nobody's."""
        self._suspects = False
        """Whether whoever is ready at the end of this turn is among those."""
        self._turns = 0
        self._alone = 0
        self.turn_ns = 0

    def look(self) -> None:
        """Many callbacks were made: if time has not moved since the last look, somebody polls."""
        sim = self._sim
        sim._calls = 0
        if self._since_ns != sim.now_ns:
            self._since_ns = sim.now_ns
            return
        self._suspects = True
        if not self.turn_ns:
            self.turn_ns = TURN_NS
            self._turns = self._alone = 0
            sim._ready.append((self, 0, None))

    def _run(self) -> None:
        """The end of a turn: who polls goes on after a while."""
        sim = self._sim
        ready, polled = sim._ready, sim._calls
        sim._calls = 0
        if self._suspects:
            polled += 1
            self._suspects = False
            self._busy.update(_home(thing) for thing, _, _ in ready)
        turns = [turn for turn in ready if _home(turn[0]) in self._busy]
        if turns:
            others = [turn for turn in ready if _home(turn[0]) not in self._busy]
            ready.clear()
            ready.extend(others)
        self._busy = {_home(thing) for thing, _, _ in turns}
        if not turns and not polled:
            self.turn_ns = 0
            self._since_ns = -1
            return
        self._turns += 1
        if self._turns % CHECKED == 0:
            soon = sim.now_ns + self.turn_ns
            alone = all(entry[0] <= soon or self._is_stale(entry) for entry in sim._heap)
            self._alone = self._alone + CHECKED if alone else 0
            self.turn_ns = TURN_NS if self._alone < ALONE else ALONE_NS
            if self._alone > HOPELESS:
                who = ", ".join(dict.fromkeys(_describe(thing) for thing, _, _ in turns[:20])) or "callbacks"
                raise Deadlock(f"Deadlock at {sim.now:.9f} s: nothing else can happen, and polling goes on in {who}.")
        sim.push(sim.now_ns + self.turn_ns, Timer(self._resume, (turns,)))

    def _resume(self, turns: list[Turn]) -> None:
        self._sim._ready.extend(turns)
        self._sim._ready.append((self, 0, None))


def _home(thing: Any) -> Any:
    if thing.__class__ is Task:
        return thing._home
    if thing.__class__ is Handle:
        return thing._loop
    return getattr(thing, "host", None)


def _describe(thing: Any) -> str:
    if thing.__class__ is Task:
        return f"{thing.describe()} ({whereabouts(thing)})"
    return str(thing.describe()) if hasattr(thing, "describe") else repr(thing)
