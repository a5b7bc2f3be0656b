"""Three times as many requests come as can be served. Two thirds are lost, or all: that depends on who waits, and how.

**Clarify.** How long is an answer of use? Does a client that gives up say so? (Here it does not, and does not ask
again either.) What does it cost to say no? Are all requests worth the same?

**Estimate.** The server does {capacity:.0f} a second, and an answer is of use for {deadline:.0f} ms. A queue that is
served in that time has {places:.0f} places; an answer takes its own time as well, and at {half:.0f} places half of the
capacity is lost already. Saying no costs c = {refuse:.1f} of serving. Who refuses whom he cannot serve has
(1 - c L) / (1 - c) of his capacity left at L times the load: {three:.0%} at three times, {eight:.0%} at eight.

**Design.** An unbounded queue grows, and all of the work is done too late. The first proposal is a bigger queue with an
end. It refuses as many as are too many, and saves nobody: who gets in waits for a full queue. The cure is a smaller
one. With twenty places the server is used fully, if it costs nothing to say no. Where that costs and eight times the
capacity comes, a server that is busy saying no takes too long for twenty places as well.

**Deep dive: how long to wait.** CoDel drops one request, and the next a little sooner, until the wait is short. It was
made for senders that slow down; here it drops one in twenty-five where two of three are too many. Servers took its idea
and left its law: while the queue stands, nobody waits more than 5 ms (Facebook; 100 ms otherwise). Adaptive LIFO serves
the newest while the queue stands. It refuses nobody, so it pays for no refusal and has the whole capacity for answers;
many of those who ask hear nothing at all.

**Deep dive: how many at once.** A limit that learns from latency needs to know what is usual. Gradient2's measure is an
average, which learns the queue that the limit lets in: after seconds of storm it lets in many who are answered too
late. Vegas' measure is the fastest answer ever. Where work varies, most answers look slow beside
that, and 16 workers get too little to do while requests are refused.

**Deep dive: whom.** Who does not look at requests loses the critical as the others. Two queues with short waits, one
for the critical, served first, keep these as long as they fit into what saying no to the others leaves.

**Scale.** Clients can say no themselves. Each sends k times what was accepted (Google's SRE book: 2), and then
1 / (1 + c (k - 1)) of the capacity is left, {throttled:.0%}, whatever comes. The price comes after the storm: clients
hold back for as long as they remember. A shorter memory makes that shorter. With k = 1.1 the server refuses less, and
clients hear later that all is well: that is why the book prefers 2.

**Left open.** Clients that ask again (see metastable-failure); limits in a token bucket; credits that servers give out;
tasks of many calls, of which each may be refused; a client that sends more than its share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from random import Random

from windtunnel import Ask, Chart, Experiment, Figure, Map, Op, Stage, Why, param, process
from windtunnel.blocks.resilience import AdaptiveLimiter, ClientThrottle, Gradient2, LimitExceeded, LimitLaw, Vegas
from windtunnel.catalogue.scale.overload.claims import (
    BETTER,
    CLAIMS,
    COLLAPSE,
    DEMANDS,
    EIGHT,
    FIGURES,
    FREE,
    SOURCES,
    STEADY,
    TIMELY,
    WASTE,
)
from windtunnel.catalogue.scale.overload.judging import (
    CALM_S,
    LOW,
    audit,
    bounded_goodput,
    cliff,
    half_bound,
    left_by_refusals,
    left_by_throttles,
    loads,
    measure,
    run_s,
    storm,
    who,
    work_s,
)
from windtunnel.parts import AdaptiveLifo, CoDel, Ranked, RequestCoDel
from windtunnel.sim import Discipline, Dropped, Fifo, Rejected
from windtunnel.workload import poisson

CLIENTS = 10
"""Client processes, as many requests from each."""
SAID_NO, FIRST, SECOND = range(3)
"""In which line a job stands. Refusals come first: an error is sent before any other work is begun."""
OPEN = nullcontext()
REFUSED = (Dropped, Rejected, LimitExceeded)
"""What the server says no with."""


@dataclass(frozen=True)
class Params:
    """How many come, what the server can, and how it and its clients say no."""

    load: float = param(3.0, "the highest load that is tried, as a share of the capacity", 1.0, 8.0)
    steps: int = param(4, "loads that are tried, evenly from half the capacity to that; 1 is that alone", 1, 5)
    capacity: float = param(400.0, "requests that a server can serve in a second", 250, 450)
    workers: int = param(4, "requests that it works on at once", 2, 32)
    deadline_s: float = param(0.1, "seconds after which an answer is of no use", 0.05, 0.5)
    cap: int = param(200, "places to wait in the bigger queue", 1, 1000)
    refuse: float = param(0.1, "work of refusing a request, as a share of the work of serving one", 0.0, 0.5)
    critical: float = param(0.2, "share of the requests that are critical", 0.0, 1.0)
    k: float = param(2.0, "what clients send, in requests for each that was accepted", 1.0, 10.0)
    memory_s: float = param(1.0, "seconds for which clients remember what was refused", 0.1, 120.0)
    storm_s: float = param(0.8, "seconds of each storm", 0.8, 3.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`ask(lane, client, work_s, critical)`: each load has a server of its own, and a calm before and after it."""

    def lane(number: int, load: float) -> Iterator[Op]:
        storm_ends_s = CALM_S + p.storm_s
        parts = ((0.0, LOW, CALM_S), (CALM_S, load, storm_ends_s), (storm_ends_s, LOW, run_s(p)))
        for from_s, share, until_s in parts:
            for after_s in poisson(p.capacity * share, luck, until_s=until_s - from_s):
                client = luck.randrange(CLIENTS)
                takes_s = luck.expovariate(1 / work_s(p))
                args = (number, client, takes_s, luck.random() < p.critical)
                yield Op(from_s + after_s, f"client {client}", "ask", args)

    ops = [op for number, load in enumerate(loads(p)) for op in lane(number, load)]
    return sorted(ops, key=lambda op: op.at)


class Unbounded:
    """First come, first served; whoever comes may wait."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.sim = stage.sim
        self.p = p
        self.refusal_s = p.refuse * work_s(p)
        self.servers = [
            stage.server(f"server {i}", workers=p.workers, discipline=Ranked(Fifo(), *self.standing()))
            for i in range(p.steps)
        ]

    def standing(self) -> tuple[Discipline, ...]:
        """The lines in which requests wait, the first served first."""
        return (Fifo(),)

    def gate(self, lane: int, client: int, critical: bool) -> AbstractContextManager[object]:
        """What a request goes through. Raises one of `REFUSED` if the server will not have it."""
        return OPEN

    @process
    async def ask(self, lane: int, client: int, takes_s: float, critical: bool) -> None:
        serve = self.servers[lane].serve
        try:
            with self.gate(lane, client, critical):
                await serve(takes_s, priority=FIRST if critical else SECOND)
        except REFUSED:
            await serve(self.refusal_s, priority=SAID_NO)
            raise


class BiggerQueue(Unbounded):
    """The same, with an end: who finds all places taken is refused."""

    def gate(self, lane: int, client: int, critical: bool) -> AbstractContextManager[object]:
        if self.servers[lane].waiting >= self.p.cap:
            raise Rejected(f"All {self.p.cap} places to wait are taken.")
        return super().gate(lane, client, critical)


class RouterCoDel(Unbounded):
    """CoDel as in routers: while everybody waits too long, one is dropped, and then one more a little sooner."""

    def standing(self) -> tuple[Discipline, ...]:
        return (CoDel(),)


class GradientLimit(Unbounded):
    """So many at a time as do not make answers slower than they have long been, on average."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.limiters = [AdaptiveLimiter(self.law()) for _ in range(p.steps)]

    def law(self) -> LimitLaw:
        """Finds the limit."""
        return Gradient2()

    def gate(self, lane: int, client: int, critical: bool) -> AbstractContextManager[object]:
        return self.limiters[lane]


class VegasLimit(GradientLimit):
    """So many at a time as do not make answers slower than the fastest that was ever seen."""

    def law(self) -> LimitLaw:
        return Vegas()


class ShortWait(Unbounded):
    """CoDel as in servers: while the queue stands, who has waited 5 ms is dropped; else one may wait 100 ms."""

    def standing(self) -> tuple[Discipline, ...]:
        return (RequestCoDel(),)


class NewestFirst(Unbounded):
    """Adaptive LIFO: while the queue stands the last to come is served first; nobody is refused."""

    def standing(self) -> tuple[Discipline, ...]:
        return (AdaptiveLifo(),)


class CriticalFirst(Unbounded):
    """Two such queues with short waits, one for critical requests, which is served first."""

    def standing(self) -> tuple[Discipline, ...]:
        return (RequestCoDel(), RequestCoDel())


class ThrottledClients(CriticalFirst):
    """The same server; clients send what was accepted twice over, critical and other requests counted apart."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.throttles = [[self.throttles_of(stage, client) for client in range(CLIENTS)] for _ in range(p.steps)]

    def throttles_of(self, stage: Stage, client: int) -> list[ClientThrottle]:
        """A client's, for critical and for other requests."""
        luck = stage.random(f"client {client}")
        return [ClientThrottle(self.p.k, window_s=self.p.memory_s, refusals=REFUSED, random=luck) for _ in range(2)]

    def gate(self, lane: int, client: int, critical: bool) -> AbstractContextManager[object]:
        return self.throttles[lane][client][critical]


SAID = Params()
__doc__ = (__doc__ or "").format(
    capacity=SAID.capacity,
    deadline=1e3 * SAID.deadline_s,
    places=SAID.capacity * SAID.deadline_s,
    half=half_bound(SAID),
    refuse=SAID.refuse,
    three=left_by_refusals(3, SAID.refuse),
    eight=left_by_refusals(8, SAID.refuse),
    throttled=left_by_throttles(SAID.k, SAID.refuse),
)

experiment = Experiment(
    title="Overload",
    question="What should a service do with three times the requests that it can serve?",
    params=Params,
    workload=workload,
    designs={
        "unbounded": Unbounded,
        "bigger_queue": BiggerQueue,
        "router_codel": RouterCoDel,
        "gradient_limit": GradientLimit,
        "vegas_limit": VegasLimit,
        "short_wait": ShortWait,
        "newest_first": NewestFirst,
        "critical_first": CriticalFirst,
        "client_throttle": ThrottledClients,
    },
    measure=measure,
    audit=audit,
    warmup_s=lambda p: 0.0,
    ends_s=run_s,
    charts=(
        Chart("The cliff", "requests, % of the capacity", "answers in time, % of the capacity", cliff),
        Chart("The highest load", "second", "answers in time, % of the capacity", storm),
        Chart("Who is lost", "requests", "lost at the highest load, %", who, kind="bars"),
    ),
    asks=(
        Ask(
            "Three times as many requests come as can be served. How much of the capacity goes into answers in time?",
            "100 * unbounded.good",
            "%",
            0,
            100,
        ),
        Ask("And if those are refused who find 200 waiting?", "100 * bigger_queue.good", "%", 0, 100),
        Ask(
            "And with CoDel, if refusing costs a tenth of serving?",
            "100 * short_wait.good",
            "%",
            0,
            100,
        ),
    ),
    why=(
        Why("All of the work is done, and all of it too late.", WASTE),
        Why("A queue that is served within the deadline holds nobody for whom it is too late.", TIMELY),
        Why("Clients that hold back what would be refused leave the server its work.", BETTER),
    ),
    maps=(Map(COLLAPSE, "load", "cap", (1.2, 4.0), (5, 80), line="cap / capacity < deadline_s"),),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=(
        *FIGURES,
        Figure(
            "goodput at three times the capacity, if refusals cost a tenth",
            left_by_refusals(3.0, 0.1),
            "short_wait.good",
            0.1,
            "D",
            "(1 - c L) / (1 - c): whom the server cannot serve it refuses",
            given=STEADY,
        ),
        Figure(
            "goodput at eight times the capacity, if refusals cost a tenth",
            left_by_refusals(8.0, 0.1),
            "short_wait.good",
            0.4,
            "D",
            "(1 - c L) / (1 - c): whom the server cannot serve it refuses",
            given={**EIGHT, "storm_s": 1.5},
        ),
        Figure(
            "goodput, if clients send twice what is accepted",
            left_by_throttles(2.0, 0.1),
            "client_throttle.good",
            0.1,
            "D",
            "1 / (1 + c (k - 1)), whatever comes",
            given=STEADY,
        ),
        Figure(
            "goodput of a queue of 30 places at three times the capacity",
            bounded_goodput(SAID, 30),
            "bigger_queue.good",
            0.25,
            "D",
            "M/M/4 with 30 places, arrivals of Poisson, exponential work; refusals cost nothing",
            given={**FREE, "cap": 30, "storm_s": 3.0},
        ),
    ),
    hints=(
        "How long does a request wait in a full queue, and who still wants its answer then?",
        "What does it cost to say no, and who could say it instead?",
        "Which requests would you rather lose, and does your queue know them?",
    ),
    sources=SOURCES,
    seeds=5,
    quick={"steps": 2},
)
