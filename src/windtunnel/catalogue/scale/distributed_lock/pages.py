"""What all designs share: five lock servers, a store with pages, and the way a page is edited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Protocol, TypeVar

from windtunnel import Stage
from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.distributed_lock.desk import STORE, Desk, Job
from windtunnel.engines import Plus, Row, Value, Where

T = TypeVar("T")
SERVERS = 5
MAJORITY = SERVERS // 2 + 1
POLL = 0.1  # unclaimed: any time that is short beside a lease
"""As a part of the lease, the mean time until who found the lock taken asks again."""
PATIENCE = 1.5  # unclaimed: any time that is longer than a lease
"""As a multiple of the lease, how long one asks for a lock."""


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def edits(self) -> int: ...

    @property
    def pages(self) -> int: ...

    @property
    def work_s(self) -> float: ...

    @property
    def busy(self) -> float: ...

    @property
    def lease_s(self) -> float: ...

    @property
    def stops(self) -> float: ...

    @property
    def stop_s(self) -> float: ...

    @property
    def strikes(self) -> str: ...

    @property
    def durable(self) -> int: ...

    @property
    def trouble(self) -> str: ...


def server(number: int) -> str:
    """The name of a lock server."""
    return f"lock {number}"


class Pages:
    """A design: `edit` does a job, and answers with the number of the version that it wrote."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.stage, self.p = stage, p
        many = 4 * p.pages  # unclaimed: so many connections that nobody waits for one
        self.locks = [stage.cache(server(i), connections=many, durable=bool(p.durable)) for i in range(SERVERS)]
        self.store = stage.database(STORE, connections=many)
        self.desk = Desk(stage, p.strikes, p.pages)
        self.asked = 0
        """Commands that are about a lock, most of them to lock servers."""

    async def start(self) -> None:
        """Make the pages, all empty."""
        columns = {"id": int, "text": str, "version": int, "token": int, "until": float}
        empty: Row = {"text": "", "version": 0, "token": 0, "until": 0.0}
        rows = [{"id": page, **empty} for page in range(self.p.pages)]
        await self.store.create_table("page", columns, rows)
        self.desk.origin_s = self.stage.clock()  # unclaimed: in the tunnel it is 0 then

    async def save(self, number: int, page: int, worker: int, work_s: float, stops_s: float, stop_s: float) -> int:
        """The request."""
        job = Job(number, page, worker, work_s, stops_s, stop_s)
        return await self.desk.at(job, self.edit(job))

    async def edit(self, job: Job) -> int:
        """Lock, read, work, write, unlock."""
        await self.lock(job)
        try:
            version = await self.write(job, await self.desk.work(job, await self.read(job)))
        except Exception:
            await self.leave(job)  # unclaimed: who is refused has mostly lost it before
            raise
        await self.leave(job)
        return version

    # --- the lock --------------------------------------------------------------------------------------------------
    async def lock(self, job: Job) -> None:
        """Ask until one has it. Raises Refused: somebody else kept it, or nobody answered."""
        loop, luck = asyncio.get_running_loop(), self.stage.luck("asks again")
        end_s = loop.time() + PATIENCE * self.p.lease_s
        while not await self.got(job):
            if loop.time() > end_s:
                raise Refused(f"The lock of page {job.page} was not to be had.")
            await asyncio.sleep(luck.uniform(0.5, 1.5) * POLL * self.p.lease_s)  # unclaimed: so that they part

    async def got(self, job: Job) -> bool:
        """Ask once; whether one has it."""
        raise NotImplementedError

    async def leave(self, job: Job) -> None:
        """Give it back; the page is written, or is not, whatever becomes of that."""
        with suppress(OSError):
            await self.unlock(job)

    async def unlock(self, job: Job) -> None:
        """Give it back. Raises OSError: nobody answered."""
        raise NotImplementedError

    async def ask(self, command: Awaitable[T]) -> T:
        """Say something about a lock."""
        self.asked += 1
        return await command

    # --- the page --------------------------------------------------------------------------------------------------
    async def read(self, job: Job) -> str:
        """The page's text."""
        return text_of(await self.store.get("page", job.page))

    async def write(self, job: Job, text: str) -> int:
        """Store the text; the number of this version."""
        return await self.put(job, text)

    async def put(self, job: Job, text: str, where: Where | None = None, **also: Value) -> int:
        """Store the text, where the page's row is so, in one step. Raises Refused: it is not so."""
        changes = {"text": text, "version": Plus(1), **also}  # unclaimed: any step tells versions apart
        rows = await self.store.update_returning("page", {"id": job.page, **(where or {})}, changes)
        if not rows:
            raise Refused(f"Page {job.page} is no longer as it was when job {job.number} began.")
        return number_of(rows[0], "version")

    async def report(self) -> Mapping[str, object]:
        rows = await self.store.select("page")
        return {
            "texts": {str(row["id"]): row["text"] for row in rows},
            "edits": self.desk.edits,
            "asked": self.asked,
        }


def text_of(row: Row | None) -> str:
    """The text of a page; none where there is no such page."""
    return "" if row is None else str(row["text"])


def number_of(row: Row, column: str) -> int:
    """A whole number of a row."""
    found = row[column]
    assert isinstance(found, int)
    return found
