"""Where programs stand, as something that can be compared: two that are equal go on alike.

What is compared: locals of frames, what lies on their stacks (the place of a `for` loop, the left side of a sum whose
right side is awaited), and what they lead to: attributes, contents, what a function has kept of the functions around
it. Attributes of classes and globals are not. Where this Python's frames are not known (`frames`), stacks are not
either, and a program keeps in a variable what it has while it waits.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from functools import lru_cache, partial
from gc import get_referents
from itertools import count
from random import Random
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CellType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MemberDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from typing import Any, NoReturn

from windtunnel.lab.explore.frames import NULL, kept
from windtunnel.lab.explore.kinds import ITERATORS
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
    return _frames(hand.program, seen), frozen(hand.waits_for, seen)


def _frames(running: Any, seen: Seen) -> object:
    """Those of a coroutine or generator, and of what it awaits."""
    frames = []
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
        frame, awaited = getattr(running, f"{letters[0]}_frame"), getattr(running, f"{letters[0]}_{letters[1]}")
        if frame is not None:
            stack = [frozen(one, seen) for one in kept(frame) if one is not awaited]
            frames.append((_code(frame.f_code), frame.f_lasti, _locals(frame, seen), *stack))
        running = awaited
    return tuple(frames)


def _code(code: CodeType) -> int:
    """The number of a text: that of all that are equal."""
    found = _CODES.get(id(code))
    if found is None:
        number = _TEXTS.setdefault((code, code.co_filename), len(_TEXTS))
        found = _CODES[id(code)] = number, code  # kept, so that no other gets its address
    return found[0]


_TEXTS: dict[tuple[CodeType, str], int] = {}
_CODES: dict[int, tuple[int, CodeType]] = {}


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
_PLAIN = frozenset((int, str, bytes, type(None)))
"""What is its own value. True is equal to 1 and to 1.0, and is neither."""
_IN_SETS = _PLAIN | {bool, float}
_HOLD: dict[type, Callable[[Any], tuple[object, ...]]] = {
    int: lambda thing: (int.__index__(thing),),
    float: lambda thing: (float.hex(thing),),
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
    if kind is bool:
        return _TRUE if thing else _FALSE
    if kind is float:
        return kind, thing.hex()
    if kind is tuple:
        return tuple([part if part.__class__ in _PLAIN else frozen(part, seen) for part in thing])
    met = seen.get(id(thing))
    if met is not None:
        return met[0]
    if len(seen) == len(_NUMBERS):
        _NUMBERS.append(object())
    seen[id(thing)] = _NUMBERS[len(seen)], thing  # kept, so that no other gets its address
    if kind is list:
        return kind, *[part if part.__class__ in _PLAIN else frozen(part, seen) for part in thing]
    if kind is dict:
        return dict, *[(frozen(key, seen), frozen(value, seen)) for key, value in thing.items()]
    return _way_of(kind)(thing, seen)


_TRUE, _FALSE = object(), object()
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


def _of_c(thing: BuiltinFunctionType | MethodWrapperType, seen: Seen) -> object:
    of = thing.__self__
    return thing.__qualname__, None if isinstance(of, ModuleType | type) else frozen(of, seen)


def _signal(thing: Signal[Any], seen: Seen) -> object:
    error = thing.exception()
    result = thing.result() if thing.done() and error is None else None
    kept = result, error, getattr(thing, "who", None)
    return type(thing).__name__, thing.done(), *[frozen(part, seen) for part in kept]


def _set(thing: set[Any], seen: Seen) -> object:
    if type(thing) in (set, frozenset) and _IN_SETS.issuperset([part.__class__ for part in thing]):
        return type(thing), frozenset([frozen(part, seen) for part in thing])
    return _refused(thing, seen)


def _refused(thing: Any, seen: Seen) -> NoReturn:
    raise TypeError(f"{thing!r} cannot be compared, so states that differ in it would count as one; keep it out.")


def _left(thing: Any, seen: Seen) -> object:
    """An iterator by what is left of it, which it says for whoever would copy it."""
    return type(thing).__name__, *[frozen(part, seen) for part in thing.__reduce__()[1:]]


_WAYS: dict[type, Way] = {
    **dict.fromkeys((*ITERATORS, count), _left),
    type(NULL): lambda thing, seen: "NULL",
    range: lambda thing, seen: ("range", thing.start, thing.stop, thing.step),
    Hand: lambda thing, seen: ("hand", thing.name),
    Pause: lambda thing, seen: ("pause", thing.name),
    type: lambda thing, seen: (thing.__module__, thing.__qualname__),
    ModuleType: lambda thing, seen: thing.__name__,
    Simulator: lambda thing, seen: "Simulator",
    FunctionType: _function,
    MethodType: lambda thing, seen: (thing.__qualname__, frozen(thing.__self__, seen)),
    BuiltinFunctionType: _of_c,
    MethodWrapperType: _of_c,
    **dict.fromkeys(_RUNS, lambda thing, seen: (thing.__qualname__, _frames(thing, seen))),
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
    name = kind.__module__, kind.__qualname__

    def way(thing: Any, seen: Seen) -> object:
        own = getattr(thing, "__dict__", None)
        if holds is None and own is None:
            _refused(thing, seen)
        held = () if holds is None else [frozen(part, seen) for part in holds(thing)]
        kept = [(k, v if v.__class__ in _PLAIN else frozen(v, seen)) for k, v in (own or {}).items()]
        in_slots = [(k, frozen(slot.__get__(thing), seen)) for k, slot in slots if hasattr(thing, k)]
        return name, *held, (*kept, *in_slots)

    return way
