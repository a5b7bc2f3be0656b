"""What is refused before it is asked, by every engine in the same words.

Without that the engines differ where nobody looks: PostgreSQL cuts 5.5 down to 5 for a column of int, SQLite keeps it
there, and takes text too; one has no NaN, another no zero byte, and a limit of -1 is an error, no limit, or all rows
but the last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from math import isnan
from typing import get_args

from windtunnel.engines.database.port import (
    Aborted,
    AtLeast,
    AtMost,
    Changes,
    Isolation,
    Plus,
    Row,
    Statements,
    Value,
    Where,
    check_columns,
)

INT_END = 1 << 63
"""Whole numbers have 64 bits."""


def check_isolation(isolation: str) -> None:
    """One sentence for a level that there is not."""
    if isolation not in get_args(Isolation):
        raise ValueError(f"There is no isolation {isolation!r}; there are {', '.join(get_args(Isolation))}.")


def check_standby_isolation(isolation: str) -> None:
    """One sentence for a level that a standby does not have."""
    if isolation == "serializable":
        raise ValueError('A standby cannot do "serializable"; take "repeatable read".')


class Tables:
    """The columns of a database's tables, and what fits them. Raises ValueError in one sentence."""

    def __init__(self) -> None:
        self._columns: dict[str, dict[str, type]] = {}

    def make(
        self,
        table: str,
        columns: Mapping[str, type],
        rows: Sequence[Mapping[str, Value]],
        unique: Sequence[Sequence[str]],
    ) -> None:
        """There is a table from now on, and these are its first rows."""
        check_columns(table, columns, unique)
        before = self._columns.get(table)
        self._columns[table] = dict(columns)
        try:
            for row in rows:
                self.row(table, row)
        except ValueError:
            if before is None:
                del self._columns[table]
            else:
                self._columns[table] = before
            raise

    def row(self, table: str, row: Mapping[str, Value]) -> None:
        """A new row."""
        columns = self._table(table, row)
        if row.get("id") is None:
            raise ValueError(f"A row of {table} needs its id.")
        for column, value in row.items():
            self._value(table, column, columns[column], value)

    def whole(self, table: str, row: Mapping[str, Value]) -> Row:
        """A row with nulls where it says nothing."""
        return {column: row.get(column) for column in self._columns[table]}

    def key(self, table: str, key: Value) -> None:
        """The key of a row."""
        self._value(table, "id", self._table(table)["id"], key)

    def where(self, table: str, where: Where) -> None:
        """Conditions."""
        columns = self._table(table, where)
        for column, wanted in where.items():
            if isinstance(wanted, AtLeast | AtMost):
                self._number(table, column, columns[column], wanted.bound)
            else:
                self._value(table, column, columns[column], wanted)

    def changes(self, table: str, changes: Changes) -> None:
        """Changes of rows."""
        columns = self._table(table, changes)
        if not changes or "id" in changes:
            raise ValueError(f"Changes of {table} are of one column or more, never of id; delete and insert do that.")
        for column, change in changes.items():
            if isinstance(change, Plus):
                self._number(table, column, columns[column], change.amount)
            else:
                self._value(table, column, columns[column], change)

    def order(self, table: str, order_by: str, limit: int | None) -> None:
        """In which order, and how many."""
        self._table(table, (order_by,))
        if limit is not None and limit < 0:
            raise ValueError(f"A limit of {limit} rows cannot be; give 0 or more, or None.")

    def _table(self, table: str, named: Collection[str] = ()) -> dict[str, type]:
        columns = self._columns.get(table)
        if columns is None:
            raise ValueError(f"There is no table {table}; there are {', '.join(self._columns) or 'none'}.")
        for column in named:
            if column not in columns:
                raise ValueError(f"{table} has no column {column}; it has {', '.join(columns)}.")
        return columns

    def _number(self, table: str, column: str, kind: type, value: float) -> None:
        if kind is str:
            raise ValueError(f"Column {table}.{column} holds text; only numbers are added to or have bounds.")
        self._value(table, column, kind, value)

    def _value(self, table: str, column: str, kind: type, value: Value) -> None:
        if value is None:
            return
        if kind is str:
            fits = _encodes(value)
        elif isinstance(value, str) or isnan(value):
            fits = False
        else:
            fits = kind is float or (value == value // 1 and -INT_END <= value < INT_END)
        if not fits:
            raise ValueError(f"{value!r} fits no row of {table}: its column {column} holds {_KINDS[kind]}.")


_KINDS = {int: "whole numbers of 64 bits", float: "numbers", str: "text without a zero byte"}


def _encodes(value: Value) -> bool:
    """Whether it is text that UTF-8 has, without a zero byte."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Looked:
    """The statements of the port, looked at before they are said."""

    _tables: Tables

    def _session(self) -> AbstractAsyncContextManager[Statements]:
        """Whom a statement is said to, for as long as it lasts."""
        raise NotImplementedError

    async def get(self, table: str, key: Value, *, lock: bool = False) -> Row | None:
        """As `Statements.get`."""
        self._tables.key(table, key)
        async with self._session() as session:
            return await session.get(table, key, lock=lock)

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
        """As `Statements.select`."""
        self._tables.where(table, where or {})
        self._tables.order(table, order_by, limit)
        async with self._session() as session:
            return await session.select(
                table,
                where,
                order_by=order_by,
                descending=descending,
                limit=limit,
                lock=lock,
                skip_locked=skip_locked,
            )

    async def count(self, table: str, where: Where | None = None) -> int:
        """As `Statements.count`."""
        self._tables.where(table, where or {})
        async with self._session() as session:
            return await session.count(table, where)

    async def insert(self, table: str, row: Mapping[str, Value]) -> None:
        """As `Statements.insert`."""
        self._tables.row(table, row)
        async with self._session() as session:
            await session.insert(table, row)

    async def update(self, table: str, where: Where, changes: Changes) -> int:
        """As `Statements.update`."""
        self._tables.where(table, where)
        self._tables.changes(table, changes)
        async with self._session() as session:
            return await session.update(table, where, changes)

    async def update_returning(self, table: str, where: Where, changes: Changes) -> list[Row]:
        """As `Statements.update_returning`."""
        self._tables.where(table, where)
        self._tables.changes(table, changes)
        async with self._session() as session:
            return await session.update_returning(table, where, changes)

    async def rank_all(self, table: str, where: Where, *, by: str, into: str) -> int:
        """As `Statements.rank_all`."""
        self._tables.where(table, where)
        self._tables.order(table, by, None)
        self._tables.changes(table, {into: 1})
        async with self._session() as session:
            return await session.rank_all(table, where, by=by, into=into)

    async def delete(self, table: str, where: Where) -> int:
        """As `Statements.delete`."""
        self._tables.where(table, where)
        async with self._session() as session:
            return await session.delete(table, where)


class Autocommit(_Looked):
    """Statements outside a transaction, for adapters that can hand out a session: each is a transaction of its own.

    A lock that is taken here ends with its statement.
    """

    name: str


class Checked(_Looked):
    """The statements of a transaction: said to its session one at a time, none after its end."""

    def __init__(self, session: Statements, tables: Tables) -> None:
        self._to = session
        self._tables = tables
        self._busy = False
        self.over = False

    def _session(self) -> Checked:
        return self

    async def __aenter__(self) -> Statements:
        if self.over:
            raise Aborted("The transaction has ended.")
        if self._busy:
            raise ValueError("A transaction says one statement after the other; await the one before.")
        self._busy = True
        return self._to

    async def __aexit__(self, *_: object) -> None:
        self._busy = False
