"""Steps the sessions of a script one statement at a time, in the published order, and writes down what came of it.

A statement that has no answer after `patience_s` waits; the next one is said all the same, and what its own session
says meanwhile comes after it, as with somebody who types into two terminals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from typing import Protocol

from windtunnel.catalogue.scale.isolation_levels.transcripts import FIRST, Said, Script, Statement, Transcript
from windtunnel.engines import Aborted, Changes, Conflict, Isolation, Row, Value, Where


class Speaks(Protocol):
    """What is said to a transaction here: a part of the port."""

    async def get(self, table: str, key: Value, *, lock: bool = False) -> Row | None: ...
    async def select(self, table: str, where: Where | None = None, *, lock: bool = False) -> list[Row]: ...
    async def insert(self, table: str, row: Mapping[str, Value]) -> None: ...
    async def update(self, table: str, where: Where, changes: Changes) -> int: ...
    async def delete(self, table: str, where: Where) -> int: ...


class Steppable(Protocol):
    """What a script needs of a database: `DatabasePort` has it, and so has `Mvcc`."""

    async def create_table(
        self, table: str, columns: Mapping[str, type], rows: Sequence[Mapping[str, Value]] = ()
    ) -> None: ...

    def transaction(self, isolation: Isolation = "read committed") -> AbstractAsyncContextManager[Speaks]: ...


class _Left(Exception):
    """Rolls a transaction back that says abort."""


class _Session:
    """One terminal: says what it is told, one after the other, in one transaction."""

    def __init__(self, db: Steppable, table: str, level: Isolation, lock: bool) -> None:
        self.table, self.lock = table, lock
        self.said: asyncio.Queue[tuple[Statement, asyncio.Future[Said]]] = asyncio.Queue()
        self.running = asyncio.create_task(self.run(db, level))

    def say(self, step: Statement) -> asyncio.Future[Said]:
        """What will have come of it."""
        answer: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self.said.put_nowait((step, answer))
        return answer

    async def run(self, db: Steppable, level: Isolation) -> None:
        step, answer = await self.said.get()
        with suppress(_Left):
            try:
                async with db.transaction(level) as t:
                    while step.verb not in ("commit", "abort"):
                        answer.set_result(await self.carried_out(t, step))
                        step, answer = await self.said.get()
                    if step.verb == "abort":
                        raise _Left
            except (Aborted, Conflict):
                answer.set_result(Said(step, refused=True))
                while step.verb not in ("commit", "abort"):
                    step, answer = await self.said.get()
                    answer.set_result(Said(step, refused=True))
                return
            except OSError as error:  # the connection: nobody can tell what became of it
                answer.set_exception(error)
                return
        answer.set_result(Said(step, done=True))

    async def carried_out(self, t: Speaks, step: Statement) -> Said:
        where, values = step.where or {}, step.values or {}
        if step.verb == "select":
            return Said(step, rows=values_of(await t.select(self.table, where, lock=self.lock)), done=True)
        if step.verb == "update":
            return Said(step, changed=await t.update(self.table, where, values), done=True)
        if step.verb == "delete":
            return Said(step, changed=await t.delete(self.table, where), done=True)
        row = {column: value for column, value in values.items() if isinstance(value, int)}
        await t.insert(self.table, row)
        return Said(step, changed=1, done=True)


def values_of(rows: Sequence[Row]) -> dict[int, int]:
    """Values by id."""
    found = [(row["id"], row["value"]) for row in rows]
    return dict(sorted((key, value) for key, value in found if isinstance(key, int) and isinstance(value, int)))


async def step_through(
    db: Steppable, script: Script, level: Isolation, *, lock: bool = False, patience_s: float = 0.02
) -> Transcript:
    """Run a script on a table of its own.

    Args:
        lock: every select locks what it finds (`SELECT ... FOR UPDATE`).
        patience_s: a statement that has no answer by then waits.

    Raises:
        OSError: a connection broke; the others are given up.
    """
    table = f"cell_{script.name}"
    rows = [{"id": key, "value": value} for key, value in FIRST.items()]
    await db.create_table(table, {"id": int, "value": int}, rows)
    sessions: dict[str, _Session] = {}
    answers: list[asyncio.Future[Said]] = []
    until: dict[int, int] = {}
    try:
        for i, step in enumerate(script.steps):
            session = sessions.get(step.who) or sessions.setdefault(step.who, _Session(db, table, level, lock))
            answers.append(session.say(step))
            await asyncio.wait([answers[-1]], timeout=patience_s)
            if let_go := [answer for answer in answers if not answer.done()]:  # by this step, perhaps
                await asyncio.wait(let_go, timeout=patience_s)
            waiting = [k for k, answer in enumerate(answers) if not answer.done()]
            until |= dict.fromkeys(waiting, i + 1)
        said = [replace(await answer, until=until.get(i, -1)) for i, answer in enumerate(answers)]
    finally:
        for answer in answers:
            answer.cancel()
        for session in sessions.values():
            session.running.cancel()
        await asyncio.gather(*(session.running for session in sessions.values()), return_exceptions=True)
        for answer in answers:
            if not answer.cancelled():
                answer.exception()  # looked at, and told once
    async with db.transaction() as t:
        final = values_of(await t.select(table))
    return Transcript(said, final)
