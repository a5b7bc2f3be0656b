"""What an operation of Python is about to touch, given the very objects that it works on.

A touch is (thing, part, is it written); a part of None is the whole thing. Things are numbered as they are met, so
that the same schedule gives the same numbers. Values that cannot change are no things. Where Python code that is under
test will run (a method, a property, an operator of a class of one's own) nothing is said: that code is stopped before
its own steps. What other code may do, C or Python, is taken at the worst: it reads and writes all that it can reach
from what it is given, except for the functions that are known here to read only.
"""

from __future__ import annotations

import builtins
import functools
import gc
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from windtunnel.lab.explore.core import EVERYTHING, Touch

MOST_REACHED: Final = 300
"""Things that one operation may reach; beyond, it is said to touch everything."""

IMMUTABLE: Final = (
    int, float, complex, bool, str, bytes, type(None), type(Ellipsis), type(NotImplemented), range, slice,
    types.CodeType, types.BuiltinFunctionType, types.FunctionType, types.ModuleType, type, types.MethodDescriptorType,
    types.WrapperDescriptorType, types.ClassMethodDescriptorType, types.GetSetDescriptorType,
    types.MemberDescriptorType, types.FrameType, types.TracebackType, property, classmethod, staticmethod,
)  # fmt: skip
_CONTAINERS: Final = (list, dict, set, deque, bytearray)
_VIEWS: Final[tuple[type, ...]] = (type({}.keys()), type({}.values()), type({}.items()))
_SAMPLES: Final[tuple[Any, ...]] = (
    iter([]), iter(()), iter({}), iter({}.values()), iter({}.items()), iter(set()), iter(deque()), iter(range(0)),
    iter(range(1 << 70)), iter(""), iter("é"), iter(b""), iter(bytearray()), reversed([]), reversed({}),
    reversed(deque()), enumerate(()), zip(), map(len, ()), filter(None, ()),
)  # fmt: skip
_ITERATORS: Final[tuple[type, ...]] = tuple(type(i) for i in _SAMPLES)
_READERS: Final = {  # builtins that do no more than read, all that can be reached from their arguments
    "len", "repr", "ascii", "format", "hash", "abs", "divmod", "pow", "round", "bin", "hex", "oct", "ord", "chr",
    "iter", "reversed", "any", "all", "sum", "min", "max", "sorted", "dir", "aiter",
}  # fmt: skip
_IDLE: Final = {"id", "isinstance", "issubclass", "callable", "globals", "locals", "__build_class__", "__import__"}
_READING_MODULES: Final = {"math", "cmath", "time", "_json"}
_READING_METHODS: Final = {
    "get", "keys", "values", "items", "index", "count", "copy", "isdisjoint", "issubset", "issuperset", "union",
    "difference", "intersection", "symmetric_difference", "__len__", "__contains__", "__getitem__", "__iter__",
    "__repr__", "__str__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__reversed__", "__copy__",
    "__reduce__", "__reduce_ex__", "__sizeof__", "__format__", "__hash__", "decode", "hex", "find", "startswith",
    "endswith", "split", "join", "strip", "__add__", "__mul__", "__or__", "__and__", "__sub__",
}  # fmt: skip
_HEAP_TYPE: Final = 1 << 9  # of type.__flags__: a class that was made at run time, whose attributes can be set
_ITEM: Final = {"read": "__getitem__", "set": "__setitem__", "delete": "__delitem__"}

_OURS: Final = __name__.rpartition(".")[0] + "."
Touches = list[Touch]


class Things:
    """The numbers of the things of one run, and what operations on them touch."""

    def __init__(self, traced: Callable[[str], bool], idle: Sequence[Any]) -> None:
        self._traced = traced
        self._idle = tuple(idle)  # types and functions of the explorer itself: they speak for themselves
        self._numbers: dict[int, int] = {}
        self._kept: list[Any] = []  # so that no number is given again to another
        self._names: dict[int, str] = {0: "everything"}
        self._aliases: dict[int, Any] = {}

    # --- numbers ---------------------------------------------------------------------------------------------
    def number(self, thing: Any) -> int:
        thing = self._aliases.get(id(thing), thing)
        if isinstance(thing, types.ModuleType):
            thing = thing.__dict__
        found = self._numbers.get(id(thing))
        if found is None:
            found = self._numbers[id(thing)] = len(self._kept) + 1
            self._kept.append(thing)
            named = thing.get("__name__") if type(thing) is dict and "__builtins__" in thing else None
            if isinstance(thing, type | types.FunctionType):
                named = thing.__name__
            self._names[found] = str(named) if named else f"{type(thing).__name__} {found}"
        return found

    def told(self, touch: Touch) -> str:
        """`list 2[0]`, `Counter 1.value`."""
        name, part = self._names[touch[0]], touch[1]
        if part is None:
            return name
        thing = self._kept[touch[0] - 1]
        as_item = isinstance(thing, _CONTAINERS) and "__builtins__" not in thing
        return f"{name}[{part!r}]" if as_item else f"{name}.{part}"

    def is_space(self, number: int) -> bool:
        """Whether that thing is the globals of a module."""
        thing = self._kept[number - 1] if number > 0 else None
        return type(thing) is dict and "__builtins__" in thing

    def reads(self, thing: Any, part: Any = None) -> Touches:
        return [(self.number(thing), part, False)]

    def writes(self, thing: Any, part: Any = None) -> Touches:
        return [(self.number(thing), part, True)]

    # --- what can be reached ------------------------------------------------------------------------------------
    def deep(self, values: Iterable[Any], write: bool = False) -> Touches:
        """All things that can be reached from the values."""
        found: dict[int, Touch] = {}
        waiting = list(values)
        seen: set[int] = set()
        while waiting:
            value = waiting.pop()
            if id(value) in seen or self._is_idle(value):
                continue
            seen.add(id(value))
            kind = type(value)
            if kind is types.MethodType:
                waiting.append(value.__self__)
                continue
            if kind is types.CellType or kind is tuple or kind is frozenset or isinstance(value, functools.partial):
                waiting += gc.get_referents(value)
                continue
            number = self.number(value)
            found[number] = (number, None, write)
            if len(found) > MOST_REACHED:
                return [(EVERYTHING, None, write)]
            inner = gc.get_referents(value)
            own = None if isinstance(value, _CONTAINERS) else _own_dict(value)
            if own is not None:
                self._aliases.setdefault(id(own), value)
            waiting += [part for part in inner if part is not own]
            if own is not None:
                waiting += own.values()
        return list(found.values())

    def _is_idle(self, value: Any) -> bool:
        return value is None or isinstance(value, (IMMUTABLE, self._idle))

    def shallow(self, value: Any) -> Touches:
        """The thing by itself; of a view of a dict the dict."""
        if self._is_idle(value) or type(value) in (tuple, frozenset):
            return []
        if type(value) in _VIEWS:
            return [t for v in gc.get_referents(value) for t in self.shallow(v)]
        return self.reads(value)

    def truth(self, value: Any) -> Touches:
        kind = type(value)
        if self._is_idle(value) or isinstance(value, tuple | frozenset):
            return []
        if isinstance(value, _CONTAINERS):
            return self.shallow(value)
        judge = _of_type(kind, "__bool__") or _of_type(kind, "__len__")
        return [] if judge is None else self.called(judge, [value], reading=True)

    def iterated(self, it: Any, private: bool = False) -> Touches:
        """One step, or all, of an iteration. `private`: nobody else has the iterator."""
        kind = type(it)
        if self._is_idle(it) or kind in (tuple, frozenset):
            return []
        if isinstance(it, _CONTAINERS) or kind in _VIEWS:
            return self.shallow(it)
        if kind in _ITERATORS:
            found = [] if private else self.writes(it)
            for inner in gc.get_referents(it):
                if kind in (map, filter) and callable(inner):
                    if not self._runs_traced(inner):
                        return self.deep([it], write=not _is_reader(inner))
                    continue
                found += self.iterated(inner)
            return found
        if kind is types.GeneratorType:
            return self.writes(it) if self._traced(it.gi_code.co_filename) else self.deep([it], write=True)
        step = _of_type(kind, "__next__") or _of_type(kind, "__iter__")
        return self.called(step, [it]) if step is not None else self.deep([it])

    # --- attributes ---------------------------------------------------------------------------------------------
    def attribute(self, thing: Any, name: str, write: bool = False) -> Touches:
        """An attribute, with what may hide behind its name."""
        kind = type(thing)
        if kind is super:
            return self._above(thing, name)
        if isinstance(thing, self._idle) or (kind.__module__ == "_thread" and kind.__name__ == "_local"):
            return []
        if kind.__dictoffset__ == 0 and not kind.__flags__ & _HEAP_TYPE and not isinstance(thing, type):
            return []  # an int, a list: their attributes cannot change
        found: Touches = [(self.number(thing), name, write)]
        classes = kind.__mro__ if not isinstance(thing, type) else thing.__mro__
        if not write:
            found += [(self.number(c), name, False) for c in classes if c is not thing and c.__flags__ & _HEAP_TYPE]
            getter = _of_type(kind, "__getattribute__")
            if isinstance(getter, types.FunctionType) and not self._runs_traced(getter):
                found += self.deep([thing], write=True)
        behind = _of_type(kind, name)
        if name == "__dict__":
            own = _own_dict(thing)
            if own is not None:
                self._aliases.setdefault(id(own), thing)
        elif behind is None:
            fallback = _of_type(kind, "__setattr__" if write else "__getattr__")
            if isinstance(fallback, types.FunctionType) and not self._runs_traced(fallback):
                found += self.deep([thing], write=True)
        elif isinstance(behind, property):
            accessor = behind.fset if write else behind.fget
            if accessor is not None and not self._runs_traced(accessor):
                found += self.deep([thing], write=True)
        elif not isinstance(behind, (*IMMUTABLE, *_CONTAINERS)):
            descriptor = _of_type(type(behind), "__set__" if write else "__get__")
            if descriptor is not None and not self._runs_traced(descriptor):
                found += self.deep([thing, behind], write=True)
        return found

    def _above(self, thing: Any, name: str) -> Touches:
        """An attribute of `super()`: what the classes behind its own say of it."""
        if thing.__self_class__ is None:
            return []
        classes = thing.__self_class__.__mro__
        behind = classes[classes.index(thing.__thisclass__) + 1 :]
        found: Touches = [(self.number(c), name, False) for c in behind if c.__flags__ & _HEAP_TYPE]
        said = next((c.__dict__[name] for c in behind if name in c.__dict__), None)
        if said is not None and not isinstance(said, (*IMMUTABLE, *_CONTAINERS)):
            return [*found, *self.deep([thing.__self__, said], write=True)]
        if isinstance(said, property) and said.fget is not None and not self._runs_traced(said.fget):
            return [*found, *self.deep([thing.__self__], write=True)]
        return found

    def item(self, container: Any, key: Any, kind: str) -> Touches:
        """`container[key]` is read, set or deleted. Another key is another thing, unless keys come or go."""
        write = kind != "read"
        known = type(key) in (int, str)
        if isinstance(container, dict) and not _python(type(container), _ITEM[kind]):
            there = known and key in container
            fills = kind == "read" and not there and _of_type(type(container), "__missing__") is not None
            part = key if known and not fills and (kind == "read" or (kind == "set" and there)) else None
            return [(self.number(container), part, write or fills), *([] if known else self.deep([key]))]
        if type(container) is list:
            at = key + len(container) if type(key) is int and key < 0 else key
            exact = type(key) is int and key >= 0 and 0 <= at < len(container) and kind != "delete"
            return [(self.number(container), at if exact else None, write)]
        if self._is_idle(container) or type(container) is tuple:
            return []
        method = _of_type(type(container), _ITEM[kind])
        if isinstance(method, types.FunctionType):
            return self.called(method, [container, key])
        return self.deep([container], write) if write else [*self.shallow(container), *self.deep([key])]

    # --- calls ---------------------------------------------------------------------------------------------------
    def _runs_traced(self, function: Any) -> bool:
        function = getattr(function, "__func__", function)
        return isinstance(function, types.FunctionType) and self._traced(function.__code__.co_filename)

    def called(self, f: Any, args: Sequence[Any], reading: bool = False) -> Touches:
        """A call. `reading`: it is known to change nothing, whatever it is."""
        kind = type(f)
        if any(f is one for one in self._idle if not isinstance(one, type)) or isinstance(f, self._idle_types()):
            return []
        if kind is types.MethodType:
            return self.called(f.__func__, [f.__self__, *args], reading)
        if kind is types.FunctionType:
            if self._traced(f.__code__.co_filename) or str(f.__module__).startswith(_OURS):
                return []
            cells = list(f.__closure__ or ())
            state = [] if reading else self.writes(f.__globals__)
            return [*self.deep([*args, *cells, *(f.__defaults__ or ())], not reading), *state]
        if isinstance(f, type):
            return self._made(f, args)
        if isinstance(f, functools.partial):
            return self.called(f.func, [*f.args, *f.keywords.values(), *args], reading)
        if kind is types.BuiltinFunctionType or kind is types.MethodWrapperType:
            owner = f.__self__
            if owner is None or isinstance(owner, types.ModuleType):
                return self._builtin(f, args)
            return self._method(owner, f.__name__, args, reading)
        if kind in (types.MethodDescriptorType, types.WrapperDescriptorType) and args:
            return self._method(args[0], f.__name__, args[1:], reading)
        if kind is types.ClassMethodDescriptorType or self._is_idle(f):
            return self.deep(args, not reading)
        call = _of_type(kind, "__call__")
        if isinstance(call, types.FunctionType):
            return self.called(call, [f, *args], reading)
        return self.deep([f, *args], not reading)

    def _idle_types(self) -> tuple[type, ...]:
        return tuple(t for t in self._idle if isinstance(t, type))

    def _made(self, cls: type, args: Sequence[Any]) -> Touches:
        """A call of a class."""
        if cls is type and len(args) == 1:
            return []
        meta = _of_type(type(cls), "__call__")
        if isinstance(meta, types.FunctionType) and not self._runs_traced(meta):
            return self.deep([*args], write=True)
        found: Touches = []
        for name in ("__new__", "__init__"):
            method = getattr(_of_type(cls, name), "__func__", _of_type(cls, name))
            if isinstance(method, types.FunctionType) and not self._runs_traced(method):
                found += self.deep(args, write=True)
        if not cls.__flags__ & _HEAP_TYPE or any(b in (list, dict, set, deque, tuple, frozenset) for b in cls.__mro__):
            found += [*self.deep(args), *(t for a in args for t in self.iterated(a))] if args else []
        return found

    def _builtin(self, f: Any, args: Sequence[Any]) -> Touches:
        name, module = f.__name__, f.__module__
        if module == "builtins":
            if name in ("getattr", "hasattr") and len(args) > 1 and type(args[1]) is str:
                return self.attribute(args[0], args[1])
            if name in ("setattr", "delattr") and len(args) > 1 and type(args[1]) is str:
                return self.attribute(args[0], args[1], write=True)
            if name == "vars" and args:
                return [*self.attribute(args[0], "__dict__"), *self.shallow(args[0])]
            if name == "next" and args:
                return self.iterated(args[0])
            if name in ("len", "iter") and len(args) == 1:
                return self.truth(args[0]) if name == "len" else self.shallow(args[0])
            if name in _IDLE:
                return []
            if name == "print":
                return [*self.deep(args), *self.deep([sys.stdout], write=True)]
        if (module == "builtins" and name in _READERS) or module in _READING_MODULES:
            iterated = [t for a in args if not isinstance(a, _CONTAINERS) for t in self._consumed(a)]
            return [*self.deep(args), *iterated]
        return self.deep(args, write=True)

    def _consumed(self, value: Any) -> Touches:
        is_iterator = type(value) in _ITERATORS or _of_type(type(value), "__next__") is not None
        return self.iterated(value) if is_iterator else []

    def _method(self, owner: Any, name: str, args: Sequence[Any], reading: bool) -> Touches:
        """A method of a type that is written in C."""
        iterated = [t for a in args for t in self._consumed(a)]
        if name in ("__getattribute__", "__setattr__", "__delattr__") and args and type(args[0]) is str:
            return self.attribute(owner, args[0], write=name != "__getattribute__")
        if name in ("__init__", "__new__", "__init_subclass__", "__subclasshook__") and not isinstance(
            owner, _CONTAINERS
        ):
            return [*self.deep(args), *iterated]
        if self._is_idle(owner) or type(owner) in (tuple, frozenset) or type(owner) in _VIEWS:
            return [*self.deep([owner, *args]), *iterated]
        if isinstance(owner, _CONTAINERS):
            if name in ("get", "__getitem__") and args and isinstance(owner, dict | list):
                return self.item(owner, args[0], "read")
            if name in _READING_METHODS or reading:
                deeply = name not in ("get", "keys", "values", "items", "copy", "__len__", "__iter__")
                return [*self.reads(owner), *(self.deep([owner, *args]) if deeply else []), *iterated]
            held = name in ("append", "appendleft", "insert", "add", "setdefault", "__setitem__")
            compares = name in ("remove", "sort", "discard", "__delitem__")
            looked = [] if held else self.deep([*owner, *args] if compares else args)
            return [*self.writes(owner), *looked, *iterated]
        if type(owner) in _ITERATORS or isinstance(owner, types.GeneratorType):
            return self.iterated(owner)
        return self.deep([owner, *args], write=not reading)


def _of_type(kind: type, name: str) -> Any:
    """What a class says under a name, itself or by its parents, save for `object`; None if it says nothing."""
    for cls in kind.__mro__:
        if cls is not object and name in cls.__dict__:
            return cls.__dict__[name]
    return None


def _python(kind: type, name: str) -> bool:
    return isinstance(_of_type(kind, name), types.FunctionType)


def _own_dict(thing: Any) -> dict[str, Any] | None:
    """The attributes of an instance, read without running code of its class."""
    kind = type(thing)
    if kind.__dictoffset__ == 0 or isinstance(thing, type | types.ModuleType) or _python(kind, "__dict__"):
        return None
    try:
        own = object.__getattribute__(thing, "__dict__")
    except (AttributeError, TypeError):
        return None
    return own if type(own) is dict else None


def _is_reader(f: Any) -> bool:
    name = getattr(f, "__name__", "")
    return getattr(builtins, name, None) is f and (isinstance(f, type) or name in _READERS | _IDLE)
