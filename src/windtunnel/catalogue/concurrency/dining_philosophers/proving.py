"""The table under exploration: the same designs, with nothing left to chance and no time, in all states that there are.

A stand-in for the stage is handed to the design, whose locks are the tunnel's own. Each philosopher thinks and dines
for ever; others may come in between wherever the design waits. What a search of all states has not found does not
exist, for so many seats: that is a proof, and no run is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from windtunnel.explore import Pause, States, states
from windtunnel.sim import Simulator

THINKS, REACHES, EATS = "thinks", "reaches", "eats"
MOST_STATES = 6000


class Still:
    """Luck where no time passes: how long somebody waits tells no two runs apart."""

    def uniform(self, low: float, high: float) -> float:
        return high


class Marked:
    """A server whose work is a step: others may come before it has ended."""

    def __init__(self, name: str) -> None:
        self.name = name

    def serve(self, work_s: float) -> Pause:
        return Pause(self.name)


class Quiet:
    """What a design is given in the place of a stage."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim

    def server(self, name: str, workers: int) -> Marked:
        return Marked({"hands": REACHES, "plates": EATS}[name])

    def luck(self, name: str) -> Still:
        return Still()


def hungry(seat: int, does: Sequence[str]) -> bool:
    """Whether this philosopher has come to eat and does not eat."""
    return does[seat] not in (THINKS, EATS)


Facts = Mapping[str, Any]


@cache
def proved(design: Any, params: Any) -> Facts:
    """What all states of a design say with these parameters, and what goes wrong in the first that is bad.

    "starves": a fair run in which one who is hungry never eats. "livelock": one in which nobody eats and none is
    stuck. Where the search did not end nothing is said.
    """
    try:
        found = all_states(design, params)
    except (AttributeError, TypeError, RuntimeError):  # a design of somebody who asks the stage for more
        return {}
    if not found.complete:
        return {"states": len(found.steps)}
    stuck = min(found.stuck(), key=lambda state: len(found.way(state)), default=None)
    owes = THINKS.__ne__  # nobody has to become hungry
    runs = (found.lasso(partial(hungry, seat), owes=owes) for seat in range(params.seats))
    starves, livelock = next((run for run in runs if run), None), found.lasso(without=EATS, owes=owes)
    run = livelock or starves
    moves: Sequence[tuple[str, str]] = ()
    what = ""
    if stuck is not None:
        moves, what = found.way(stuck), "into the deadlock"
    elif run is not None:
        moves = (*run.way, *run.circle)
        what = "nobody eats, round and round" if livelock else "philosopher is passed over, round and round"
    return {
        "states": len(found.steps),
        "deadlock": stuck is not None,
        "starves": starves is not None,
        "livelock": livelock is not None,
        "moves": moves,
        "what": what,
        "waits": {} if stuck is None else found.waits[stuck],
        **drawn(design, replace(params, seats=2)),
    }


def drawn(design: Any, params: Any) -> Facts:
    """Every schedule of two who dine once each: who moves at each step, and whether it ends in a deadlock."""
    found = all_states(design, params, dinners=1)
    runs = found.schedules()
    rows = [([found.names.index(name) for name, _ in moves], stuck) for moves, stuck in runs]
    return {"drawn": rows, "schedules": len(rows), "losing": sum(stuck for _, stuck in rows)}


def all_states(design: Callable[[Any, Any], Any], params: Any, dinners: int = 0) -> States:
    """The states of a table of this design; with `dinners` everybody has so many and goes home."""

    def make(sim: Simulator) -> tuple[object, dict[str, Any]]:
        table = design(Quiet(sim), params)
        dine = type(table).dine.__wrapped__  # the coroutine itself, of which nobody has made a process

        async def lives(seat: int) -> None:
            left = dinners
            while left or not dinners:
                await Pause(THINKS)
                await dine(table, 0, seat, 1.0, 1.0)
                left -= left > 0

        return table, {f"philosopher {seat}": lives(seat) for seat in range(params.seats)}

    return states(make, MOST_STATES)
