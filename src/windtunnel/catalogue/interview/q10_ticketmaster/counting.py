"""A database that counts what it is asked, so that statements stand among the costs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from windtunnel.engines import DatabasePort, Isolation, Statements, Value
from windtunnel.parts import WatchedStatements

T = TypeVar("T")


class Tally:
    """How many statements were sent, ends of transactions among them."""

    def __init__(self) -> None:
        self.count = 0


class Counted(WatchedStatements):
    """Statements that are counted on their way to a database, or to one of its transactions.

    Args:
        tally: shared by a database and its transactions.
    """

    def __init__(self, to: Statements, tally: Tally) -> None:
        super().__init__(to)
        self.tally = tally

    async def _read(self, table: str, do: Callable[[], Awaitable[T]]) -> T:
        self.tally.count += 1
        return await do()

    async def _write(self, what: str, do: Callable[[], Awaitable[T]]) -> T:
        self.tally.count += 1
        return await do()


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
