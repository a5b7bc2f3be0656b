"""All states of programs that never end, in the tunnel's own code: what gets stuck, and who can be left out for ever.

The other explorers run a program to its end. Programs that loop have no end, but often few states: where each coroutine
stands (its frames, their locals) and what they share. Whoever reaches a state that is known need not go on from there,
so that a search of all steps ends, and what it did not find does not exist.

A **lasso** is a way to a state and a circle from there back to it: a run that goes on for ever. It counts where it is
fair: nobody who could go on is passed over all the time, except those whose step nobody owes (`owes`). So that who is
starved is starved by the protocol, not by a scheduler that is asleep.

What is compared: locals of frames, and what they lead to: attributes, contents, what a function has kept of the
functions around it. Attributes of classes and globals are not, nor is what lies on an interpreter's stack alone, as the
place of a `for` loop in its iterator, so a program keeps in a variable what it awaits in a loop.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from gc import get_referents
from random import Random
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CellType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

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

    A run is begun anew for each step that was not taken yet, so `make` has to build the same each time. What it shares
    must not count without bound: then there is no end of new states, and the search stops at `limit`.

    Raises:
        TypeError: something shared cannot be compared.
        Exception: what a program raises, as it is.
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
        letters = _RUNS.get(type(running))
        if letters is None:
            inner = [one for one in get_referents(running) if type(one) in _RUNS]
            if not inner and type(running).__module__ == "windtunnel._native":
                break  # the tunnel's own wait for a signal or a time
            if len(inner) != 1:
                raise TypeError(f"{running!r} is awaited, and where it stands cannot be seen; await a coroutine.")
            running = inner[0]
            continue
        frame = getattr(running, f"{letters[0]}_frame")
        if frame is not None:
            frames.append((frame.f_code.co_name, frame.f_lasti, _locals(frame, seen)))
        running = getattr(running, f"{letters[0]}_{letters[1]}")
    return tuple(frames), _frozen(hand.waits_for, seen)


_RUNS: dict[type, tuple[str, str]] = {
    CoroutineType: ("cr", "await"),
    GeneratorType: ("gi", "yieldfrom"),
    AsyncGeneratorType: ("ag", "await"),
}
"""What has a frame, and how its attributes are called. What stands between two of them (`__await__` of a coroutine, the
next item of an asynchronous generator) has none, and leads to the inner one."""


def _locals(frame: FrameType, seen: Seen) -> object:
    return tuple([(name, _frozen(value, seen)) for name, value in frame.f_locals.items()])


Seen = dict[int, tuple[int, Any]]
_PLAIN = frozenset((bool, int, float, str, bytes, type(None)))
_FIXED = (type, ModuleType, Simulator)
_HOLD: dict[type, Callable[[Any], tuple[object, ...]]] = {
    bool: lambda thing: (bool(thing),),
    int: lambda thing: (int.__index__(thing),),
    float: lambda thing: (float.__float__(thing),),
    str: lambda thing: (str.__str__(thing),),
    bytes: lambda thing: (bytes.__bytes__(thing),),
    tuple: lambda thing: (*tuple.__iter__(thing),),
    list: lambda thing: (*list.__iter__(thing),),
    deque: lambda thing: (thing.maxlen, *deque.__iter__(thing)),
    dict: lambda thing: (*dict.items(thing),),
    OrderedDict: lambda thing: (*thing.items(),),
    defaultdict: lambda thing: (thing.default_factory, *thing.items()),
    BaseException: lambda thing: (thing.args,),
    partial: lambda thing: (thing.func, thing.args, thing.keywords),
    Random: lambda thing: (thing.getstate(),),
}
"""What the classes of C that one builds on hold beside attributes."""


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
    if isinstance(thing, FunctionType):
        return thing.__qualname__, thing.__code__, *[_frozen(part, seen) for part in _beside(thing)]
    if isinstance(thing, MethodType):
        return thing.__qualname__, _frozen(thing.__self__, seen)
    if isinstance(thing, BuiltinFunctionType):
        of = thing.__self__
        return thing.__qualname__, None if isinstance(of, ModuleType | type) else _frozen(of, seen)
    if isinstance(thing, Signal):
        error = thing.exception()
        result = thing.result() if thing.done() and error is None else None
        return name, thing.done(), *[_frozen(part, seen) for part in (result, error, getattr(thing, "who", None))]
    if isinstance(thing, set | frozenset):
        if type(thing) in (set, frozenset) and _PLAIN.issuperset([part.__class__ for part in thing]):
            return name, frozenset(thing)
    elif (held := _held(thing)) is not None:
        return name, *[_frozen(part, seen) for part in held], _attributes(thing, seen)
    raise TypeError(f"{thing!r} cannot be compared, so states that differ in it would count as one; keep it out.")


def _beside(function: FunctionType) -> tuple[object, ...]:
    """What a function keeps from call to call: its defaults, its attributes, and what is around it."""
    cells = function.__closure__ or ()
    filled = [cell.cell_contents for cell in cells if cell != CellType()]
    return function.__defaults__, function.__kwdefaults__, vars(function), filled


def _held(thing: Any) -> tuple[object, ...] | None:
    """What an object holds that is no attribute; None where its class is written in C, and not known here."""
    bases = type(thing).__mro__[:-1]
    for base in bases:
        if base in _HOLD:
            return _HOLD[base](thing)
    if any(isinstance(vars(base).get("__new__"), BuiltinFunctionType) for base in bases):
        return None
    return () if hasattr(thing, "__dict__") else None


def _attributes(thing: Any, seen: Seen) -> object:
    """Attributes, whether they lie in a dictionary or in slots."""
    own = [(key, _frozen(value, seen)) for key, value in getattr(thing, "__dict__", {}).items()]
    for base in type(thing).__mro__:
        if "__slots__" in vars(base):
            own += [
                (key, _frozen(slot.__get__(thing), seen))
                for key, slot in vars(base).items()
                if isinstance(slot, MemberDescriptorType) and hasattr(thing, key)
            ]
    return tuple(own)


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
