"""A model of a relational database for the tunnel: versions of rows, row locks, isolation, a pool, time.

It keeps the promises of the port as PostgreSQL does: writers lock rows and wait for each other, readers see versions
and wait for nobody, a statement that waited for a row in "read committed" looks at it again, and in "repeatable read"
the first to write wins. "serializable" checks at the commit that nothing which was read has changed since (backward
validation; Kung & Robinson, *On Optimistic Methods for Concurrency Control*, 1981): stricter than PostgreSQL's, never
weaker. A cycle of waiting transactions aborts the one that closes it. A standby is told of every commit
(`model_standby`).

It runs on a host of its own, and clients reach it over the network. Each connection has a process there that works its
statements off: a client that gives up does not stop its statement, and a commit that was on its way may have happened.
What a client cannot know it does not learn here either. A crash loses what was not committed. A client that vanishes
without a word (its host lost power) keeps its locks, as with PostgreSQL's own settings.

Indexes are modelled as far as what they spare: `looked` counts the rows that a statement has to look at, with an index
on the key and one on what is unique together; `row_s` is what each takes. Not modelled: SQL itself, vacuum, group
commit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, TypeVar

from windtunnel.engines.database.checks import Autocommit, Checked, Tables, check_isolation
from windtunnel.engines.database.model_follower import Follower
from windtunnel.engines.database.model_session import Backend, Key, Session, Transaction
from windtunnel.engines.database.port import (
    Aborted,
    Acknowledge,
    AtLeast,
    AtMost,
    Conflict,
    Isolation,
    Row,
    Value,
    Where,
    check_standbys,
    name_of_standby,
    no_standby,
)
from windtunnel.engines.database.rows import as_of, looked_at, matching
from windtunnel.engines.shared.service import OnHost
from windtunnel.engines.shared.wire import Wire, Wires, asker
from windtunnel.sim.kernel import Signal, Simulator

if TYPE_CHECKING:
    from windtunnel.engines.database.model_standby import ModelStandby

T = TypeVar("T")
PORT = 5432


@dataclass(slots=True)
class _Lock:
    owner: Transaction
    queue: deque[tuple[Transaction, Signal[None]]] = field(default_factory=deque)


class ModelDatabase(OnHost, Autocommit):
    """The database of the tunnel.

    Args:
        name: of the database, and of its host.
        connections: transactions that each client host can have open at once; the rest wait in the order of coming.
        cores: of its host: statements that are worked on at once.
        round_trip_s: mean seconds for a statement to travel there and back (half each way, exponential), over links
            that nobody has set.
        statement_s: seconds of a core for each statement.
        row_s: and for each row that it has to look at (`looked`).
        commit_s: seconds until a commit that wrote something is on disk.
        deadlock_timeout_s: how long a transaction waits for a lock before it looks whether it waits for itself.
        standbys: 0, 1 or 2.
        standby_lag_s: seconds after a commit until a standby applies it: one number, or one for each.
        acknowledge: when a commit that wrote something is answered, and seen.
        quorum: how many standbys that waits for; 0: all.
    """

    def __init__(
        self,
        sim: Simulator,
        name: str = "db",
        *,
        connections: int = 8,
        cores: int = 4,
        round_trip_s: float = 0.0005,
        statement_s: float = 0.0001,
        row_s: float = 0.0,
        commit_s: float = 0.001,
        deadlock_timeout_s: float = 1.0,
        standbys: int = 0,
        standby_lag_s: float | Sequence[float] = 0.0,
        acknowledge: Acknowledge = "committed",
        quorum: int = 0,
    ) -> None:
        lags_s = check_standbys(name, standbys, standby_lag_s, acknowledge, quorum)
        self.sim = sim
        self.name = name
        self.host = sim.host(name, cores=cores)
        self.statement_s, self.row_s, self.commit_s = statement_s, row_s, commit_s
        self.deadlock_timeout_s = deadlock_timeout_s
        self._tables = Tables()
        self._unique: dict[str, list[tuple[str, ...]]] = {}
        self._versions: dict[str, dict[Value, list[tuple[int, Row | None]]]] = {}
        self._locks: dict[Key, _Lock] = {}
        self._clock = 0
        self._numbers = 0
        self._wires = Wires(self.host, PORT, connections, round_trip_s, self._accept)
        self._looked: int | None = None
        self.statements = 0
        """How many it has begun to work on."""
        self.commits = 0
        self.commits_ns: list[int] | None = None
        """When something was committed, where somebody wants to know."""
        self.aborts = 0
        self._acknowledge: Acknowledge = acknowledge
        self._quorum = quorum or standbys
        self._told: Signal[None] = sim.signal(f"what standbys of {name} tell")
        self._unseen: list[tuple[int, Transaction]] = []
        """Commits that are on the disk and wait for standbys, in their order; nobody sees them yet."""
        self._standbys: list[ModelStandby] = []
        self._twin: ModelStandby | None = None
        """The standby that has taken the place of a primary: who asks for it by its old name finds the same rows."""
        for i, lag_s in enumerate(lags_s):
            from windtunnel.engines.database.model_standby import ModelStandby

            standby = ModelStandby(
                sim,
                name_of_standby(name, i),
                connections=connections,
                cores=cores,
                round_trip_s=round_trip_s,
                statement_s=statement_s,
            )
            told = None if acknowledge == "committed" else self._hear
            standby.follower = Follower(sim, standby, round_trip_s, lag_s, told)
            self._standbys.append(standby)
        self.host.start(self._recover, light=True)

    async def _recover(self) -> None:
        """The first thing after each start: nobody holds a lock, what was on the disk is seen, and clients may come."""
        self._locks.clear()
        while self._unseen:
            self._show(*self._unseen.pop(0))
        self._wires.listen()
        for standby in self._standbys:
            self.host.spawn(standby.follower.lead(), f"{self.name}.replication", daemon=True)

    # --- the standby ---------------------------------------------------------------------------------------------
    @property
    def standby(self) -> ModelStandby:
        """As the port's."""
        if not self._standbys:
            raise no_standby(self.name)
        return self._standbys[0]

    @property
    def standbys(self) -> Sequence[ModelStandby]:
        """As the port's."""
        return tuple(self._standbys)

    async def position(self) -> int:
        """How many commits have changed something."""

        async def look() -> int:
            return self._clock

        async with self._session() as session:
            return await session._ask(look)

    def looked(self) -> int:
        """As the port's."""
        self._looked = self._looked or 0
        return self._looked

    def promote(self) -> None:
        """As the port's. The standby takes over the address, as clients see it who ask where the primary is."""
        if not self._standbys:
            raise no_standby(self.name)
        heir = max(self._standbys, key=lambda standby: (not standby.host.down, standby.follower.heard))
        others = [standby for standby in self._standbys if standby is not heir]
        self._standbys = []
        self._unseen.clear()
        if not self.host.down:
            self.crash()
        heir.follower.apply_all()
        for standby in (heir, *others):
            standby.follower.end()
        for standby in others:
            standby.gone = True
            if not standby.host.down:
                standby.crash()
        self._versions, self._clock, self._twin = heir._versions, heir._clock, heir
        self._wires.close()
        self.restart()

    # --- the port ------------------------------------------------------------------------------------------------
    async def create_table(
        self,
        table: str,
        columns: Mapping[str, type],
        rows: Sequence[Mapping[str, Value]] = (),
        *,
        unique: Sequence[Sequence[str]] = (),
    ) -> None:
        """As `Database.create_table`; it takes no time, like everything that is there before the run begins."""
        self._tables.make(table, columns, rows, unique)
        self._wires.reach(asker(self.sim))
        self._unique[table] = [tuple(group) for group in unique]
        versions: dict[Value, list[tuple[int, Row | None]]] = {}
        for row in rows:
            complete = self._tables.whole(table, row)
            versions[complete["id"]] = [(self._clock, complete)]
        self._versions[table] = versions
        for standby in self._standbys:
            await standby.create_table(table, columns, rows, unique=unique)

    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncIterator[Checked]:
        check_isolation(isolation)
        async with self._wires.connection() as wire:
            session = Session(self, wire, self._begin(isolation, alone=False))
            checked = Checked(session, self._tables)
            try:
                yield checked
            except BaseException:
                session.leave()
                raise
            finally:
                checked.over = True
            await session.commit()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        async with self._wires.connection() as wire:
            session = Session(self, wire, self._begin("read committed", alone=True))
            try:
                yield session
            except BaseException:
                session.leave()
                raise

    def held(self) -> dict[str, list[Row]]:
        """The committed rows of every table, as whoever looks at the disk finds them; takes no time."""
        newest = {table: [versions[-1][1] for versions in rows.values()] for table, rows in self._versions.items()}
        return {table: [dict(row) for row in rows if row is not None] for table, rows in newest.items()}

    @property
    def most_connections(self) -> int:
        """The most that clients had in use at one moment."""
        return self._wires.most_in_use

    async def close(self) -> None:
        self._wires.close()
        self._versions.clear()

    # --- connections, as the database sees them --------------------------------------------------------------------
    def _accept(self, wire: Wire) -> None:
        backend = Backend(self, wire)
        backend.process = self.host.spawn(backend.run(), f"{self.name}.backend", daemon=True)

    # --- transactions --------------------------------------------------------------------------------------------
    def _begin(self, isolation: Isolation, alone: bool) -> Transaction:
        self._numbers += 1
        return Transaction(self._numbers, isolation, -1, alone)

    async def _commit(self, transaction: Transaction) -> None:
        if transaction.isolation == "serializable" and transaction.writes:
            self._validate(transaction)
        if transaction.writes and self.commit_s:
            await self.sim.sleep(self.commit_s)
            if transaction.isolation == "serializable":
                self._validate(transaction)
        if transaction.writes:
            await self._log(transaction)
        self.commits += 1
        self._release(transaction)

    async def _log(self, transaction: Transaction) -> None:
        """The commit is on the disk, and standbys hear of it; it is seen when they have what they shall have."""
        number = self._clock + len(self._unseen) + 1
        self._unseen.append((number, transaction))
        for standby in self._standbys:
            standby.follower.tell(number, transaction.writes)
        if self._acknowledge != "committed":
            while not self._acknowledged(number):
                await self._told
        while self._unseen and self._unseen[0][0] <= number:  # who waited for a later one waited for this one too
            self._show(*self._unseen.pop(0))

    def _acknowledged(self, number: int) -> bool:
        applied = self._acknowledge == "applied"
        have = sum(standby.follower.acknowledges(number, applied) for standby in self._standbys)
        return have >= min(self._quorum, len(self._standbys))

    def _hear(self) -> None:
        """A standby has told something: whoever waits looks again."""
        told, self._told = self._told, self.sim.signal(f"what standbys of {self.name} tell")
        told.set()

    def _show(self, number: int, transaction: Transaction) -> None:
        if self.commits_ns is not None:
            self.commits_ns.append(self.sim.now_ns)
        self._clock = number
        self._change(transaction.writes, transaction.reborn)
        if self._twin is not None:
            self._twin._clock = number

    def _change(self, writes: Mapping[Key, Row | None], reborn: Collection[Key] = ()) -> None:
        for (table, key), row in writes.items():
            versions = self._versions[table].setdefault(key, [])
            if (table, key) in reborn:
                versions.append((self._clock, None))
            versions.append((self._clock, row))

    def _validate(self, transaction: Transaction) -> None:
        for table in transaction.scanned:
            for versions in self._versions[table].values():
                if versions[-1][0] > transaction.snapshot:
                    raise Aborted(f"Table {table} changed since this transaction read it.")
        for table, key in transaction.read:
            versions = self._versions[table].get(key, [])
            if versions and versions[-1][0] > transaction.snapshot:
                raise Aborted(f"Row {key} of {table} changed since this transaction read it.")
        for _, other in self._unseen:
            for table, key in other.writes:
                if table in transaction.scanned or (table, key) in transaction.read:
                    raise Aborted(f"Row {key} of {table} changed since this transaction read it.")

    def _roll_back(self, transaction: Transaction) -> None:
        if not transaction.ended:
            self.aborts += 1
            self._release(transaction)

    def _release(self, transaction: Transaction) -> None:
        transaction.ended = True
        for key in transaction.locks:
            lock = self._locks.get(key)
            if lock is None or lock.owner is not transaction:
                continue
            if lock.queue:
                lock.owner, turn = lock.queue.popleft()
                lock.owner.locks[key] = None
                lock.owner.waits_for = None
                turn.set()
            else:
                del self._locks[key]
        transaction.locks.clear()

    # --- rows ----------------------------------------------------------------------------------------------------
    def _see(self, transaction: Transaction) -> int:
        """The moment that the statement that starts now sees."""
        if transaction.isolation == "read committed" or transaction.snapshot < 0:
            transaction.snapshot = self._clock
        return transaction.snapshot

    def _visible(self, transaction: Transaction, table: str, key: Value, moment: int) -> Row | None:
        own = transaction.writes.get((table, key), ...)
        return as_of(self._versions[table].get(key, ()), moment) if own is ... else own

    def _found(
        self,
        transaction: Transaction,
        table: str,
        where: Where,
        moment: int,
        order_by: str | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        wanted = where.get("id", ...)
        seen: list[Row | None]
        if wanted is not ... and not isinstance(wanted, AtLeast | AtMost):
            transaction.read.add((table, wanted))
            seen = [self._visible(transaction, table, wanted, moment)]
        else:
            transaction.scanned.add(table)
            rows = self._versions[table]
            own = {key: row for (of, key), row in transaction.writes.items() if of == table}
            seen = [own[key] if key in own else as_of(versions, moment) for key, versions in rows.items()]
            seen += [row for key, row in own.items() if key not in rows]
        there = [row for row in seen if row is not None]
        found = matching(there, where)
        if self._looked is not None or self.row_s:
            self._look(transaction, looked_at(there, found, where, self._unique[table], order_by, limit))
        return found

    def _look(self, transaction: Transaction, rows: int) -> None:
        """So many rows were looked at."""
        transaction.looked += rows
        if self._looked is not None:
            self._looked += rows

    async def _lock(self, transaction: Transaction, key: Key) -> bool:
        """Own the row's lock; True where somebody else held it meanwhile."""
        lock = self._locks.get(key)
        if lock is None:
            self._locks[key] = _Lock(transaction)
            transaction.locks[key] = None
            return False
        if lock.owner is transaction:
            return False
        turn: Signal[None] = self.sim.signal(
            f"the lock of row {key[1]} of {key[0]}, held by transaction {lock.owner.number}"
        )
        transaction.waits_for = key
        lock.queue.append((transaction, turn))
        # Who has waited for so long looks whether it waits for itself; one of a circle does so first.
        if not await turn.within(self.deadlock_timeout_s):
            if self._waits_for_itself(transaction):
                lock.queue.remove((transaction, turn))
                transaction.waits_for = None
                raise Aborted("Deadlock: this transaction waits for one that waits for it.")
            await turn
        return True

    def _waits_for_itself(self, transaction: Transaction) -> bool:
        other, seen = transaction, set[int]()
        while other.waits_for is not None and other.number not in seen:
            seen.add(other.number)
            other = self._locks[other.waits_for].owner
        return other is transaction and bool(seen)

    async def _lock_newest(self, transaction: Transaction, table: str, key: Value, moment: int) -> Row | None:
        """Lock the row that was seen at a moment and read what it is now; Aborted where a snapshot is too old for that.

        What was removed since is gone, also where another row has its key now.
        """
        await self._lock(transaction, (table, key))
        versions = self._versions[table].get(key, [])
        if versions and versions[-1][0] > transaction.snapshot and transaction.isolation != "read committed":
            raise Aborted(f"Row {key} of {table} changed since this transaction began.")
        since = takewhile(lambda version: version[0] > moment, reversed(versions))
        if any(row is None for _, row in since):
            return None
        return self._visible(transaction, table, key, self._clock)

    async def _write(
        self, transaction: Transaction, table: str, where: Where, change: Callable[[Row], Row | None]
    ) -> list[Row]:
        """The rows that were changed, as they are now; of those that were removed, as they were."""
        found = []
        moment = self._see(transaction)
        for seen in self._found(transaction, table, where, moment):
            row = await self._lock_newest(transaction, table, seen["id"], moment)
            # Somebody may have changed it while we waited for the lock: what counts is the row as it is now.
            if row is not None and matching([row], where):
                new = change(row)
                if new is not None and self._unique.get(table):
                    await self._claim(transaction, table, new, row)
                transaction.writes[table, seen["id"]] = new
                found.append(dict(row if new is None else new))
        return found

    async def _get(self, transaction: Transaction, table: str, key: Value, lock: bool) -> Row | None:
        moment = self._see(transaction)
        transaction.read.add((table, key))
        self._look(transaction, 1)
        row = self._visible(transaction, table, key, moment)
        if lock and row is not None:
            row = await self._lock_newest(transaction, table, key, moment)
        return dict(row) if row is not None else None

    async def _select(
        self,
        transaction: Transaction,
        table: str,
        where: Where,
        order_by: str,
        descending: bool,
        limit: int | None,
        lock: bool,
        skip_locked: bool,
    ) -> list[Row]:
        moment = self._see(transaction)
        rows = self._found(transaction, table, where, moment, order_by, limit)
        # Nulls come last, as in PostgreSQL.
        rows.sort(key=lambda r: (r[order_by] is None, r[order_by], r["id"]), reverse=descending)
        if not lock:
            return [dict(row) for row in rows[:limit]]
        held: list[Row] = []
        for seen in rows:
            if limit is not None and len(held) >= limit:
                break
            holder = self._locks.get((table, seen["id"]))
            if skip_locked and holder is not None and holder.owner is not transaction:
                continue
            row = await self._lock_newest(transaction, table, seen["id"], moment)
            # Somebody may have changed it while we waited for the lock: what counts is the row as it is now.
            if row is not None and matching([row], where):
                held.append(dict(row))
        return held

    async def _count(self, transaction: Transaction, table: str, where: Where) -> int:
        return len(self._found(transaction, table, where, self._see(transaction)))

    async def _rank_all(self, transaction: Transaction, table: str, where: Where, by: str, into: str) -> int:
        rows = [row for row in self._found(transaction, table, where, self._see(transaction)) if row[by] is not None]
        rows.sort(key=lambda row: row[by], reverse=True)  # type: ignore[arg-type, return-value]  # of one kind, no null
        rank, last, many = 0, None, 0
        for place, row in enumerate(rows, 1):
            rank, last = (rank if row[by] == last else place), row[by]
            noted: Row = {into: rank}
            many += len(await self._write(transaction, table, {"id": row["id"]}, noted.__ror__))
        return many

    async def _insert(self, transaction: Transaction, table: str, row: Mapping[str, Value]) -> None:
        complete = self._tables.whole(table, row)
        key = complete["id"]
        self._see(transaction)
        holder = self._locks.get((table, key))
        held = holder is not None and holder.owner is not transaction and (table, key) not in holder.owner.writes
        # Who holds the row, and has not changed it, has nothing that we would wait for.
        if not held or self._visible(transaction, table, key, self._clock) is None:
            await self._lock(transaction, (table, key))
        if self._visible(transaction, table, key, self._clock) is not None:
            raise Conflict(f"{table} has a row {key} already.")
        if transaction.writes.get((table, key), ...) is None:
            transaction.reborn.add((table, key))
        await self._claim(transaction, table, complete, {})
        transaction.writes[table, key] = complete

    async def _claim(self, transaction: Transaction, table: str, new: Row, old: Row) -> None:
        """Be the one who has these values where they have to be unique; wait for whoever is about to have them."""
        for group in self._unique.get(table, ()):
            values = tuple(new[column] for column in group)
            if "id" in group or None in values or (old and values == tuple(old[column] for column in group)):
                continue  # with the key in it they are unique anyway, and it is there for its index
            await self._lock(transaction, (table, f"{group}={values!r}"))
            for key in [*self._versions[table], *(k for t, k in transaction.writes if t == table)]:
                row = self._visible(transaction, table, key, self._clock)
                if key != new["id"] and row is not None and tuple(row[column] for column in group) == values:
                    raise Conflict(f"{table} has a row with {', '.join(group)} = {values} already.")
