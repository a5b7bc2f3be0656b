"""Where programs stand, as something that can be compared: two that are equal go on alike.

What is compared: locals of frames, and what they lead to: attributes, contents, what a function has kept of the
functions around it. Attributes of classes and globals are not, nor is what lies on an interpreter's stack alone, as the
place of a `for` loop in its iterator, so a program keeps in a variable what it awaits in a loop.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from functools import lru_cache, partial
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
from typing import Any, NoReturn

from windtunnel.sim.by_hand import Hand
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.signals import Signal


class Pause:
    """Awaited, a place where others may come between; what it is called tells states apart."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __await__(self) -> Any:
        yield self


def stands(hand: Hand, seen: Seen) -> object:
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
    return tuple(frames), frozen(hand.waits_for, seen)


_RUNS: dict[type, tuple[str, str]] = {
    CoroutineType: ("cr", "await"),
    GeneratorType: ("gi", "yieldfrom"),
    AsyncGeneratorType: ("ag", "await"),
}
"""What has a frame, and how its attributes are called. What stands between two of them (`__await__` of a coroutine, the
next item of an asynchronous generator) has none, and leads to the inner one."""


def _locals(frame: FrameType, seen: Seen) -> object:
    here = frame.f_locals.items()
    return tuple([(k, v if v.__class__ in _PLAIN else frozen(v, seen)) for k, v in here])


Seen = dict[int, tuple[object, Any]]
_PLAIN = frozenset((bool, int, float, str, bytes, type(None)))
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


def frozen(thing: Any, seen: Seen) -> object:
    """The value of a thing and of what it leads to; what is met again is told by its number, so that shapes count."""
    kind = thing.__class__
    if kind in _PLAIN:
        return thing
    if kind is tuple:
        return tuple([part if part.__class__ in _PLAIN else frozen(part, seen) for part in thing])
    met = seen.get(id(thing))
    if met is not None:
        return met[0]
    if len(seen) == len(_NUMBERS):
        _NUMBERS.append(object())
    seen[id(thing)] = _NUMBERS[len(seen)], thing  # kept, so that no other gets its address
    if kind is list or kind is deque:
        return kind, *[part if part.__class__ in _PLAIN else frozen(part, seen) for part in thing]
    if kind is dict:
        return dict, *[(frozen(key, seen), frozen(value, seen)) for key, value in thing.items()]
    return _way_of(kind)(thing, seen)


_NUMBERS: list[object] = []
"""The numbers of things that were met before, equal to nothing of a program's own."""
Way = Callable[[Any, Seen], object]


@lru_cache(1024)
def _way_of(kind: type) -> Way:
    """How things of this class are compared."""
    return next((way for base, way in _WAYS.items() if issubclass(kind, base)), None) or _object(kind)


def _function(thing: FunctionType, seen: Seen) -> object:
    """By its text, and what it keeps from call to call: its defaults, its attributes, and what is around it."""
    cells = thing.__closure__ or ()
    filled = [cell.cell_contents for cell in cells if cell != CellType()]
    kept = thing.__defaults__, thing.__kwdefaults__, vars(thing), filled
    return thing.__qualname__, thing.__code__, *[frozen(part, seen) for part in kept]


def _of_c(thing: BuiltinFunctionType, seen: Seen) -> object:
    of = thing.__self__
    return thing.__qualname__, None if isinstance(of, ModuleType | type) else frozen(of, seen)


def _signal(thing: Signal[Any], seen: Seen) -> object:
    error = thing.exception()
    result = thing.result() if thing.done() and error is None else None
    kept = result, error, getattr(thing, "who", None)
    return type(thing).__name__, thing.done(), *[frozen(part, seen) for part in kept]


def _set(thing: set[Any], seen: Seen) -> object:
    if type(thing) in (set, frozenset) and _PLAIN.issuperset([part.__class__ for part in thing]):
        return type(thing), frozenset(thing)
    return _refused(thing, seen)


def _refused(thing: Any, seen: Seen) -> NoReturn:
    raise TypeError(f"{thing!r} cannot be compared, so states that differ in it would count as one; keep it out.")


_WAYS: dict[type, Way] = {
    Hand: lambda thing, seen: ("hand", thing.name),
    Pause: lambda thing, seen: ("pause", thing.name),
    type: lambda thing, seen: thing.__qualname__,
    ModuleType: lambda thing, seen: thing.__name__,
    Simulator: lambda thing, seen: "Simulator",
    FunctionType: _function,
    MethodType: lambda thing, seen: (thing.__qualname__, frozen(thing.__self__, seen)),
    BuiltinFunctionType: _of_c,
    Signal: _signal,
    set: _set,
    frozenset: _set,
}


def _object(kind: type) -> Way:
    """By what it holds, and by its attributes, whether they lie in a dictionary or in slots."""
    bases = kind.__mro__[:-1]
    holds = next((_HOLD[base] for base in bases if base in _HOLD), None)
    if holds is None and any(isinstance(vars(base).get("__new__"), BuiltinFunctionType) for base in bases):
        return _refused  # written in C, and not known here
    slots = [(k, s) for base in bases for k, s in vars(base).items() if isinstance(s, MemberDescriptorType)]
    name = kind.__name__

    def way(thing: Any, seen: Seen) -> object:
        own = getattr(thing, "__dict__", None)
        if holds is None and own is None:
            _refused(thing, seen)
        held = () if holds is None else [frozen(part, seen) for part in holds(thing)]
        kept = [(k, v if v.__class__ in _PLAIN else frozen(v, seen)) for k, v in (own or {}).items()]
        in_slots = [(k, frozen(slot.__get__(thing), seen)) for k, slot in slots if hasattr(thing, k)]
        return name, *held, (*kept, *in_slots)

    return way
