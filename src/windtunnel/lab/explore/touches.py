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
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from windtunnel.lab.explore.core import EVERYTHING, Touch
from windtunnel.lab.explore.held import Held
from windtunnel.lab.explore.kinds import (
    CONTAINERS,
    IDLE,
    IMMUTABLE,
    ITERATORS,
    READERS,
    READING_METHODS,
    READING_MODULES,
    VIEWS,
)

MOST_REACHED: Final = 300
"""Things that one operation may reach; beyond, it is said to touch everything."""

_HEAP_TYPE: Final = 1 << 9  # of type.__flags__: a class that was made at run time, whose attributes can be set
PROXIES: Final = (weakref.ProxyType, weakref.CallableProxyType)
"""Whoever asks one for anything asks the thing behind it, also what class it is of."""
_CHANGEABLE: Final = (types.GetSetDescriptorType, types.MemberDescriptorType)
_OF_CALLS: Final = ("__defaults__", "__kwdefaults__", "__code__")
"""Attributes of a function that each call of it reads."""
_ITEM: Final = {"read": "__getitem__", "set": "__setitem__", "delete": "__delitem__"}

_OURS: Final = __name__.rpartition(".")[0] + "."
Touches = list[Touch]


class Things:
    """The numbers of the things of one run, and what operations on them touch."""

    def __init__(
        self, traced: Callable[[str], bool], idle: Sequence[Any], is_stored: Callable[[str], bool] = lambda name: False
    ) -> None:
        self._traced = traced
        self._idle = tuple(idle)  # types and functions of the explorer itself: they speak for themselves
        self._is_stored = is_stored
        self._held = Held()
        self._names: dict[int, str] = {0: "everything"}
        self._spaces: set[int] = set()

    # --- numbers ---------------------------------------------------------------------------------------------
    def number(self, thing: Any) -> int:
        is_module = isinstance(thing, types.ModuleType)
        if is_module:
            thing = thing.__dict__
        found = self._held.number(thing)
        if found not in self._names:
            is_space = is_module or thing is vars(builtins) or (type(thing) is dict and "__builtins__" in thing)
            if is_space:
                self._spaces.add(found)
            named = thing.get("__name__") if is_space else None
            if isinstance(thing, type | types.FunctionType):
                named = thing.__name__
            self._names[found] = str(named) if named else f"{type(thing).__name__} {found}"
        return found

    def told(self, touch: Touch) -> str:
        """`list 2[0]`, `Counter 1.value`."""
        name, part = self._names[touch[0]], touch[1]
        if part is None:
            return name
        as_item = touch[0] not in self._spaces and isinstance(self._held.thing(touch[0]), CONTAINERS)
        return f"{name}[{part!r}]" if as_item else f"{name}.{part}"

    def is_space(self, number: int) -> bool:
        """Whether that thing is the globals of a module."""
        return number in self._spaces

    def let_go(self) -> bool:
        """Let go of lists and the like that nobody else has any more. Says whether code under test ended with one."""
        return self._held.let_go(self._traced)

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
            if id(value) in seen:
                continue
            seen.add(id(value))
            kind = type(value)
            if kind in PROXIES or issubclass(kind, weakref.ReferenceType):
                found[EVERYTHING] = (EVERYTHING, None, False)  # any step may be the one that ends what it refers to
                continue
            if issubclass(kind, type | types.ModuleType):
                found.update((t[0], t) for t in self._said_by(value))
                continue
            if self._is_idle(value):
                continue
            if kind is types.MethodType:
                waiting.append(value.__self__)
                continue
            if kind is types.CellType or kind is tuple or kind is frozenset or isinstance(value, functools.partial):
                waiting += gc.get_referents(value)
                continue
            number = self.number(value)
            found[number] = (number, None, write)
            found.update((t[0], t) for t in self._said_by(kind))
            if len(found) > MOST_REACHED:
                return [(EVERYTHING, None, write)]
            inner = gc.get_referents(value)
            own = None if isinstance(value, CONTAINERS) else _own_dict(value)
            if own is not None:
                self._held.alias(own, value)
            waiting += [part for part in inner if part is not own]
            if own is not None:
                waiting += own.values()
        return list(found.values())

    def _said_by(self, space: type | types.ModuleType) -> Touches:
        """What C code finds that is given a module, a class, or an instance of one: all that it and its parents say."""
        if isinstance(space, types.ModuleType):
            return self.reads(space)
        return [(self.number(c), None, False) for c in space.__mro__ if c.__flags__ & _HEAP_TYPE]

    def _is_idle(self, value: Any) -> bool:
        return value is None or isinstance(value, (IMMUTABLE, self._idle))

    def shallow(self, value: Any) -> Touches:
        """The thing by itself; of a view of a dict the dict."""
        if self._is_idle(value) or type(value) in (tuple, frozenset):
            return []
        if type(value) in VIEWS:
            return [t for v in gc.get_referents(value) for t in self.shallow(v)]
        return self.reads(value)

    def truth(self, value: Any) -> Touches:
        kind = type(value)
        if self._is_idle(value) or isinstance(value, tuple | frozenset):
            return []
        if isinstance(value, CONTAINERS):
            return self.shallow(value)
        judge = _of_type(kind, "__bool__") or _of_type(kind, "__len__")
        return [] if judge is None else self.called(judge, [value], reading=True)

    def iterated(self, it: Any, private: bool = False) -> Touches:
        """One step, or all, of an iteration. `private`: nobody else has the iterator."""
        kind = type(it)
        if self._is_idle(it) or kind in (tuple, frozenset):
            return []
        if isinstance(it, CONTAINERS) or kind in VIEWS:
            return self.shallow(it)
        if kind in ITERATORS:
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
        if kind is types.CellType:
            return [(self.number(thing), None, write)]
        fixed = kind.__dictoffset__ == 0 and not kind.__flags__ & _HEAP_TYPE and not isinstance(thing, type)
        if fixed and (self._is_idle(thing) or not isinstance(_of_type(kind, name), _CHANGEABLE)):
            return []  # an int, a method of a list
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
                self._held.alias(own, thing, shown=True)
        elif behind is None:
            fallback = _of_type(kind, "__setattr__" if write else "__getattr__")
            if isinstance(fallback, types.FunctionType) and not self._runs_traced(fallback):
                found += self.deep([thing], write=True)
        elif isinstance(behind, property):
            accessor = behind.fset if write else behind.fget
            if accessor is not None and not self._runs_traced(accessor):
                found += self.deep([thing], write=True)
        elif not isinstance(behind, (*IMMUTABLE, *CONTAINERS)):
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
        if said is not None and not isinstance(said, (*IMMUTABLE, *CONTAINERS)):
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
        return self.deep([container], write) if write else self.deep([container, key])

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
            if self._traced(f.__code__.co_filename):
                return [(self.number(f), name, False) for name in _OF_CALLS if self._is_stored(name)]
            if str(f.__module__).startswith(_OURS):
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
            if name in IDLE:
                return []
            if name == "print":
                return [*self.deep(args), *self.deep([sys.stdout], write=True)]
        if (module == "builtins" and name in READERS) or module in READING_MODULES:
            iterated = [t for a in args if not isinstance(a, CONTAINERS) for t in self._consumed(a)]
            return [*self.deep(args), *iterated]
        return self.deep(args, write=True)

    def _consumed(self, value: Any) -> Touches:
        is_iterator = type(value) in ITERATORS or _of_type(type(value), "__next__") is not None
        return self.iterated(value) if is_iterator else []

    def _method(self, owner: Any, name: str, args: Sequence[Any], reading: bool) -> Touches:
        """A method of a type that is written in C."""
        iterated = [t for a in args for t in self._consumed(a)]
        if name in ("__getattribute__", "__setattr__", "__delattr__") and args and type(args[0]) is str:
            return self.attribute(owner, args[0], write=name != "__getattribute__")
        if name in ("__init__", "__new__", "__init_subclass__", "__subclasshook__") and not isinstance(
            owner, CONTAINERS
        ):
            return [*self.deep(args), *iterated]
        if self._is_idle(owner) or type(owner) in (tuple, frozenset) or type(owner) in VIEWS:
            return [*self.deep([owner, *args]), *iterated]
        if isinstance(owner, CONTAINERS):
            if name in ("get", "__getitem__") and args and isinstance(owner, dict | list):
                return self.item(owner, args[0], "read")
            if name in READING_METHODS or reading:
                deeply = name not in ("get", "keys", "values", "items", "copy", "__len__", "__iter__")
                return [*self.reads(owner), *(self.deep([owner, *args]) if deeply else []), *iterated]
            held = name in ("append", "appendleft", "insert", "add", "setdefault", "__setitem__")
            compares = name in ("remove", "sort", "discard", "__delitem__")
            looked = [] if held else self.deep([*owner, *args] if compares else args)
            return [*self.writes(owner), *looked, *iterated]
        if type(owner) in ITERATORS or isinstance(owner, types.GeneratorType):
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
    return getattr(builtins, name, None) is f and (isinstance(f, type) or name in READERS | IDLE)
