"""All states of programs that never end, in the tunnel's own code: what gets stuck, and who can be left out for ever.

The other explorers run a program to its end. Programs that loop have no end, but often few states: where each coroutine
stands (its frames, their locals) and what they share. Whoever reaches a state that is known need not go on from there,
so that a search of all steps ends, and what it did not find does not exist.

A **lasso** is a way to a state and a circle from there back to it: a run that goes on for ever. It counts where it is
fair: nobody who could go on is passed over all the time, except those whose step nobody owes (`owes`). So that who is
starved is starved by the protocol, not by a scheduler that is asleep.

What is compared, and what is not, stands in `standing`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from windtunnel.lab.explore.standing import Pause, Seen, frozen, stands
from windtunnel.sim.by_hand import Hand
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.signals import Signal

Programs = Mapping[str, Coroutine[Any, Any, None]]
Move = tuple[str, str]
"""Who went on, and what it does since."""
FAR = 100
"""Steps after which a run is left: in a program that counts without bound states are the dearer the later."""


@dataclass(frozen=True, slots=True)
class Lasso:
    """A run without an end: the way there, and the circle that is gone round for ever."""

    way: tuple[Move, ...]
    circle: tuple[Move, ...]


@dataclass(slots=True)
class States:
    """What a search found. States are numbered in the order in which they were met; 0 is the beginning.

    Attributes:
        does: for each state, what everybody does in it: the name of a pause, "waits", "sleeps" or "ended".
        steps: for each state, who can go on, and to which state.
        complete: whether all states were seen; otherwise the limit was reached.
    """

    names: tuple[str, ...]
    does: list[tuple[str, ...]] = field(default_factory=list)
    steps: list[dict[int, int]] = field(default_factory=list)
    waits: list[dict[str, str]] = field(default_factory=list)
    complete: bool = False
    _from: list[tuple[int, int]] = field(default_factory=list)
    _ready: list[int] = field(default_factory=list)

    def way(self, state: int) -> tuple[Move, ...]:
        """A shortest way, as far as the search went, from the beginning to this state."""
        moves: list[Move] = []
        while state:
            before, actor = self._from[state]
            moves.append((self.names[actor], self.does[state][actor]))
            state = before
        return tuple(reversed(moves))

    def stuck(self) -> list[int]:
        """States in which nobody can go on, and somebody has not ended."""
        return [s for s, ready in enumerate(self._ready) if not ready and set(self.does[s]) - {"ended"}]

    def lasso(
        self,
        within: Callable[[Sequence[str]], bool] = lambda does: True,
        without: str = "",
        owes: Callable[[str], bool] = lambda doing: True,
    ) -> Lasso | None:
        """A fair run without an end, or None where there is none.

        Args:
            within: what everybody does must be so in all states of the circle.
            without: nobody begins this in the circle.
            owes: whether somebody who does this has to go on some time.
        """
        inside = [within(does) for does in self.does]
        edges = [
            {
                actor: to
                for actor, to in next_.items()
                if inside[s] and inside[to] and (not without or self.does[to][actor] != without)
            }
            for s, next_ in enumerate(self.steps)
        ]
        for component in _components(edges):
            found = self._circle(set(component), edges, owes)
            if found is not None:
                return Lasso(self.way(found[0]), found[1])
        return None

    def _circle(
        self, component: set[int], edges: list[dict[int, int]], owes: Callable[[str], bool]
    ) -> tuple[int, tuple[Move, ...]] | None:
        """A fair circle through all that keeps everybody from being passed over; None where somebody always is."""
        begin = min(component)
        goals: list[tuple[int, int | None]] = []  # a state to visit, and who moves there
        if not any(to in component for s in component for to in edges[s].values()):
            return None
        for actor in range(len(self.names)):
            moves = [s for s in component if edges[s].get(actor, -1) in component]
            idle = [s for s in component if actor not in self.steps[s] or not owes(self.does[s][actor])]
            if moves:
                goals.append((min(moves), actor))
            elif not idle:
                return None
            else:
                goals.append((min(idle), None))
        at, circle = begin, []
        for state, mover in goals:
            circle += self._walk(at, state, component, edges)
            at = state
            if mover is not None:
                at = edges[state][mover]
                circle.append((self.names[mover], self.does[at][mover]))
        return begin, tuple(circle + self._walk(at, begin, component, edges))

    def _walk(self, at: int, to: int, component: set[int], edges: list[dict[int, int]]) -> list[Move]:
        came: dict[int, tuple[int, int]] = {at: (at, -1)}
        line = deque([at])
        while to not in came:
            state = line.popleft()
            for actor, next_ in edges[state].items():
                if next_ in component and next_ not in came:
                    came[next_] = (state, actor)
                    line.append(next_)
        moves: list[Move] = []
        while to != at:
            before, actor = came[to]
            moves.append((self.names[actor], self.does[to][actor]))
            to = before
        return moves[::-1]

    def schedules(self, limit: int = 1000) -> list[tuple[tuple[Move, ...], bool]]:
        """Every run to an end that comes by no state twice: its moves, and whether it ended stuck. At most `limit`."""
        found: list[tuple[tuple[Move, ...], bool]] = []
        stack: list[tuple[int, tuple[Move, ...], frozenset[int]]] = [(0, (), frozenset((0,)))]
        while stack and len(found) < limit:
            state, moves, seen = stack.pop()
            if not self.steps[state]:
                found.append((moves, bool(set(self.does[state]) - {"ended"})))
            for actor, to in reversed(self.steps[state].items()):
                if to not in seen:
                    stack.append((to, (*moves, (self.names[actor], self.does[to][actor])), seen | {to}))
        return found


def states(make: Callable[[Simulator], tuple[object, Programs]], limit: int = 20_000) -> States:
    """Search all states of what `make` builds: what the coroutines share, and the coroutines by name.

    Coroutines cannot be copied, so a run is begun anew wherever another step is taken from where one was taken before,
    and `make` has to build the same each time. What it shares must not count without bound: then there is no end of new
    states, and the search stops at `limit`.

    Raises:
        TypeError: something shared cannot be compared.
        Exception: what a program raises, as it is.
    """
    runs = _Runs(make, limit)
    runs.anew(())
    begin = runs.place()
    found = States(runs.names)
    tapes: list[tuple[int, ...]] = []

    def note(place: _Place, tape: tuple[int, ...], before: int) -> None:
        place.number = len(tapes)
        tapes.append(tape)
        found.does.append(place.does)
        found.steps.append({})
        found.waits.append(place.waits)
        found._ready.append(len(place.ready))
        found._from.append((before, tape[-1] if tape else -1))

    note(begin, (), 0)
    line = deque([(begin, actor) for actor in begin.ready])
    while line and len(tapes) <= limit:
        at, actor = line.popleft()
        tape = tapes[at.number]
        to = at.leads.get(actor) or runs.on(tape, at, actor)
        if to.number < 0:
            note(to, (*tape, actor), at.number)
            line.extend((to, next_) for next_ in to.ready)
        found.steps[at.number][actor] = to.number
    runs.close()
    found.complete = len(tapes) <= limit
    return found


@dataclass(slots=True, eq=False)
class _Place:
    """A state: what everybody does in it, who can go on, and where that leads, as far as it was tried."""

    does: tuple[str, ...]
    waits: dict[str, str]
    ready: tuple[int, ...]
    leads: dict[int, _Place] = field(default_factory=dict)
    number: int = -1


class _Runs:
    """Runs of a program, and all states that they came by."""

    def __init__(self, make: Callable[[Simulator], tuple[object, Programs]], most: int) -> None:
        self.make, self.most = make, most
        self.sim = Simulator(0)
        self.hands: list[Hand] = []
        self.shared: object = None
        self.known: dict[object, _Place] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Who runs."""
        return tuple(hand.name for hand in self.hands)

    def anew(self, tape: Sequence[int]) -> None:
        """Begin once more, and go on as it was done before."""
        for hand in self.hands:
            hand.close()
        self.shared, programs = self.make(self.sim)
        self.hands = [Hand(name, program) for name, program in programs.items()]
        for hand in self.hands:
            hand.step(self.sim)
        for actor in tape:
            self.hands[actor].step(self.sim)

    def on(self, tape: Sequence[int], at: _Place, actor: int) -> _Place:
        """Where a step leads. The run that takes it goes on as long as it comes by steps that were not taken yet."""
        self.anew(tape)
        first = self.step(at, actor)
        here = first
        for _ in range(FAR):
            untried = next((one for one in here.ready if one not in here.leads), None)
            if untried is None or len(self.known) > self.most:
                break
            try:
                here = self.step(here, untried)
            except Exception:
                break  # told when it is the turn of that step
        return first

    def step(self, at: _Place, actor: int) -> _Place:
        """Let one go on, and note where that leads."""
        self.hands[actor].step(self.sim)
        to = at.leads[actor] = self.place()
        return to

    def place(self) -> _Place:
        """The state in which the run is."""
        seen: Seen = {}
        key = frozen(self.shared, seen), *[stands(hand, seen) for hand in self.hands]
        place = self.known.get(key)
        if place is None:
            does = tuple([_does(hand) for hand in self.hands])
            waits = {h.name: h.waits_for.describe() for h in self.hands if isinstance(h.waits_for, Signal)}
            place = self.known[key] = _Place(does, waits, tuple([i for i, h in enumerate(self.hands) if h.ready()]))
        return place

    def close(self) -> None:
        """Let go of all."""
        for hand in self.hands:
            hand.close()
        self.sim.close()


def _does(hand: Hand) -> str:
    if hand.ended:
        return "ended"
    if isinstance(hand.waits_for, Pause):
        return hand.waits_for.name
    return "sleeps" if isinstance(hand.waits_for, int) else "waits"


def _components(edges: list[dict[int, int]]) -> list[list[int]]:
    """Strongly connected components (Tarjan 1972), without recursion."""
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    path: list[int] = []
    on_path: set[int] = set()
    found: list[list[int]] = []
    for root in range(len(edges)):
        if root in number:
            continue
        work = [(root, iter(edges[root].values()))]
        number[root] = low[root] = len(number)
        path.append(root)
        on_path.add(root)
        while work:
            state, rest = work[-1]
            for to in rest:
                if to not in number:
                    number[to] = low[to] = len(number)
                    path.append(to)
                    on_path.add(to)
                    work.append((to, iter(edges[to].values())))
                    break
                if to in on_path:
                    low[state] = min(low[state], number[to])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[state])
                if low[state] == number[state]:
                    component = []
                    while True:
                        component.append(path.pop())
                        on_path.discard(component[-1])
                        if component[-1] == state:
                            break
                    found.append(component)
    return found
