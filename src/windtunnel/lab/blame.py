"""What a failed run would not have failed without: a fault, a request or a message, or a smallest set of them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan, nan
from typing import Any

from windtunnel.lab.causes import Case, Ran
from windtunnel.lab.claims import Table, parse, value
from windtunnel.lab.grading.minimise import minimise
from windtunnel.lab.history import Op
from windtunnel.lab.params import make
from windtunnel.lab.running.work import faults_of, workload
from windtunnel.sim.fault import Fault

MOST_TRIES = 120
MOST_ALONE = 40
"""Faults that are taken away one by one; of more, those are that are found by halving."""
COARSE = 16
"""Into so many parts requests and messages are cut before it is said that none of them did it."""
ABREAST = 4
"""Parts that are halved further at a time."""
PIECES = 8
"""Into which the least part is cut at last, so that nothing of it is blamed in vain."""
Thing = tuple[Any, ...]
"""As in `Job.without`."""
NOTHING: Thing = ("message", 0, -1)
"""Left out of a run so that its messages are counted."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What taking one thing away did: whether the run still fails, and by how much the claim's sides moved."""

    what: str
    fails: bool
    moved: float


@dataclass(frozen=True, slots=True)
class Blame:
    """What the run would not have failed without.

    Attributes:
        effects: of each thing alone, the largest first; those that save the run before all others.
        enough: a smallest set whose absence saves the run. Empty where none was found.
        minimal: nothing of it can be put back. Else the tries ran out before that was known of all of it.
        messages: how many messages the run sent; 0 also where a set of faults was enough, so that nobody looked.
    """

    effects: list[Effect]
    enough: list[str]
    minimal: bool
    messages: int
    runs: int


def blame(case: Case) -> Blame:
    """Take away each fault alone, then look for a smallest set that saves the run: of faults; else of requests, or of
    messages, whichever is smaller.

    Requests and messages are searched by halving: of those in a row, which part alone would have been enough to take
    away? At most `MOST_TRIES` runs. Raises OutOfTime.
    """
    return _Blaming(case).blame()


class _Blaming:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.before = case.runs
        params = make(case.experiment.params, case.params)
        self.faults = faults_of(case.experiment, params)
        self.ops = workload(case.experiment, params, case.seed)
        self.due = {op.id: op.at for op in self.ops}
        self.base = self.without([[]])[0]
        self.effects: list[Effect] = []

    @property
    def spent(self) -> int:
        return self.case.runs - self.before

    def without(self, parts: Sequence[Sequence[Thing]]) -> list[Ran]:
        return self.case.run([self.case.job(without=[list(one) for one in part]) for part in parts])

    def saves(self, parts: Sequence[Sequence[Thing]]) -> list[bool]:
        return self.case.saved([one.table for one in self.without(parts)])

    def blame(self) -> Blame:
        every: list[Thing] = [("fault", i) for i in range(len(self.faults))]
        if len(every) <= MOST_ALONE:
            self.note(every)
        enough: list[Thing] = []
        minimal, messages = True, 0
        if every and self.saves([every])[0]:
            enough, minimal = self.smallest(every, MOST_TRIES)
            self.note(enough)
        else:
            half = (MOST_TRIES + self.spent) // 2
            enough, minimal = self.least(len(self.ops), lambda a, b: _span(self.ops, a, b), half)
            messages = self.without([[NOTHING]])[0].sent
            others, whole = self.least(messages, lambda a, b: ("message", a, b - 1), MOST_TRIES)
            if others and (not enough or _size(others) < _size(enough)):
                enough, others, minimal = others, enough, whole
            self.note([*enough, *others])
        self.effects.sort(key=lambda one: (one.fails, -abs(one.moved) if not isnan(one.moved) else 0.0))
        return Blame(self.effects, self.named(enough), minimal, messages, self.spent)

    def note(self, things: Sequence[Thing]) -> None:
        """Take each away alone, as far as the tries go, and note what it does."""
        names = {one.what for one in self.effects}
        some = list(things)[: max(0, MOST_TRIES - self.spent)]
        tables = [one.table for one in self.without([[one] for one in some])]
        for one, fails, table in zip(some, self.case.fail(tables), tables, strict=True):
            what = self.named([one])[0]
            if what not in names and table is not None:
                self.effects.append(Effect(what, fails, _moved(self.case.claim.expression, self.base.table, table)))

    def smallest(self, things: Sequence[Thing], end: int) -> tuple[list[Thing], bool]:
        """Of things whose absence saves the run: a set of which none can be put back, and whether that is known."""
        tries, most = 0, max(0, end - self.spent - 1)  # the whole is tried once more

        def saved(part: list[Thing]) -> bool:
            nonlocal tries
            tries += 1
            return self.saves([part])[0]

        found = minimise(things, saved, tries=most)
        return found, tries <= most or len(found) == 1

    def least(self, count: int, thing: Callable[[int, int], Thing], end: int) -> tuple[list[Thing], bool]:
        """Halve a row of things for as long as a part of it alone saves the run."""
        spans, coarse = [(0, count)], True
        least: tuple[int, int] | None = None
        while spans and self.spent + 2 * len(spans) <= end - 2 * PIECES:
            halves = [part for a, b in spans if b - a > 1 for part in ((a, (a + b) // 2), ((a + b) // 2, b))]
            told = self.saves([[thing(a, b)] for a, b in halves])
            saving = [part for part, yes in zip(halves, told, strict=True) if yes][:ABREAST]
            coarse = coarse and not saving and 2 * len(halves) <= COARSE
            spans, least = halves if coarse else saving, saving[0] if saving else least
        if least is None:
            return [], True
        a, b = least
        cuts = sorted({a + (b - a) * i // PIECES for i in range(PIECES + 1)})
        return self.smallest([thing(first, last) for first, last in pairwise(cuts)], end)

    def named(self, things: Sequence[Thing]) -> list[str]:
        """What they are, in words."""
        lost = iter(self.without([things])[0].lost if any(one[0] == "message" for one in things) else ())
        return [
            when(self.faults[one[1]])
            if one[0] == "fault"
            else _said(one, self.due)
            if one[0] == "request"
            else f"message {next(lost) or 'that nobody sent then'}"
            for one in things
        ]


def when(fault: Fault) -> str:
    """A fault, and when it lasts."""
    return f"{fault}, at {fault.at_s:g} s" + ("" if fault.for_s is None else f" for {fault.for_s:g} s")


def _span(ops: Sequence[Op], first: int, last: int) -> Thing:
    return ("request", ops[first].id, ops[last - 1].id)


def _size(things: Sequence[Thing]) -> int:
    return sum(one[2] - one[1] + 1 for one in things)


def _said(one: Thing, due: Mapping[int, float]) -> str:
    first, last = one[1], one[2]
    if first == last:
        return f"request {first}, due at {due[first]:.6g} s"
    return f"requests {first} to {last}, due from {due[first]:.6g} to {due[last]:.6g} s"


def _moved(expression: str, base: Table | None, other: Table | None) -> float:
    """By how much the left side of the first comparison has moved against its right side."""
    if base is None or other is None:
        return nan
    for node in ast.walk(parse(expression)):
        if isinstance(node, ast.Compare):
            left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
            gaps = [value(left, table) - value(right, table) for table in (base, other)]
            return gaps[1] - gaps[0]
    return nan
