"""Least connections sends the next request to the server that is least busy. One is, because it fails.

**Clarify.** What does a failure take: a time limit, or a thousandth of a second? Is one server sick, are many (a bad
release), or are some requests bad wherever they go? May a request be sent twice? Does a health check do what requests
do? (None is asked here: a server whose process lives would pass it.)

**Estimate.** Of n servers that are never idle each gets what it is through with: the sick one (1/f) / (1/f + (n - 1)/s)
of the requests. For ten servers, {fail:.0f} ms to fail and {serve:.0f} ms to serve that is {full:.3f}. It takes
{full_rate:,.0f} requests a second, where nine healthy servers that do one at a time do {nine:.0f}. Below that the sick
server is one of those that are idle, and the lot falls on it as on any of them: its share is one over their number,
1 / (n - a(1 - B)), for a erlangs offered and B their loss on n - 1 lines. At load {load} that is {low:.2f}. With
{slots} requests at a time a server is seldom idle, and the share may be up to {four:.2f}. A failure that takes as long
as an answer attracts nothing, and for twice a fair share it may take {edge:.0f} ms, s(n - 2) / 2(n - 1), at full load.

**Design.** The first proposal is to send what failed to another server. With one sick server that answers everybody,
with up to two attempts for most. With five of ten the second attempt falls into the next hole.

**Deep dive: ejection.** Five failures in a row, Envoy's default, and a server gets nothing for a while. A sick server
then costs some five requests whenever it is tried again. Without a limit the cure kills. When half of the servers are
sick at load 0.7 the others cannot carry it: they refuse, refusals are failures in a row, and healthy servers are
ejected. Requests that fail wherever they go do the same to servers that are all healthy. Hence a floor (Envoy ejects a
tenth at most, and one server at least) and a panic threshold (Envoy: where fewer than half are left, all are used).
Against bad requests both work. Against many sick servers both bring the holes back: a tenth of ten ejects one of five,
and with six of ten sick the balancer panics and sends to the sick.

**Deep dive: a failure is load.** Google's SRE book counts recent errors as if they were active requests. What matters
then is who fails more than others, so nobody need decide how many may be ejected: with one, five or six of ten sick,
and with bad requests, it loses at most a tenth more than the healthy capacity must. Its price: with a fifth of the
requests bad, chance looks like load, answers come later, and some good requests are refused, where plain least
connections refuses none. And a server that is well again comes back when its failures are forgotten. How long they
count decides: as long as an answer takes, and the sick server gets its fair share and no less. So it does if the
servers themselves delay their errors to the mean time of an answer, as the Amazon Builders' Library proposes.

**Scale.** All this is one balancer that sees every answer. Where nothing fails, no cure does anything.

**Real processes** (`--stage machine`): a process for each server, whose work is to send a body through a connection
that the kernel paces, and a balancer before them give the same verdicts. A real failure has to be sent and read as
well, and the sick server attracts somewhat less than in the model.

**Left open.** Many balancers, of which each has to find out for itself; servers that fail now and then; ejection by
comparison with the mean (Envoy's success rate); ejections that get longer, as Envoy's do (30 s, then 60); real proxies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from windtunnel import Ask, Chart, Experiment, Fault, Op, Stage, Why, call, param, parts, process
from windtunnel.catalogue.scale.sinkhole.judging import (
    CASCADE,
    CLAIMS,
    DEMANDS,
    FIGURES,
    HOLE,
    RELATIVE,
    SERVE_S,
    SOURCES,
    asked,
    audit,
    goodput,
    measure,
    rate_per_s,
    run_s,
    share_at_full_load,
    share_below,
    sick,
    spell_s,
)
from windtunnel.catalogue.scale.sinkhole.real import Failed, RealBackend
from windtunnel.sim import NS, Rejected
from windtunnel.workload import lognormal, poisson, requests

CONSECUTIVE = 5
"""Failures in a row that eject a server: Envoy's default."""
OUT = 1_000_000
"""What an ejected server counts for: more requests than any has open."""


@dataclass(frozen=True)
class Params:
    """How many servers, how busy, who fails how fast, and how long that is remembered."""

    servers: int = param(10, "servers behind the balancer", 4, 20)
    slots: int = param(3, "requests that a server works on at once; as many may wait there", 1, 32)
    load: float = param(0.7, "share of all slots that the requests need while all is well", 0.05, 20.0)
    fail_s: float = param(0.001, "seconds that a failure takes; serving takes 0.1 on average", 0.0001, 0.2)
    sick: int = param(1, "servers that fail whatever they are sent, for half of the run", 0, 20)
    poison: float = param(0.0, "share of the requests that fail on every server", 0.0, 0.9)
    memory_s: float = param(5.0, "how long a server is ejected, and how long a failure counts as load", 0.05, 60.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`handle(work_s, good)`: Poisson arrivals; who is not good fails everywhere, and no balancer sees that."""
    times = poisson(rate_per_s(p), luck, until_s=run_s(p))
    return requests(times, "handle", lambda _: (lognormal(SERVE_S, 1.0, luck), luck.random() >= p.poison))


def faults(p: Params) -> Sequence[Fault]:
    """Some servers are sick for half of the run."""
    begin, end = spell_s(p)
    return tuple(call(f"backend {i}", "sicken", at_s=begin, for_s=end - begin, end="heal") for i in sick(p))


class Backend:
    """A server that, while it is sick, answers whatever comes with an error, and soon."""

    def __init__(self, stage: Stage, i: int, p: Params) -> None:
        self.sim = stage.sim
        self.server = stage.server(f"server {i}", workers=p.slots, queue_limit=p.slots)
        self.fail_s = p.fail_s
        self.sick = False
        self.answered_at: list[float] = []
        stage.add(f"backend {i}", self)

    def sicken(self) -> None:
        """From now on everything fails."""
        self.sick = True

    def heal(self) -> None:
        """From now on it works again."""
        self.sick = False

    async def serve(self, work_s: float, good: bool) -> None:
        """Do the work. Raises Failed; Rejected where all slots and places are taken."""
        well = good and not self.sick
        await self.server.serve(work_s if well else self.fail_s)
        self.answered_at.append(self.sim.now)
        if not well:
            raise Failed


class LeastConnections:
    """The server with the fewest requests open, by lot among equals, whatever becomes of them."""

    def __init__(self, stage: Stage, p: Params) -> None:
        real = stage.name != "sim"
        self.sim = None if real else stage.sim
        self.clock, self.zero_s = stage.clock, 0.0
        self.p = p
        self.n = p.servers
        self.luck = stage.random("balancer")
        self.real = [RealBackend(stage, i, p, self.now_s) for i in range(self.n)] if real else []
        self.backends: Sequence[Backend | RealBackend] = self.real or [Backend(stage, i, p) for i in range(self.n)]
        self.count = [0] * self.n
        self.law = parts.LeastConnections(self.n, self.count.__getitem__, self.luck)

    def start(self) -> Awaitable[None] | None:
        """Connect to the processes, where there are any."""
        return self.connect() if self.real else None

    async def connect(self) -> None:
        """Learn where the processes listen; the first request may come right after that."""
        for backend in self.real:
            await backend.start()
        self.zero_s = self.clock()

    def now_s(self) -> float:
        """Seconds since the first request might come."""
        return self.clock() - self.zero_s

    @process
    async def handle(self, work_s: float, good: bool) -> None:
        await self.ask(self.law.choose(), work_s, good)

    async def ask(self, i: int, work_s: float, good: bool) -> None:
        """One attempt, at server i."""
        well = False
        self.count[i] += 1
        try:
            await self.backends[i].serve(work_s, good)
            well = True
        finally:
            self.count[i] -= 1
            self.noted(i, well)

    def noted(self, i: int, well: bool) -> None:
        """Server i has answered, or refused."""

    def later(self, forget: Callable[[int], None], i: int) -> None:
        """Call this when the memory ends."""
        if self.sim:
            self.sim.call_after(round(self.p.memory_s * NS), forget, i)
        else:
            asyncio.get_running_loop().call_later(self.p.memory_s, forget, i)

    def report(self) -> Mapping[str, object]:
        return {"answered_at": [backend.answered_at for backend in self.backends]}

    def stop(self) -> None:
        """Close the connections."""
        for backend in self.real:
            backend.close()


class RetryElsewhere(LeastConnections):
    """What failed is sent once more, to another server."""

    @process
    async def handle(self, work_s: float, good: bool) -> None:
        first = self.law.choose()
        try:
            await self.ask(first, work_s, good)
        except (Failed, Rejected):
            self.count[first] += OUT
            second = self.law.choose()
            self.count[first] -= OUT
            await self.ask(second, work_s, good)


class Ejection(LeastConnections):
    """Five failures in a row eject a server for a while, however many are left."""

    most = 1.0
    panic = 0.0

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.row = [0] * self.n
        self.gone = 0
        self.ejected: list[tuple[int, float]] = []
        self.all = parts.LeastConnections(self.n, lambda i: self.count[i] % OUT, self.luck)

    @process
    async def handle(self, work_s: float, good: bool) -> None:
        panics = self.n - self.gone < self.panic * self.n
        i = self.all.choose() if panics else self.law.choose()
        if self.count[i] >= OUT and not panics:
            raise Failed
        await self.ask(i, work_s, good)

    def noted(self, i: int, well: bool) -> None:
        self.row[i] = 0 if well else self.row[i] + 1
        if self.row[i] >= CONSECUTIVE and self.count[i] < OUT and self.gone < self.most * self.n:
            self.count[i] += OUT
            self.gone += 1
            self.ejected.append((i, self.now_s()))
            self.later(self.back, i)

    def back(self, i: int) -> None:
        """Server i is tried again."""
        self.count[i] -= OUT
        self.gone -= 1
        self.row[i] = 0

    def report(self) -> Mapping[str, object]:
        return {**super().report(), "ejected": self.ejected}


class EjectionFloor(Ejection):
    """The same, and a tenth of the servers is ejected at most, but one if there are fewer than ten."""

    most = 0.1


class EjectionPanic(Ejection):
    """Ejection without that limit; where fewer than half are left, all are used as if none were ejected."""

    panic = 0.5


class FailuresAsLoad(LeastConnections):
    """A failure counts as an open request for a while: who fails looks busy."""

    def noted(self, i: int, well: bool) -> None:
        if not well:
            self.count[i] += 1
            self.later(self.forget, i)

    def forget(self, i: int) -> None:
        """A failure of server i is long ago."""
        self.count[i] -= 1


__doc__ = (__doc__ or "").format(
    load=Params.load,
    slots=Params.slots,
    fail=1e3 * Params.fail_s,
    serve=1e3 * SERVE_S,
    full=share_at_full_load(Params.servers, Params.fail_s),
    full_rate=1 / Params.fail_s + (Params.servers - 1) / SERVE_S,
    nine=(Params.servers - 1) / SERVE_S,
    low=share_below(Params.servers, 1, Params.load),
    four=share_below(Params.servers, Params.slots, Params.load),
    edge=1e3 * SERVE_S * (Params.servers - 2) / (2 * (Params.servers - 1)),
)

experiment = Experiment(
    title="Sinkhole",
    question="Where should the next request go when the least busy server is idle because it fails?",
    params=Params,
    workload=workload,
    designs={
        "least_connections": LeastConnections,
        "retry_elsewhere": RetryElsewhere,
        "ejection": Ejection,
        "ejection_floor": EjectionFloor,
        "ejection_panic": EjectionPanic,
        "failures_as_load": FailuresAsLoad,
    },
    stages=("sim", "machine"),
    measure=measure,
    audit=audit,
    faults=faults,
    warmup_s=lambda p: spell_s(p)[0],
    charts=(
        Chart("Good answers", "second", "good answers per second", goodput),
        Chart("Who is asked", "server", "requests that came while some were sick, mean", asked, kind="bars"),
    ),
    asks=(
        Ask(
            "One of ten servers fails in 1 ms, the others serve in 100. Its share of the requests at load 0.7?",
            "least_connections.share",
            "of the requests",
            0,
            1,
        ),
        Ask(
            "If five failures in a row eject a server, which share is lost?",
            "ejection.lost",
            "of the requests",
            0,
            1,
        ),
    ),
    why=(
        Why("Who fails at once has nothing open, and is asked again at once.", HOLE),
        Why("Overloaded servers refuse, refusals are failures, and the healthy are ejected as well.", CASCADE),
        Why("Counted as load, failures matter only where somebody has more of them than others.", RELATIVE),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "How many requests does a server have open that answers each within a millisecond?",
        "What does a balancer learn from an answer, and what if it learns the same of all servers at once?",
        "Compare servers with each other, not with a number: what makes a server look as busy as it is useless?",
    ),
    sources=SOURCES,
    seeds=4,
    quick={"slots": 2},
)
