"""What each opcode is about to touch: the opcodes of a code object that matter, and their operands.

Where the value stack cannot be read (see `frames`) every opcode that is not known to be harmless is said to touch
everything: nothing is missed, and little is reduced.
"""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from windtunnel.lab.explore.core import EVERYTHING
from windtunnel.lab.explore.frames import NULL, cell, operands
from windtunnel.lab.explore.touches import PROXIES, Things, Touches

_HARMLESS: Final = {
    "ASYNC_GEN_WRAP", "BUILD_CONST_KEY_MAP", "BUILD_LIST", "BUILD_SLICE", "BUILD_STRING", "BUILD_TUPLE", "CACHE",
    "CHECK_EG_MATCH", "CHECK_EXC_MATCH", "COPY", "COPY_FREE_VARS", "DELETE_FAST", "EXTENDED_ARG", "IS_OP",
    "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT", "JUMP_FORWARD", "KW_NAMES", "LIST_APPEND", "LIST_TO_TUPLE",
    "LOAD_ASSERTION_ERROR", "LOAD_BUILD_CLASS", "LOAD_CLOSURE", "LOAD_CONST", "LOAD_FAST", "LOAD_FAST_AND_CLEAR",
    "LOAD_FAST_CHECK", "MAKE_CELL", "MAKE_FUNCTION", "MATCH_MAPPING", "MATCH_SEQUENCE", "NOP", "POP_EXCEPT",
    "POP_JUMP_BACKWARD_IF_NONE", "POP_JUMP_BACKWARD_IF_NOT_NONE", "POP_JUMP_FORWARD_IF_NONE",
    "POP_JUMP_FORWARD_IF_NOT_NONE", "POP_JUMP_IF_NONE", "POP_JUMP_IF_NOT_NONE", "POP_TOP", "PUSH_EXC_INFO", "PUSH_NULL",
    "RAISE_VARARGS", "RERAISE", "RESUME", "RETURN_CONST", "RETURN_GENERATOR", "RETURN_VALUE", "SETUP_ANNOTATIONS",
    "STORE_FAST", "SWAP", "TO_BOOL_NONE", "YIELD_VALUE", "BUILD_MAP", "BUILD_SET", "MAP_ADD", "SET_ADD",
    "GET_AWAITABLE", "PREP_RERAISE_STAR", "END_FOR", "END_SEND", "LOAD_FAST_LOAD_FAST", "STORE_FAST_LOAD_FAST",
    "STORE_FAST_STORE_FAST", "LOAD_FAST_BORROW", "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "LOAD_SMALL_INT", "NOT_TAKEN",
    "POP_ITER", "LOAD_COMMON_CONSTANT", "LOAD_LOCALS", "SET_FUNCTION_ATTRIBUTE", "EXIT_INIT_CHECK",
    "CLEANUP_THROW",
}  # fmt: skip
_ENDS: Final = {"RETURN_VALUE", "RETURN_CONST", "YIELD_VALUE", "RETURN_GENERATOR"}
_INTRINSICS: Final = {
    "INTRINSIC_UNARY_POSITIVE": "UNARY_POSITIVE", "INTRINSIC_IMPORT_STAR": "IMPORT_STAR",
    "INTRINSIC_PRINT": "PRINT_EXPR",
}  # fmt: skip
"""Of the opcodes that became arguments of CALL_INTRINSIC_1 in 3.12, those that run code of others."""
_BY_PRECALL: Final = "PRECALL" in dis.opmap  # 3.11: it has all that a call has, and CALL comes after it
_NULL_AFTER: Final = "CALL_KW" in dis.opmap  # 3.13: the place of a method's object stands above what is called


class Operation(NamedTuple):
    """One opcode: its name, its argument as a number and as Python means it, and the names of keywords of a call."""

    name: str
    arg: int
    argval: Any
    keywords: tuple[str, ...]


class LockCall(NamedTuple):
    """A call of a lock that is none of ours: `what` is acquire, try, release or look."""

    lock: Any
    what: str


@cache
def operations(code: CodeType) -> Mapping[int, Operation]:
    """By offset, the opcodes that may touch something, and those at which a frame hands back."""
    return {op[0]: op[1] for op in _operations(code)}


def _operations(code: CodeType) -> Iterator[tuple[int, Operation]]:
    keywords: tuple[str, ...] = ()
    for i in dis.get_instructions(code):
        name = i.opname
        if name.startswith("CALL_INTRINSIC"):
            name = _INTRINSICS.get(i.argrepr, "NOP")
        if name == "KW_NAMES":
            keywords = code.co_consts[i.arg or 0]
        elif name in _ENDS or not (name in _HARMLESS or (name == "CALL" and _BY_PRECALL)):
            yield i.offset, Operation(name, i.arg or 0, i.argval, keywords)
            keywords = ()


def ends(op: Operation) -> bool:
    """Whether the frame hands back there."""
    return op.name in _ENDS


@cache
def names_stored(code: CodeType) -> frozenset[str]:
    """Names that this code, or code inside it, may bind in a module: as globals, as attributes, or by name."""
    found: set[str] = set()
    by_name = False
    for i in dis.get_instructions(code):
        if i.opname in ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "DELETE_ATTR", "STORE_NAME", "DELETE_NAME"):
            found.add(str(i.argval))
        by_name |= i.argval in ("globals", "setattr", "delattr", "vars", "__dict__", "exec", "patch", "modules")
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= names_stored(constant)
        elif by_name and isinstance(constant, str):
            found.add(constant)
        elif by_name and isinstance(constant, tuple):
            found.update(c for c in constant if isinstance(c, str))
    return frozenset(found)


class Opcodes:
    """Says what operations touch, in one run.

    Args:
        things: the numbers.
        is_global_shared: whether a name of globals may be bound while threads run.
        exact: whether stacks can be read.
    """

    def __init__(self, things: Things, is_global_shared: Callable[[str], bool], exact: bool) -> None:
        self._things = things
        self._shared = is_global_shared
        self._exact = exact

    def touches(self, frame: FrameType, op: Operation) -> Callable[[], Touches] | LockCall | None:
        """What the operation would touch now and, asked again, at that later time; None where it touches nothing."""
        if op.name in _ENDS:
            return None
        handler = _HANDLERS.get(op.name) if self._exact else None
        if handler is None:
            reads = op.name.startswith(("LOAD_", "POP_JUMP", "JUMP_IF", "COMPARE", "CONTAINS", "UNARY", "TO_BOOL"))
            if not self._exact and op.name in ("LOAD_GLOBAL", "LOAD_NAME") and not self._shared(str(op.argval)):
                return None
            worst: Touches = [(EVERYTHING, None, not reads)]
            return lambda: worst
        count, look = handler
        top = operands(frame, count(op) if callable(count) else count)
        if top is None or any(type(one) in PROXIES for one in top):
            unknown: Touches = [(EVERYTHING, None, True)]
            return lambda: unknown
        said: Callable[[], Touches] | LockCall | None = look(self, frame, op, top)
        return said

    # --- one method for each kind of opcode ---------------------------------------------------------------------
    def _global(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        name, write = str(op.argval), op.name.startswith(("STORE", "DELETE"))
        if not write and not self._shared(name):
            return None
        if op.name.endswith("_NAME") and frame.f_locals is not frame.f_globals and (write or name in frame.f_locals):
            return None  # the body of a class
        space, built_in = frame.f_globals, frame.f_builtins

        def look() -> Touches:
            behind = [] if write or name in space else self._things.reads(built_in, name)
            return [(self._things.number(space), name, write), *behind]

        return look

    def _cell(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        found, write = cell(frame, op.arg), op.name.startswith(("STORE", "DELETE"))
        if type(found) is not types.CellType:
            unknown: Touches = [(EVERYTHING, None, True)]
            return lambda: unknown
        return lambda: [(self._things.number(found), str(op.argval), write)]

    def _attribute(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        thing, name, write = top[-1], str(op.argval), op.name in ("STORE_ATTR", "DELETE_ATTR")
        if isinstance(thing, types.ModuleType) and not write and not self._shared(name):
            return None
        return lambda: self._things.attribute(thing, name, write)

    def _item(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        kind = {"STORE_SUBSCR": "set", "DELETE_SUBSCR": "delete"}.get(op.name, "read")
        container, key = top[-2], top[-1]
        return lambda: self._things.item(container, key, kind)

    def _slice(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        container, key = top[-3], slice(top[-2], top[-1])
        return lambda: self._things.item(container, key, "set" if op.name == "STORE_SLICE" else "read")

    def _above(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        """An attribute of `super()`, which 3.12 no longer makes."""
        maker, cls, thing = top
        if maker is not super:
            worst: Touches = [(EVERYTHING, None, True)]
            return lambda: worst
        above = super(cls, thing)
        return lambda: self._things.attribute(above, str(op.argval))

    def _truth(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        value = top[-1]
        return lambda: self._things.truth(value)

    def _deep(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        values = list(top)
        return lambda: self._things.deep(values)

    def _contains(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        wanted, container = top[-2:]
        iterator = hasattr(type(container), "__next__")
        if isinstance(container, dict) and type(wanted) in (int, str):
            return lambda: [(self._things.number(container), wanted, False)]
        return lambda: [
            *self._things.deep([wanted, container]),
            *(self._things.iterated(container) if iterator else []),
        ]

    def _binary(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        left, right = top[-2:]
        in_place = op.arg >= 13  # NB_INPLACE_ADD and what follows

        def look() -> Touches:
            written = self._things.shallow(left) if in_place else []
            return [*self._things.deep([left, right]), *((t[0], t[1], True) for t in written)]

        return look

    def _iterate(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        it = top[-1]
        private = op.name == "FOR_ITER" and sys.getrefcount(it) <= _PRIVATE
        return lambda: self._things.iterated(it, private)

    def _shallow(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        value = top[-1]
        return lambda: self._things.shallow(value)

    def _with(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        manager = top[-1]
        enter = getattr(type(manager), "__enter__" if op.name == "BEFORE_WITH" else "__aenter__", None)
        return None if enter is None else self._call(enter, [manager], ())

    def _with_except(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        return self._call(top[0], list(top[1:]), ())

    def _precall(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        before, first, args = top[0], top[1], list(top[2:])
        if _NULL_AFTER:
            f, args = before, args if first is NULL else [first, *args]
        else:
            f, args = (first, args) if before is NULL else (before, [first, *args])
        return self._call(f, args, op.keywords)

    def _call_named(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        return self._precall(frame, op._replace(keywords=top[-1]), top[:-1])

    def _call_ex(self, frame: FrameType, op: Operation, top: Sequence[Any]) -> Any:
        keywords = top.pop() if op.arg & 1 else {}  # type: ignore[attr-defined]
        f, given = top[-3 if _NULL_AFTER else -2], top[-1]
        if type(given) is tuple:
            return self._call(f, [*given, *keywords.values()], ())
        called = self._call(f, [*keywords.values()], ())
        ahead = self._things.deep([given], write=True)
        if isinstance(called, LockCall):
            return called
        return lambda: [*ahead, *(called() if called else [])]

    def _call(self, f: Any, args: list[Any], keywords: tuple[str, ...]) -> Any:
        lock = lock_call(f, args, keywords)
        return lock if lock is not None else lambda: self._things.called(f, args)


_RAW_LOCKS: Final = (type(__import__("_thread").allocate_lock()), type(__import__("_thread").RLock()))


def lock_call(f: Any, args: Sequence[Any], keywords: tuple[str, ...]) -> LockCall | None:
    """The call of a raw lock, made before the run or by C code, if it is one."""
    if isinstance(f, types.BuiltinFunctionType | types.MethodWrapperType):
        owner, rest = f.__self__, list(args)
    elif isinstance(f, types.MethodDescriptorType) and args:
        owner, rest = args[0], list(args[1:])
    else:
        return None
    if not isinstance(owner, _RAW_LOCKS):
        return None
    name = f.__name__
    if name in ("acquire", "acquire_lock"):
        split = len(rest) - len(keywords)
        named = dict(zip(keywords, rest[split:], strict=True))
        rest = rest[:split]
        blocking = named.get("blocking", rest[0] if rest else True)
        timeout = named.get("timeout", rest[1] if len(rest) > 1 else -1)
        return LockCall(owner, "acquire" if blocking and timeout < 0 else "try")
    if name in ("__enter__", "_acquire_restore"):
        return LockCall(owner, "acquire")
    if name in ("release", "release_lock", "__exit__", "_release_save"):
        return LockCall(owner, "release")
    return LockCall(owner, "look") if name in ("locked", "locked_lock", "_is_owned") else None


def _arguments(op: Operation) -> int:
    return op.arg + 2


_Look = Callable[[Opcodes, FrameType, Operation, Any], Any]
_HANDLERS: Final[Mapping[str, tuple[int | Callable[[Operation], int], _Look]]] = {
    **dict.fromkeys(
        ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_NAME", "STORE_NAME", "DELETE_NAME"), (0, Opcodes._global)
    ),
    "LOAD_FROM_DICT_OR_GLOBALS": (0, Opcodes._global),
    **dict.fromkeys(
        ("LOAD_DEREF", "STORE_DEREF", "DELETE_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"), (0, Opcodes._cell)
    ),
    **dict.fromkeys(
        ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR", "IMPORT_FROM"), (1, Opcodes._attribute)
    ),
    "LOAD_SUPER_ATTR": (3, Opcodes._above),
    **dict.fromkeys(("BINARY_SUBSCR", "STORE_SUBSCR", "DELETE_SUBSCR"), (2, Opcodes._item)),
    **dict.fromkeys(("BINARY_SLICE", "STORE_SLICE"), (3, Opcodes._slice)),
    **dict.fromkeys(
        (
            "POP_JUMP_FORWARD_IF_TRUE", "POP_JUMP_FORWARD_IF_FALSE", "POP_JUMP_BACKWARD_IF_TRUE",
            "POP_JUMP_BACKWARD_IF_FALSE", "JUMP_IF_TRUE_OR_POP", "JUMP_IF_FALSE_OR_POP", "UNARY_NOT",
            "POP_JUMP_IF_TRUE", "POP_JUMP_IF_FALSE", "TO_BOOL",
        ),
        (1, Opcodes._truth),
    ),
    **dict.fromkeys(
        (
            "UNARY_NEGATIVE", "UNARY_POSITIVE", "UNARY_INVERT", "FORMAT_SIMPLE", "CONVERT_VALUE", "GET_LEN",
        ),
        (1, Opcodes._deep),
    ),
    "FORMAT_VALUE": (lambda op: 2 if op.arg & 4 else 1, Opcodes._deep),  # 4: with a format of its own, which is on top
    **dict.fromkeys(("COMPARE_OP", "MATCH_KEYS", "FORMAT_WITH_SPEC"), (2, Opcodes._deep)),
    "MATCH_CLASS": (3, Opcodes._deep),
    "CONTAINS_OP": (2, Opcodes._contains),
    "BINARY_OP": (2, Opcodes._binary),
    **dict.fromkeys(
        ("FOR_ITER", "UNPACK_SEQUENCE", "UNPACK_EX", "LIST_EXTEND", "SET_UPDATE", "DICT_UPDATE", "DICT_MERGE"),
        (1, Opcodes._iterate),
    ),
    "SEND": (2, lambda self, frame, op, top: Opcodes._iterate(self, frame, op, top[:1])),
    **dict.fromkeys(("GET_ITER", "GET_YIELD_FROM_ITER"), (1, Opcodes._shallow)),
    **dict.fromkeys(("BEFORE_WITH", "BEFORE_ASYNC_WITH"), (1, Opcodes._with)),
    "WITH_EXCEPT_START": (4, Opcodes._with_except),
    **dict.fromkeys(("PRECALL", "CALL"), (_arguments, Opcodes._precall)),
    "CALL_KW": (lambda op: op.arg + 3, Opcodes._call_named),
    "CALL_FUNCTION_EX": (lambda op: 3 + (op.arg & 1), Opcodes._call_ex),
    "IMPORT_NAME": (0, lambda self, frame, op, top: None),
}  # fmt: skip
_PRIVATE: Final = 4
"""References to an iterator that only the stack of its frame holds: that one, our list's, our name's, the call's."""
