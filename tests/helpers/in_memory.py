"""Databases of SQLite in memory, closed behind each test: from 3.13 on Python warns of one that is left open."""

from __future__ import annotations

import sqlite3

_open: list[sqlite3.Connection] = []


def database() -> sqlite3.Connection:
    """A new one, without tables."""
    _open.append(sqlite3.connect(":memory:"))
    return _open[-1]


def close_all() -> None:
    """Those that were opened since the last call."""
    while _open:
        _open.pop().close()
