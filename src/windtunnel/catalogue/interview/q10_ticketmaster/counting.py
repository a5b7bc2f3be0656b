"""A database that counts what it is asked, so that statements stand among the costs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from windtunnel.engines import Changes, DatabasePort, Isolation, Row, Statements, Value, Where


class Tally:
    """How many statements were sent, commits of transactions among them."""

    def __init__(self) -> None:
        self.count = 0


class Counted:
    """Statements that are counted on their way to a database, or to one of its transactions.

    Args:
        tally: shared by a database and its transactions.
    """

    def __init__(self, to: Statements, tally: Tally) -> None:
        self._to = to
        self.tally = tally

    async def get(self, table: str, key: Value, *, lock: bool = False) -> Row | None:
        """As the port's, like all below."""
        self.tally.count += 1
        return await self._to.get(table, key, lock=lock)

    async def select(
        self,
        table: str,
        where: Where | None = None,
        *,
        order_by: str = "id",
        limit: int | None = None,
        lock: bool = False,
        skip_locked: bool = False,
    ) -> list[Row]:
        self.tally.count += 1
        return await self._to.select(table, where, order_by=order_by, limit=limit, lock=lock, skip_locked=skip_locked)

    async def insert(self, table: str, row: Mapping[str, Value]) -> None:
        self.tally.count += 1
        await self._to.insert(table, row)

    async def update(self, table: str, where: Where, changes: Changes) -> int:
        self.tally.count += 1
        return await self._to.update(table, where, changes)

    async def update_returning(self, table: str, where: Where, changes: Changes) -> list[Row]:
        self.tally.count += 1
        return await self._to.update_returning(table, where, changes)

    async def delete(self, table: str, where: Where) -> int:
        self.tally.count += 1
        return await self._to.delete(table, where)


class CountedDatabase(Counted):
    """A database whose statements are counted."""

    def __init__(self, database: DatabasePort) -> None:
        super().__init__(database, Tally())
        self._database = database

    async def create_table(
        self,
        table: str,
        columns: Mapping[str, type],
        rows: Sequence[Mapping[str, Value]] = (),
        *,
        unique: Sequence[Sequence[str]] = (),
    ) -> None:
        """As the port's; what is there before the sale begins is not counted."""
        await self._database.create_table(table, columns, rows, unique=unique)

    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncIterator[Counted]:
        """As the port's; its end is a statement."""
        async with self._database.transaction(isolation) as t:
            try:
                yield Counted(t, self.tally)
            finally:
                self.tally.count += 1
