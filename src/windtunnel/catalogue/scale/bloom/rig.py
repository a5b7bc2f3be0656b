"""A table on disk, and servers in front of it, one after the other, each with what the one before has stored."""

from __future__ import annotations

import sqlite3
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from windtunnel import Stage
from windtunnel.catalogue.scale.bloom import server

PROGRAM = Path(server.__file__)
BODY = bytes(100)
"""What a row holds beside its key."""
CACHE_KIB = 64
"""Of the file, kept in memory by SQLite."""
LOOK = "SELECT body FROM things WHERE id = ?"
IO = Path("/proc/self/io")


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def keys(self) -> int: ...
    @property
    def error(self) -> float: ...
    @property
    def processes(self) -> int: ...


class Table:
    """A table of SQLite in a file; the engine says how often it is read."""

    def __init__(self, file: Path) -> None:
        self.looks = 0
        self.connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for text in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            f"PRAGMA cache_size = -{CACHE_KIB}",
            "CREATE TABLE things (id TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID",
        ):
            self.connection.execute(text)

    def seen(self, statement: str) -> None:
        """The engine has begun with a statement."""
        self.looks += 1

    def put(self, keys: Sequence[str]) -> None:
        """Rows of these keys."""
        self.connection.execute("BEGIN")
        self.connection.executemany("INSERT INTO things VALUES (?, ?)", ((key, BODY) for key in sorted(keys)))
        self.connection.execute("COMMIT")

    def delete(self, keys: Sequence[str]) -> None:
        """No rows of these keys."""
        self.connection.execute("BEGIN")
        self.connection.executemany("DELETE FROM things WHERE id = ?", ((key,) for key in keys))
        self.connection.execute("COMMIT")

    def have(self, keys: Sequence[str]) -> list[bool]:
        """Read them, one by one."""
        self.connection.set_trace_callback(self.seen)
        found = [self.connection.execute(LOOK, (key,)).fetchone() is not None for key in keys]
        self.connection.set_trace_callback(None)
        return found

    def keys(self) -> list[str]:
        """All of them, in order."""
        return [key for (key,) in self.connection.execute("SELECT id FROM things ORDER BY id")]


def read_bytes() -> int | None:
    """What this process has read from files so far; None where the system does not say."""
    try:
        return int(IO.read_text("ascii").partition("rchar: ")[2].split()[0])
    except (OSError, ValueError, IndexError):
        return None


class Rig:
    """Serves the requests: the design is asked what the table cannot have, and what it lets through is read."""

    def __init__(self, design: Any, stage: Stage, p: Setting) -> None:
        self.design, self.stage, self.p = design, stage, p
        self.told = {"keys": p.keys, "error": p.error}
        self.folder = TemporaryDirectory(prefix="windtunnel-bloom-")
        self.table = Table(Path(self.folder.name) / "things.sqlite")
        self.here: Callable[..., Any] | None = server.begin(self.told, design)
        self.child: Any = None
        self.servers = 1
        self.stored: list[tuple[int, int, int]] = []
        self.held = self.bytes_read = 0
        self.counted = True

    async def ask(self, *what: Any) -> Any:
        """The server that answers now."""
        return await self.child.ask(*what) if self.here is None else self.here(*what)

    async def put(self, keys: Sequence[str]) -> None:
        """New rows."""
        self.table.put(keys)
        await self.ask("add", keys)

    async def delete(self, keys: Sequence[str]) -> None:
        """Rows go."""
        self.table.delete(keys)
        await self.ask("remove", keys)

    async def get(self, keys: Sequence[str], phase: str) -> tuple[str, str]:
        """What clients are told, key by key: "1", it is there; and for which of them the table was read."""
        may = await self.ask("may", keys)
        asked = [key for key, one in zip(keys, may, strict=True) if one == "1"]
        before = read_bytes()
        found = self.table.have(asked)
        after = read_bytes()
        self.counted = self.counted and before is not None
        self.bytes_read += (after or 0) - (before or 0)
        if missing := [key for key, there in zip(asked, found, strict=True) if not there]:
            await self.ask("absent", missing)
        there = iter(found)
        return "".join("01"[one == "1" and next(there)] for one in may), may

    async def hand_over(self) -> None:
        """The next server begins with what this one stores: the second in a process of its own, if there are two."""
        keys = self.table.keys()
        self.held = await self.ask("held")
        text, scanned = await self.ask("store", keys)
        self.stored.append((len(b64decode(text)), scanned, len(keys)))
        self.servers += 1
        if self.servers == 2 and self.p.processes > 1:
            self.here, self.child = None, self.stage.child("second server", PROGRAM, self.told, self.design)
        else:
            self.here = server.begin(self.told, type(self.design)(self.stage, self.p))
        await self.ask("load", text)

    def report(self) -> Mapping[str, Any]:
        """What was stored: bytes, rows read for it, rows there; bytes held before the last time; what was read."""
        return {
            "stored": self.stored,
            "held": self.held,
            "looks": self.table.looks,
            "bytes_read": self.bytes_read if self.counted else None,
        }

    def stop(self) -> None:
        """Close the file, and remove it."""
        self.table.connection.close()
        self.folder.cleanup()
