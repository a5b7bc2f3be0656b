"""The statements of the port as SQL text and arguments; SQLite and PostgreSQL differ in placeholders and types only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from windtunnel.engines.database.port import AtLeast, AtMost, Changes, Plus, Value, Where

Statement = tuple[str, list[Value]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one engine writes a placeholder, its column types, and a row lock."""

    numbered: bool
    types: Mapping[type, str]
    lock_clause: str
    counts_loosely: bool = False
    """A sum that does not fit a whole number would become another kind of number."""

    def _mark(self, arguments: list[Value]) -> str:
        return f"${len(arguments)}" if self.numbered else "?"

    def _conditions(self, where: Where, arguments: list[Value]) -> str:
        parts = []
        for column, wanted in where.items():
            if wanted is None:
                parts.append(f'"{column}" IS NULL')
                continue
            sign = "="
            if isinstance(wanted, AtLeast):
                sign, wanted = ">=", wanted.bound
            elif isinstance(wanted, AtMost):
                sign, wanted = "<=", wanted.bound
            arguments.append(wanted)
            parts.append(f'"{column}" {sign} {self._mark(arguments)}')
        return " AND ".join(parts) or "TRUE"

    def create(self, table: str, columns: Mapping[str, type], unique: Sequence[Sequence[str]] = ()) -> str:
        """CREATE TABLE, with `id` as primary key."""
        parts = [f'"{c}" {self.types[t]}{" PRIMARY KEY" if c == "id" else ""}' for c, t in columns.items()]
        if self.counts_loosely:
            parts += [f"CHECK (typeof(\"{c}\") IN ('integer', 'null'))" for c, t in columns.items() if t is int]
        parts += ['UNIQUE ("' + '", "'.join(group) + '")' for group in unique]
        return f'CREATE TABLE "{table}" ({", ".join(parts)})'

    def get(self, table: str, key: Value, lock: bool) -> Statement:
        """SELECT one row by its key, with a row lock where asked (and where the engine has such)."""
        arguments: list[Value] = [key]
        clause = self.lock_clause if lock else ""
        return f'SELECT * FROM "{table}" WHERE "id" = {self._mark(arguments)}{clause}', arguments

    def select(
        self,
        table: str,
        where: Where | None,
        order_by: str,
        descending: bool,
        limit: int | None,
        lock: bool,
        skip_locked: bool,
    ) -> Statement:
        """SELECT the rows that match, in a definite order."""
        arguments: list[Value] = []
        conditions = self._conditions(where or {}, arguments)
        way, nulls = (" DESC", "FIRST") if descending else ("", "LAST")
        order = f'"id"{way}' if order_by == "id" else f'"{order_by}"{way} NULLS {nulls}, "id"{way}'
        text = f'SELECT * FROM "{table}" WHERE {conditions} ORDER BY {order}'
        if limit is not None:
            text += f" LIMIT {limit:d}"
        if lock and self.lock_clause:
            text += self.lock_clause + (" SKIP LOCKED" if skip_locked else "")
        return text, arguments

    def count(self, table: str, where: Where | None) -> Statement:
        """SELECT how many rows match."""
        arguments: list[Value] = []
        return f'SELECT COUNT(*) AS many FROM "{table}" WHERE {self._conditions(where or {}, arguments)}', arguments

    def insert(self, table: str, row: Mapping[str, Value]) -> Statement:
        """INSERT one row."""
        arguments: list[Value] = []
        marks = []
        for value in row.values():
            arguments.append(value)
            marks.append(self._mark(arguments))
        names = ", ".join(f'"{column}"' for column in row)
        return f'INSERT INTO "{table}" ({names}) VALUES ({", ".join(marks)})', arguments

    def update(self, table: str, where: Where, changes: Changes) -> Statement:
        """UPDATE the rows that match, in one step."""
        arguments: list[Value] = []
        parts = []
        for column, change in changes.items():
            amount = change.amount if isinstance(change, Plus) else change
            arguments.append(amount)
            mark = self._mark(arguments)
            parts.append(f'"{column}" = "{column}" + {mark}' if isinstance(change, Plus) else f'"{column}" = {mark}')
        return f'UPDATE "{table}" SET {", ".join(parts)} WHERE {self._conditions(where, arguments)}', arguments

    def update_returning(self, table: str, where: Where, changes: Changes) -> Statement:
        """UPDATE the rows that match, and return them."""
        text, arguments = self.update(table, where, changes)
        return f"{text} RETURNING *", arguments

    def rank_all(self, table: str, where: Where, by: str, into: str) -> Statement:
        """UPDATE the rows that match with their ranks, by a window function."""
        arguments: list[Value] = []
        ranks = (
            f'SELECT "id" AS of, RANK() OVER (ORDER BY "{by}" DESC) AS place FROM "{table}" '
            f'WHERE {self._conditions(where, arguments)} AND "{by}" IS NOT NULL'
        )
        return f'UPDATE "{table}" SET "{into}" = r.place FROM ({ranks}) AS r WHERE "{table}"."id" = r.of', arguments

    def delete(self, table: str, where: Where) -> Statement:
        """DELETE the rows that match."""
        arguments: list[Value] = []
        return f'DELETE FROM "{table}" WHERE {self._conditions(where, arguments)}', arguments
