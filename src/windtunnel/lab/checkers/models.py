"""Sequential objects: what each operation may answer when operations run one at a time.

A model is a small class. Write your own by subclassing `Model` and giving `initial` and `step`; the other methods
only make the search faster or its witness smaller, and their defaults are always safe.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from types import MappingProxyType
from typing import Final, Literal

from windtunnel.lab.checkers.values import GREATEST, Truth

Values = tuple[Hashable, ...]
Stepped = tuple[bool, Hashable]


class _Unseen:
    """The answer that nobody received."""

    def __repr__(self) -> str:
        return "UNSEEN"


UNSEEN: Final = _Unseen()
"""The value of an operation whose outcome is unknown: `step` must accept it, whatever it might have been."""


class Model:
    """A sequential object. States must be hashable and are never changed in place.

    `operations` names what the object can do, each with the least number of its arguments; empty, it accepts all.
    """

    name: str = "object"
    operations: Mapping[str, int] = MappingProxyType({})

    def initial(self) -> Hashable:
        """The state before the first operation (of each partition)."""
        raise NotImplementedError

    def step(self, state: Hashable, op: str, args: Values, value: Hashable) -> Stepped:
        """Whether `op(*args)` may answer `value` in `state`, and the state after it. Must be deterministic."""
        raise NotImplementedError

    def partition(self, op: str, args: Values) -> Hashable | None:
        """The independent part of the object that the operation touches; None: all of it (Horn and Kroening, 2015)."""
        return None

    def pure(self, op: str, args: Values, value: Hashable) -> bool:
        """True only if the operation leaves the state alone in *every* state in which it is legal.

        That is a property of the operation, never of what it happened to do once: a write of the value that is already
        there is not pure. The search places pure operations without backtracking, so a false claim would make it
        unsound; it raises ValueError when it meets one.
        """
        return False

    def footprint(self, op: str, args: Values, value: Hashable) -> Values | None:
        """The stored values that the operation mentions, if a legal order stays legal when all operations that mention
        some values are taken out; None where that cannot be said. Only used to make witnesses small."""
        return None

    def leaves(self, op: str, args: Values) -> Values | None:
        """The states that the operation may bring about, if they do not depend on the state before; None if they do.
        A read brings about none. Only used to make witnesses small."""
        return None

    def access(self, op: str, args: Values, value: Hashable) -> tuple[Literal["read", "write"], Hashable] | None:
        """("read", value) or ("write", value) where the operation is one of a plain register, else None."""
        return None


class Register(Model):
    """One cell: `write(value)`, `read() -> value`."""

    name = "register"
    operations: Mapping[str, int] = MappingProxyType({"read": 0, "write": 1})

    def __init__(self, start: Hashable = None) -> None:
        self.start = start

    def initial(self) -> Hashable:
        return self.start

    def step(self, state: Hashable, op: str, args: Values, value: Hashable) -> Stepped:
        if op == "write":
            return True, args[0]
        return value is UNSEEN or value == state, state

    def pure(self, op: str, args: Values, value: Hashable) -> bool:
        return op == "read"

    def footprint(self, op: str, args: Values, value: Hashable) -> Values | None:
        return (args[0],) if op == "write" else (value,)

    def leaves(self, op: str, args: Values) -> Values | None:
        return args[-1:] if op in ("write", "cas") else ()

    def access(self, op: str, args: Values, value: Hashable) -> tuple[Literal["read", "write"], Hashable] | None:
        return ("write", args[0]) if op == "write" else ("read", value)


def _told(op: str, value: Hashable) -> bool | None:
    """The answer of an operation that says yes or no; None where nobody noted it."""
    if value is UNSEEN or value is None:
        return None
    if not isinstance(value, Truth | bool):
        raise ValueError(f"{op} answers true or false, not {value!r}.")
    return bool(value)


class CompareAndSet(Register):
    """A register with `cas(expected, new) -> bool`.

    An `ok` answer False says that the value was another one; `fail` says only that nothing was done. An answer of
    None was not noted: it swapped if the value was the expected one.
    """

    name = "compare-and-set register"
    operations = MappingProxyType({"read": 0, "write": 1, "cas": 2})

    def step(self, state: Hashable, op: str, args: Values, value: Hashable) -> Stepped:
        if op != "cas":
            return super().step(state, op, args, value)
        same, told = state == args[0], _told(op, value)
        return told is None or told == same, args[1] if same else state

    def pure(self, op: str, args: Values, value: Hashable) -> bool:
        # A refused cas changes nothing in any state in which it is legal; an accepted one may.
        return op == "read" or (op == "cas" and _told(op, value) is False)

    def footprint(self, op: str, args: Values, value: Hashable) -> Values | None:
        if op != "cas":
            return super().footprint(op, args, value)
        return None if _told(op, value) is False else args[:2]

    def access(self, op: str, args: Values, value: Hashable) -> tuple[Literal["read", "write"], Hashable] | None:
        return None if op == "cas" else super().access(op, args, value)


class KeyValue(Model):
    """A map, each key on its own: `get(key) -> value`, `put(key, value)`, `delete(key)`,
    `cas(key, expected, new) -> bool`. A key that is absent reads as None."""

    name = "key-value store"
    operations = MappingProxyType({"get": 1, "put": 2, "delete": 1, "cas": 3})
    _AS_CELL: Final = {"get": "read", "put": "write", "delete": "write", "cas": "cas"}

    def __init__(self) -> None:
        self._cell = CompareAndSet()

    def _on_cell(self, op: str, args: Values) -> tuple[str, Values]:
        return self._AS_CELL[op], (None,) if op == "delete" else args[1:]

    def initial(self) -> Hashable:
        return None

    def step(self, state: Hashable, op: str, args: Values, value: Hashable) -> Stepped:
        return self._cell.step(state, *self._on_cell(op, args), value)

    def partition(self, op: str, args: Values) -> Hashable | None:
        return ("key", args[0])

    def pure(self, op: str, args: Values, value: Hashable) -> bool:
        return self._cell.pure(*self._on_cell(op, args), value)

    def footprint(self, op: str, args: Values, value: Hashable) -> Values | None:
        mentioned = self._cell.footprint(*self._on_cell(op, args), value)
        return None if mentioned is None else tuple((args[0], v) for v in mentioned)

    def leaves(self, op: str, args: Values) -> Values | None:
        return self._cell.leaves(*self._on_cell(op, args))

    def access(self, op: str, args: Values, value: Hashable) -> tuple[Literal["read", "write"], Hashable] | None:
        return self._cell.access(*self._on_cell(op, args), value)


class Queue(Model):
    """First in, first out: `enqueue(value)`, `dequeue() -> value`, None from an empty queue."""

    name = "queue"
    operations = MappingProxyType({"enqueue": 1, "dequeue": 0})

    def initial(self) -> Hashable:
        return ()

    def step(self, state: Hashable, op: str, args: Values, value: Hashable) -> Stepped:
        assert isinstance(state, tuple)
        if op == "enqueue":
            if args[0] is None:
                raise ValueError("None cannot be enqueued: as an answer of dequeue it stands for an empty queue.")
            return True, (*state, args[0])
        head = state[0] if state else None
        return value is UNSEEN or value == head, state[1:]

    def pure(self, op: str, args: Values, value: Hashable) -> bool:
        return op == "dequeue" and value is None

    def footprint(self, op: str, args: Values, value: Hashable) -> Values | None:
        if op == "enqueue":
            return (args[0],)
        return () if value is UNSEEN or value is None else (value,)


class Set(Model):
    """`add(x)`, `remove(x)`, `contains(x) -> bool`, `read() -> all members` (a list, in any order).

    Without `read` each member is judged on its own.
    """

    name = "set"
    operations = MappingProxyType({"add": 1, "remove": 1, "contains": 1, "read": 0})

    def initial(self) -> Hashable:
        return frozenset()

    def step(self, state: Hashable, op: str, args: Values, value: Hashable) -> Stepped:
        assert isinstance(state, frozenset)
        if op == "add":
            return True, state | {args[0]}
        if op == "remove":
            return True, state - {args[0]}
        if value is UNSEEN:
            return True, state
        if op == "contains":
            told = _told(op, value)
            return told is None or told == (args[0] in state), state
        members = value if isinstance(value, tuple | frozenset) else (value,)
        return len(members) == len(state) and frozenset(members) == state, state

    def partition(self, op: str, args: Values) -> Hashable | None:
        return None if op == "read" else ("member", args[0])

    def pure(self, op: str, args: Values, value: Hashable) -> bool:
        return op in ("contains", "read")

    def leaves(self, op: str, args: Values) -> Values | None:
        if op == "read":
            return None
        return {"add": (frozenset(args[:1]),), "remove": (frozenset(),)}.get(op, ())


class Counter(Model):
    """`add(n)`, `increment()`, `decrement()`, `read() -> total`."""

    name = "counter"
    operations = MappingProxyType({"add": 1, "increment": 0, "decrement": 0, "read": 0})

    def __init__(self, start: float = 0) -> None:
        self.start = start

    def initial(self) -> Hashable:
        return self.start

    def step(self, state: Hashable, op: str, args: Values, value: Hashable) -> Stepped:
        if op == "read":
            return value is UNSEEN or value == state, state
        assert isinstance(state, int | float)
        return True, state + amount(op, args)

    def pure(self, op: str, args: Values, value: Hashable) -> bool:
        return op == "read"


def amount(op: str, args: Values) -> float:
    """What a counter's operation adds."""
    if op == "add":
        n = args[0]
        if isinstance(n, bool) or not isinstance(n, int | float) or not abs(n) < GREATEST:
            raise ValueError(f"A counter adds numbers, not {n!r}.")
        return n
    return 1 if op == "increment" else -1
