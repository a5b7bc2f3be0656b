"""A request asks many servers and waits for the slowest of them, and every server is slow now and then.

**Clarify.** How many calls does a request make? Is a slow call bad luck of the call (another copy would be fast), is it
the queue that it stands in, or the work itself (then no copy helps, and nothing here does)? May a call be made twice?
Can a server take back what it has not begun, or break off what it has? How busy are the servers?

**Estimate.** With {fan_out} calls a request is as fast as a server's p99 only if all are: in {all_fast:.1%} of the
cases. So the median user waits longer than the p99 of the server, and would from {edge_99:.0f} calls on. With
{slow:.0%} of slow calls the median request meets one from {edge:.0f} calls on; below, waiting for all is good enough
for the median. A copy of each call that is late at {delay_ms:.0f} ms costs {slow:.0%} more calls.

**Design.** Time out and ask again is the answer that one mostly hears. It helps, and throws away an answer that may be
on its way: a hedge makes the same copies and takes whichever answer comes first. After the p95 instead of 10 ms it
costs 5 % more calls, and is sooner there for the median too.

**Deep dive: queues.** A copy is work. If nobody takes it back, the hedge makes queues longer, longer queues make more
calls late, and late calls are copied. At some load the tail with hedges is worse than without, and beyond it the
service collapses: a fixed delay, which was rare when it was chosen, is then what most calls take. Of calls with
exponential work that are copied at once, and queues that do not know of each other, the edge can be reckoned: both ways
the time is exponential, at a rate of 1 - ρ without and 2 (1 - 2ρ) with copies, so it lies at a load of one third for
every percentile. With copies after {delay_ms:.0f} ms the same model says {turn:.2f} for the p99.9. Where nothing queues
there is no edge at all: a copy never makes an answer later. Where queues know of each other `windtunnel map
tail-at-scale --over load` searches it on each seed, and results/maps keeps what was found. Timing out, which wastes
more, hurts at loads where the hedge still helps.

**Deep dive: limits.** A delay that follows the p95 and a token bucket of 5 % both keep the copies few at a load of 0.6.
While servers have time the p95 does more for hardly more copies: it copies the latest calls, a bucket those that come
while there are tokens. But only the bucket is a limit. At a load of 0.9 the queues grow faster than the last thousand
requests tell, most calls are later than that p95, and the hedge that follows it collapses too.

**Deep dive: taking back.** Two copies that know of each other stand in two queues, and the one that begins takes the
other back. Such ties cost messages and no work, and help where the servers are busy, and where a hedge alone is a
collapse. They do nothing against a call that is slow once it has begun: there a hedge is needed beside them. If servers
can break off what they have begun, a hedge whose loser is broken off is enough. It costs no work, and saves some where
what is slow is broken off; it stays up, and has the shorter tail where a few calls are slow. Ties keep the better
median where servers are busy.

**Real systems.** In BigTable, 1,000 keys on 100 servers, a hedge after 10 ms took the p99.9 from 1,800 to 74 ms for 2 %
more requests. The law of the calls here was fitted to these two numbers: it shows what such a tail has to look like,
and confirms nothing. The rest was not fitted.

**Left open.** More than one copy, answers that are good enough without the last call, copies that cost as much as the
first because the work itself is long, messages that take time to take a copy back, clients that ask less when all is
slow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, log
from random import Random
from typing import Any, TypeGuard

from windtunnel import Ask, Chart, Experiment, Map, Stage, Why, param, process
from windtunnel.blocks.resilience import Budget, Quantile
from windtunnel.catalogue.scale.tail_at_scale import measures
from windtunnel.catalogue.scale.tail_at_scale.claims import (
    CALMER,
    CLAIMS,
    DEMANDS,
    FIGURES,
    LONG_QUEUES,
    MEDIAN,
    MENDED,
    SOURCES,
    TURNS,
)
from windtunnel.catalogue.scale.tail_at_scale.measures import (
    P99,
    SLOW,
    audit,
    measure,
    slower,
    workload,
)
from windtunnel.sim import Drop, Fifo, FifoServer, Job, Server, Signal

CAP = 0.05
"""Copies that the p95 and the token bucket allow, as a share of the calls."""

Answer = Signal[Any]


@dataclass(frozen=True)
class Params:
    fan_out: int = param(100, "calls that a request makes; with load, one to a server at most", 1, 100)
    delay_ms: float = param(10.0, "milliseconds after which a call is late", 0.0, 100.0)
    law: str = param(
        "stragglers", "what calls take: 2 % of them up to 2 s, or exponential", choices=("stragglers", "exponential")
    )
    load: float = param(0.0, "share of the servers' time that calls need, each made once; 0: no queues", 0.0, 0.9)
    servers: int = param(8, "servers, each with one queue, where there is load", 2, 12)
    count: int = param(2000, "requests", 1000, 10000)


class Wait:
    """Make each call once and wait for all of them."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.sim, self.stage, self.p = stage.sim, stage, p
        self.servers = [self.serving(stage, f"server {i}") for i in range(p.servers)] if p.load else []
        self.copies = 0

    def serving(self, stage: Stage, name: str) -> FifoServer | Server:
        return stage.server(name)

    def delay_s(self) -> float:
        """When a call counts as late."""
        return inf

    def either_s(self, first_s: float, copy_s: float) -> float:
        """When a late call is answered whose copy takes `copy_s`; where nothing queues."""
        raise NotImplementedError

    def heard(self, first: Answer, copy: Answer) -> Sequence[Answer]:
        """Whose answer is taken once there is a copy."""
        return first, copy

    def learn(self, took_s: float) -> None:
        """What one of the request's calls took, not the slowest but any."""

    def begins(self) -> None:
        """A request has come."""

    def may(self) -> bool:
        """Whether a late call is copied."""
        return True

    @process
    async def ask(self, calls: Sequence[measures.Call]) -> int:
        """How many answers were taken."""
        self.begins()
        if calls:
            return await Gathering(self, calls).answers()
        await self.sim.sleep(self.alone_s(self.stage.luck("calls")))
        return measures.calls_of(self.p)

    def alone_s(self, luck: Random) -> float:
        """When the last is answered where nothing queues: calls are drawn from the slowest on, until one is in time."""
        delay_s, last_s, rest = self.delay_s(), 0.0, 1.0
        self.learn(measures.takes_s(self.p.law, measures.lot(luck)))
        for done in range(self.p.fan_out):
            rest *= measures.lot(luck) ** (1 / (self.p.fan_out - done))  # the largest of those that are left
            first_s, copy_s = (
                measures.takes_s(self.p.law, max(1e-15, 1 - rest)),
                measures.takes_s(self.p.law, measures.lot(luck)),
            )
            late = first_s > delay_s
            if late and self.may():
                self.copies += 1
                first_s = self.either_s(first_s, copy_s)
            last_s = max(last_s, first_s)
            if not late:
                break
        return last_s

    def asked(self, gathering: Gathering) -> None:
        """All first calls were made."""

    def copy(self, gathering: Gathering, i: int) -> None:
        """Call i is late."""
        gathering.copy(i)

    def report(self) -> Mapping[str, object]:
        busy_s = sum(server.read().busy_ns for server in self.servers) / 1e9
        return {"copies": self.copies, "busy_s": busy_s}


class Gathering:
    """The calls of one request to servers with queues."""

    def __init__(self, design: Wait, calls: Sequence[measures.Call]) -> None:
        self.design, self.calls = design, calls
        self.all_in: Signal[None] = design.sim.signal("all calls")
        self.taken = 0
        self.first: list[Answer] = [design.servers[server].submit(work_s) for server, work_s, _, _ in calls]
        self.heard: dict[int, Sequence[Answer]] = {i: (answer,) for i, answer in enumerate(self.first)}

    async def answers(self) -> int:
        """Wait for all, and copy what is late; how many answers were taken."""
        design, asked_s = self.design, self.design.sim.now
        for i, answer in enumerate(self.first):
            answer.add_done_callback(self.hear(i))
        self.first[0].add_done_callback(lambda _: design.learn(design.sim.now - asked_s))
        design.asked(self)
        if not await self.all_in.within(design.delay_s()):
            for i in sorted(self.heard):
                if design.may():
                    design.copy(self, i)
            await self.all_in
        return self.taken

    def hear(self, i: int) -> Callable[[Answer], None]:
        def ended(answer: Answer) -> None:
            if answer.exception() is None and answer in self.heard.get(i, ()):
                del self.heard[i]
                self.taken += 1
                if not self.heard:
                    self.all_in.set()

        return ended

    def copy(self, i: int) -> Answer:
        """Make call i once more, elsewhere."""
        _, _, server, work_s = self.calls[i]
        self.design.copies += 1
        copy = self.design.servers[server].submit(work_s)
        self.heard[i] = self.design.heard(self.first[i], copy)
        copy.add_done_callback(self.hear(i))
        return copy


class HedgeLate(Wait):
    """Copy a call that is late, and take whichever answer comes first."""

    def delay_s(self) -> float:
        return self.p.delay_ms / 1e3

    def either_s(self, first_s: float, copy_s: float) -> float:
        return min(first_s, self.delay_s() + copy_s)


class RetryLate(HedgeLate):
    """Give a call up that is late, and ask another server."""

    def either_s(self, first_s: float, copy_s: float) -> float:
        return self.delay_s() + copy_s

    def heard(self, first: Answer, copy: Answer) -> Sequence[Answer]:
        return (copy,)


class HedgeP95(HedgeLate):
    """Hedge after the p95 of the last thousand calls that were looked at, whatever that is by now."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.p95 = Quantile(1 - CAP, first_s=p.delay_ms / 1e3)

    def learn(self, took_s: float) -> None:
        self.p95.add(took_s)

    def delay_s(self) -> float:
        return self.p95()


class Capped(HedgeLate):
    """Hedge after the delay while a token bucket pays for it, to which each call adds a twentieth of a token."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.purse = Budget(CAP * measures.calls_of(p), burst=measures.calls_of(p))

    def begins(self) -> None:
        self.purse.deposit()

    def may(self) -> bool:
        return self.purse.withdraw()


class TiedLine(Fifo):
    """First come, first served; who begins takes its twin out of the other queue."""

    def __init__(self, twins: dict[Job, Job]) -> None:
        super().__init__()
        self.twins = twins

    def pop(self, now_ns: int, drop: Drop) -> Job | None:
        job: Job | None = self.oldest()
        if job is not None and job in self.twins:
            self.twins.pop(job).withdraw()
        return job


class Tied(Wait):
    """Where a call has to queue, let a copy queue elsewhere; whichever begins first takes the other back."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.twins: dict[Job, Job] = {}
        super().__init__(stage, p)

    def serving(self, stage: Stage, name: str) -> Server:
        return stage.server(name, discipline=TiedLine(self.twins))

    def asked(self, gathering: Gathering) -> None:
        for i, first in enumerate(gathering.first):
            if waits(first):
                copy = gathering.copy(i)
                if waits(copy):
                    self.twins[first], self.twins[copy] = copy, first
                else:
                    first.withdraw()


class TiedHedge(Tied, HedgeLate):
    """The same, and a hedge where the call was begun at once and is late all the same."""

    def copy(self, gathering: Gathering, i: int) -> None:
        if len(gathering.heard[i]) == 1:
            super().copy(gathering, i)


class HedgeCancel(HedgeLate):
    """Hedge, and break off whichever copy is not the first to be done, whether it waits or was begun."""

    def serving(self, stage: Stage, name: str) -> Server:
        return stage.server(name, discipline=Fifo())

    def copy(self, gathering: Gathering, i: int) -> None:
        first, copy = gathering.first[i], gathering.copy(i)
        first.add_done_callback(lambda _: withdraw(copy))
        copy.add_done_callback(lambda _: withdraw(first))


def withdraw(answer: Answer) -> None:
    """Take it back, out of the queue or off the server; what is done stays done."""
    if isinstance(answer, Job):
        answer.withdraw()


def waits(answer: Answer) -> TypeGuard[Job]:
    """Whether it is still in the queue."""
    return isinstance(answer, Job) and answer.started_ns > answer.sim.now_ns


SAID = Params()
EDGE = log(0.5) / log(1 - SLOW)
__doc__ = (__doc__ or "").format(
    fan_out=SAID.fan_out,
    all_fast=(1 - P99) ** SAID.fan_out,
    edge_99=log(0.5) / log(1 - P99),
    slow=SLOW,
    edge=EDGE,
    delay_ms=SAID.delay_ms,
    turn=measures.edge_of_load(99.9, 4, SAID.delay_ms / 1e3),
)

experiment = Experiment(
    title="Tail at scale",
    question="Why is a server's p99 the user's median, and how do 2 % more requests mend it?",
    params=Params,
    workload=workload,
    designs={
        "wait": Wait,
        "retry": RetryLate,
        "capped": Capped,
        "hedge": HedgeLate,
        "hedge_p95": HedgeP95,
        "tied": Tied,
        "tied_hedge": TiedHedge,
        "hedge_cancel": HedgeCancel,
    },
    measure=measure,
    audit=audit,
    warmup_s=lambda p: 0.0,
    seeds=measures.SEEDS,
    quick={"count": 1000},
    charts=(Chart("The tail", "ms", "share of the requests that take longer", slower, log="xy"),),
    asks=(
        Ask(
            "One call in a hundred takes over 20 ms. Which percentage of requests that make a hundred calls does?",
            "100 * wait.beyond_p99",
            "%",
            0,
            100,
        ),
        Ask("What is their p99?", "wait.p99_ms", "ms", 1, 10_000, log=True),
        Ask(
            "And if each call is made once more that is not answered in 10 ms?",
            "hedge.p99_ms",
            "ms",
            1,
            10_000,
            log=True,
        ),
    ),
    why=(
        Why("Who waits for a hundred calls waits for the slowest of them.", MEDIAN),
        Why("Both copies have to be slow before anybody waits.", MENDED),
    ),
    maps=(
        Map(CALMER, "load", "delay_ms", (0.1, 0.7), (0.0, 30.0), line=measures.edge_as_text(95, 4)),
        Map(TURNS, "load", x_range=(0.2, 0.7), line=measures.edge_as_text(99.9, 4), given=LONG_QUEUES),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "How likely is it that each of a hundred calls is among the fastest 99 %?",
        "When do you know that a call is slow, and what may be slow about it: the call, the server, or its queue?",
        "Your copies are work as well. Who can tell a server that a copy of what it has not begun is being served?",
    ),
    sources=SOURCES,
)
