"""The chain as real processes: each layer is one, and the database is the last. This file is their program.

    python chain.py SOCKET '{"below": ..., "limit_s": ..., ...}'        a layer, which asks the process below
    python chain.py SOCKET '{"lost": ..., "seed": ...}'                 the database, which has nobody below

A call is `["ask", work_s, good, gone_s, until_s]` and is answered by whether it went well: `gone_s` is when the user
goes, on the clock that all processes of a machine share (layers that pass no deadline on only count with it), and
`until_s` when the database has to have begun (0: whenever it likes). `["report"]` is answered by what was counted.

The database's work is computation, done by one worker, first come, first served; where a fault leaves it a tenth of its
speed, it computes ten times as much. An answer that is lost is one that is never written to the socket.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import queue
import sys
import threading
import time
from collections.abc import Mapping
from random import Random
from typing import Any

from windtunnel.engines import Calls, answer_calls, come_first

BLOCK = bytes(1 << 16)
"""Large enough for the interpreter's lock to be given up while it is hashed."""


class Query:
    """What the database is asked for; `taken_back` where nobody wants it any more."""

    def __init__(self, work_s: float, good: bool, until_s: float) -> None:
        self.work_s, self.good, self.until_s = work_s, good, until_s
        self.taken_back = False
        self.answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


class Worker:
    """The last process: one worker, and a queue without a bound."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.lost, self.luck = told["lost"], Random(told["seed"])
        self.share = 1.0
        self.queries = 0
        self.late = 0
        self.waiting: queue.SimpleQueue[Query] = queue.SimpleQueue()
        self.loop = asyncio.get_running_loop()
        threading.Thread(target=self.serve, daemon=True).start()

    async def heard(self, what: str, *words: Any) -> Any:
        """One call."""
        match what, words:
            case "slow_to", (share,):
                self.share = share
                return True
            case "report", ():
                return [self.queries, self.late, 0]
            case "ask", (work_s, good, gone_s, until_s):
                now = time.monotonic()
                self.queries += 1
                self.late += now >= gone_s
                return await self.queued(Query(work_s, good, until_s))
        raise ValueError(f"The database is asked for {what}; it answers ask, report and slow_to.")

    async def queued(self, query: Query) -> bool | None:
        self.waiting.put(query)
        try:
            well = await query.answer
        except asyncio.CancelledError:
            query.taken_back = True
            raise
        return None if self.luck.random() < self.lost else well

    def serve(self) -> None:
        """The worker's life, in a thread of its own."""
        while True:
            query = self.waiting.get()
            if query.taken_back:
                continue
            begun = not query.until_s or time.monotonic() < query.until_s
            if begun:
                self.work(query)
            self.loop.call_soon_threadsafe(self.done, query, begun and query.good)

    def work(self, query: Query) -> None:
        """Compute for so long, of this thread's own processor time."""
        left_s, last = query.work_s, time.thread_time()
        while left_s > 0 and not query.taken_back:
            hashlib.sha256(BLOCK)
            now = time.thread_time()
            left_s -= (now - last) * self.share
            last = now

    @staticmethod
    def done(query: Query, well: bool) -> None:
        """In the loop again."""
        if not query.answer.done():
            query.answer.set_result(well)


class Tier:
    """A layer: it asks the process below, and again, as its design wants it."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.below = Calls(told["below"])
        self.limit_s, self.attempts = told["limit_s"], told["attempts"]
        self.last, self.knows, self.takes_back = told["last"], told["knows"], told["takes_back"]
        self.lost, self.luck = told["lost"], Random(told["seed"])
        self.calls = 0

    async def heard(self, what: str, *words: Any) -> Any:
        """One call."""
        match what, words:
            case "report", ():
                queries, late, calls = await self.below.begin("report")
                return [queries, late, calls + self.calls]
            case "ask", (work_s, good, gone_s, _):
                well = await self.ask(work_s, good, gone_s)
                return None if self.luck.random() < self.lost else well
        raise ValueError(f"A layer is asked for {what}; it answers ask and report.")

    async def ask(self, work_s: float, good: bool, gone_s: float) -> bool:
        """Whether an attempt went well."""
        for _ in range(self.attempts):
            now = time.monotonic()
            wait_s = min(self.limit_s, gone_s - now) if self.knows else self.limit_s
            if wait_s <= 0:
                break
            self.calls += 1
            until_s = min(gone_s, now + wait_s) - work_s if self.knows and self.last else 0.0
            if await self.attempt(wait_s, work_s, good, gone_s, until_s):
                return True
        return False

    async def attempt(self, wait_s: float, *what: Any) -> bool:
        """One attempt, for so long."""
        call = self.below.begin("ask", *what)
        try:
            await asyncio.wait([call], timeout=wait_s)
            return call.done() and call.result() is True
        finally:
            if self.takes_back:
                self.below.take_back(call)
            else:
                self.below.drop(call)


async def main() -> None:
    """Serve until killed."""
    path, told = sys.argv[1], json.loads(sys.argv[2])
    process: Tier | Worker
    if "below" in told:
        process = Tier(told)
        await process.below.connect()
    else:
        process = Worker(told)
    await answer_calls(path, process.heard)


if __name__ == "__main__":
    come_first()
    asyncio.run(main())
