"""A service calls two others. One of them hangs, or one shard of it does, and every call to it holds a thread.

**Clarify.** Does a failure take time, or is it an error at once, which holds no thread? What do calls to the two share:
threads, connections, memory? Does all of a dependency fail, or a part? Does the caller know the parts?

**Estimate.** {rate:.0f} calls a second that hang for {limit:.0f} s hold {hung:.0f} threads, and there are {threads}. A
pool for which nobody waits then refuses {loss:.2f} of all calls, by Erlang's formula, those to the other dependency
too. With a limit of 30 s ten threads get through a third of a call a second; with one of 0.1 s only two are held.

**Design.** Time limits alone do where a tenth of the calls hangs, and where they are short: with a limit of ten times
what an answer takes, one pool answers nearly everybody who can be answered. Where good answers can be slow there is no
such limit. "Five failures in a row" helps where all fail, and hardly ever come about where a tenth does; every five
seconds everybody is let through until the next has failed, and the pool is full again for a second. A pool for each
dependency (a bulkhead) keeps the other one answered whatever hangs and however long. No circuit is needed for that.

**Deep dive: what a circuit saves.** Hystrix opens its circuit when half of at least 20 calls in 10 s were errors. Where
all fail that takes half of the window. Then one call in six seconds is made instead of five a second, and the others
are told at once. This is what it saves: calls, and waiting. Its price comes later: it sleeps on when the dependency is
well again, for five seconds and a time limit at most; not at all if a probe waits just then, which is chance. A limit
that adapts has no such price; where a time limit is 30 s it has learnt nothing for 30 s.

**Deep dive: a part fails.** 40 % of the calls hang, and the threshold is 50 %. The circuit opens: a pool that is full
of hanging calls refuses good ones, and Hystrix counts refusals as errors, so that half are errors where {same:.0%}
hang. Then the circuit refuses most calls to the nine healthy shards, and the threads that it saves are for just these
calls. All in all fewer are answered than with time limits alone. A circuit that is open all along is even with them
where {even:.0%} hang, and this one a little below, since it answers some before it opens; above, one pool loses more of
the other dependency. At a tenth the circuit stays closed; with a threshold of a twentieth it opens, and most calls
fail. A circuit over several shards makes a partial failure a total one.

**Deep dive: know the shards.** A circuit for each shard cuts off the sick one alone, once half of its window is over;
until then that shard has the pool. Two calls at a time to each shard keep it out from the first second, without a
threshold. Five sick shards, two calls each, fill the pool all the same. There circuits help, though those of healthy
shards open as well, for refusals. So have both. A shard with few calls never shows 20 of them in 10 s, and its circuit
stays closed; the limit does not depend on that.

**Real systems.** The numbers are Hystrix' defaults, but for the pools: by default each has ten threads. The circuit is
that of its main branch; its last release, 1.5.18, has an older one, whose five seconds count from when a probe begins,
and which any answer closes. Hystrix is in maintenance mode, and its README says that Netflix' focus has shifted to
adaptive limits. Brooker warns of the partial failure, and says what a circuit for each shard costs: clients then know
what they should not have to know.

**Real processes** (`--stage machine`): the same designs before a process for each server, behind relays that hold the
calls to the sick ones, give the same verdicts.

**Left open.** Pools with a queue; fallbacks; errors that come at once; calls that fail now and then by themselves
(without them a circuit for each shard that opens at the first failure would answer most); threads that a time limit
does not free; a dependency that needs calm to get well; callers that tell each other. Hystrix looks at its counts every
half second, the circuit here at each call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from random import Random
from typing import Any, Protocol

from windtunnel import Ask, Chart, Experiment, Fault, Map, Op, Stage, Why, param, pause, process
from windtunnel.blocks.resilience import AdaptiveLimiter, Aimd, Bulkhead, CircuitBreaker
from windtunnel.catalogue.scale.circuit_breaker.judging import (
    CLAIMS,
    DEMANDS,
    EVEN,
    EVENS,
    FIGURES,
    GUARDED,
    MADE_TOTAL,
    NEAR,
    PART,
    SOURCES,
    WELL_S,
    WORK_S,
    WORKERS,
    WORSE,
    answers,
    audit,
    half_are_errors,
    held_threads,
    lost_by_a_pool,
    measure,
    run_s,
    sick,
    sick_share,
)
from windtunnel.catalogue.scale.circuit_breaker.real import RealServer
from windtunnel.sim import FifoServer
from windtunnel.workload import lognormal, poisson, requests

IN_A_ROW, CLOSED_AGAIN_S = 5, 5.0
"""What an interviewee says: five failures in a row, and five seconds, which is also Hystrix' sleep window."""
A_SHARD = 2
"""Calls that may be under way to one shard: twice what a healthy one needs, and more."""

Call = Callable[..., Awaitable[Any]]
Server = FifoServer | RealServer


class Guarding(Protocol):
    """What a call goes through."""

    def call(self, function: Call, *args: Any) -> Awaitable[Any]: ...


@dataclass(frozen=True)
class Params:
    """Who calls, with how many threads, how patiently, and how much of one dependency hangs."""

    rate: float = param(20.0, "calls a second to each of the two dependencies", 5.0, 60.0)
    threads: int = param(10, "threads of the caller; each carries one call at a time", 4, 40)
    timeout_s: float = param(1.0, "seconds that a call waits for its answer", 0.05, 30.0)
    shards: int = param(10, "shards of the second dependency", 1, 20)
    sick: int = param(1, "shards of it that hang for a while", 0, 20)
    share: float = param(0.4, "share of its calls that go to those; all, if no other shard is left", 0.0, 0.9)
    threshold: float = param(0.5, "share of errors at which a circuit opens", 0.05, 1.0)
    down_s: float = param(20.0, "seconds for which they hang", 10.0, 120.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`near(work_s)` asks the first dependency, `far(shard, work_s)` the second: two Poisson streams."""

    def shard() -> int:
        hangs = luck.random() < sick_share(p)
        return luck.randrange(sick(p)) if hangs else luck.randrange(sick(p), p.shards)

    def work_s() -> float:
        return lognormal(WORK_S, 0.5, luck)

    one = requests(poisson(p.rate, luck, until_s=run_s(p)), "near", lambda _: (work_s(),))
    other = requests(poisson(p.rate, luck, until_s=run_s(p)), "far", lambda _: (shard(), work_s()))
    return chain(one, other)


def faults(p: Params) -> Sequence[Fault]:
    """Some shards stand still for a while."""
    return tuple(pause(f"shard {i}", at_s=WELL_S, for_s=p.down_s) for i in range(sick(p)))


class TimeLimits:
    """A time limit for each call, and one pool of threads for all; who finds none free is refused."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.p = p
        self.sim = stage.sim if stage.name == "sim" else None
        self.clock, self.zero_s = stage.clock, 0.0
        self.real: list[RealServer] = []
        self.first = self.server(stage, "first")
        self.shards = [self.server(stage, f"shard {i}") for i in range(p.shards)]
        self.changes: list[tuple[float, str]] = []
        self.first_guards: Sequence[Guarding]
        self.shard_guards: Sequence[Sequence[Guarding]]
        self.guard()

    def server(self, stage: Stage, name: str) -> Server:
        """One of those that are called: a process of its own where the stage is real."""
        if stage.name == "sim":
            return stage.server(name, workers=WORKERS)
        self.real.append(RealServer(stage, name))
        return self.real[-1]

    def start(self) -> Awaitable[None] | None:
        """Connect to the processes, where there are any."""
        return self.connect() if self.real else None

    async def connect(self) -> None:
        """The first call may come right after that."""
        for server in self.real:
            await server.program.connect()
        self.zero_s = self.clock()

    def now_s(self) -> float:
        """Seconds since the first call might come."""
        return self.clock() - self.zero_s

    def guard(self) -> None:
        """Put guards before the calls, the outermost first."""
        pool = Bulkhead(self.p.threads)
        self.first_guards, self.shard_guards = [pool], [[pool]] * self.p.shards

    @process
    async def near(self, work_s: float) -> None:
        await self.through(self.first_guards, self.first, work_s)

    @process
    async def far(self, shard: int, work_s: float) -> None:
        await self.through(self.shard_guards[shard], self.shards[shard], work_s)

    async def through(self, guards: Sequence[Guarding], server: Server, work_s: float) -> None:
        first, *others = (guard.call for guard in guards)
        await first(*others, self.ask, server, work_s)

    async def ask(self, server: Server, work_s: float) -> None:
        """One call. Raises TimeoutError; the server, which does not know, works on."""
        if not await server.submit(work_s).within(self.p.timeout_s):
            raise TimeoutError

    def breaker(self) -> CircuitBreaker:
        """As Hystrix has it: 20 calls in 10 s, 5 s of sleep, one probe; a refusal by a full pool is an error too."""

        def changed(_: Any, new: Any) -> None:
            self.changes.append((self.now_s(), new.value))

        return CircuitBreaker(error_rate=self.p.threshold, on_change=changed)

    def report(self) -> Mapping[str, object]:
        return {"changes": self.changes}


class Tripped(Exception):
    """The circuit is open."""

    outcome = "fail"


class Counter:
    """Opens after five failures in a row, and lets everybody through once five seconds are over."""

    failures = 0
    until_s = 0.0

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now

    async def call(self, function: Call, *args: Any) -> None:
        if self.now() < self.until_s:
            raise Tripped
        try:
            await function(*args)
        except TimeoutError:
            self.failures += 1
            if self.failures >= IN_A_ROW:
                self.until_s = self.now() + CLOSED_AGAIN_S
            raise
        self.failures = 0


class InARow(TimeLimits):
    """One pool, and a circuit that five failures in a row open for five seconds; one success resets the count."""

    def guard(self) -> None:
        pool, counter = Bulkhead(self.p.threads), Counter(self.now_s)
        self.first_guards, self.shard_guards = [pool], [[counter, pool]] * self.p.shards


class Pools(TimeLimits):
    """Each dependency has half of the threads to itself: a bulkhead, and no circuit."""

    def guard(self) -> None:
        half = self.p.threads // 2
        self.first_guards, pool = [Bulkhead(self.p.threads - half)], Bulkhead(half)
        self.shard_guards = [[*self.before(), pool] for _ in range(self.p.shards)]

    def before(self) -> Sequence[Guarding]:
        """What stands before the pool, for one shard."""
        return ()


class Hystrix(Pools):
    """Pools, and one circuit for the whole dependency: a rolling error rate, a sleep window, one probe."""

    def guard(self) -> None:
        self.circuit = self.breaker()
        super().guard()

    def before(self) -> Sequence[Guarding]:
        return [self.circuit]


class Adaptive(TimeLimits):
    """One pool, and a limit for the dependency that grows with answers and shrinks by a tenth with each timeout."""

    def guard(self) -> None:
        pool, most = Bulkhead(self.p.threads), self.p.threads
        limit = AdaptiveLimiter(Aimd(initial=most, most=most))
        self.first_guards, self.shard_guards = [pool], [[limit, pool]] * self.p.shards


class ShardBreakers(Pools):
    """Pools, and a circuit for each shard."""

    def before(self) -> Sequence[Guarding]:
        return [self.breaker()]


class ShardLimits(Pools):
    """Pools, and two calls at a time to each shard; no circuit."""

    def before(self) -> Sequence[Guarding]:
        return [Bulkhead(A_SHARD)]


class BreakersAndLimits(Pools):
    """Pools, and for each shard a circuit, behind it two calls at a time."""

    def before(self) -> Sequence[Guarding]:
        return [self.breaker(), Bulkhead(A_SHARD)]


SAID = Params()
__doc__ = (__doc__ or "").format(
    rate=SAID.rate,
    limit=SAID.timeout_s,
    hung=SAID.rate * SAID.timeout_s,
    threads=SAID.threads,
    loss=lost_by_a_pool(SAID.rate, 2 * SAID.rate, SAID.threads),
    same=half_are_errors(SAID.rate, SAID.threads),
    even=EVEN,
)

experiment = Experiment(
    title="Circuit breaker",
    question="When one dependency hangs, what does a circuit breaker save that time limits and pools do not?",
    params=Params,
    workload=workload,
    designs={
        "time_limits": TimeLimits,
        "in_a_row": InARow,
        "pools": Pools,
        "hystrix": Hystrix,
        "adaptive": Adaptive,
        "shard_breakers": ShardBreakers,
        "shard_limits": ShardLimits,
        "both": BreakersAndLimits,
    },
    stages=("sim", "machine"),
    faults=faults,
    measure=measure,
    audit=audit,
    seeds=6,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Who could be answered, and was", "second", "answers a second, sick shards left out", answers),
        Chart("Threads", "held", "threads held while some shards hang, mean", held_threads, kind="bars"),
    ),
    asks=(
        Ask(
            "One of ten shards hangs, with 40 % of the calls. How many of 100 to the others are answered with Hystrix?",
            "100 * hystrix.far",
            "of 100",
            0,
            100,
        ),
        Ask("And pools alone, without a circuit?", "100 * pools.far", "of 100", 0, 100),
        Ask(
            "Of 100 calls to the other dependency, how many do time limits alone lose?",
            "100 * (1 - time_limits.near)",
            "of 100",
            0,
            100,
        ),
    ),
    why=(
        Why("Threads wait for what hangs, and whoever comes finds none free.", NEAR),
        Why("A pool that is full of hanging calls refuses the good ones, and refusals are errors.", MADE_TOTAL),
        Why("What threads a circuit saves it saves for calls that it refuses itself.", WORSE),
        Why("A limit for each shard lets none of them have the pool.", GUARDED),
    ),
    maps=(
        Map(
            EVENS,
            "share",
            "timeout_s",
            (0.05, 0.9),
            (0.1, 4.0),
            line="share * (1 + rate * timeout_s / threads) > 2",
            given={**PART, "down_s": 60.0},
        ),
        Map(EVENS, "share", x_range=(0.3, 0.85), line=f"share > {EVEN:.3f}", given={**PART, "down_s": 60.0}),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "Twenty calls a second hang for one second each. How many threads do they hold?",
        "Who gets the thread that an open circuit saves, if the dependency has a pool of its own?",
        "Which calls does a full pool refuse, and who counts that as an error of whom?",
    ),
    sources=SOURCES,
)
