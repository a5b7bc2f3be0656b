"""Statements that are watched on their way say and do what those of the port do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from windtunnel.engines import Plus, Statements
from windtunnel.engines.database.sqlite import SqliteDatabase
from windtunnel.parts import WatchedStatements

T = TypeVar("T")


class Noted(WatchedStatements):
    """Notes what passes."""

    def __init__(self, to: Statements) -> None:
        super().__init__(to)
        self.noted: list[str] = []

    async def _read(self, table: str, do: Callable[[], Awaitable[T]]) -> T:
        self.noted.append(f"read {table}")
        return await do()

    async def _write(self, what: str, do: Callable[[], Awaitable[T]]) -> T:
        self.noted.append(what)
        return await do()


async def say_all(to: Statements) -> None:
    """Each statement once, with what it has to answer."""
    await to.insert("stock", {"id": "tea", "count": 3})
    assert await to.update("stock", {"id": "tea"}, {"count": Plus(-1)}) == 1
    assert await to.update_returning("stock", {"id": "tea"}, {"count": Plus(-1)}) == [{"id": "tea", "count": 1}]
    assert await to.get("stock", "tea") == {"id": "tea", "count": 1}
    assert await to.select("stock", {"count": 1}, order_by="count", limit=1) == [{"id": "tea", "count": 1}]
    assert await to.count("stock", {"count": 1}) == 1
    assert await to.rank_all("stock", {}, by="count", into="count") == 1
    assert await to.delete("stock", {"id": "tea"}) == 1


def test_each_statement_passes_once_and_answers_as_the_ports(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        db = SqliteDatabase("db", tmp_path / "file")
        await db.create_table("stock", {"id": str, "count": int})
        noted = Noted(db)
        for to in (db, WatchedStatements(db), noted):
            await say_all(to)
        await db.close()
        return noted.noted

    assert asyncio.run(scenario()) == [
        *("insert stock", "update stock", "update stock", "read stock", "read stock", "read stock"),
        *("update stock", "delete stock"),
    ]
