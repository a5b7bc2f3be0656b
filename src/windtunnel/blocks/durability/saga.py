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

An answer may be lost: then nobody knows whether the step was done. One that has a compensation is undone with the
others. One that has none (a pivot, the last step) is asked again under its key until that is known: it succeeds, or it
is `Refused`. To give up after some tries would be to undo the others and keep its effect.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal

from windtunnel.blocks.durability.write_ahead_log import Offload
from windtunnel.blocks.durability.write_ahead_log_state import DurableState, Json, copied, dumps
from windtunnel.blocks.ground.errors import Refused as Refused
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

    An action says that certainly nothing was done by raising `Refused`, or any error whose `outcome` is `"fail"`. After
    an attempt whose answer was lost that counts only from whoever knows the key: not from a breaker or a limiter in
    front of it (`Refused.this_call_only`), which has not asked.
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


class Interrupted(Exception):
    """An action was cancelled from inside, by nobody who runs the saga. Whether it was done is unknown."""

    outcome = "unknown"


class Sagas(DurableState):
    """Runs sagas and remembers them below `directory`. One process, the tasks of one loop.

    An action's error is retried as `retry` says; one that stays, and is not `Refused`, may have had its effect, so its
    step is compensated as well; see the module for one that cannot be. Compensations, and the steps after a pivot, are
    tried until they succeed, with `backoff` in between. The outcomes of the last `keep` sagas are remembered, so that
    `run` with a known id answers without doing anything. Ids are texts; inputs and results JSON, given out as copies.
    An action whose result is no JSON was done, and has failed: its step is undone. Where it cannot be, the saga goes on
    with `None` in its place, and says so in `.error`.
    """

    _kind = "sagas"

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
        known = list(sagas)
        self._sagas = {saga.name: saga for saga in known}
        if len(self._sagas) < len(known) or keep < 1:
            raise ValueError("Sagas must have different names, and keep be at least 1.")
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

        With an id that has begun before this joins or resumes that run; `ValueError` if it is of another saga, or of
        one that had other steps when it began. The saga does not stop when the caller is cancelled, only with `close`
        or the process.
        """
        if not isinstance(saga_id, str):
            raise ValueError(f"The id of a saga is text; got {saga_id!r}.")  # a number would come back as another id
        known = self._runs.get(saga_id)
        if saga not in self._sagas or (known is not None and known.saga != saga):
            raise ValueError(f"There is no saga {saga!r}, or {saga_id!r} is the id of another.")
        if known is not None:
            strange = {*known.results, *(known.undoing or ())} - {step.name for step in self._sagas[saga].steps}
            if strange and known.outcome is None:
                raise ValueError(f"{saga_id!r} has done steps that saga {saga!r} has no more: {sorted(strange)}.")
        else:
            dumps(value)
        if saga_id not in self._tasks:
            task = asyncio.ensure_future(self._carry_out(saga, saga_id, value))
            self._tasks[saga_id] = task
            task.add_done_callback(lambda task: self._forget(saga_id, task))
        run = await asyncio.shield(self._tasks[saga_id])
        undoing = None if run.undoing is None else [*run.undoing]
        return replace(run, input=copied(run.input), results=copied(run.results), undoing=undoing)

    async def resume(self) -> list[Run]:
        """Go on with all unfinished sagas, side by side; to be called after opening. One that cannot be gone on with
        (`ValueError`) does not stop the others."""
        runs = [self.run(self._runs[i].saga, i) for i in self.unfinished()]
        ended = await asyncio.gather(*runs, return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error
        return [run for run in ended if isinstance(run, Run)]

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
        in_doubt = saga_id in self._runs  # an earlier life may have tried the next step already
        if in_doubt:
            await self._settle()
        else:
            await self._commit([["begin", saga_id, name, value]])
        run = self._runs[saga_id]
        past_pivot = False
        for at, step in enumerate(steps):
            if run.undoing is not None or run.outcome is not None:
                break
            if step.name not in run.results:
                attempts = Attempts(step, in_doubt)
                context = Context(saga_id, copied(run.input), copied(run.results), f"{saga_id}/{step.name}")
                try:
                    result, lost = await self._act(attempts, context, past_pivot)
                except Exception as error:
                    done = steps[: at + 1] if attempts.in_doubt else steps[:at]
                    undo = [s.name for s in done if s.compensation is not None]
                    await self._commit([["fail", saga_id, undo, f"{step.name}: {error!r}"]])
                    break
                note = [["note", saga_id, f"{step.name}: {lost}"]] if lost else []
                await self._commit([["did", saga_id, step.name, result], *note])
                in_doubt = False
            past_pivot = past_pivot or step.pivot
        while run.undoing:
            step = next(step for step in steps if step.name == run.undoing[-1])
            assert step.compensation is not None
            context = Context(saga_id, copied(run.input), copied(run.results), f"{saga_id}/{step.name}/undo")
            await self._until_it_succeeds(Attempts(replace(step, action=step.compensation), False), context)
            await self._commit([["undid", saga_id, step.name]])
        if run.outcome is None:
            await self._commit([["end", saga_id, "done" if run.undoing is None else "undone"]])
        return run

    async def _act(self, attempts: Attempts, context: Context, past_pivot: bool) -> tuple[Json, str]:
        """The result of a step and, where that could not be stored, why; raises where the step has failed."""
        no_way_back = past_pivot or attempts.step.compensation is None
        if past_pivot:
            result = await self._until_it_succeeds(attempts, context)
        else:
            try:
                result = await self._retry.call(attempts, context)
            except Exception:
                if attempts.refused or not no_way_back:
                    raise
                result = await self._until_it_succeeds(attempts, context, or_is_refused=True)
        try:
            dumps(result)
        except ValueError as error:
            if not no_way_back:
                attempts.in_doubt = True
                raise
            return None, str(error)
        return result, ""

    async def _until_it_succeeds(self, attempts: Attempts, context: Context, *, or_is_refused: bool = False) -> Json:
        retry, wait_s = 0, 0.0
        while True:
            wait_s = self._backoff(retry, wait_s, self._random)
            try:
                return await attempts(context)
            except Exception:  # it has to happen; there is nobody to give up to
                if or_is_refused and attempts.refused:
                    raise
            await asyncio.sleep(wait_s)
            retry += 1

    def _apply(self, change: Json) -> None:
        match change:
            case ["begin", str(saga_id), name, value]:
                self._runs[saga_id] = Run(name, value)
            case ["did", saga_id, step, result]:
                self._runs[saga_id].results[step] = result
            case ["fail", saga_id, undo, error]:
                self._runs[saga_id].undoing, self._runs[saga_id].error = undo, error
            case ["undid", saga_id, step]:
                undoing = self._runs[saga_id].undoing
                assert undoing is not None
                undoing.remove(step)
            case ["note", saga_id, text]:
                self._runs[saga_id].error = "; ".join(filter(None, [self._runs[saga_id].error, text]))
            case ["end", saga_id, outcome]:
                self._runs[saga_id].outcome = outcome
                self._ended.append(saga_id)
                while len(self._ended) > self._keep:
                    del self._runs[self._ended.popleft()]
            case _:
                raise ValueError(f"There is no such change: {change!r}.")

    def _dump(self) -> Json:
        return {"runs": {saga_id: vars(run) for saga_id, run in self._runs.items()}, "ended": list(self._ended)}

    def _restore(self, state: Json) -> None:
        if Counter(state["ended"]).keys() - state["runs"].keys():
            raise ValueError("Sagas have ended that never began.")
        self._runs = {saga_id: Run(**run) for saga_id, run in state["runs"].items()}
        self._ended = deque(state["ended"])


class Attempts:
    """A step's action, and what its attempts so far have told. For one task.

    `in_doubt`: an attempt may have had its effect. `refused`: the last one said that nothing was done, by any of them.
    """

    def __init__(self, step: Step, in_doubt: bool) -> None:
        self.step = step
        self.in_doubt = in_doubt
        self.refused = False

    async def __call__(self, context: Context) -> Json:
        self.refused = False
        try:
            return await self.step.action(context)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self.in_doubt = True
            raise Interrupted(f"Step {self.step.name!r} was cancelled from inside.") from error
        except Exception as error:
            if getattr(error, "outcome", None) == "fail":
                self.refused = not self.in_doubt or not getattr(error, "this_call_only", False)
            else:
                self.in_doubt = True
            raise
