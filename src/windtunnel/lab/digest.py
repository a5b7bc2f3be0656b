"""A digest of a history: equal digests mean that two runs did the same thing at the same moments."""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Set as AbstractSet
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from typing import Any

from windtunnel.lab.history import History
from windtunnel.sim.tier import native

# Version 2 knows no references: what it writes depends on values alone, not on which objects are shared.
_FORMAT = 2
_CHUNK = 1000


def digest(history: History, timed: bool) -> str:
    """Hexadecimal digest of every event and fact; without times where these are the wall's."""
    found = blake2b(digest_size=16)
    rows: list[Any] = list(history)
    if not timed:
        rows = [(e.id, e.client, e.name, e.args, e.outcome, e.value) for e in rows]
        rows.sort(key=lambda row: row[0])
    for i in range(0, len(rows), _CHUNK):
        found.update(_rows(tuple(rows[i : i + _CHUNK])))
    if timed:
        found.update(_bytes(history.facts))
    return found.hexdigest()


def _rows(rows: tuple[tuple[Any, ...], ...]) -> bytes:
    written: bytes | None = None if native is None else native.marshalled(rows, 0, len(rows))
    return _bytes([tuple(row) for row in rows]) if written is None else written


def _bytes(value: Any) -> bytes:
    try:
        return marshal.dumps(value, _FORMAT)
    except ValueError:
        return marshal.dumps(plain(value), _FORMAT)


def plain(value: Any) -> Any:
    """The value as tuples, numbers and text, the same under every hash seed."""
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    if isinstance(value, Mapping):
        return tuple((plain(k), plain(v)) for k, v in value.items())
    if isinstance(value, AbstractSet):
        return tuple(sorted(map(plain, value), key=repr))
    if hasattr(value, "tobytes") and hasattr(value, "dtype"):
        return str(value.dtype), tuple(value.shape), value.tobytes()
    if is_dataclass(value):
        return type(value).__name__, tuple(plain(getattr(value, f.name)) for f in fields(value))
    raise ValueError(f"A history holds {value!r} of type {type(value).__name__}; let designs return plain data.")
