"""An order in three steps over three services, all or nothing, by a coordinator that writes down what it will do.

The coordinator notes each step in its log before it takes it. A step that is refused, or a restart in the middle, ends
the order: every step that may have been taken is undone. Services do a step of an order once, undo it once, and do not
do it any more after it was undone, since the order to undo may overtake the one to do (the empty compensation).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from windtunnel.blocks.ground import Refused
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.history import History, Op
from windtunnel.lab.params import param
from windtunnel.lab.stage import Stage
from windtunnel.parts import Journal, Peer, quiet
from windtunnel.sim.kernel import Process, process

STEPS = ("stock", "payment", "shipping")


@dataclass(frozen=True)
class Params:
    orders: int = param(10, "orders", 1)
    every_s: float = param(0.005, "seconds between orders, mean", 0)
    refused: float = param(0.3, "share of orders that shipping refuses", 0, 1)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`order(number, refused)`."""
    at = 0.0
    for number in range(p.orders):
        at += luck.expovariate(1 / p.every_s)
        yield Op(at, f"buyer {number % 3}", "order", (number, luck.random() < p.refused))


class Service(Peer):
    """One step: does it once, undoes it once."""

    def boot(self) -> None:
        self.journal = Journal(self.host)
        self.effects: dict[int, int] = {}
        self.known: dict[tuple[str, int], bool] = {}
        for what, order, effect in self.journal.records():
            self.note(what, order, effect)

    def note(self, what: str, order: int, effect: int) -> None:
        self.known[what, order] = True
        self.effects[order] = self.effects.get(order, 0) + effect

    def record(self, what: str, order: int, effect: int) -> None:
        self.note(what, order, effect)
        self.journal.append((what, order, effect))

    async def do(self, order: int, refused: bool) -> bool:
        """Take the step. False: refused, nothing was done."""
        if refused or self.was_undone(order):
            return False
        if not self.repeats("do", order):
            self.record("do", order, 1)
        await self.journal.sync()  # also for who asks again: the first one's sync may not be over
        return True

    async def undo(self, order: int) -> bool:
        """Take it back if it was taken, and see to it that it never is."""
        if not self.repeats("undo", order):
            self.record("undo", order, -1 if ("do", order) in self.known else 0)
        await self.journal.sync()
        return True

    def was_undone(self, order: int) -> bool:
        return ("undo", order) in self.known

    def repeats(self, what: str, order: int) -> bool:
        """Whether this was asked for before."""
        return (what, order) in self.known


class Coordinator(Peer):
    """Takes the steps, or takes them back."""

    def __init__(self, stage: Stage, services: list[Service]) -> None:
        super().__init__(stage, "coordinator")
        self.services = services

    def boot(self) -> None:
        self.log = Journal(self.host)
        begun: dict[int, int] = {}
        ended: set[int] = set()
        for what, order, step in self.log.records():
            if what == "step":
                begun[order] = step + 1
            else:
                ended.add(order)
        for order, steps in begun.items():
            if order not in ended:
                self.background(self.undo(order, steps))

    async def order(self, order: int, refused: bool) -> bool:
        """Whether all of it was done; if not, none of it was."""
        for step in range(len(self.services)):
            if not await self.step(step, order, refused):
                return False
        await self.log.keep(("done", order, 0))
        return True

    async def step(self, step: int, order: int, refused: bool) -> bool:
        """Take one step; where it fails undo what may have been done."""
        await self.log.keep(("step", order, step))
        try:
            taken = await self.take(step, order, refused)
        except TimeoutError:
            taken = False
        if not taken:
            await self.undo(order, step + 1)
        return taken

    async def take(self, step: int, order: int, refused: bool) -> bool:
        last = step == len(self.services) - 1
        return bool(await self.insist(self.services[step], "do", order, refused and last, tries=3))

    async def undo(self, order: int, steps: int) -> None:
        for service in reversed(self.services[:steps]):
            await self.insist(service, "undo", order)
        await self.log.keep(("undone", order, 0))


class LogThenStep:
    """Log, then step; undo all that may have been done, until it is."""

    service: type[Service] = Service
    coordinator_kind: type[Coordinator] = Coordinator

    def __init__(self, stage: Stage, p: Params) -> None:
        self.p = p
        self.sim = stage.sim
        self.services = [self.service(stage, name) for name in STEPS]
        self.coordinator = self.coordinator_kind(stage, self.services)

    def order(self, number: int, refused: bool) -> Process[None]:
        return self.coordinator.work(self._order(number, refused))

    async def _order(self, number: int, refused: bool) -> None:
        if not await self.coordinator.order(number, refused):
            raise Refused

    @process
    async def report(self) -> Mapping[str, Any]:
        """What every service has of every order, once all that was begun has ended."""
        await quiet([self.coordinator, *self.services])
        return {"effects": {n: [s.effects.get(n, 0) for s in self.services] for n in range(self.p.orders)}}


class RepeatedUndo(Service):
    async def undo(self, order: int) -> bool:
        self.record("undo", order, -1 if ("do", order) in self.known else 0)
        await self.journal.sync()
        return True


class UndoTwice(LogThenStep):
    """A compensation that is asked for again, since its answer was lost, is carried out again."""

    service = RepeatedUndo


class RepeatedDo(Service):
    async def do(self, order: int, refused: bool) -> bool:
        if refused or self.was_undone(order):
            return False
        self.record("do", order, 1)
        await self.journal.sync()
        return True


class DoTwice(LogThenStep):
    """A step that is tried again is carried out again."""

    service = RepeatedDo


class LateLog(Coordinator):
    async def step(self, step: int, order: int, refused: bool) -> bool:
        try:
            taken = await self.take(step, order, refused)
        except TimeoutError:
            taken = False
        await self.log.keep(("step", order, step))
        if not taken:
            await self.undo(order, step + 1)
        return taken


class StepThenLog(LogThenStep):
    """Writes a step down after it was taken: a crash in between forgets it."""

    coordinator_kind = LateLog


class Forgiving(Service):
    def was_undone(self, order: int) -> bool:
        return False


class UndoOvertakes(LogThenStep):
    """A service forgets that a step was undone: a late order to do it is carried out after all."""

    service = Forgiving


class Optimist(Coordinator):
    async def step(self, step: int, order: int, refused: bool) -> bool:
        await self.log.keep(("step", order, step))
        try:
            taken = await self.take(step, order, refused)
        except TimeoutError:
            taken = False
        if not taken:
            await self.undo(order, step)
        return taken


class TimeoutIsFailure(LogThenStep):
    """Takes no answer for "not done", and undoes only the steps before."""

    coordinator_kind = Optimist


def measure(history: History, p: Params) -> Mapping[str, float]:
    """Orders that are done in part, or more than once, or other than the buyer was told."""
    effects: dict[int, list[int]] = history.facts["effects"]
    whole, nothing = [1] * len(STEPS), [0] * len(STEPS)
    told = {e.args[0]: whole if e.outcome == "ok" else nothing for e in history if e.outcome != "unknown"}
    return {
        "torn": sum(found not in (whole, nothing) for found in effects.values()),
        "lies": sum(effects[order] != promised for order, promised in told.items()),
    }


experiment = Experiment(
    title="Saga",
    question="Is an order ever done by half?",
    params=Params,
    workload=workload,
    designs={
        "undo_twice": UndoTwice,
        "do_twice": DoTwice,
        "step_then_log": StepThenLog,
        "undo_overtakes": UndoOvertakes,
        "timeout_is_failure": TimeoutIsFailure,
        "correct": LogThenStep,
    },
    claims=(),
    measure=measure,
    demands=(
        Claim("yours.torn == 0", "All of an order, or nothing.", always=True),
        Claim("yours.lies == 0", "The buyer was told which.", always=True),
        Claim("yours.ok + yours.fail == params.orders", "Every order ends."),
    ),
)
