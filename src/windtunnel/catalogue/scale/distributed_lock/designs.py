"""The designs: what a lock is, and what the store asks of who writes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from windtunnel import Stage
from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.distributed_lock.desk import Job
from windtunnel.catalogue.scale.distributed_lock.pages import (
    MAJORITY,
    PATIENCE,
    Pages,
    Setting,
    number_of,
    text_of,
)
from windtunnel.engines import AtMost, CachePort, Changes, Script, Store, Where

ASK_S = 0.05  # unclaimed: any time that is short beside a lease
"""How long Redlock waits for one server: its text says 5 to 50 ms, where a lease takes 10 s."""
DRIFT = 0.01  # unclaimed: clocks that drift are left open
"""Part of the lease by which clocks may differ at its end."""
MORE_S = 0.002  # unclaimed: servers count whole milliseconds
"""And so much more."""

NUMBERED = Script(
    """
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return redis.call('INCR', KEYS[2])
""",
    lambda store, keys, args: numbered(store, keys, args),
)


def numbered(store: Store, keys: Sequence[str], args: Sequence[str]) -> int | None:
    """The same for the model: the lock, and a number that is one higher each time it is given."""
    if not store.set(keys[0], args[0], ttl_s=float(args[1]) / 1000, absent=True):
        return None
    return store.increment(keys[1])


class Deletes(Pages):
    """Set a key that expires, edit, and delete the key."""

    def value(self, job: Job) -> str:
        """What is under the key."""
        return f"{job.number}"

    async def got(self, job: Job) -> bool:
        return bool(await self.got_at(self.locks[0], job))

    async def got_at(self, lock: CachePort, job: Job) -> bool | None:
        """What one server says; None where it does not, in time."""
        try:
            async with asyncio.timeout(ASK_S):
                return await self.ask(lock.set(key(job), self.value(job), ttl_s=self.p.lease_s, absent=True))
        except OSError:
            return None

    async def unlock(self, job: Job) -> None:
        async with asyncio.timeout(ASK_S):
            await self.ask(self.locks[0].delete(key(job)))


class Lease(Deletes):
    """The key holds who set it, and is deleted only where it still does."""

    async def unlock(self, job: Job) -> None:
        await self.unlock_at(self.locks[0], job)

    async def unlock_at(self, lock: CachePort, job: Job) -> None:
        """Take the key from one server, if it is ours; where the server does not answer the key runs out."""
        with suppress(OSError):
            async with asyncio.timeout(ASK_S):
                await self.ask(lock.compare_and_set(key(job), self.value(job), None))


class InTime(Lease):
    """The same, and who finds that the time is up when the text is done does not write it."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.until_s: dict[int, float] = {}
        """By job, until when the lock is good, on the worker's own clock."""

    async def got(self, job: Job) -> bool:
        asked_s = asyncio.get_running_loop().time()
        self.until_s[job.number] = asked_s + self.p.lease_s
        return await super().got(job)

    async def write(self, job: Job, text: str) -> int:
        if asyncio.get_running_loop().time() >= self.until_s[job.number]:
            raise Refused(f"The lock of page {job.page} has run out.")
        return await super().write(job, text)


class Redlock(InTime):
    """The lock is had where three of five servers say so in time, and is good for what is left of the lease."""

    async def got(self, job: Job) -> bool:
        loop = asyncio.get_running_loop()
        asked_s = loop.time()
        answers = await asyncio.gather(*(self.got_at(lock, job) for lock in self.locks))
        self.until_s[job.number] = asked_s + self.p.lease_s * (1 - DRIFT) - MORE_S
        has = answers.count(True) >= MAJORITY and loop.time() < self.until_s[job.number]
        perhaps = [lock for lock, answer in zip(self.locks, answers, strict=True) if answer is not False and not has]
        await self.unlock_all(perhaps, job)  # unclaimed: two seldom ask at once
        return has

    async def unlock(self, job: Job) -> None:
        await self.unlock_all(self.locks, job)

    async def unlock_all(self, locks: Sequence[CachePort], job: Job) -> None:
        """Give them their keys back, those that answer."""
        await asyncio.gather(*(self.unlock_at(lock, job) for lock in locks))


class Numbered(Lease):
    """Each lock has a number higher than the last one's, and the store takes no text with a lower one than it has."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.token: dict[int, int] = {}

    async def got(self, job: Job) -> bool:
        keys, args = (key(job), f"number {job.page}"), (self.value(job), round(1000 * self.p.lease_s))
        try:
            async with asyncio.timeout(ASK_S):
                found = await self.ask(self.locks[0].run(NUMBERED, keys, args))
        except OSError:
            return False
        if isinstance(found, int):
            self.token[job.number] = found
        return found is not None

    async def write(self, job: Job, text: str) -> int:
        token = self.token[job.number]
        return await self.put(job, text, {"token": AtMost(token)}, token=token)


class Versioned(Pages):
    """No lock: the store takes a text where the page still has the version that was read, else it is done again."""

    async def edit(self, job: Job) -> int:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + PATIENCE * self.p.lease_s  # unclaimed: any time that is longer than a lease
        while True:
            row = await self.store.get("page", job.page)
            version = 0 if row is None else number_of(row, "version")
            text = await self.desk.work(job, text_of(row))
            try:
                return await self.put(job, text, {"version": version})
            except Refused:
                if loop.time() > end_s:
                    raise


class Fenced(Redlock):
    """Redlock, and who has it writes its number into the page before reading, and its text only where that stands."""

    async def read(self, job: Job) -> str:
        rows = await self.store.update_returning("page", {"id": job.page}, {"token": job.number})
        return text_of(rows[0] if rows else None)

    async def write(self, job: Job, text: str) -> int:
        return await self.put(job, text, {"token": job.number})


class InTheRow(Pages):
    """The lock stands in the page's row: taken and read in one step, given back with the text in another."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.text: dict[int, str] = {}
        """By job that has the lock, what it has read."""

    async def got(self, job: Job) -> bool:
        now_s = self.stage.clock()
        free: Where = {"id": job.page, "until": AtMost(now_s)}
        mine: Changes = {"until": now_s + self.p.lease_s, "token": job.number}
        rows = await self.ask(self.store.update_returning("page", free, mine))
        if rows:
            self.text[job.number] = text_of(rows[0])
        return bool(rows)

    async def read(self, job: Job) -> str:
        return self.text[job.number]

    async def write(self, job: Job, text: str) -> int:
        return await self.put(job, text, {"token": job.number}, until=0.0)

    async def unlock(self, job: Job) -> None:
        """It went with the text, and who was refused had it no more."""


def key(job: Job) -> str:
    """Of a page's lock."""
    return f"lock of {job.page}"
