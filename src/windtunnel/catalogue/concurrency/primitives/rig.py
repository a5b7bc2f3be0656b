"""What tries a design: all states of each task, schedules in order and by luck, and threads of this Python.

No design has a say in what is found out here. What is shared by threads and is not a lock's is the rig's (`worlds`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.concurrency.primitives import real
from windtunnel.catalogue.concurrency.primitives.graph import Schedules
from windtunnel.catalogue.concurrency.primitives.kit import NOTHING, SHUT
from windtunnel.catalogue.concurrency.primitives.model import RAISES, Model, built
from windtunnel.catalogue.concurrency.primitives.size import Sizes, sizes
from windtunnel.catalogue.concurrency.primitives.starving import shut_out
from windtunnel.catalogue.concurrency.primitives.worlds import READS, USES
from windtunnel.explore import DPOR, RandomWalk, replay, runs, states

MOST_STATES = 8_000
"""States after which a search gives up."""
MOST = 400
"""Schedules after which a reduction gives up."""
MOST_DRAWN = 200
"""States of a task that can be looked at in a picture."""
MOST_REAL = 400
"""And on real threads."""

Found = Mapping[str, Any]


class Rig:
    """Tries one design."""

    def __init__(self, design: object, stage: Stage, p: Any) -> None:
        self.design, self.stage, self.p = design, stage, p
        self.kind: Any = type(design)
        self.real = stage.name != "sim"

    def search(self, task: str) -> Found:
        """All states of a task, and one of all schedules that differ."""
        return searched(self.kind, task, sizes(task, self.p))

    def draw(self, task: str) -> tuple[int, int]:
        """Of schedules drawn by luck: the number of the first that loses, or how many were drawn; how many lose.

        None is drawn where all states say that none loses.
        """
        if self.search(task)["complete"] and not self.search(task)["loses"]:
            return self.p.walks, 0
        luck = RandomWalk(self.stage.luck(task).getrandbits(32))
        drawn = runs(Model(self.kind, task, sizes(task, self.p)), luck, self.p.walks)
        lost = [failure is not None for _, failure in drawn]
        return (lost.index(True) + 1 if any(lost) else len(lost)), sum(lost)

    def starve(self) -> Found:
        """Who can be kept from reading or writing for ever."""
        return starved(self.kind)

    def threads(self, task: str) -> Found:
        """The same text on threads of this Python; there are none in the tunnel."""
        return real.found_in(self.kind, task, sizes(task, self.p), MOST_REAL) if self.real else {}


@cache
def searched(design: type, task: str, p: Sizes) -> Found:
    """What all states of a task say, and the schedules that differ, as plain data."""
    found = states(lambda sim: built(design, task, p, sim)[1:], MOST_STATES)
    every = Schedules(found)
    endless = every.endless and found.lasso() is not None
    model = Model(design, task, p)
    told: dict[str, Any] = {}
    smallest = every.smallest()
    if smallest is not None:
        failure = replay(model, [who for who, _ in smallest.moves])
        told |= {"sentence": failure.sentence, "kind": failure.kind} if failure is not None else {}
        told |= {"moves": smallest.moves, "waits": smallest.waits}
    if not every.endless and len(found.steps) <= MOST_DRAWN:
        told["drawn"] = every.drawn(smallest)
    told |= {
        "states": len(found.steps),
        "complete": found.complete and not endless,
        "loses": any(every.ends_badly) or endless,
        "schedules": every.all,
        "losing": every.losing,
        "by_luck": every.by_luck,
        "stops": every.share(lambda waits: not any(what.startswith(NOTHING) for what in waits)),
        "raises": every.share(lambda waits: any(what.startswith(NOTHING) and RAISES in what for what in waits)),
        "in_order": every.in_order,
        "steps": every.steps,
        "woken": every.woken,
        "readers": every.together(READS),
        "users": every.together(USES),
        "spins": every.endless,
        "hurried": task != "semaphore" or (every.alone("D", at_rest) and every.first("D", USES)),
    }
    lost = [] if every.endless else [failure is not None for _, failure in runs(model, DPOR(), MOST)]
    told |= {"differ": len(lost), "all_that_differ": 0 < len(lost) < MOST}
    told |= {"reduced": lost.index(True) + 1 if any(lost) else 0}
    return told


def at_rest(doing: str) -> bool:
    """Whether somebody uses a connection, waits, has ended, or has not got in."""
    return doing in (USES, "ended") or doing.endswith(SHUT)


@cache
def starved(design: type) -> Found:
    """Two readers and a writer, a reader and two writers: who can be left out for ever, and how."""
    told: dict[str, Any] = {"complete": True, "states": 0}
    for who, readers, writers in (("writer", 2, 1), ("reader", 1, 2)):
        found, runs_of = shut_out(design, readers, writers)
        told["complete"] = told["complete"] and found.complete and not found.stuck()
        told["states"] += len(found.steps)
        run = runs_of[f"{who} 1"]
        told[who] = None if run is None else {"way": run.way, "circle": run.circle}
    return told
