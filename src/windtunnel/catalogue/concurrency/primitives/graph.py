"""What the states of a program that ends say of all its schedules, exactly: how many there are, and which lose."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise
from math import nan

from windtunnel.explore import States


@dataclass(frozen=True, slots=True)
class Drawn:
    """A schedule: who takes which step, the states that it comes by, and what everybody waits for at its end."""

    moves: tuple[tuple[str, str], ...]
    states: tuple[int, ...]
    waits: dict[str, str]


ENDS_WELL, MAY_LOSE, LOSES, SMALLEST = KINDS = ("ends well", "may lose", "loses", "smallest loss")
"""What can come of a step: all schedules that go on from it end well, some, none; and one that is looked at."""


class Schedules:
    """All schedules of a program, as the ways through its states.

    Attributes:
        endless: whether some run need not end; then schedules cannot be counted.
        all: how many schedules there are.
        losing: how many of them end with somebody who has not ended.
        by_luck: the share of runs that lose where at each step all who can go on are as likely.
        steps, woken: how many steps a run has where all who can go on are as likely, and how many of them follow a wait
            for a condition, on average.
        in_order: the number of the first that loses where they are tried in lexicographic order; nan where none does.
    """

    def __init__(self, found: States) -> None:
        self.found = found
        self.ends_badly = [
            not steps and set(does) != {"ended"} for steps, does in zip(found.steps, found.does, strict=True)
        ]
        order = self._order = self._last_first()
        self.endless = len(order) < len(found.steps)
        self.all = self.losing = self.by_luck = self.in_order = self.steps = self.woken = nan
        if self.endless:
            return
        ways, bad = self._ways, self._bad = [0] * len(order), [0] * len(order)
        length, woken = [0.0] * len(order), [0.0] * len(order)
        for state in order:
            after = list(found.steps[state].values())
            ways[state] = sum(ways[to] for to in after) if after else 1
            bad[state] = sum(bad[to] for to in after) if after else int(self.ends_badly[state])
            doing = found.does[state]
            for actor, to in found.steps[state].items():
                length[state] += (1 + length[to]) / len(after)
                woken[state] += (doing[actor].startswith("waits for") + woken[to]) / len(after)
        self.all, self.losing, self.by_luck = float(ways[0]), float(bad[0]), self.share(lambda waits: True)
        self.steps, self.woken = length[0], woken[0]
        if bad[0]:
            self.in_order = 1.0 + self._before(ways, bad)

    def share(self, so: Callable[[Collection[str]], bool]) -> float:
        """The share of runs that lose, and end with waits that are `so`, where all who can go on are as likely."""
        if self.endless:
            return nan
        luck = [0.0] * len(self._order)
        for state in self._order:
            after = self.found.steps[state].values()
            if after:
                luck[state] = sum(luck[to] for to in after) / len(after)
            else:
                luck[state] = float(self.ends_badly[state] and so(self.found.waits[state].values()))
        return luck[0]

    def _last_first(self) -> list[int]:
        """States, each after all that it leads to; those from which one can come back are left out."""
        left = [len(steps) for steps in self.found.steps]
        before: list[list[int]] = [[] for _ in left]
        for state, steps in enumerate(self.found.steps):
            for to in steps.values():
                before[to].append(state)
        order = [state for state, count in enumerate(left) if not count]
        for state in order:
            for earlier in before[state]:
                left[earlier] -= 1
                if not left[earlier]:
                    order.append(earlier)
        return order

    def _before(self, ways: list[int], bad: list[int]) -> float:
        """How many schedules come before the first that loses."""
        state, passed = 0, 0
        while self.found.steps[state]:
            for _, to in sorted(self.found.steps[state].items()):
                if bad[to]:
                    state = to
                    break
                passed += ways[to]
        return float(passed)

    def smallest(self) -> Drawn | None:
        """Of all that lose one with the fewest switches between threads, and then the fewest steps."""
        line: list[tuple[int, int, int, int]] = [(0, 0, 0, -1)]
        came: dict[tuple[int, int], tuple[int, int] | None] = {(0, -1): None}
        best: dict[tuple[int, int], tuple[int, int]] = {(0, -1): (0, 0)}
        while line:
            switches, length, state, last = heappop(line)
            if best[state, last] < (switches, length):
                continue
            if self.ends_badly[state]:
                way = self._way(came, (state, last))
                moves = tuple((self.found.names[who], self.found.does[at][who]) for at, who in way)
                return Drawn(moves, (*(at for at, _ in way), state), self.found.waits[state])
            for actor, to in self.found.steps[state].items():
                cost = switches + (last not in (-1, actor)), length + 1
                if cost < best.get((to, actor), (1 << 30, 0)):
                    best[to, actor] = cost
                    came[to, actor] = state, last
                    heappush(line, (*cost, to, actor))
        return None

    def _way(self, came: dict[tuple[int, int], tuple[int, int] | None], at: tuple[int, int]) -> list[tuple[int, int]]:
        """The steps to a state: from which one, and whose."""
        back: list[tuple[int, int]] = []
        while (before := came[at]) is not None:
            back.append((before[0], at[1]))
            at = before
        return back[::-1]

    def drawn(self, smallest: Drawn | None) -> list[tuple[str, str, str, str]]:
        """All schedules at once: each step between two states, who takes it, and what can come of it, best first."""
        rows = []
        path = {} if smallest is None else dict(zip(pairwise(smallest.states), smallest.moves, strict=True))
        for state, steps in enumerate(self.found.steps):
            for actor, to in steps.items():
                what = self.found.names[actor]
                which = ENDS_WELL if not self._bad[to] else LOSES if self._bad[to] == self._ways[to] else MAY_LOSE
                if (state, to) in path and path[state, to][0] == what:
                    what, which = " ".join(path[state, to]), SMALLEST
                rows.append((str(state), str(to), what, which))
        return sorted(rows, key=lambda row: KINDS.index(row[3]))

    def alone(self, who: str, others: Callable[[str], bool]) -> bool:
        """Whether this one can go on to its end by itself, wherever of all others this can be said."""
        actor = self.found.names.index(who)
        return all(
            self.found.does[self._goes(actor, state)[-1]][actor] == "ended"
            for state, does in enumerate(self.found.does)
            if all(others(doing) for other, doing in enumerate(does) if other != actor)
        )

    def first(self, who: str, doing: str) -> bool:
        """Whether this one does that where it goes first and nobody else goes on before its end."""
        actor = self.found.names.index(who)
        return any(self.found.does[state][actor] == doing for state in self._goes(actor, 0))

    def _goes(self, actor: int, state: int) -> list[int]:
        """Where one comes by that goes on as long as it can, or until it comes by again."""
        came = [state]
        while actor in self.found.steps[state]:
            state = self.found.steps[state][actor]
            if state in came:
                break
            came.append(state)
        return came

    def together(self, doing: str) -> int:
        """How many do this at once, at most."""
        return max(sum(one == doing for one in does) for does in self.found.does)
