"""Classes and functions of Python's own of which it is known here what they change, and what they only read."""

from __future__ import annotations

import types
from collections import deque
from typing import Any, Final

IMMUTABLE: Final = (
    int, float, complex, bool, str, bytes, type(None), type(Ellipsis), type(NotImplemented), range, slice,
    types.CodeType, types.BuiltinFunctionType, types.FunctionType, types.ModuleType, type, types.MethodDescriptorType,
    types.WrapperDescriptorType, types.ClassMethodDescriptorType, types.GetSetDescriptorType,
    types.MemberDescriptorType, types.FrameType, types.TracebackType, property, classmethod, staticmethod,
)  # fmt: skip
CONTAINERS: Final = (list, dict, set, deque, bytearray)
VIEWS: Final[tuple[type, ...]] = (type({}.keys()), type({}.values()), type({}.items()))
_SAMPLES: Final[tuple[Any, ...]] = (
    iter([]), iter(()), iter({}), iter({}.values()), iter({}.items()), iter(set()), iter(deque()), iter(range(0)),
    iter(range(1 << 70)), iter(""), iter("é"), iter(b""), iter(bytearray()), reversed([]), reversed({}),
    reversed(deque()), enumerate(()), zip(), map(len, ()), filter(None, ()),
)  # fmt: skip
ITERATORS: Final[tuple[type, ...]] = tuple(type(i) for i in _SAMPLES)
READERS: Final = {  # builtins that do no more than read, all that can be reached from their arguments
    "len", "repr", "ascii", "format", "hash", "abs", "divmod", "pow", "round", "bin", "hex", "oct", "ord", "chr",
    "iter", "reversed", "any", "all", "sum", "min", "max", "sorted", "dir", "aiter",
}  # fmt: skip
IDLE: Final = {"id", "isinstance", "issubclass", "callable", "globals", "locals", "__build_class__", "__import__"}
READING_MODULES: Final = {"math", "cmath", "time", "_json"}
READING_METHODS: Final = {
    "get", "keys", "values", "items", "index", "count", "copy", "isdisjoint", "issubset", "issuperset", "union",
    "difference", "intersection", "symmetric_difference", "__len__", "__contains__", "__getitem__", "__iter__",
    "__repr__", "__str__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__reversed__", "__copy__",
    "__reduce__", "__reduce_ex__", "__sizeof__", "__format__", "__hash__", "decode", "hex", "find", "startswith",
    "endswith", "split", "join", "strip", "__add__", "__mul__", "__or__", "__and__", "__sub__",
}  # fmt: skip
