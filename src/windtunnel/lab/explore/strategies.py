"""Who goes next: random, PCT, depth-first, and dynamic partial-order reduction with sleep sets.

Random and PCT fail on opposite programs, and neither proves anything; the reduction finds what they miss and, where it
ends, has shown that there is nothing. Run the first two, then the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from windtunnel.lab.explore.core import Access, Strategy


class RandomWalk:
    """Any actor that can go on, with equal luck. Never ends by itself."""

    exhaustive = False

    def __init__(self, seed: int = 0) -> None:
        self._luck = Random(seed)

    def begin(self) -> bool:
        return True

    def choose(self, enabled: Sequence[str], pending: Mapping[str, Access]) -> str | None:
        return self._luck.choice(enabled) if enabled else None

    def end(self) -> None:
        pass


class PCT:
    """Probabilistic concurrency testing (Burckhardt and others, ASPLOS 2010).

    Actors have random priorities and the highest goes on, except that at `depth - 1` random steps the one that would
    go falls to the bottom. A bug that needs d ordering constraints is hit with a chance of at least 1/(n k^(d-1)) a
    run, n actors and k steps; k is taken from the longest run so far.
    """

    exhaustive = False

    def __init__(self, depth: int = 3, seed: int = 0) -> None:
        if depth < 1:
            raise ValueError(f"A depth of {depth} is no depth; take 1 or more.")
        self._luck = Random(seed)
        self._depth = depth
        self._length = 1
        self._step = 0
        self._priority: dict[str, float] = {}
        self._falls: set[int] = set()

    def begin(self) -> bool:
        self._length = max(self._length, self._step)
        self._step = 0
        self._priority = {}
        self._falls = {self._luck.randrange(self._length) for _ in range(self._depth - 1)}
        return True

    def choose(self, enabled: Sequence[str], pending: Mapping[str, Access]) -> str | None:
        for actor in pending:
            if actor not in self._priority:
                self._priority[actor] = 1 + self._luck.random()
        if not enabled:
            return None
        best = max(enabled, key=self._priority.__getitem__)
        if self._step in self._falls:
            self._priority[best] = -float(self._step)
            best = max(enabled, key=self._priority.__getitem__)
        self._step += 1
        return best

    def end(self) -> None:
        pass


class DepthFirst:
    """Every schedule, in lexicographic order. Exhaustive, and hopeless beyond small programs."""

    exhaustive = True

    def __init__(self) -> None:
        self._stack: list[tuple[tuple[str, ...], int]] = []
        self._depth = 0
        self._started = False

    def begin(self) -> bool:
        self._depth = 0
        if not self._started:
            self._started = True
            return True
        while self._stack:
            enabled, index = self._stack.pop()
            if index + 1 < len(enabled):
                self._stack.append((enabled, index + 1))
                return True
        return False

    def choose(self, enabled: Sequence[str], pending: Mapping[str, Access]) -> str | None:
        if not enabled:
            return None
        if self._depth == len(self._stack):
            self._stack.append((tuple(enabled), 0))
        known, index = self._stack[self._depth]
        self._depth += 1
        return known[index]

    def end(self) -> None:
        pass


@dataclass(slots=True)
class _Point:
    """A state on the current path: who could go on, whom we still have to try from here, whom we have tried."""

    enabled: tuple[str, ...]
    pending: dict[str, Access]
    sleep: dict[str, Access]
    todo: dict[str, None] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    chosen: str = ""
    # The clock of the step chosen here: for each actor, how many points of the path happen before it.
    clock: dict[str, int] = field(default_factory=dict)


class DPOR:
    """Dynamic partial-order reduction with source sets and sleep sets (Abdulla and others, *Optimal dynamic partial
    order reduction*, POPL 2014, Algorithm 1).

    Of schedules that differ only in the order of steps that commute one is enough. Wherever a step raced with an
    earlier one of another actor (they conflict, both could have gone on, and nothing else orders them), the earlier
    point must be tried with somebody who can begin the rest without that step. Sleep sets drop what would repeat.

    Every race counts, not only the last one before a step: with sleep sets the shorter rule of Flanagan and Godefroid
    (POPL 2005) missed a final state of three threads that read and write two variables.
    """

    exhaustive = True

    def __init__(self) -> None:
        self._path: list[_Point] = []
        self._depth = 0
        self._started = False

    def begin(self) -> bool:
        self._depth = 0
        if not self._started:
            self._started = True
            return True
        while self._path:
            point = self._path[-1]
            # What was tried from here need not be tried again below a sibling until something conflicts with it.
            point.sleep[point.chosen] = point.pending[point.chosen]
            for actor in point.todo:
                if actor not in point.done and actor not in point.sleep:
                    point.chosen = actor
                    point.done.add(actor)
                    return True
            self._path.pop()
        return False

    def choose(self, enabled: Sequence[str], pending: Mapping[str, Access]) -> str | None:
        if self._depth < len(self._path):
            point = self._path[self._depth]
            self._depth += 1
            if self._depth == len(self._path):
                point.clock = self._mark_races(point.chosen, point.pending[point.chosen], self._depth - 1)
            return point.chosen
        for actor, access in pending.items():
            if actor not in enabled:  # waits for a lock: had it come first, it would not
                self._mark_races(actor, access, len(self._path))
        point = _Point(tuple(enabled), dict(pending), self._inherited())
        awake = [actor for actor in enabled if actor not in point.sleep]
        if not awake:
            return None
        point.chosen = awake[0]
        point.todo[point.chosen] = None
        point.done.add(point.chosen)
        point.clock = self._mark_races(point.chosen, pending[point.chosen], len(self._path))
        self._path.append(point)
        self._depth += 1
        return point.chosen

    def end(self) -> None:
        pass

    def _inherited(self) -> dict[str, Access]:
        """The sleepers of the last point that its step did not wake: those whose step commutes with it."""
        if not self._path:
            return {}
        last = self._path[-1]
        step = last.pending[last.chosen]
        return {
            actor: access for actor, access in last.sleep.items() if actor != last.chosen and not access.conflicts(step)
        }

    def _mark_races(self, actor: str, access: Access, end: int) -> dict[str, int]:
        """Mark every point before `end` whose step races with this one; the clock of this step.

        A clock holds, for each actor, the number of the last of its points that happens before (or is) the step.
        """
        path = self._path[:end]
        clock: dict[str, int] = {}
        for point in reversed(path):
            if point.chosen == actor:
                clock = dict(point.clock)
                break
        # A release orders the next acquire behind it, yet the two acquires race: the other could have come first. So
        # what a release brings counts for the step's own clock, but explains no race away.
        explained = dict(clock)
        for index in range(end - 1, -1, -1):
            point = path[index]
            earlier = point.pending[point.chosen]
            if point.chosen == actor or not access.conflicts(earlier):
                continue
            if access.may_race(earlier):
                if explained.get(point.chosen, 0) > index:
                    continue
                self._mark(point, index, actor, access, end)
                _join(explained, point.clock)
            _join(clock, point.clock)
        clock[actor] = end + 1
        return clock

    def _mark(self, point: _Point, index: int, actor: str, access: Access, end: int) -> None:
        """See to it that somebody who can begin the rest without the step at `index` is tried there."""
        rest = [
            (number, self._path[number])
            for number in range(index + 1, end)
            if self._path[number].clock.get(point.chosen, 0) <= index
        ]
        first: dict[str, None] = {}
        for place, (_, later) in enumerate(rest):
            if all(later.clock.get(before.chosen, 0) <= number for number, before in rest[:place]):
                first[later.chosen] = None
        if not any(later.chosen == actor or access.conflicts(later.pending[later.chosen]) for _, later in rest):
            first[actor] = None
        if first.keys() & point.todo.keys():
            return
        usable = [a for a in (actor, *first) if a in first and a in point.enabled]
        if usable:
            point.todo[usable[0]] = None
        else:
            point.todo.update(dict.fromkeys(point.enabled))


def _join(clock: dict[str, int], other: Mapping[str, int]) -> None:
    for actor, number in other.items():
        if clock.get(actor, 0) < number:
            clock[actor] = number


def strategy(name: str, seed: int = 0) -> Strategy:
    """A strategy by its name: random, pct, depth-first or dpor."""
    makers: dict[str, Strategy] = {
        "random": RandomWalk(seed),
        "pct": PCT(seed=seed),
        "depth-first": DepthFirst(),
        "dpor": DPOR(),
    }
    if name not in makers:
        raise ValueError(f"There is no strategy {name!r}; there are {', '.join(makers)}.")
    return makers[name]
