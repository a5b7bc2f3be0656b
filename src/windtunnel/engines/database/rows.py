"""What conditions and changes of the port say of a row, and which of its versions one sees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from windtunnel.engines.database.checks import INT_END
from windtunnel.engines.database.port import AtLeast, AtMost, Changes, Plus, Row, Value, Where


def as_of(versions: Sequence[tuple[int, Row | None]], moment: float) -> Row | None:
    """The row as it was at a moment, by its versions, oldest first; None where it was not there."""
    for stamp, row in reversed(versions):
        if stamp <= moment:
            return row
    return None


def matching(rows: Iterable[Row], where: Where) -> list[Row]:
    """Those for which every condition holds; a comparison with null never does. Column by column: scans are dear."""
    for column, wanted in where.items():
        if isinstance(wanted, AtLeast | AtMost):
            rows = [row for row in rows if _is_within(row[column], wanted)]
        else:
            rows = [row for row in rows if row[column] == wanted]
    return list(rows)


def _is_within(value: Value, wanted: AtLeast | AtMost) -> bool:
    if value is None or isinstance(value, str):
        return False
    return value >= wanted.bound if isinstance(wanted, AtLeast) else value <= wanted.bound


def looked_at(
    rows: Sequence[Row],
    found: Sequence[Row],
    where: Where,
    indexes: Iterable[Sequence[str]],
    order_by: str | None,
    limit: int | None,
) -> int:
    """How many rows of a table one has to look at who has the key and these indexes, and takes the best of them.

    An index leads to the rows that match its first columns: those with a value, and one with a bound. Who wants the
    first rows in its order, and has no further condition, goes no further than those.
    """

    def valued(column: str) -> bool:
        return column in where and not isinstance(where[column], AtLeast | AtMost)

    least = len(rows)
    for index in (("id",), *indexes):
        led = 0
        while led < len(index) and valued(index[led]):
            led += 1
        ordered = led < len(index) and index[led] == order_by
        if led < len(index) and index[led] in where:
            led += 1
        leads = {column: where[column] for column in index[:led]}
        many = len(found) if len(leads) == len(where) else len(matching(rows, leads)) if leads else len(rows)
        if ordered and limit is not None and len(leads) == len(where):
            many = min(many, limit)
        least = min(least, many)
    return max(1, least)


def changed(row: Row, changes: Changes) -> Row:
    """The row after the changes."""
    new = dict(row)
    for column, change in changes.items():
        if isinstance(change, Plus):
            old = new[column]
            assert not isinstance(old, str)
            new[column] = sum_ = None if old is None else old + change.amount
            if isinstance(sum_, int) and not -INT_END <= sum_ < INT_END:
                raise ValueError(f"{sum_} is more than column {column} holds: whole numbers of 64 bits.")
        else:
            new[column] = change
    return new
