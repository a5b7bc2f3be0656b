"""A database in a hundred and fifty lines: versions of rows, locks of writers, and three levels of isolation.

Change a line, and see which cells of the matrix turn (`windtunnel run isolation-levels --designs own_engine`). What
makes the levels is in four places:

- `_moment`: which commits a statement sees. In "read committed" those before the statement, else those before the first
  one of the transaction.
- `_own`: who writes a row, or locks it, waits for its owner. Then "read committed" looks at the row again; the others
  give up where it has changed since their moment: the first to write wins.
- `_dangerous`: what "serializable" asks at the commit. One has read what the second wrote a newer version of, and the
  second what the third did: Tin -> Tpivot -> Tout, and Tout was the first of them to commit (Cahill and others 2008;
  Ports and Grittner 2012). Conditions are remembered as they were said, so that a new row falls under them too.
- `_commit`: everything at once, with one number.

It keeps the promises of the port that are asked for here. Reads wait for nobody. It forgets nothing of old versions. Of
those who wait for one another it rolls back who came last, and at once; PostgreSQL looks after a second, and the model
does so too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf

from windtunnel.engines import (
    Aborted,
    AtLeast,
    AtMost,
    Changes,
    Conflict,
    Isolation,
    Row,
    Value,
    Where,
    as_of,
    changed,
    matching,
)

Key = tuple[str, Value]


def fits(row: Row | None, where: Where) -> bool:
    """Whether there is a row, and all conditions hold for it."""
    return row is not None and bool(matching([row], where))


@dataclass(eq=False)
class Transaction:
    """What one has seen, written and locked; its statements are those of the port."""

    engine: Mvcc
    isolation: Isolation
    snapshot: int = -1
    committed: float = inf
    over: asyncio.Event = field(default_factory=asyncio.Event)
    writes: dict[Key, Row | None] = field(default_factory=dict)
    before: dict[Key, Row | None] = field(default_factory=dict)
    reads: list[tuple[str, Where]] = field(default_factory=list)
    first_out: float = inf
    """The first commit of those who wrote a newer version of what this one has read."""
    waits_for: Transaction | None = None

    async def _said(self) -> None:
        if self.over.is_set():
            raise Aborted("The transaction has ended.")
        if self.engine.statement_s:  # unclaimed: how long a statement takes
            await asyncio.sleep(self.engine.statement_s)  # unclaimed: as above

    def _moment(self) -> int:
        if self.isolation == "read committed" or self.snapshot < 0:
            self.snapshot = self.engine.commits
        return self.snapshot

    def _see(self, key: Key, moment: float) -> Row | None:
        if key in self.writes:
            return self.writes[key]
        return as_of(self.engine.versions.get(key, ()), moment)

    def _found(self, table: str, where: Where) -> list[tuple[Key, Row]]:
        moment = self._moment()
        self.reads.append((table, where))
        keys: Iterable[Key] = {**self.engine.versions, **self.writes}
        if "id" in where and not isinstance(where["id"], AtLeast | AtMost):
            keys = [(table, where["id"])]
        seen = [(key, self._see(key, moment)) for key in keys if key[0] == table]
        return [(key, row) for key, row in seen if row is not None and fits(row, where)]

    async def _own(self, key: Key, *, new: bool = False) -> Row | None:
        """The row as it is now, kept from other writers until this transaction ends; a new one has not changed."""
        while (owner := self.engine.owners.get(key, self)) is not self:
            self.waits_for = ahead = owner
            while ahead.waits_for is not None:
                ahead = ahead.waits_for
                if ahead is self:
                    self._end()
                    raise Aborted("Deadlock: this transaction waits for one that waits for it.")
            await owner.over.wait()
            self.waits_for = None
        self.engine.owners[key] = self
        newest = self.engine.versions.get(key, [])
        if self.isolation != "read committed" and not new and newest and newest[-1][0] > self.snapshot:
            self._end()
            changed_since = f"Row {key[1]} of {key[0]} changed since this transaction began."
            raise Aborted(changed_since)  # unclaimed: it has ended, so its next statement would say so
        return self._see(key, inf)

    async def _held(self, table: str, where: Where) -> list[tuple[Key, Row]]:
        """The rows that fit, when they are seen and still when they are owned."""
        await self._said()  # unclaimed: how long a statement takes
        owned = [(key, await self._own(key)) for key, _ in self._found(table, where)]
        return [(key, row) for key, row in owned if row is not None and fits(row, where)]

    async def _write(self, table: str, where: Where, change: Callable[[Row], Row | None]) -> int:
        held = await self._held(table, where)
        for key, row in held:
            self.before.setdefault(key, row)
            self.writes[key] = change(row)
        return len(held)  # unclaimed: the port's promise, for which nobody asks here

    def _dangerous(self) -> bool:
        """Whether this commit closes Tin -> Tpivot -> Tout, with Tout the first of them that was committed."""
        beside = [one for one in self.engine.done if one.committed > self.snapshot]
        outs = [one for one in beside if one.overwrites(self.reads)]
        self.first_out = min((one.committed for one in outs), default=inf)
        pivot = any(self.overwrites(one.reads) and self.first_out <= one.committed for one in beside)
        seen = inf if self.writes else self.snapshot  # who writes nothing is in danger only if Tout came before it
        return pivot or any(one.first_out < one.committed and one.first_out <= seen for one in outs)

    def overwrites(self, reads: Sequence[tuple[str, Where]]) -> bool:
        """Whether what was read would be another answer after these writes, or could be."""
        return any(
            table == key[0] and (fits(row, where) or fits(self.before.get(key), where))
            for key, row in self.writes.items()
            for table, where in reads
        )

    def _commit(self) -> None:
        if self.isolation == "serializable" and self._dangerous():
            raise Aborted("What was read and written since cannot be put in an order.")
        self.engine.commits += 1
        self.committed = self.engine.commits
        for key, row in self.writes.items():
            self.engine.versions.setdefault(key, []).append((self.engine.commits, row))
        if self.isolation == "serializable":
            self.engine.done.append(self)

    def _end(self) -> None:
        self.over.set()
        self.waits_for = None
        self.engine.open.discard(self)
        for key in [key for key, owner in self.engine.owners.items() if owner is self]:
            del self.engine.owners[key]
        oldest = min((one.snapshot for one in self.engine.open), default=self.engine.commits)
        self.engine.done = [one for one in self.engine.done if one.committed > oldest]

    async def get(self, table: str, key: Value, *, lock: bool = False) -> Row | None:
        """As the port's."""
        return next(iter(await self.select(table, {"id": key}, lock=lock)), None)

    async def select(self, table: str, where: Where | None = None, *, lock: bool = False) -> list[Row]:
        """As the port's, in no order."""
        if lock:
            return [dict(row) for _, row in await self._held(table, where or {})]
        await self._said()  # unclaimed: how long a statement takes
        return [dict(row) for _, row in self._found(table, where or {})]

    async def insert(self, table: str, row: Mapping[str, Value]) -> None:
        """As the port's."""
        await self._said()  # unclaimed: how long a statement takes
        self._moment()
        if await self._own((table, row["id"]), new=True) is not None:
            self._end()
            raise Conflict(f"{table} has a row {row['id']} already.")
        self.writes[table, row["id"]] = dict(row)

    async def update(self, table: str, where: Where, changes: Changes) -> int:
        """As the port's."""
        return await self._write(table, where, lambda row: changed(row, changes))

    async def delete(self, table: str, where: Where) -> int:
        """As the port's."""
        return await self._write(table, where, lambda row: None)


class Mvcc:
    """The database.

    Args:
        statement_s: seconds that each statement, and each commit, is on its way.
    """

    def __init__(self, statement_s: float = 0.0) -> None:
        self.statement_s = statement_s
        self.commits = 0
        self.versions: dict[Key, list[tuple[int, Row | None]]] = {}
        self.owners: dict[Key, Transaction] = {}
        self.open: set[Transaction] = set()
        self.done: list[Transaction] = []

    async def create_table(
        self, table: str, columns: Mapping[str, type], rows: Sequence[Mapping[str, Value]] = ()
    ) -> None:
        """As the port's."""
        self.versions = {  # unclaimed: a script shows the same beside rows of its run before
            key: versions for key, versions in self.versions.items() if key[0] != table
        }
        self.versions |= {(table, row["id"]): [(self.commits, {c: row.get(c) for c in columns})] for row in rows}

    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncIterator[Transaction]:
        """As the port's."""
        transaction = Transaction(self, isolation)
        self.open.add(transaction)
        try:
            yield transaction
            await transaction._said()  # unclaimed: how long a commit takes
            transaction._commit()
        finally:
            transaction._end()
