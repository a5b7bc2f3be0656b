"""Three layers before a database, each with a time limit and some attempts: the limits fight each other.

**Clarify.** Who waits at the other end, and for how long ({patience:.0f} s here)? May a call be made twice? Do layers
tell each other how much time is left? Which errors are worth another attempt, and who is to make it?

**Estimate.** Three layers of {attempts} attempts are {attempts}^{layers} = {most} at the database, for a request that
fails there whatever is done. The SRE book counts that way: three retries are four attempts. The Amazon Builders'
Library has five layers that retry three times, 3^5 = {amazon}: there three are all attempts. At load {load} a storm of
{most} is {storm:.0f} times what the database can do. Below a load of 1/{most} = {safe:.3f} no storm keeps it busy.

**Design.** Each layer comes with its default: a driver waits long, a gateway does not. The outer one gives up first,
and asks again while the inner ones still work for its first attempt. The proposal in a review is to order the limits,
so that each layer waits for all attempts of the one below. That needs {nested:.1f} s for a limit of {limit:.1f} s at
the database, and nobody waits so long: the user is one more layer, with the shortest limit of all. In whatever order,
all {most} attempts are made, since nobody says that the user has gone. A database that is slow for two seconds does not
come back in the four that follow, whether the limits are in the wrong order, all equal, or in the right one.

**Deep dive: how long a limit is.** {short} seconds of trouble are enough for that. Where the limits, and the user's
patience, outlast the trouble ({long:.0f} s and {waits:.0f} s), not one attempt is made twice.

**Deep dive: what order is good for.** Where one answer in ten gets lost, layers in the right order mend it with one
more attempt. In the wrong order every layer above asks again as well. At half of the usual load that is a waste; at the
usual load, and with equal limits, it is mostly enough to lose the database, with nothing else wrong. And the right
order mends only what is lost at the database: an answer that is lost higher up is missed for as long as all attempts
below it might take.

**Deep dive: a deadline that is passed on.** Every layer knows until when the user waits, and the database begins
nothing that would be late. It is back as soon as it is well. That bounds the time and not the number: a request that
fails soon is still tried by all layers until its user has gone. With one bad request in five the database makes more
than twice the attempts, and the good ones wait behind them; they are answered, for no request has two attempts at once.
So one layer alone may ask again. Next to the database it makes the fewest calls, and mends nothing that is lost above
it. At the outer end it mends both, and all layers work again for each attempt.

**Deep dive: a cancel.** Where whoever gives up says so, all the way down to the database, the wrong order is right: the
outer layer gives up first, takes back all that was begun for it, and asks again, as if it alone did. The order was
never the trouble, but the work that goes on for nobody. It may take longer than with a deadline to be back, for the
database still begins what will be late. Bad requests are still tried by all layers.

**Scale.** With one attempt everywhere the order of the limits makes no difference, and nothing is mended.

**Real processes** (`--stage machine`): a process for each layer and one for the database, which computes, and sockets
between them give the same verdicts, and {most} attempts counted at the last of them.

**Left open.** Errors that say whether another attempt makes sense, which would save the bad ones theirs; back-off and
budgets (retry-jitter, metastable-failure); cancels that get lost or come late; clocks that differ, for which one passes
on the time that is left and not the hour; what a layer holds for each call under way, a thread or a connection. The way
between the layers takes no time in the model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from random import Random
from typing import cast

from windtunnel import Ask, Chart, Experiment, Fault, Map, Op, Stage, Why, param, process, slow
from windtunnel.catalogue.scale.timeout_cascade.judging import (
    BACK,
    CLAIMS,
    DEMANDS,
    FAIL_S,
    FIGURES,
    LEFT,
    PATIENT,
    RUN_S,
    SOURCES,
    STAYS,
    STORM,
    TRIGGER_AT_S,
    WORK_S,
    answers,
    audit,
    measure,
)
from windtunnel.catalogue.scale.timeout_cascade.real import Chain
from windtunnel.sim import Crashed, Fifo, Job, Process, ServerDown, Simulator
from windtunnel.workload import poisson, requests


@dataclass(frozen=True)
class Params:
    """The load, the layers with what each of them does, and what goes wrong."""

    load: float = param(0.6, "share of the database that the requests need, each asked once", 0.02, 0.9)
    layers: int = param(3, "layers that call each other; the last one calls the database", 1, 5)
    attempts: int = param(4, "attempts of a layer that asks again", 1, 4)
    limit_s: float = param(0.2, "seconds that one attempt at the database may take; serving takes 0.025", 0.1, 1.0)
    patience_s: float = param(1.0, "seconds after which the user has gone", 0.5, 10.0)
    trigger_s: float = param(2.0, "seconds for which the database has a tenth of its speed", 0.0, 3.0)
    bad: float = param(0.0, "share of the requests that fail at the database, after a fifth of the work", 0.0, 1.0)
    lost: float = param(0.0, "share of the database's answers that get lost", 0.0, 0.3)
    lost_above: float = param(0.0, "share of the answers that get lost between two layers", 0.0, 0.3)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`ask(work_s, good)`: Poisson arrivals; who is not good fails at the database, after a fifth of the work."""
    times = poisson(p.load / WORK_S, luck, until_s=RUN_S)
    return requests(times, "ask", lambda _: (WORK_S, True) if luck.random() >= p.bad else (FAIL_S, False))


def faults(p: Params) -> Sequence[Fault]:
    """The database loses nine tenths of its speed for a while."""
    return (slow("database", to=LEFT, at_s=TRIGGER_AT_S, for_s=p.trigger_s),)


class GaveUp(ConnectionError):
    """An answer, and it says that no attempt went well; what those did that nobody heard of, it does not know."""


class OuterShorter:
    """Every layer asks again, and the nearer to the database the longer it waits: the outer ones give up first."""

    takes_back = False
    """Whether who gives up says so."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.stage, self.p = stage, p
        self.calls = self.queries = self.late = 0
        self.real = None if stage.name == "sim" else Chain(stage, p, self)
        self.sim = cast("Simulator", stage.sim if self.real is None else None)  # real processes ask for none
        if self.real is None:
            self.database = stage.server("database", discipline=Fifo())

    def start(self) -> Awaitable[None] | None:
        """Connect to the processes, where there are any."""
        return None if self.real is None else self.real.start()

    def limit_s(self, layer: int) -> float:
        """How long this layer waits for an attempt; layers count from 1, the outermost."""
        return self.p.limit_s * 2.0 ** (layer - 1)

    def attempts(self, layer: int) -> int:
        """How often this layer asks the next one."""
        return self.p.attempts

    def until_s(self, gone_s: float) -> float:
        """Until when the layers work for a user who has gone then: they do not know it."""
        return inf

    @process
    async def ask(self, work_s: float, good: bool) -> None:
        if self.real is not None:
            well = await self.real.ask(work_s, good)
        else:
            gone_s = self.sim.now + self.p.patience_s
            answer = self.sim.spawn(self.layer(1, work_s, good, gone_s))
            if not await answer.within(self.p.patience_s):
                self.give_up(answer)
                raise TimeoutError
            well = answer.result()
        if not well:
            raise GaveUp

    async def layer(self, layer: int, work_s: float, good: bool, gone_s: float) -> bool:
        """Ask the next layer, or the database, until it answers well; whether it did."""
        for _ in range(self.attempts(layer)):
            wait_s = min(self.limit_s(layer), self.until_s(gone_s) - self.sim.now)
            if wait_s <= 0:
                break
            self.calls += 1
            if await self.attempt(layer, work_s, good, gone_s, wait_s):
                return True
        return False

    async def attempt(self, layer: int, work_s: float, good: bool, gone_s: float, wait_s: float) -> bool:
        """One attempt: whether it was answered well, within that time."""
        last = layer == self.p.layers
        answer = (
            self.query(work_s, gone_s, wait_s) if last else self.sim.spawn(self.layer(layer + 1, work_s, good, gone_s))
        )
        heard = False
        try:
            heard = answer is not None and await self.heard(answer, self.p.lost if last else self.p.lost_above, wait_s)
        finally:
            if answer is not None and not heard:
                self.give_up(answer)
        if answer is None or not heard:
            return False
        return good and answer.exception() is None if isinstance(answer, Job) else answer.result()

    async def heard(self, answer: Process[bool] | Job, lost: float, wait_s: float) -> bool:
        """Wait for an answer, which may get lost on the way; whether there was one."""
        if lost and self.stage.luck("answers").random() < lost:
            await self.sim.sleep(wait_s)
            return False
        return await answer.within(wait_s)

    def give_up(self, answer: Process[bool] | Job) -> None:
        """Nobody waits for this answer any more; whether who works for it is told so, the design says."""
        if not self.takes_back:
            return
        if isinstance(answer, Job):
            answer.withdraw()
        else:
            answer.cancel()

    def query(self, work_s: float, gone_s: float, wait_s: float) -> Job | None:
        """Send work to the database; None where it is down."""
        now = self.sim.now
        self.queries += 1
        self.late += now >= gone_s
        until = self.until_s(min(gone_s, now + wait_s)) - work_s
        try:
            return self.database.serve(work_s, deadline=until if until < inf else None)
        except (ServerDown, Crashed):  # unclaimed: servers die in a grade only
            return None

    def report(self) -> Mapping[str, object] | Awaitable[Mapping[str, object]]:
        found = {"queries": self.queries, "late": self.late, "calls": self.calls}
        return found if self.real is None else self.real.report()


class Equal(OuterShorter):
    """Every layer asks again, and all wait equally long: the default of a library."""

    def limit_s(self, layer: int) -> float:
        return self.p.limit_s


class Nested(OuterShorter):
    """Every layer asks again, and waits for all attempts of the one below: the right order."""

    def limit_s(self, layer: int) -> float:
        return self.p.limit_s * float(self.p.attempts) ** (self.p.layers - layer)


class Cancelled(OuterShorter):
    """The wrong order, but who gives up says so: the layers below stop, and the database forgets the attempt."""

    takes_back = True


class DeadlinePassed(Nested):
    """The right order, and all know when the user goes: nobody asks for him then, or begins what would be late."""

    def until_s(self, gone_s: float) -> float:
        return gone_s


class NearestOnly(DeadlinePassed):
    """The deadline is passed on, and only the layer next to the database asks again."""

    def attempts(self, layer: int) -> int:
        return self.p.attempts if layer == self.p.layers else 1


class OutermostOnly(DeadlinePassed):
    """The deadline is passed on, and only the outermost layer asks again; one limit holds for the whole chain."""

    def limit_s(self, layer: int) -> float:
        return self.p.limit_s

    def attempts(self, layer: int) -> int:
        return self.p.attempts if layer == 1 else 1


__doc__ = (__doc__ or "").format(
    patience=Params.patience_s,
    attempts=Params.attempts,
    layers=Params.layers,
    most=Params.attempts**Params.layers,
    amazon=3**5,
    load=Params.load,
    storm=Params.load * Params.attempts**Params.layers,
    safe=1 / Params.attempts**Params.layers,
    long=PATIENT["limit_s"],
    waits=PATIENT["patience_s"],
    short=PATIENT["trigger_s"],
    nested=Params.limit_s * Params.attempts**Params.layers,
    limit=Params.limit_s,
)

experiment = Experiment(
    title="Timeout cascade",
    question="Three layers each have a time limit and ask again: which limits, and who may ask again?",
    params=Params,
    workload=workload,
    designs={
        "outer_shorter": OuterShorter,
        "equal": Equal,
        "nested": Nested,
        "cancelled": Cancelled,
        "deadline_passed": DeadlinePassed,
        "nearest_only": NearestOnly,
        "outermost_only": OutermostOnly,
    },
    stages=("sim", "machine"),
    measure=measure,
    audit=audit,
    faults=faults,
    warmup_s=lambda p: 0.0,
    charts=(Chart("Answers", "second", "answers per second", answers),),
    asks=(
        Ask(
            "The database is slow for two seconds; users wait for one. How many attempts reach it for each request?",
            "outer_shorter.attempts_each",
            "attempts",
            1,
            1000,
            log=True,
        ),
        Ask(
            "The limits are in the right order. Which share is answered when the database is well again?",
            "nested.answered_end",
            "of the requests",
            0,
            1,
        ),
    ),
    why=(
        Why("All attempts of all layers are made, whoever has given up meanwhile.", STORM),
        Why("A slow database makes users go, and the work for who has gone keeps it slow.", STAYS),
        Why("Work that nobody waits for is not begun.", BACK),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    maps=(Map(STAYS, "load", "trigger_s", line="load * attempts**layers < 1"),),
    hints=(
        "One request fails at the database. Count who asks again, and who asks again for whom.",
        "The user has gone. Who knows that, and what does the database still do for him?",
        "Pass on until when the user waits, and let one layer alone ask again. Which one can mend all that gets lost?",
    ),
    sources=SOURCES,
    ends_s=lambda p: RUN_S + 2 * p.patience_s,
    seeds=6,
    quick={"layers": 2},
)
