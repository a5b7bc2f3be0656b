"""All states of programs that never end, in the tunnel's own code: what gets stuck, and who can be left out for ever.

The other explorers run a program to its end. Programs that loop have no end, but often few states: where each coroutine
stands (its frames, their locals) and what they share. Whoever reaches a state that is known need not go on from there,
so that a search of all steps ends, and what it did not find does not exist.

A **lasso** is a way to a state and a circle from there back to it: a run that goes on for ever. It counts where it is
fair: nobody who could go on is passed over all the time, except those whose step nobody owes (`owes`). So that who is
starved is starved by the protocol, not by a scheduler that is asleep.

What is compared: locals of frames, and the attributes of what they lead to. What lies on an interpreter's stack alone,
as the place of a `for` loop in its iterator, is not seen, so a program keeps in a variable what it awaits in a loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

from windtunnel.lab.checkers.graphs import components
from windtunnel.sim.by_hand import Hand
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.signals import Signal

Programs = Mapping[str, Coroutine[Any, Any, None]]
Move = tuple[str, str]
"""Who went on, and what it does since."""


class Pause:
    """Awaited, a place where others may come between; what it is called tells states apart."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __await__(self) -> Any:
        yield self


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
        return [s for s, ready in enumerate(self._ready) if not ready and set(self.does[s]) != {"ended"}]

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
        after = [list(next_.values()) for next_ in edges]
        alone = [[s] for s, next_ in enumerate(after) if s in next_]  # a step that leads back at once is a circle, too
        for component in components(after) + alone:
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
                found.append((moves, set(self.does[state]) != {"ended"}))
            for actor, to in reversed(self.steps[state].items()):
                if to not in seen:
                    stack.append((to, (*moves, (self.names[actor], self.does[to][actor])), seen | {to}))
        return found


def states(make: Callable[[Simulator], tuple[object, Programs]], limit: int = 20_000) -> States:
    """Search all states of what `make` builds: what the coroutines share, and the coroutines by name.

    A run is begun anew for each step that was not taken yet, so `make` has to build the same each time. What it shares
    must not count without bound: then there is no end of new states, and the search stops at `limit`.

    Raises:
        TypeError: something shared cannot be compared.
    """
    sim = Simulator(0)
    world = _World(make, sim)
    found = States(tuple(hand.name for hand in world.hands))
    known: dict[object, int] = {}
    todo: dict[int, list[int]] = {}
    tapes: list[tuple[int, ...]] = []

    def note(tape: tuple[int, ...], before: int) -> tuple[int, bool]:
        key = world.key()
        if key in known:
            return known[key], False
        state = known[key] = len(known)
        ready = [i for i, hand in enumerate(world.hands) if hand.ready()]
        todo[state] = ready[::-1]
        tapes.append(tape)
        found.does.append(tuple(_does(hand) for hand in world.hands))
        found.steps.append({})
        found.waits.append({h.name: h.waits_for.describe() for h in world.hands if isinstance(h.waits_for, Signal)})
        found._ready.append(len(ready))
        found._from.append((before, tape[-1] if tape else -1))
        return state, True

    note((), 0)
    line = deque([0])
    while line and len(known) <= limit:
        at = line[0]
        if not todo[at]:
            line.popleft()
            continue
        world.close()
        world = _World(make, sim)
        for actor in tapes[at]:
            world.step(actor)
        actor = todo[at].pop()
        world.step(actor)
        to, new = note((*tapes[at], actor), at)
        found.steps[at][actor] = to
        if new:
            line.append(to)
    world.close()
    sim.close()
    found.complete = not line
    return found


class _World:
    """One run: built anew, stepped by hand."""

    def __init__(self, make: Callable[[Simulator], tuple[object, Programs]], sim: Simulator) -> None:
        self.sim = sim
        self.shared, programs = make(sim)
        self.hands = [Hand(name, program) for name, program in programs.items()]
        for hand in self.hands:
            hand.step(self.sim)

    def step(self, actor: int) -> None:
        self.hands[actor].step(self.sim)

    def key(self) -> object:
        """The state, as something that can be compared."""
        seen: Seen = {}
        return (_frozen(self.shared, seen), *(_stands(hand, seen) for hand in self.hands))

    def close(self) -> None:
        for hand in self.hands:
            hand.close()


def _does(hand: Hand) -> str:
    if hand.ended:
        return "ended"
    if isinstance(hand.waits_for, Pause):
        return hand.waits_for.name
    return "sleeps" if isinstance(hand.waits_for, int) else "waits"


def _stands(hand: Hand, seen: Seen) -> object:
    """Where a coroutine stands: its frames from the outermost in, and what it waits for."""
    frames = []
    running: Any = hand.program
    while running is not None:
        frame = getattr(running, "cr_frame", None) or getattr(running, "gi_frame", None)
        if frame is not None:
            frames.append((frame.f_code.co_name, frame.f_lasti, _locals(frame, seen)))
        running = getattr(running, "cr_await", None) or getattr(running, "gi_yieldfrom", None)
    return tuple(frames), _frozen(hand.waits_for, seen)


def _locals(frame: FrameType, seen: Seen) -> object:
    return tuple([(name, _frozen(value, seen)) for name, value in frame.f_locals.items()])


Seen = dict[int, tuple[int, Any]]
_PLAIN = frozenset((bool, int, float, str, bytes, type(None)))
_FIXED = (type, ModuleType, FunctionType, MethodType, BuiltinFunctionType, Simulator)


def _frozen(thing: Any, seen: Seen) -> object:
    """The value of a thing and of what it leads to; what is met again is told by its number, so that shapes count."""
    kind = thing.__class__
    if kind in _PLAIN:
        return thing
    if kind is tuple:
        return tuple([_frozen(part, seen) for part in thing])
    met = seen.get(id(thing))
    if met is not None:
        return met[0]
    seen[id(thing)] = _Met(len(seen)), thing  # kept, so that no other gets its address
    if kind is list or kind is deque:
        if _PLAIN.issuperset([part.__class__ for part in thing]):
            return kind.__name__, *thing
        return kind.__name__, *[_frozen(part, seen) for part in thing]
    if kind is dict:
        return "dict", *[(_frozen(key, seen), _frozen(value, seen)) for key, value in thing.items()]
    return _frozen_object(thing, seen)


class _Met(int):
    """The number of a thing that was met before; equal to no number of the program's own."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Met) and int(self) == int(other)

    def __hash__(self) -> int:
        return hash(("met", int(self)))


def _frozen_object(thing: Any, seen: Seen) -> object:
    name = type(thing).__name__
    if isinstance(thing, Hand):
        return "hand", thing.name
    if isinstance(thing, Pause):
        return "pause", thing.name
    if isinstance(thing, _FIXED):
        return getattr(thing, "__qualname__", name)
    if isinstance(thing, Signal):
        result = thing.result() if thing.done() and thing.exception() is None else None
        return name, thing.done(), _frozen(result, seen), _frozen(getattr(thing, "who", None), seen)
    if isinstance(thing, set | frozenset):
        if _PLAIN.issuperset([part.__class__ for part in thing]):
            return name, frozenset(thing)
    elif hasattr(thing, "__dict__"):
        return name, *[(key, _frozen(value, seen)) for key, value in vars(thing).items()]
    raise TypeError(f"{thing!r} cannot be compared, so states that differ in it would count as one; keep it out.")
