"""Statements on their way to a database, each by one of two methods: what counts, delays or ends them stands there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from windtunnel.engines import Changes, Row, Statements, Value, Where

T = TypeVar("T")


class WatchedStatements:
    """The port's statements, passed on; a subclass says what becomes of a read and of a write on its way.

    Args:
        to: the database, or one of its transactions.
    """

    def __init__(self, to: Statements) -> None:
        self._to = to

    async def _read(self, table: str, do: Callable[[], Awaitable[T]]) -> T:
        """What `do` finds in this table."""
        return await do()

    async def _write(self, what: str, do: Callable[[], Awaitable[T]]) -> T:
        """What `do` answers: "insert", "update" or "delete", and the table."""
        return await do()

    async def get(self, table: str, key: Value, *, lock: bool = False) -> Row | None:
        """As the port's, like all below."""
        return await self._read(table, lambda: self._to.get(table, key, lock=lock))

    async def select(
        self,
        table: str,
        where: Where | None = None,
        *,
        order_by: str = "id",
        descending: bool = False,
        limit: int | None = None,
        lock: bool = False,
        skip_locked: bool = False,
    ) -> list[Row]:
        return await self._read(
            table,
            lambda: self._to.select(
                table,
                where,
                order_by=order_by,
                descending=descending,
                limit=limit,
                lock=lock,
                skip_locked=skip_locked,
            ),
        )

    async def count(self, table: str, where: Where | None = None) -> int:
        return await self._read(table, lambda: self._to.count(table, where))

    async def insert(self, table: str, row: Mapping[str, Value]) -> None:
        await self._write(f"insert {table}", lambda: self._to.insert(table, row))

    async def update(self, table: str, where: Where, changes: Changes) -> int:
        return await self._write(f"update {table}", lambda: self._to.update(table, where, changes))

    async def update_returning(self, table: str, where: Where, changes: Changes) -> list[Row]:
        return await self._write(f"update {table}", lambda: self._to.update_returning(table, where, changes))

    async def rank_all(self, table: str, where: Where, *, by: str, into: str) -> int:
        return await self._write(f"update {table}", lambda: self._to.rank_all(table, where, by=by, into=into))

    async def delete(self, table: str, where: Where) -> int:
        return await self._write(f"delete {table}", lambda: self._to.delete(table, where))
