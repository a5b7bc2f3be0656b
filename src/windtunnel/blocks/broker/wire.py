"""How Kafka writes requests and answers: fields in order, numbers big-endian, each field in some versions.

Only what clients need who know no flexible version (KIP-482): those write lengths as numbers of fixed size. Source:
Apache Kafka, *A Guide To The Kafka Protocol*, Protocol Primitive Types. No state: threads and tasks may share it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any

Message = dict[str, Any]
"""Values by the names of fields; arrays of fields are lists of such."""
NUMBERS = {
    name: Struct(code) for name, code in (("i8", ">b"), ("i16", ">h"), ("i32", ">i"), ("i64", ">q"), ("bool", ">?"))
}
EVER = 10**6


class WrongMessageError(ValueError):
    """These bytes are no such request."""


@dataclass(frozen=True)
class Field:
    """One field.

    Args:
        kind: "i8" to "i64", "bool", "string", "bytes" (both may be None), or what an array holds.
        since, until: the versions that have it.
        default: what is written where the message does not say.
    """

    name: str
    kind: str | Sequence[Field]
    since: int = 0
    until: int = EVER
    default: Any = 0
    array: bool = False


def one(name: str, kind: str, since: int = 0, until: int = EVER, default: Any = 0) -> Field:
    """A plain field."""
    return Field(name, kind, since, until, default)


def many(name: str, kind: str | Sequence[Field], since: int = 0, until: int = EVER) -> Field:
    """An array."""
    return Field(name, kind, since, until, (), array=True)


def write(fields: Sequence[Field], version: int, message: Message) -> bytes:
    """The bytes of a message in this version."""
    parts: list[bytes] = []
    _write(fields, version, message, parts)
    return b"".join(parts)


def _write(fields: Sequence[Field], version: int, message: Message, parts: list[bytes]) -> None:
    for field in fields:
        if not field.since <= version <= field.until:
            continue
        value = message.get(field.name, field.default)
        if not field.array:
            _write_one(field.kind, version, value, parts)
        elif value is None:
            parts.append(NUMBERS["i32"].pack(-1))
        else:
            parts.append(NUMBERS["i32"].pack(len(value)))
            for item in value:
                _write_one(field.kind, version, item, parts)


def _write_one(kind: str | Sequence[Field], version: int, value: Any, parts: list[bytes]) -> None:
    if not isinstance(kind, str):
        _write(kind, version, value, parts)
    elif kind == "string":
        data = None if value is None else value.encode()
        parts.append(NUMBERS["i16"].pack(-1 if data is None else len(data)))
        parts.append(data or b"")
    elif kind == "bytes":
        parts.append(NUMBERS["i32"].pack(-1 if value is None else len(value)))
        parts.append(value or b"")
    else:
        parts.append(NUMBERS[kind].pack(value))


class Reader:
    """Bytes that are read from front to back. One thread or task at a time.

    Raises `WrongMessageError` where they end too early.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def rest(self) -> int:
        """Bytes that are left."""
        return len(self._data) - self._at

    def number(self, kind: str) -> Any:
        """The next number."""
        try:
            (found,) = NUMBERS[kind].unpack_from(self._data, self._at)
        except struct.error:
            raise WrongMessageError("The message ends in the middle of a number.") from None
        self._at += NUMBERS[kind].size
        return found

    def raw(self, size: int) -> bytes:
        """So many bytes."""
        if not 0 <= size <= self.rest:
            raise WrongMessageError(f"A field says that it has {size} bytes, and {self.rest} are left.")
        self._at += size
        return self._data[self._at - size : self._at]

    def string(self) -> str | None:
        """A text, or none."""
        size = self.number("i16")
        try:
            return None if size < 0 else self.raw(size).decode()
        except UnicodeDecodeError:
            raise WrongMessageError("A text is not UTF-8.") from None

    def message(self, fields: Sequence[Field], version: int) -> Message:
        """These fields."""
        return {field.name: self._field(field, version) for field in fields if field.since <= version <= field.until}

    def _field(self, field: Field, version: int) -> Any:
        if not field.array:
            return self._one(field.kind, version)
        count = self.number("i32")
        if count < 0:
            return None
        if count > self.rest:
            raise WrongMessageError(f"An array says that it has {count} items, and {self.rest} bytes are left.")
        return [self._one(field.kind, version) for _ in range(count)]

    def _one(self, kind: str | Sequence[Field], version: int) -> Any:
        if not isinstance(kind, str):
            return self.message(kind, version)
        if kind == "string":
            return self.string()
        if kind == "bytes":
            size = self.number("i32")
            return None if size < 0 else self.raw(size)
        return self.number(kind)
