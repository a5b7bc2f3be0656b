"""Ways to keep a rule over what several change at once, by level, lock or key; and another program beside them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from windtunnel import Stage
from windtunnel.catalogue.scale.isolation_levels.edges import edges
from windtunnel.catalogue.scale.isolation_levels.judging import HOURS, KINDS, Setting
from windtunnel.catalogue.scale.isolation_levels.mvcc import Mvcc
from windtunnel.catalogue.scale.isolation_levels.stepping import Speaks, Steppable, step_through
from windtunnel.catalogue.scale.isolation_levels.transcripts import BY_NAME
from windtunnel.engines import Aborted, Conflict, Isolation, Plus, Row

T = TypeVar("T")
CONNECTIONS = 64
STATEMENT_S = 0.0006  # unclaimed: about as long as the model's
"""Of the engine of 150 lines: the mean way there and back of the model, and the work of a statement."""
BACKOFF_S = 0.002
"""Most seconds that one waits who was rolled back, before trying again."""


class ReadCommitted:
    """Look, decide, write, in one transaction at the level that most databases begin with."""

    level: Isolation = "read committed"
    locks = False
    """Whether what is looked at is locked."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.p = p
        self.stage = stage
        self.db = self.opened()
        self.cells = self.beside() if p.matrix else None
        self.patience_s = 0.02 if stage.name == "sim" else 0.2  # unclaimed: longer than a statement takes
        self.rolled_back: Counter[str] = Counter()
        """Transactions, by what was asked."""

    def opened(self) -> Steppable:
        """The database of doctors, bookings and hours."""
        return self.stage.database("db", connections=CONNECTIONS)

    async def start(self) -> None:
        many = -(-self.p.meetings // len(KINDS))
        on = 1  # unclaimed: any number but 0
        doctors = [{"id": i, "shift": i // self.p.people, "on_call": on} for i in range(many * self.p.people)]
        await self.db.create_table("doctor", {"id": int, "shift": int, "on_call": int}, doctors)
        await self.db.create_table("shift", {"id": int}, [{"id": i} for i in range(many)])
        await self.db.create_table("absence", {"id": int, "doctor": int})
        await self.db.create_table("room", {"id": int}, [{"id": i} for i in range(self.p.rooms)])
        await self.db.create_table("booking", {"id": int, "slot": int, "room": int, "guest": int})
        both = range(2 * many)  # unclaimed: more of them harm nobody
        accounts = [{"id": i, "pair": i // 2, "hours": HOURS} for i in both]
        await self.db.create_table("account", {"id": int, "pair": int, "hours": int}, accounts)

    async def again(self, name: str, work: Callable[[Speaks], Awaitable[T]]) -> T:
        """Do it in a transaction, until one is not rolled back."""
        while True:
            with suppress(Aborted):
                async with self.db.transaction(self.level) as t:
                    return await work(t)
            self.rolled_back[name] += 1
            await asyncio.sleep(self.stage.luck("back-off").uniform(0, BACKOFF_S))  # unclaimed: two do not meet twice

    # --- one doctor of a shift stays on call -------------------------------------------------------------------
    async def off(self, shift: int, doctor: int, decide_s: float) -> bool:
        """Go off call, where another one stays."""

        async def work(t: Speaks) -> bool:
            on = await self.on_call(t, shift)
            await asyncio.sleep(decide_s)
            if on < 2:
                return False
            await t.update("doctor", {"id": doctor}, {"on_call": 0})
            return True

        return await self.again("off", work)

    async def on_call(self, t: Speaks, shift: int) -> int:
        """How many doctors of a shift are."""
        found = 0
        for doctor in range(shift * self.p.people, (shift + 1) * self.p.people):
            row = await t.get("doctor", doctor, lock=self.locks)
            found += row is not None and bool(row["on_call"])
        return found

    # --- a room has one guest at a time ------------------------------------------------------------------------
    async def book(self, slot: int, room: int, guest: int, decide_s: float) -> bool:
        """Take a room for a slot, where nobody has it."""

        async def work(t: Speaks) -> bool:
            taken = await self.bookings(t, slot, room)
            await asyncio.sleep(decide_s)
            if taken:
                return False
            await t.insert("booking", {"id": guest, "slot": slot, "room": room, "guest": guest})
            return True

        return await self.again("book", work)

    async def bookings(self, t: Speaks, slot: int, room: int) -> Sequence[Row]:
        """Who has a room for a slot."""
        return await t.select("booking", {"slot": slot, "room": room}, lock=self.locks)

    # --- what one gives another gets ---------------------------------------------------------------------------
    async def move(self, pair: int, hours: int, decide_s: float) -> bool:
        """Take hours from the one account of a pair, and put them on the other."""

        async def work(t: Speaks) -> bool:
            accounts = (2 * pair, 2 * pair + 1)
            held = [await self.hours(t, account) for account in accounts]
            await asyncio.sleep(decide_s)
            for account, before, change in zip(accounts, held, (-hours, hours), strict=True):
                await t.update("account", {"id": account}, {"hours": before + change})
            return True

        return await self.again("move", work)

    async def total(self, pair: int, decide_s: float) -> int:
        """The hours of a pair, one account after the other."""

        async def work(t: Speaks) -> int:
            first = await self.hours(t, 2 * pair)
            await asyncio.sleep(decide_s)
            return first + await self.hours(t, 2 * pair + 1)

        return await self.again("total", work)

    async def hours(self, t: Speaks, account: int) -> int:
        """What is on an account."""
        row = await t.get("account", account, lock=self.locks)
        hours = None if row is None else row["hours"]
        return hours if isinstance(hours, int) else 0

    # --- the matrix --------------------------------------------------------------------------------------------
    def beside(self) -> Steppable:
        """The database on which scripts are run."""
        return self.stage.database("cells", connections=8)

    def levels(self) -> Sequence[Isolation]:
        """At which levels they are."""
        return (self.level,)

    async def cell(self, name: str) -> list[Mapping[str, Any]]:
        """Run a script of Hermitage: what was said, and whether it shows its anomaly, at each level."""
        assert self.cells is not None
        found: list[Mapping[str, Any]] = []
        for level in self.levels():
            told = await step_through(self.cells, BY_NAME[name], level, lock=self.locks, patience_s=self.patience_s)
            one = {"level": level, "shows": BY_NAME[name].shows(told)}
            drawn = {"locks": self.locks, "edges": edges(told)}  # unclaimed: what charts show of it
            found.append({**one, **drawn, **told.plain()})
        return found

    async def report(self) -> Mapping[str, object]:
        async with self.db.transaction() as t:
            rows = {table: await t.select(table) for table in ("doctor", "booking", "account")}
        return {**rows, "rolled_back": dict(self.rolled_back)}


class Snapshot(ReadCommitted):
    """All looks of a transaction see one state, and the first to write a row wins: repeatable read, and try again."""

    level = "repeatable read"


class RowLocks(ReadCommitted):
    """Lock what is looked at, until the end of the transaction: SELECT ... FOR UPDATE."""

    locks = True


class ParentLock(RowLocks):
    """Lock the row that the rule is about before looking, the shift or the room: that one is always there."""

    async def on_call(self, t: Speaks, shift: int) -> int:
        await t.get("shift", shift, lock=True)
        return sum(bool(row["on_call"]) for row in await t.select("doctor", {"shift": shift}))

    async def bookings(self, t: Speaks, slot: int, room: int) -> Sequence[Row]:
        await t.get("room", room, lock=True)
        return await t.select("booking", {"slot": slot, "room": room})


class OwnEngine(ReadCommitted):
    """Serializable, on an engine of 150 lines (`mvcc.py`) that remembers conditions as they were said."""

    level = "serializable"

    def opened(self) -> Steppable:
        return self.stage.add("db", Mvcc(STATEMENT_S))

    def beside(self) -> Steppable:
        return Mvcc()

    def levels(self) -> Sequence[Isolation]:
        return ("read committed", "repeatable read", "serializable")


class Serializable(ReadCommitted):
    """As if one came after the other, or rolled back; and then try again."""

    level = "serializable"


class Constraint(ReadCommitted):
    """Look, decide, then write what a key allows once, or add in the update itself: the rule stands in the schema."""

    async def off(self, shift: int, doctor: int, decide_s: float) -> bool:
        on = await self.again("off", lambda t: self.on_call(t, shift))
        await asyncio.sleep(decide_s)
        if on < 2:  # unclaimed: spares who is alone the places that are taken anyway
            return False  # unclaimed: as above
        places = self.p.people - 1
        for place in range(places):

            async def work(t: Speaks, place: int = shift * places + (doctor + place) % places) -> bool:
                await t.insert("absence", {"id": place, "doctor": doctor})
                await t.update("doctor", {"id": doctor}, {"on_call": 0})
                return True

            with suppress(Conflict):
                return await self.again("off", work)
        return False  # unclaimed: no answer is a no, too

    async def book(self, slot: int, room: int, guest: int, decide_s: float) -> bool:
        taken = await self.again("book", lambda t: t.select("booking", {"slot": slot, "room": room}))
        await asyncio.sleep(decide_s)

        async def work(t: Speaks) -> bool:
            key = slot * self.p.rooms + room  # unclaimed: any number that is theirs alone
            await t.insert("booking", {"id": key, "slot": slot, "room": room, "guest": guest})
            return True

        with suppress(Conflict):
            return not taken and await self.again("book", work)
        return False  # unclaimed: no answer is a no, too

    async def move(self, pair: int, hours: int, decide_s: float) -> bool:
        await self.again("move", lambda t: self.hours(t, 2 * pair))  # unclaimed: one looks, and it decides nothing
        await asyncio.sleep(decide_s)

        async def work(t: Speaks) -> bool:
            for account, change in ((2 * pair, -hours), (2 * pair + 1, hours)):
                await t.update("account", {"id": account}, {"hours": Plus(change)})
            return True

        return await self.again("move", work)

    async def total(self, pair: int, decide_s: float) -> int:
        """The hours of a pair, in one statement, which sees one state."""
        rows = await self.again("total", lambda t: t.select("account", {"pair": pair}))
        await asyncio.sleep(decide_s)
        return sum(row["hours"] for row in rows if isinstance(row["hours"], int))


class Desk:
    """Another program, which moves hours of the same accounts in updates that add."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.stage = stage

    async def adjust(self, pair: int, hours: int) -> bool:
        """Move hours back."""
        db: Steppable = self.stage.thing("db")
        while True:
            with suppress(Aborted):
                async with db.transaction() as t:
                    for account, change in ((2 * pair, hours), (2 * pair + 1, -hours)):
                        await t.update("account", {"id": account}, {"hours": Plus(change)})
                return True
            await asyncio.sleep(BACKOFF_S)
