"""Let a design serve its requests for real: on this machine's processor, or in front of a real engine.

Time is the wall's. `async def` methods overlap as tasks of one asyncio loop; a plain method does its work before the
next request is looked at, as it would in production.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from windtunnel.lab.errors import DesignError, WrongInput
from windtunnel.lab.history import History, Op
from windtunnel.lab.running.faults_live import LiveFaults
from windtunnel.lab.running.outcomes import Recorder, broken, reported
from windtunnel.lab.stage import REQUEST, Stage
from windtunnel.sim.fault import Fault

PATIENCE_S = 60.0
"""How long after the last request was due a run goes on that was given no end; one of a closed loop is due when the
one before it has been answered."""


class LiveDrive:
    """One run of one design in real time."""

    def __init__(self, stage: Stage, name: str, design: object, ops: list[Op]) -> None:
        self.stage = stage
        self.recorder = Recorder(name, design, ops, stage.others)
        self.ops = ops
        self.origin = 0.0
        self.last_due_s = 0.0

    def run(self, faults: Sequence[Fault], ends_s: float | None) -> History:
        """Start the design, send the requests, and collect what happened and what the design reports."""
        return asyncio.run(self._run(faults, ends_s))

    async def _run(self, faults: Sequence[Fault], ends_s: float | None) -> History:
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self.faults = LiveFaults(self.stage, faults, self._now)
            if not hasattr(self.recorder.design, "start"):  # else it may still make what a fault strikes
                self.faults.check()
            await self._call("start")
            self.faults.check()
            cpu_s = time.process_time()
            self.origin = self.stage.clock()
            duration = await self._serve(ends_s)
            cpu_s = time.process_time() - cpu_s
            facts = {"cpu_s": cpu_s, **reported(self.recorder.name, await self._call("report"))}
            if len(self.recorder.events) < len(self.ops):
                facts["unsent"] = len(self.ops) - len(self.recorder.events)
            await self._call("stop")
        finally:
            await self.stage.close()
        return History(self.recorder.events, facts, duration)

    def _now(self) -> float:
        return self.stage.clock() - self.origin

    async def _serve(self, ends_s: float | None) -> float:
        """Send everything; seconds until the last answer, or until the end that the experiment wants."""
        self.last_due_s = max((op.at for op in self.ops), default=0.0)
        breaking = self.faults.begin()
        sending = asyncio.create_task(self._send())
        # Whatever breaks the run (a design, a fault without a target) ends it at once.
        watched = {sending, self._broken, *breaking}
        try:
            while sending in watched:
                limit_s = ends_s if ends_s is not None else self.last_due_s + PATIENCE_S
                left = limit_s - self._now()
                done, watched = await asyncio.wait(watched, timeout=max(left, 0.0), return_when=asyncio.FIRST_COMPLETED)
                if not done and left <= 0:
                    break
                for task in done:
                    task.result()
            took_s = self._now()
        finally:
            sending.cancel()
            self.faults.end_all()  # what is still broken is mended before the report
            await asyncio.gather(sending, *breaking, return_exceptions=True)
        for task in breaking:
            task.result()
        return took_s

    async def _send(self) -> None:
        closed: defaultdict[str, list[Op]] = defaultdict(list)
        for op in self.ops:
            if op.think_s >= 0:
                closed[op.client].append(op)
        async with asyncio.TaskGroup() as group:
            for own in closed.values():
                group.create_task(self._client(own))
            # The open loop: each request is sent when it is due, whatever became of those before.
            for op in self.ops:
                if op.think_s >= 0:
                    continue
                late = op.at - self._now()
                if late > 0:
                    await asyncio.sleep(late)
                found, start = self._begin(op, op.at)
                if found is not None:
                    group.create_task(self._finish(op, op.at, start, found))

    async def _client(self, ops: Sequence[Op]) -> None:
        """The closed loop of one client."""
        for op in ops:
            pause = max(op.think_s, op.at - self._now())
            if pause > 0:
                await asyncio.sleep(pause)
            due = self._now()
            self.last_due_s = max(self.last_due_s, due)
            found, start = self._begin(op, due)
            if found is not None:
                await self._finish(op, due, start, found)

    def _begin(self, op: Op, due: float) -> tuple[Any, float]:
        """Call the method; what has to be awaited, or None where it has answered."""
        start = self._now()
        REQUEST.set(op.id)  # tasks copy the context when they are made
        try:
            found = self.recorder.methods[op.name](*op.args)
        except Exception as error:
            self._raised(op, due, start, error)
            return None, start
        if inspect.isawaitable(found):
            return found, start
        self.recorder.returned(op, due, start, self._now(), found)
        return None, start

    async def _finish(self, op: Op, due: float, start: float, found: Any) -> None:
        try:
            value = await found
        except asyncio.CancelledError:
            self.recorder.unfinished(op, due, start, self._now())
            raise
        except Exception as error:
            self._raised(op, due, start, error)
        else:
            self.recorder.returned(op, due, start, self._now(), value)

    def _raised(self, op: Op, due: float, start: float, error: Exception) -> None:
        try:
            self.recorder.raised(op, due, start, self._now(), error)
        except DesignError as wrong:
            if not self._broken.done():
                self._broken.set_exception(wrong)

    async def _call(self, name: str) -> Any:
        method = getattr(self.recorder.design, name, None)
        try:
            return None if method is None else await self._maybe(method())
        except (DesignError, WrongInput):
            raise
        except Exception as error:
            raise broken(self.recorder.name, self.recorder.design, name, error) from error

    @staticmethod
    async def _maybe(found: Any) -> Any:
        return await found if inspect.isawaitable(found) else found
