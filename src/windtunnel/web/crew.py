"""Runs for the page: a bounded queue, a few worker processes, and an end to whatever nobody waits for.

Some workers do previews alone, a design each, so that a slider answers while a long run goes on; the others begin with
the first run that is asked for. A run that is cancelled costs its process: that is the one way to stop code which does
not look up. Workers end when their standard input does, which the system closes for a server that was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from windtunnel.lab.running.pool import ONE_THREAD, cores

WAITING = 100
"""Most runs that wait; who comes then is told to come again."""
PREVIEWERS = 2
"""Workers for previews: two designs are seen side by side, and run side by side."""
LINE_BYTES = 64 << 20
PREVIEW_S, FIRST_S, EXACT_S = 20.0, 120.0, 1800.0
"""How long a run may take. A worker's first preview of an experiment may compile what it needs, which a worker that was
stopped meanwhile would have to begin anew."""
GRACE_S = 1.0
"""A preview that nobody wants any more may still end within this time: a new process costs more."""
Message = dict[str, Any]


@dataclass(eq=False)
class Work:
    """A run that was asked for: its messages, the last of which says what was found or what was wrong."""

    task: Mapping[str, Any]
    exact: bool
    messages: list[Message] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    unwanted: asyncio.Event = field(default_factory=asyncio.Event)
    listeners: int = 0

    def tell(self, message: Message) -> None:
        """Add a message; whoever waits hears of it."""
        self.messages.append(message)
        news, self.news = self.news, asyncio.Event()
        news.set()

    @property
    def over(self) -> bool:
        """Whether the last message is there."""
        return bool(self.messages) and "progress" not in self.messages[-1]

    @property
    def kind(self) -> str:
        """Which worker does it: "own" is one that may load a file of the user's."""
        return "exact" if self.exact else "own" if "file" in self.task else "preview"

    def cancel(self) -> None:
        """Nobody wants it any more."""
        self.unwanted.set()

    async def ended(self) -> Message:
        """The last message."""
        while not self.over:
            await self.news.wait()
        return self.messages[-1]


class Crew:
    """The workers, and what waits for them. Of `size` workers a few do previews, and one at least does not."""

    def __init__(self, size: int | None = None) -> None:
        self._size = PREVIEWERS + max(1, cores() - 1) if size is None else size
        self._waiting: deque[Work] = deque()
        self._news = asyncio.Condition()
        self._lanes: list[asyncio.Task[None]] = []
        self._asked = asyncio.Event()
        self.processes: set[asyncio.subprocess.Process] = set()

    def start(self) -> None:
        """Begin to work; within the loop that serves."""
        previewers = min(PREVIEWERS, self._size - 1)
        kinds = [*("preview" if i < previewers else "exact" for i in range(self._size)), "own"]
        self._lanes = [asyncio.create_task(self._lane(kind)) for kind in kinds]

    async def warm(self) -> None:
        """Somebody looks at the catalogue, so a preview is asked for soon.

        Before that nothing is started, since it would take the processors from the first page.
        """
        self._asked.set()

    async def close(self) -> None:
        """Stop everything; no process is left."""
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        for process in list(self.processes):
            await self._kill(process)

    async def submit(self, task: Mapping[str, Any], exact: bool) -> Work | None:
        """A place in the queue; None where there is none left."""
        async with self._news:
            if len(self._waiting) >= WAITING:
                return None
            work = Work(task, exact)
            self._waiting.append(work)
            self._asked.set()
            self._news.notify_all()
        return work

    def place(self, work: Work) -> int:
        """How many wait before it; -1 where it waits no more."""
        return self._waiting.index(work) if work in self._waiting else -1

    async def _next(self, kind: str) -> Work:
        """The next for a lane."""
        async with self._news:
            while True:
                for work in [w for w in self._waiting if w.unwanted.is_set()]:
                    self._waiting.remove(work)
                    work.tell({"wrong": "It was cancelled before it began."})
                found = next((w for w in self._waiting if w.kind == kind), None)
                if found is not None:
                    self._waiting.remove(found)
                    return found
                await self._news.wait()

    async def forget(self, work: Work) -> None:
        """Cancel a run, whether it waits or is under way."""
        work.cancel()
        async with self._news:
            if work in self._waiting:
                self._waiting.remove(work)
                work.tell({"wrong": "It was cancelled before it began."})

    async def _lane(self, kind: str) -> None:
        """One worker process after the other, one piece of work after the other."""
        await self._asked.wait()
        process = await self._start(kind) if kind == "preview" else None  # a preview finds its worker warm
        loaded: Any = None
        known: set[Any] = set()
        while True:
            work = await self._next(kind)
            name = work.task.get("name")
            if process is not None and loaded != work.task.get("saved"):  # the file is another one by now
                await self._kill(process)
                process = None
            if process is None or process.returncode is not None:
                process = await self._start(kind)
                known.clear()
            loaded = work.task.get("saved")
            limit_s = EXACT_S if work.exact else PREVIEW_S if name in known or kind == "own" else FIRST_S
            if await self._do(process, work, limit_s):
                known.add(name)
            else:
                await self._kill(process)
                process = await self._start(kind) if kind == "preview" else None
                known.clear()

    async def _start(self, kind: str) -> asyncio.subprocess.Process:
        path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "windtunnel.web.worker",
            *(["--own"] if kind == "own" else []),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL if kind == "own" else None,  # it may print without end
            limit=LINE_BYTES,
            env={**dict.fromkeys(ONE_THREAD, "1"), **os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C in a terminal reaches the server alone, and it stops them
        )
        self.processes.add(process)
        return process

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)  # with whatever it has started
            else:
                process.kill()
        await process.wait()
        self.processes.discard(process)

    async def _do(self, process: asyncio.subprocess.Process, work: Work, limit_s: float) -> bool:
        """Let a worker do it; whether the worker can go on."""
        doing = asyncio.create_task(self._talk(process, work))
        unwanted = asyncio.create_task(work.unwanted.wait())
        try:
            await asyncio.wait({doing, unwanted}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done() and work.unwanted.is_set() and not work.exact:
                await asyncio.wait({doing}, timeout=GRACE_S)
            if doing.done() and doing.exception() is None:
                return True
        finally:
            for one in (doing, unwanted):
                one.cancel()
            await asyncio.gather(doing, unwanted, return_exceptions=True)
            if not work.over:
                work.tell({"wrong": _why(work, limit_s)})
        return False

    async def _talk(self, process: asyncio.subprocess.Process, work: Work) -> None:
        """Hand it over, and pass on what the worker says. Raises EOFError where it dies."""
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(dict(work.task)).encode() + b"\n")
        await process.stdin.drain()
        while not work.over:
            line = await process.stdout.readline()
            if not line:
                raise EOFError
            work.tell(json.loads(line))


def _why(work: Work, limit_s: float) -> str:
    """Why a run has no result."""
    if work.unwanted.is_set():
        return "It was cancelled."
    if work.kind == "own":
        return f"The design was stopped: its process ended, used too much, or took longer than {limit_s:.0f} s."
    if not work.exact:
        return f"A preview that takes longer than {limit_s:.0f} s is stopped; measure this setting in full."
    return f"The run was stopped: its process ended, or it took longer than {limit_s / 60:.0f} minutes."
