"""Both ends of a connection to the modelled database: what a client says, and the process there that does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from windtunnel.engines.database.port import Aborted, Changes, Isolation, Row, Value, Where
from windtunnel.engines.database.rows import changed
from windtunnel.engines.shared.wire import Wire
from windtunnel.sim.kernel import Process

if TYPE_CHECKING:
    from windtunnel.engines.database.model import ModelDatabase

T = TypeVar("T")
Key = tuple[str, Value]


@dataclass(slots=True)
class Transaction:
    """What a transaction has read, written and locked so far."""

    number: int
    isolation: Isolation
    snapshot: int
    alone: bool
    writes: dict[Key, Row | None] = field(default_factory=dict)
    reborn: set[Key] = field(default_factory=set)
    """Rows that it removed, and put in anew."""
    locks: dict[Key, None] = field(default_factory=dict)
    read: set[Key] = field(default_factory=set)
    scanned: set[str] = field(default_factory=set)
    waits_for: Key | None = None
    ended: bool = False
    looked: int = 0
    """Rows that its last statement had to look at."""


class Backend:
    """The process of the database that serves one connection."""

    def __init__(self, database: ModelDatabase, wire: Wire) -> None:
        self._database = database
        self._wire = wire
        self.process: Process[None]

    async def run(self) -> None:
        """Work statements off until the client is gone."""
        database, wire, process = self._database, self._wire, self.process
        statement_s, row_s, cpu = database.statement_s, database.row_s, database.host.cpu
        transaction: Transaction | None = None
        while True:
            try:
                transaction, work = await wire.receive()
            except ConnectionResetError:
                break
            if work is None:
                database._roll_back(transaction)
                continue
            process.request = wire.end.request  # the luck is that of the request which asks
            process.daemon = False  # who waits for a lock that nobody releases is in a deadlock
            database.statements += 1
            value, error = None, None
            try:
                if transaction.ended:
                    raise Aborted("The transaction has ended.")
                if statement_s:
                    await cpu.work(statement_s)
                transaction.looked = 0
                value = await work()
                if row_s and transaction.looked:
                    await cpu.work(row_s * transaction.looked)
                if transaction.alone:
                    await database._commit(transaction)
            except Exception as raised:
                database._roll_back(transaction)
                error = raised
            process.daemon = True
            wire.send((value, error))
        if transaction is not None:
            database._roll_back(transaction)
        wire.close()


class Session:
    """The statements of the port inside one transaction of the model, as the client says them."""

    def __init__(self, database: ModelDatabase, wire: Wire, transaction: Transaction) -> None:
        self._database = database
        self._wire = wire
        self._transaction = transaction

    async def _ask(self, work: Callable[[], Awaitable[T]]) -> T:
        """Send a statement and wait for the answer; a client that stops waiting stops only itself."""
        return await self._wire.ask(self._database, work, self._transaction)

    def leave(self) -> None:
        """Roll back, without waiting until it is done. A connection with an answer under way was closed instead."""
        if not self._wire.over and not self._transaction.ended:
            self._wire.send((self._transaction, None))

    async def commit(self) -> None:
        """Make it so."""
        d, t = self._database, self._transaction
        await self._ask(lambda: d._commit(t))

    async def get(self, table: str, key: Value, *, lock: bool = False) -> Row | None:
        d, t = self._database, self._transaction
        return await self._ask(lambda: d._get(t, table, key, lock))

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
        d, t = self._database, self._transaction
        return await self._ask(lambda: d._select(t, table, where or {}, order_by, descending, limit, lock, skip_locked))

    async def count(self, table: str, where: Where | None = None) -> int:
        d, t = self._database, self._transaction
        return await self._ask(lambda: d._count(t, table, where or {}))

    async def insert(self, table: str, row: Mapping[str, Value]) -> None:
        d, t = self._database, self._transaction
        await self._ask(lambda: d._insert(t, table, row))

    async def update(self, table: str, where: Where, changes: Changes) -> int:
        d, t = self._database, self._transaction
        return len(await self._ask(lambda: d._write(t, table, where, lambda row: changed(row, changes))))

    async def update_returning(self, table: str, where: Where, changes: Changes) -> list[Row]:
        d, t = self._database, self._transaction
        return await self._ask(lambda: d._write(t, table, where, lambda row: changed(row, changes)))

    async def rank_all(self, table: str, where: Where, *, by: str, into: str) -> int:
        d, t = self._database, self._transaction
        return await self._ask(lambda: d._rank_all(t, table, where, by, into))

    async def delete(self, table: str, where: Where) -> int:
        d, t = self._database, self._transaction
        return len(await self._ask(lambda: d._write(t, table, where, lambda row: None)))
