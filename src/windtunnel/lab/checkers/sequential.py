"""Sequential consistency (Lamport, 1979): one order that the object could have gone through and that keeps each
client's own order, whatever the clocks said.

It is not a property of each key alone, so the whole history is one search. A configuration is how far each client has
got, which unknown operations were placed, and the states of all partitions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from windtunnel.lab.checkers.calls import Call, prepare, split
from windtunnel.lab.checkers.describe import counted, operation, unexplained
from windtunnel.lab.checkers.models import Model, Register
from windtunnel.lab.checkers.verdict import Finding, Verdict, conclude, needs_operations
from windtunnel.lab.checkers.witness import Starts, smallest
from windtunnel.lab.history import Event

BUDGET_STEPS = 1_000_000
WITNESS_STEPS = 200_000
_FREE = -1  # the lane of an operation that no other must precede

Config = tuple[tuple[int, ...], int, tuple[Hashable, ...]]


@needs_operations
def check_sequential(
    history: Sequence[Event], model: Model | None = None, *, budget_steps: int = BUDGET_STEPS
) -> Verdict:
    """Judge a history against a model (a `Register` without one).

    Beyond `budget_steps` the verdict is unknown. Raises ValueError where a client has two operations at once, since
    then it has no order of its own.
    """
    model = model if model is not None else Register()
    calls = prepare(history, model)
    search = _Search(model, calls)
    answer = search.run(budget_steps)
    if answer is None:
        sentence = f"No verdict: the budget of {counted(budget_steps, 'step')} is spent."
        return Verdict("unknown", sentence, steps=search.steps)
    if answer:
        fits = f"One order explains all {counted(len(calls), 'operation')}: sequentially consistent as a {model.name}."
        return Verdict("valid", fits, steps=search.steps)
    return _explain(model, calls, search)


def lanes_of(calls: Iterable[Call]) -> dict[str, list[Call]]:
    """Each client's answered operations in its own order.

    Raises ValueError where a client has two at once.
    """
    lanes: dict[str, list[Call]] = {}
    for c in sorted((c for c in calls if c.returned), key=lambda c: (c.start, c.end)):
        lane = lanes.setdefault(c.event.client, [])
        if lane and lane[-1].end > c.start:
            raise ValueError(
                f"A client must wait for its answer before it asks again, but {operation(c.event)} began before "
                f"{operation(lane[-1].event)} had ended."
            )
        lane.append(c)
    return lanes


def unanswered_of(calls: Sequence[Call], lanes: Mapping[str, Sequence[Call]]) -> Iterator[tuple[Call, int]]:
    """Each call that may have happened, and how many of its client's answered ones (`lanes_of`) it follows."""
    at = {id(c.event): i for i, c in enumerate(calls)}
    ends = {client: [c.end for c in lane] for client, lane in lanes.items()}
    for c in calls:
        if not c.returned:
            lane = lanes.get(c.event.client, ())
            before = bisect_right(ends.get(c.event.client, ()), c.start)
            while before and at[id(lane[before - 1].event)] > at[id(c.event)]:
                before -= 1  # of two that took no time at one moment the one that stands first
            yield c, before


class _Search:
    """Depth first over the clients' positions; tries operations in the order in which they began."""

    def __init__(self, model: Model, calls: Sequence[Call]) -> None:
        self.steps = 0
        self.furthest: Call | None = None
        self._deepest = -1
        self._model = model
        by_client = lanes_of(calls)
        self._lanes = list(by_client.values())
        number = {client: i for i, client in enumerate(by_client)}
        parts = split(calls, model)
        self._part_of = {id(c): i for i, part in enumerate(parts.values()) for c in part}
        self._parts = len(parts)
        # An unknown operation comes after what its client had been answered before it, and before nothing.
        self._loose: list[tuple[Call, int, int]] = []
        place = {id(c): i for i, c in enumerate(calls)}
        for i, c in enumerate(calls):
            if not c.returned:
                lane = number.get(c.event.client, _FREE)
                own = [] if lane == _FREE else self._lanes[lane]
                self._loose.append((c, lane, sum(other.end <= c.start and place[id(other)] < i for other in own)))

    def _after(self, states: tuple[Hashable, ...], c: Call) -> tuple[Hashable, ...] | None:
        """The states after the call, or None if it is not legal."""
        part = self._part_of[id(c)]
        legal, new = self._model.step(states[part], c.op, c.args, c.value)
        if not legal:
            return None
        if new == states[part]:
            return states
        if c.pure:
            raise ValueError(f"The model says that {c.op} is pure, but it turned {states[part]!r} into {new!r}.")
        return (*states[:part], new, *states[part + 1 :])

    def run(self, budget: int) -> bool | None:
        """True: an order was found; False: there is none; None: the budget is spent."""
        lanes, loose = self._lanes, self._loose
        first: Config = ((0,) * len(lanes), 0, (self._model.initial(),) * self._parts)
        stack, seen = [first], set[Config]()
        while stack:
            if self.steps >= budget:
                return None
            at, placed, states = stack.pop()
            at = self._commit_pure(at, states)
            config = (at, placed, states)
            if config in seen:
                continue
            seen.add(config)
            self.steps += 1
            nexts = [(lane[i], n) for n, (lane, i) in enumerate(zip(lanes, at, strict=True)) if i < len(lane)]
            if not nexts:
                return True
            if sum(at) > self._deepest:
                self._deepest = sum(at)
                self.furthest = min((c for c, _ in nexts), key=lambda c: c.start)
            found: list[tuple[float, Config]] = []
            for c, n in nexts:
                self.steps += 1
                after = None if c.pure else self._after(states, c)
                if after is not None:
                    found.append((c.start, ((*at[:n], at[n] + 1, *at[n + 1 :]), placed, after)))
            for bit, (c, lane, done) in enumerate(loose):
                if not placed >> bit & 1 and (lane == _FREE or at[lane] >= done):
                    self.steps += 1
                    after = self._after(states, c)
                    if after is not None and after is not states:
                        found.append((c.start, (at, placed | 1 << bit, after)))
            found.sort(key=lambda f: -f[0])
            stack.extend(config for _, config in found)
        return False

    def _commit_pure(self, at: tuple[int, ...], states: tuple[Hashable, ...]) -> tuple[int, ...]:
        """Place every pure operation that is next and legal: it takes no choice away from the others."""
        moved = list(at)
        for n, lane in enumerate(self._lanes):
            while moved[n] < len(lane) and lane[moved[n]].pure and self._after(states, lane[moved[n]]) is not None:
                moved[n] += 1
                self.steps += 1
        return tuple(moved)


def _explain(model: Model, calls: list[Call], search: _Search) -> Verdict:
    left = WITNESS_STEPS
    culprit = search.furthest

    def contradicts(some: list[Call], starts: Starts) -> bool:
        nonlocal left, culprit
        assert starts is None
        if left <= 0:
            return False
        probe = _Search(model, some)
        answer = probe.run(min(left, max(2_000, WITNESS_STEPS // 20)))
        left -= probe.steps
        if answer is False:
            culprit = probe.furthest
        return answer is False

    witness = smallest(model, calls, contradicts, timed=False)
    events = tuple(c.event for c in witness.calls)
    assert culprit is not None
    clause = unexplained(culprit.event, events, len(events) < len(calls))
    sentence = f"Not sequentially consistent as a {model.name}: {clause}."
    return conclude([Finding("not sequentially consistent", sentence, events)], "", search.steps)
