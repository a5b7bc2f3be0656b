"""The port to a relational database: rows with a key, conditional updates, row locks, transactions.

A design written against `DatabasePort` runs on the model in the tunnel, on SQLite and on PostgreSQL. One suite
(`tests/engines`) holds all three to the promises made here.

What happens to one row when several write it is the point, so the promises are exact:

- A statement outside `DatabasePort.transaction` is a transaction of its own.
- `update` tests its `where` and applies its `changes` in one step: no other write comes between. The row is then kept
  from other writers until the transaction ends, not until the statement does; `update_returning` says what it holds.
- `get(..., lock=True)` returns the newest committed row and keeps everybody else's writes and locks of it waiting
  until the transaction ends.
- In a "read committed" transaction each statement sees what was committed when it began. In "repeatable read" all see
  one snapshot, and a write to a row that somebody changed since raises `Aborted`. "serializable" behaves as if
  transactions ran one after the other, or raises `Aborted`.
- `Aborted` and `Conflict` mean that nothing of the transaction happened: one whose statement was refused is over, also
  where the design catches the exception; what it says later raises `Aborted`. A lost connection says nothing.
- Two transactions that wait for each other's locks do so until one of them has waited for a second (as PostgreSQL's
  `deadlock_timeout`); that one is `Aborted`. SQLite has one writer, so that nobody waits for two.
- A row that was removed and put in again is another row: an update that waited for the first does not find it (SQLite
  waits before it looks, and does).
- SQLite has one level of isolation: in "read committed" too a transaction sees one snapshot, and a write after others
  have written may be `Aborted`.
- What one engine could not do is refused by all, with a ValueError, before anything is asked (`checks`).
- A standby (`standbys=1` or 2; the model and PostgreSQL have them, SQLite is one file and has none) applies what the
  primary committed, in that order, some time later. It is read only; each statement there sees one state that the
  primary had. Who has written asks the primary for its `position` and reads at the standby once that has reached it.
- A commit is answered, and seen by others, when it is on the primary's disk; with `acknowledge="written"` when it is on
  those of its standbys too, with `"applied"` when they have applied it: all of them, and while one is away nothing is
  answered, or any `quorum` of them. One that had it and is away now does not count until it is back. Readers at two
  standbys may still find that one has applied what the other has not, and that a standby shows what the primary does
  not yet.
- `promote` gives up the primary. What it committed and the standby had not heard of is lost, also where it was
  answered; what had been heard and not yet been applied is not. Of two standbys the one that has heard more takes the
  place, and the other is given up: it followed one that is gone.
- `select(..., lock=True, skip_locked=True)` leaves out rows that somebody else holds: how workers share a table of
  jobs. SQLite has no locks of rows; there the second worker waits instead, and finds what the first has left.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

Value = int | float | str | None
Row = dict[str, Value]
Isolation = Literal["read committed", "repeatable read", "serializable"]
Acknowledge = Literal["committed", "written", "applied"]
"""When a commit is answered: when the primary has it, or standbys have written it down, or applied it."""


class Aborted(Exception):
    """The database rolled the transaction back (serialization failure, deadlock): nothing happened, try again."""

    outcome = "fail"


class Conflict(Exception):
    """A row with this key exists already: nothing happened."""

    outcome = "fail"


class ReadOnly(Exception):
    """A standby takes neither writes nor locks: nothing happened."""

    outcome = "fail"


@dataclass(frozen=True, slots=True)
class Plus:
    """A change: add `amount` to what the column holds when the row is written."""

    amount: int | float


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A condition: the column holds `bound` or more."""

    bound: int | float


@dataclass(frozen=True, slots=True)
class AtMost:
    """A condition: the column holds `bound` or less."""

    bound: int | float


Where = Mapping[str, Value | AtLeast | AtMost]
"""Conditions on columns, all of which must hold; a plain value means equality (None: is null)."""
Changes = Mapping[str, Value | Plus]


class Statements(Protocol):
    """What can be said inside a transaction, or alone."""

    async def get(self, table: str, key: Value, *, lock: bool = False) -> Row | None:
        """The row whose `id` is `key`; `lock` holds it against other writers until the transaction ends."""

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
        """The rows that match, in the order of a column (then of `id`), nulls last.

        Args:
            descending: the same order, turned around.
            lock: hold them against other writers until the transaction ends.
            skip_locked: with `lock`, leave out those that somebody else holds instead of waiting for them.
        """

    async def count(self, table: str, where: Where | None = None) -> int:
        """How many rows match."""

    async def insert(self, table: str, row: Mapping[str, Value]) -> None:
        """Add a row. Raises Conflict where its `id`, or what shall be unique beside it, is taken."""

    async def update(self, table: str, where: Where, changes: Changes) -> int:
        """Change the rows that match; returns how many did."""

    async def update_returning(self, table: str, where: Where, changes: Changes) -> list[Row]:
        """As `update`, and returns the rows that did, as they are now, in no order."""

    async def rank_all(self, table: str, where: Where, *, by: str, into: str) -> int:
        """Note in a column of the rows that match their rank among them, 1 + how many have more of `by`; how many did.

        As RANK() OVER (ORDER BY `by` DESC) has it: equals share a rank. Rows without `by` stay as they are.
        """

    async def delete(self, table: str, where: Where) -> int:
        """Remove the rows that match; returns how many did."""


class Standby(Statements, Protocol):
    """A second server that follows the first and can be read. Writes and locks raise ReadOnly."""

    name: str

    def transaction(self, isolation: Isolation = "read committed") -> AbstractAsyncContextManager[Statements]:
        """Statements that see one state together ("repeatable read"), or each its own.

        Raises:
            ValueError: "serializable" was asked for, which a standby cannot do.
        """

    async def position(self) -> int:
        """How far it has come in what the primary did; compare it with the primary's."""

    def hold(self) -> Awaitable[None] | None:
        """It applies nothing from now on, and goes on listening."""

    def go_on(self) -> Awaitable[None] | None:
        """It applies again."""

    def part(self) -> Awaitable[None] | None:
        """It hears nothing of the primary from now on, as where the network between them is gone."""

    def rejoin(self) -> Awaitable[None] | None:
        """It listens again, and is told what it has missed."""


class DatabasePort(Statements, Protocol):
    """A database with a pool of connections."""

    name: str

    @property
    def standby(self) -> Standby:
        """Its first standby. Raises ValueError where it was opened without, or one was promoted."""

    @property
    def standbys(self) -> Sequence[Standby]:
        """All of them; none where it was opened without, or one was promoted."""

    async def position(self) -> int:
        """How far it has come: everything that was committed before is at this place or before it.

        Raises:
            ValueError: it has no such places (SQLite).
        """

    def looked(self) -> int | None:
        """How many rows, or entries of an index, statements have looked at since this was asked first.

        The model says what an engine with these indexes (the key, and what is `unique`) has to look at; SQLite counts
        steps of its own machine, a few for each row; None where an engine does not say (PostgreSQL).
        """

    def promote(self) -> Awaitable[None] | None:
        """The primary dies for good, and the standby takes its place with what it had heard.

        Raises:
            ValueError: there is no standby.
        """

    async def create_table(
        self,
        table: str,
        columns: Mapping[str, type],
        rows: Sequence[Mapping[str, Value]] = (),
        *,
        unique: Sequence[Sequence[str]] = (),
    ) -> None:
        """Make an empty table with these columns (types int, float or str; `id` is the key) and fill it.

        Args:
            unique: further columns, alone or together, of which no two rows may have equal values (nulls are equal to
                nothing).
        """

    def transaction(self, isolation: Isolation = "read committed") -> AbstractAsyncContextManager[Statements]:
        """Statements that happen together: committed at the end of the block, rolled back where it raises."""

    async def close(self) -> None:
        """Give every connection back."""


def check_columns(table: str, columns: Mapping[str, type], unique: Sequence[Sequence[str]] = ()) -> None:
    """One sentence for a table that cannot be made."""
    for group in unique:
        if not group or isinstance(group, str) or any(column not in columns for column in group):
            raise ValueError(f"{group!r} cannot be unique in {table}; give lists of its columns {', '.join(columns)}.")
    if columns.get("id") not in (int, str):
        raise ValueError(f"Table {table} needs a column id of type int or str; its columns are {', '.join(columns)}.")
    for column, kind in columns.items():
        if kind not in (int, float, str):
            raise ValueError(f"Column {table}.{column} has type {kind!r}; int, float and str can be stored.")
    for name in (table, *columns):
        if not name.isidentifier() or not name.islower():
            raise ValueError(f"{name!r} cannot name a table or column; take lower-case letters, digits and _.")


def check_standbys(
    name: str, standbys: int, lag_s: float | Sequence[float], acknowledge: str = "committed", quorum: int = 0
) -> Sequence[float]:
    """The lag of each standby; one sentence for standbys that cannot be."""
    if standbys not in (0, 1, 2):
        raise ValueError(f"{name} has one standby, two or none, not {standbys}.")
    lags_s = [lag_s] * standbys if isinstance(lag_s, int | float) else list(lag_s)
    if len(lags_s) != standbys:
        raise ValueError(f"{name} has {standbys} standbys, and {len(lags_s)} lags: give one number, or one for each.")
    if any(one < 0 for one in lags_s):
        raise ValueError(f"A lag of {min(lags_s)} s would come before the commit; give 0 or more.")
    if acknowledge not in get_args(Acknowledge):
        raise ValueError(f"No commit is answered when it is {acknowledge!r}; take {', '.join(get_args(Acknowledge))}.")
    if acknowledge != "committed" and not standbys:
        raise ValueError(f"{name} has no standby that a commit could wait for; open it with standbys=1.")
    if not 0 <= quorum <= standbys:
        raise ValueError(f"A commit cannot wait for {quorum} of {standbys} standbys; 0 means all of them.")
    return lags_s


def name_of_standby(name: str, i: int) -> str:
    """Of standby i, from 0, of a database of this name: what faults call it."""
    return f"{name} standby" if i == 0 else f"{name} standby {i + 1}"


def no_standby(name: str) -> ValueError:
    """What is said to who asks for one that there is not."""
    return ValueError(f"{name} has no standby; open it with standbys=1.")
