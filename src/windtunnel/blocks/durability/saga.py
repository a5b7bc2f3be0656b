"""Saga: a long transaction as steps that are all done, or undone again, whatever crashes in between.

Garcia-Molina and Salem (*Sagas*, SIGMOD 1987) split what cannot hold its locks for long into steps, each with a
compensation. What makes that hold is a durable log (durable execution, as Temporal does it): each step is noted when it
is done, and after a crash the saga goes on from its last note. It gives up isolation: others see the steps in between.

>>> trip = Saga("trip", [
...     Step("flight", book_flight, cancel_flight),
...     Step("payment", charge, refund, pivot=True),
...     Step("mail", send_tickets),
... ])                                                        # doctest: +SKIP
>>> sagas = Sagas(DiskFiles(directory), "sagas", [trip])      # doctest: +SKIP
>>> await sagas.resume()                                      # doctest: +SKIP
>>> await sagas.run("trip", "order-17", {"to": "Lisbon"})     # doctest: +SKIP

A crash may fall between an effect and its note. The step then runs again, with the same `context.key`: whoever
carries it out must know the key and do it once. Nothing else can make it exactly once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from windtunnel.blocks.durability.write_ahead_log import Offload
from windtunnel.blocks.durability.write_ahead_log_state import DurableState, Json
from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.ground.files import Files
from windtunnel.blocks.resilience.retry import Backoff, Retry, full_jitter

Outcome = Literal["done", "undone"]


@dataclass(frozen=True)
class Context:
    """What an action or compensation is told."""

    saga_id: str
    input: Json
    results: dict[str, Json]
    """What the actions that were done returned, by step."""
    key: str
    """The same for every attempt of this action or compensation, and for no other: the idempotency key."""


Action = Callable[[Context], Awaitable[Json]]


@dataclass(frozen=True)
class Step:
    """`compensation` undoes `action`; it must accept that there is nothing to undo, and see to it that an action
    that was lost on the way and arrives later comes to nothing.

    A `pivot` is the point of no return: from its success on the saga goes forward only, and the steps after it are
    tried until they succeed. They need no compensation, and their `Refused` is tried again like any error.
    """

    name: str
    action: Action
    compensation: Action | None = None
    pivot: bool = False


@dataclass(frozen=True)
class Saga:
    """A name and its steps, in order."""

    name: str
    steps: Sequence[Step]

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"The steps of saga {self.name!r} must have different names, and there must be one.")
        if sum(step.pivot for step in self.steps) > 1:
            raise ValueError(f"Saga {self.name!r} has more than one pivot.")
        last_undoable = next((i for i, step in enumerate(self.steps) if step.pivot), len(names))
        for step in self.steps[:last_undoable]:
            if step.compensation is None and step is not self.steps[-1]:
                raise ValueError(f"Step {step.name!r} of saga {self.name!r} may have to be undone; say how.")


@dataclass
class Run:
    """How far a saga has come."""

    saga: str
    input: Json
    results: dict[str, Json] = field(default_factory=dict)
    undoing: list[str] | None = None
    """Steps that are still to be undone, the next last; `None` while it goes forward."""
    error: str = ""
    outcome: Outcome | None = None


class Sagas(DurableState):
    """Runs sagas and remembers them below `directory`. One process, the tasks of one loop.

    An action's error is retried as `retry` says; one that stays, and is not `Refused`, may have had its
    effect, so its step is compensated as well. Compensations, and the steps after a pivot, are tried until they
    succeed, with `backoff` in between. The outcomes of the last `keep` sagas are remembered, so that `run` with a
    known id answers without doing anything.
    """

    def __init__(
        self,
        files: Files,
        directory: str,
        sagas: Iterable[Saga],
        *,
        retry: Retry | None = None,
        backoff: Backoff | None = None,
        random: Random | None = None,
        keep: int = 10_000,
        checkpoint_every: int = 10_000,
        offload: Offload | None = None,
    ) -> None:
        self._sagas = {saga.name: saga for saga in sagas}
        self._retry = Retry(1) if retry is None else retry
        self._backoff = full_jitter(0.1, 60.0) if backoff is None else backoff
        self._random = Random() if random is None else random
        self._keep = keep
        self._runs: dict[str, Run] = {}
        self._ended: deque[str] = deque()
        self._tasks: dict[str, asyncio.Task[Run]] = {}
        super().__init__(files, directory, checkpoint_every=checkpoint_every, offload=offload)

    def unfinished(self) -> list[str]:
        """The ids of sagas that have begun and not ended, oldest first."""
        return [saga_id for saga_id, run in self._runs.items() if run.outcome is None]

    async def run(self, saga: str, saga_id: str, value: Json = None) -> Run:
        """Carry the saga out and return how it ended (`.outcome`, `.results`, `.error`).

        With an id that has begun before this joins or resumes that run; `ValueError` if it is of another saga. The
        saga does not stop when the caller is cancelled, only with `close` or the process.
        """
        known = self._runs.get(saga_id)
        if saga not in self._sagas or (known is not None and known.saga != saga):
            raise ValueError(f"There is no saga {saga!r}, or {saga_id!r} is the id of another.")
        if saga_id not in self._tasks:
            task = asyncio.ensure_future(self._carry_out(saga, saga_id, value))
            self._tasks[saga_id] = task
            task.add_done_callback(lambda task: self._forget(saga_id, task))
        return await asyncio.shield(self._tasks[saga_id])

    async def resume(self) -> list[Run]:
        """Go on with all unfinished sagas, side by side; to be called after opening."""
        return list(await asyncio.gather(*(self.run(self._runs[i].saga, i) for i in self.unfinished())))

    def close(self) -> None:
        """Stop all sagas where they are, to be resumed; sync and give the files back."""
        for task in self._tasks.values():
            task.cancel()
        super().close()

    def _forget(self, saga_id: str, task: asyncio.Task[Run]) -> None:
        self._tasks.pop(saga_id, None)
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits for it any more

    async def _carry_out(self, name: str, saga_id: str, value: Json) -> Run:
        steps = self._sagas[name].steps
        if saga_id not in self._runs:
            await self._commit([["begin", saga_id, name, value]])
        else:
            await self._settle()
        run = self._runs[saga_id]
        past_pivot = False
        for at, step in enumerate(steps):
            if run.undoing is not None or run.outcome is not None:
                break
            if step.name not in run.results:
                context = Context(saga_id, run.input, dict(run.results), f"{saga_id}/{step.name}")
                try:
                    if past_pivot:
                        result = await self._until_it_succeeds(step.action, context)
                    else:
                        result = await self._retry.call(step.action, context)
                except Exception as error:
                    done = steps[:at] if isinstance(error, Refused) else steps[: at + 1]
                    undo = [s.name for s in done if s.compensation is not None]
                    await self._commit([["fail", saga_id, undo, f"{step.name}: {error!r}"]])
                    break
                await self._commit([["did", saga_id, step.name, result]])
            past_pivot = past_pivot or step.pivot
        while run.undoing:
            step = next(step for step in steps if step.name == run.undoing[-1])
            assert step.compensation is not None
            context = Context(saga_id, run.input, dict(run.results), f"{saga_id}/{step.name}/undo")
            await self._until_it_succeeds(step.compensation, context)
            await self._commit([["undid", saga_id, step.name]])
        if run.outcome is None:
            await self._commit([["end", saga_id, "done" if run.undoing is None else "undone"]])
        return run

    async def _until_it_succeeds(self, action: Action, context: Context) -> Json:
        retry, wait_s = 0, 0.0
        while True:
            try:
                return await action(context)
            except Exception:  # it has to happen; there is nobody to give up to
                wait_s = self._backoff(retry, wait_s, self._random)
                await asyncio.sleep(wait_s)
                retry += 1

    def _apply(self, change: Json) -> None:
        match change:
            case ["begin", saga_id, name, value]:
                self._runs[saga_id] = Run(name, value)
            case ["did", saga_id, step, result]:
                self._runs[saga_id].results[step] = result
            case ["fail", saga_id, undo, error]:
                self._runs[saga_id].undoing, self._runs[saga_id].error = undo, error
            case ["undid", saga_id, step]:
                undoing = self._runs[saga_id].undoing
                assert undoing is not None
                undoing.remove(step)
            case ["end", saga_id, outcome]:
                self._runs[saga_id].outcome = outcome
                self._ended.append(saga_id)
                if len(self._ended) > self._keep:
                    del self._runs[self._ended.popleft()]

    def _dump(self) -> Json:
        return {"runs": {saga_id: vars(run) for saga_id, run in self._runs.items()}, "ended": list(self._ended)}

    def _restore(self, state: Json) -> None:
        self._runs = {saga_id: Run(**run) for saga_id, run in state["runs"].items()}
        self._ended = deque(state["ended"])
