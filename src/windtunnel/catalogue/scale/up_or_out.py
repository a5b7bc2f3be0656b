"""Buy eight small machines or one that is eight times as fast?

**Clarify.** Is it latency that hurts, or throughput, or a machine that dies at night? Do requests share state, so that
machines have to agree? Can a request be done on any machine, and what becomes of one whose machine dies?

**Estimate.** One queue answers in S / (1 - ρ): {at_50:.0f} service times at half its load, {at_80:.0f} at 80 %,
{at_90:.0f} at 90 %, {at_99:.0f} at 99 %: the last few per cent of a machine are the dear ones. At 80 % eight
machines with one queue take {shared_80:.2f}, one that is eight times as fast {one_80:.3f}. If {alpha:.0%} of the work
needs a lock, no number of machines does more than {lock:.0f} requests in a service time.

**Design.** Machines behind a coin are separate queues: a request waits while machines next door stand idle. Turns
make the arrivals more even. One queue in front of all lets no machine idle while somebody waits. One machine of
eightfold speed beats them all at the same load, because a lone request has all of the speed, not an eighth of it: for
latency at equal capacity, up wins over out. Not where work varies a lot: one long request holds up all others before
one machine, and few before eight. At 80 % and five times the variation one machine takes {one_varied:.1f} in the long
run, unless it works on all requests at once, at equal shares: then {one_80:.3f} however the work varies.

**Deep dive: what dies.** One of eight machines that dies takes an eighth of the requests with it, the big one takes
all. But eight machines die eight times as often: if each dies once, behind a coin as much is lost as with the big one.
What differs is how much is lost at a time. Only who sends nothing to a dead machine gains: a common queue loses what
was being worked on, and that is all. One before the big machine would save as much, and all would wait until it is
back. The queue itself must live, which is a question of its own.

**Deep dive: what must agree.** Where requests share state, a machine waits its turn (α of the work is done under a
lock) and tells each other machine before it lets go (β for each). At eight machines that costs little. At {many} (where
β is a hundred times as large, at eight) the lock is always busy, each machine more makes its holder talk longer, and
throughput is what the lock lets through: 1 / (α + β(n - 1)), at {many} less than at a quarter of them. Gunther's
universal scalability law n / (1 + α(n - 1) + βn(n - 1)) is the bound where all come to the lock at the same time;
whoever comes when it is free does better. So fit the law to sizes that you have measured before you buy by it.

**Scale.** A common queue is a thing that can fail and fill: real systems pull from it (work queues, work stealing as in
the schedulers of Go and Tokio), or come close to it without one (two choices: see load-balancing). What shares no state
scales out easily; databases, whose α and β are large, scale up first. McSherry and others (COST, 2015) report clusters
that a single thread beats.

**Left open.** Prices (nothing is sold eighty times as fast, and the largest machines cost more than their share), how a
dead machine is noticed, requests that can be split over machines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan
from random import Random

from windtunnel import (
    Ask,
    Chart,
    Claim,
    Experiment,
    Fault,
    Figure,
    Held,
    History,
    Op,
    Source,
    Stage,
    Why,
    crash,
    owed,
    param,
    parts,
    process,
)
from windtunnel.sim import NS, Departure, FifoServer, Lock, Queue
from windtunnel.sim.closed_forms import mg1_sojourn_s, mm1_sojourn_s, mmk_sojourn_s
from windtunnel.statistics import latency_mean, latency_percentiles
from windtunnel.workload import lognormal, poisson


@dataclass(frozen=True)
class Params:
    """How many machines, how busy."""

    nodes: int = param(8, "small machines, or the speed of the big one", low=1, high=200)
    load: float = param(0.8, "utilisation: share of the capacity that the requests need", low=0.05, high=0.95)
    count: int = param(5_000, "requests", low=500, high=20_000)
    alpha: float = param(0.02, "share of a request's work that is done under a lock", low=0, high=1)
    beta: float = param(0.0005, "seconds that the holder of the lock talks with each other machine", low=0, high=0.05)
    variation: float = param(1.0, "how much work varies: its coefficient of variation; 1 is exponential", low=0, high=5)
    rush: bool = param(False, "all requests come at once: what counts is the throughput")
    crash_s: float = param(0.0, "seconds for which each machine is down once, one after the other", low=0, high=100)


def length_s(p: Params) -> float:
    """How long the requests take to come."""
    return p.count / (p.load * p.nodes)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`handle(work_s)`: work with mean 1 s on a small machine, exponential or lognormal; Poisson arrivals."""
    times, v = poisson(p.load * p.nodes, luck, count=p.count), p.variation
    for i in range(p.count):
        work_s = luck.expovariate(1.0) if v == 1 else lognormal(1.0, v, luck)
        at = next(times)
        yield Op(0.0 if p.rush else at, f"client {i % 100}", "handle", (work_s,))


class Absent:
    """A machine that was not bought: it may die."""

    def crash(self) -> None:
        """Nothing happens."""

    def restart(self) -> None:
        """Nothing happens."""


class Fleet:
    """Machines: as many as may be bought, each with a queue."""

    waiting_ns = 0
    """How long requests waited elsewhere, all together."""

    def __init__(self, stage: Stage, p: Params, bought: int = 0, speed: float = 1.0) -> None:
        bought = bought or p.nodes
        self.servers = [stage.server(f"node {i}", speed=speed) for i in range(bought)]
        for i in range(bought, p.nodes):
            stage.add(f"node {i}", Absent())  # unclaimed: so that a fault which strikes the small ones finds something

    def report(self) -> Mapping[str, object]:
        readings = [server.read() for server in self.servers]
        now_ns = readings[0].now_ns
        return {
            "utilisation": sum(r.busy_ns for r in readings) / (now_ns * len(readings)),
            "mean_inside": (sum(r.inside_ns for r in readings) + self.waiting_ns) / now_ns,
        }


class CoinToss(Fleet):
    """Eight machines; each request goes to any of them."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.balancer = parts.AtRandom(p.nodes, stage.random("balancer"))

    def handle(self, work_s: float) -> Departure:
        return self.servers[self.balancer.choose()].submit(work_s)


class RoundRobin(Fleet):
    """Eight machines; requests go to them in turn."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.balancer = parts.RoundRobin(p.nodes)

    def handle(self, work_s: float) -> Departure:
        return self.servers[self.balancer.choose()].submit(work_s)


class SharedQueue(Fleet):
    """Eight machines; each takes the next request from one queue when it is free, and none while it is down."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.sim = stage.sim
        self.free: Queue[int] = Queue(self.sim, name="the free machines")
        for i in range(p.nodes):
            self.is_free(i)

    @process
    async def handle(self, work_s: float) -> None:
        self.waiting_ns -= self.sim.now_ns
        i = await self.free.get()
        while self.servers[i].down:  # it died while it was idle
            self.is_free(i)
            i = await self.free.get()
        self.waiting_ns += self.sim.now_ns
        try:
            await self.work(self.servers[i], work_s)
        finally:
            self.is_free(i)

    def is_free(self, i: int) -> None:
        """Let a machine take the next request; one that is down is looked at again in a second."""
        if self.servers[i].down:
            self.sim.call_after(NS, self.is_free, i)
        else:
            self.free.put_nowait(i)

    async def work(self, server: FifoServer, work_s: float) -> None:
        """Do a request's work on a machine."""
        await server.serve(work_s)


class Coordinated(SharedQueue):
    """The same, and machines share state: each waits for a lock, and tells all others before it lets go."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.lock = Lock(self.sim, "the shared state")
        self.alone, self.under_lock = 1 - p.alpha, p.alpha
        self.talk_s = p.beta * (p.nodes - 1)

    async def work(self, server: FifoServer, work_s: float) -> None:
        """Work alone, then under the lock, then talk with each other machine, one after the other."""
        await server.serve(work_s * self.alone)
        self.waiting_ns -= self.sim.now_ns
        async with self.lock:
            self.waiting_ns += self.sim.now_ns
            await server.serve(work_s * self.under_lock)
            await self.sim.sleep(self.talk_s)
            self.waiting_ns += round(self.talk_s * NS)


class OneMachine(Fleet):
    """One machine of eightfold speed."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p, bought=1, speed=p.nodes)

    def handle(self, work_s: float) -> Departure:
        return self.servers[0].submit(work_s)


def warmup_s(p: Params) -> float:
    """A fifth of the run: the queues start empty, and what is measured before they have filled flatters."""
    return 0.0 if p.rush else 0.2 * length_s(p)


def most_within(times_s: Iterable[float], span_s: float) -> int:
    """The most moments that lie within so many seconds of each other."""
    found: deque[float] = deque()
    most = 0
    for now in sorted(times_s):
        found.append(now)
        while found[0] < now - span_s:
            found.popleft()
        most = max(most, len(found))
    return most


def measure(history: History, p: Params) -> dict[str, float]:
    """Response times in service times of a small machine; Little's law; what crashes cost."""
    settled = history.since(warmup_s(p))
    p50, p99 = latency_percentiles(settled, (50, 99))
    # Over a whole run, empty at both ends, L = lambda W is an identity: what is off here was counted wrong. Where the
    # run ends before its last request, it is not empty, and how long those stay who are left nobody knows.
    stays = sum(nan if e.value == "unfinished" else e.end - e.start for e in history)
    lost = [e.due for e in history if e.outcome != "ok"]
    return {
        "mean_s": latency_mean(settled),
        "p50_s": p50,
        "p99_s": p99,
        "utilisation": history.facts["utilisation"],
        "little": history.facts["mean_inside"] * history.duration / stays if stays else nan,
        "not_served": len(lost) / len(history),
        "lost_at_once": most_within(lost, p.crash_s),
        "capacity_per_s": (len(history) - len(lost)) / history.duration if history.duration else nan,
    }


def audit(history: History, held: Held, p: Params) -> dict[str, float]:
    """Whether the machines did what the answers say, and are no more than there were to buy."""
    done = held.done()
    able = held.capacity * history.duration
    return {
        "owed_s": owed([(e.end, e.args[0]) for e in history.where(outcome="ok")], done),
        "capacity": held.capacity,
        "utilisation": sum(work for _, work in done) / able if able else nan,
    }


def tail(history: History, p: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The share of requests that take longer than x."""
    return {"slower": parts.slower_than(history.since(warmup_s(p)).latencies(unanswered=inf))}


def losses(history: History, p: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Requests that were lost so far, by when they were due."""
    lost = parts.so_far(e.due for e in history if e.outcome != "ok")
    return {"lost": [(0.0, 0.0), *lost, (history.duration, float(len(lost)))]}


def faults(p: Params) -> Sequence[Fault]:
    """Each machine dies once, in turn: after the warm-up, or no latency would tell; of the big one there is one."""
    if not p.crash_s or p.rush:
        return ()
    first_s, every_s = warmup_s(p), (length_s(p) - warmup_s(p)) / (p.nodes + 1)
    return tuple(crash(f"node {i}", at_s=first_s + (i + 0.5) * every_s, for_s=p.crash_s) for i in range(p.nodes))


QUIET = "crash_s == 0 and not rush and count >= 1500"
LOAD = f"{QUIET} and 8 <= nodes <= 32 and 0.6 <= load <= 0.85"
HALF = {"load": 0.5, "count": 5000}
EXPONENTIAL = {"variation": 1.0}
VARIED = {"nodes": 8, "load": 0.8, "variation": 5.0, "crash_s": 0.0, "rush": False, "count": 6000}
DEATHS = {"nodes": 8, "load": 0.8, "variation": 1.0, "crash_s": 50.0, "rush": False, "count": 4000}
IDLE = {"nodes": 4, "load": 0.05, "variation": 1.0, "crash_s": 50.0, "rush": False, "count": 500}
AGREE = {"alpha": 0.02, "beta": 0.0005, "variation": 1.0, "rush": True, "crash_s": 0.0}
EIGHT = {**AGREE, "nodes": 8, "count": 1500}
THIRTY_TWO = {**AGREE, "nodes": 32, "count": 2000}
MANY = {**AGREE, "nodes": 128, "count": 2000}
FIRST_ASK = "Eight machines are 80 % busy, and a coin picks one for each request. How long does a request of 1 s take?"
HELD_S = "(params.alpha + params.beta * (params.nodes - 1))"
LAW = "params.nodes / (1 + params.alpha * (params.nodes - 1) + params.beta * params.nodes * (params.nodes - 1))"
__doc__ = (__doc__ or "").format(
    at_50=mm1_sojourn_s(0.5, 1.0),
    at_80=mm1_sojourn_s(0.8, 1.0),
    at_90=mm1_sojourn_s(0.9, 1.0),
    at_99=mm1_sojourn_s(0.99, 1.0),
    shared_80=mmk_sojourn_s(6.4, 1.0, 8),
    one_80=mm1_sojourn_s(6.4, 8.0),
    one_varied=mg1_sojourn_s(6.4, 1 / 8, 5.0),
    alpha=Params.alpha,
    lock=1 / Params.alpha,
    many=MANY["nodes"],
)

experiment = Experiment(
    title="Up or out",
    question="Are eight machines as good as one that is eight times as fast, and when do more make it slower?",
    params=Params,
    workload=workload,
    designs={
        "coin_toss": CoinToss,
        "round_robin": RoundRobin,
        "coordinated": Coordinated,
        "shared_queue": SharedQueue,
        "one_machine": OneMachine,
    },
    measure=measure,
    audit=audit,
    charts=(
        Chart("The tail", "response time, s", "share of requests that take longer", tail, log="xy"),
        Chart("Lost", "second", "requests lost so far", losses),
    ),
    asks=(
        Ask(FIRST_ASK, "coin_toss.mean_s", "s", 0.1, 100, log=True),
        Ask("And on one machine that is eight times as fast?", "one_machine.mean_s", "s", 0.1, 100, log=True),
    ),
    why=(
        Why(
            "Behind a coin a request waits while machines next door stand idle.",
            "coin_toss.mean_s > 1.7 * shared_queue.mean_s",
        ),
        Why(
            "One fast machine is never partly idle: a lone request has all of it.",
            "one_machine.mean_s < 0.65 * shared_queue.mean_s",
        ),
        Why(
            "Eight machines lose as much as one, in eight parts.",
            "one_machine.lost_at_once > 4 * coin_toss.lost_at_once",
        ),
    ),
    warmup_s=warmup_s,
    faults=faults,
    seeds=6,
    quick={"count": 1500},
    demands=(
        Claim("yours.mean_s < 1.1 * one_machine.mean_s", "Capacity that stands idle while somebody waits is wasted."),
        Claim("yours.utilisation > 0.9 * params.load", "The capacity is that of eight machines, not of more."),
        Claim("yours.capacity <= params.nodes * 1.000001", "No more is bought than that.", always=True),
        Claim("yours.owed_s < 0.001", "An answer comes after all of its work was done.", always=True),
        Claim("yours.not_served == 0", "While no machine dies, every request is served."),
    ),
    claims=(
        Claim(
            "coin_toss.mean_s > 1.7 * shared_queue.mean_s",
            "Requests wait behind others while machines next door stand idle.",
            "Kleinrock, Queueing Systems, vol. 1",
            breaks="coin_toss",
            given=EXPONENTIAL,
            where=LOAD,
        ),
        Claim(
            "1.2 * shared_queue.mean_s < round_robin.mean_s < 0.95 * coin_toss.mean_s",
            "Turns make the arrivals at each machine more even, and still keep a queue beside an idle machine.",
            over="mean",
            given=EXPONENTIAL,
            where=LOAD,
        ),
        Claim(
            "one_machine.mean_s < 0.65 * shared_queue.mean_s",
            "A lone request has all of the big machine's speed, not an eighth of it.",
            over="mean",
            given=EXPONENTIAL,
            where=LOAD,
        ),
        Claim(
            "one_machine.p50_s > shared_queue.p50_s",
            "Where work varies a lot, a long request holds up everybody before one machine, and few before eight.",
            given=VARIED,
        ),
        Claim(
            "coin_toss.mean_s < 1.4 * shared_queue.mean_s",
            "At a fifth of the capacity hardly anybody waits anywhere: tossing a coin is good enough.",
            over="mean",
            given={"load": 0.2, "count": 2000},
            spares="coin_toss",
            where="crash_s == 0 and not rush and nodes <= 32 and variation <= 1",
        ),
        Claim(
            "one_machine.lost_at_once > 4 * coin_toss.lost_at_once",
            "One of eight takes an eighth with it when it dies; the big one takes all.",
            given=DEATHS,
        ),
        Claim(
            "0.75 * one_machine.not_served < coin_toss.not_served < 1.4 * one_machine.not_served",
            "But eight die eight times as often: if each dies once, as much is lost in all.",
            over="mean",
            given=DEATHS,
        ),
        Claim(
            "shared_queue.not_served < 0.1 * coin_toss.not_served",
            "Who sends nothing to a dead machine loses what it was working on, and no more.",
            given=DEATHS,
        ),
        Claim(
            "shared_queue.not_served * params.count < params.nodes",
            "A machine that dies while it is idle takes nothing with it, and is used again when it is back.",
            given=IDLE,
        ),
        Claim(
            "0.999 * shared_queue.utilisation < one_machine.utilisation < 1.4 * shared_queue.utilisation",
            "Neither has more capacity: the same work keeps both equally busy, but for the last requests.",
            where=f"{QUIET} and nodes <= 32 and variation <= 1",
        ),
        Claim(
            f"max({LAW}, 0.985 * shared_queue.capacity_per_s) "
            "< coordinated.capacity_per_s < shared_queue.capacity_per_s",
            "At eight machines agreement still costs little.",
            "Gunther 2008",
            given=EIGHT,
        ),
        Claim(
            f"max({LAW}, 0.7 * params.nodes) < coordinated.capacity_per_s",
            "At 32 machines most of them still pay.",
            "Gunther 2008",
            given=THIRTY_TWO,
        ),
        Claim(
            f"{LAW} < coordinated.capacity_per_s < 0.11 * params.nodes",
            "Past the peak each machine that is added takes throughput away.",
            "Gunther 2008",
            given=MANY,
        ),
        Claim(
            "coordinated.capacity_per_s < 0.2 * shared_queue.capacity_per_s",
            "So many machines that share no state do more than five times as much.",
            given=MANY,
        ),
        Claim(
            f"0.95 < coordinated.capacity_per_s * {HELD_S} < 1.05",
            "Where the holder talks long, throughput is what the lock lets through at eight machines already.",
            given={**EIGHT, "beta": 0.05, "count": 500},
        ),
        Claim(
            "max(abs(coin_toss.little - 1), abs(round_robin.little - 1), abs(coordinated.little - 1), "
            "abs(shared_queue.little - 1), abs(one_machine.little - 1)) < 0.001",
            "L = lambda W: nobody vanished and nobody was counted twice.",
            "Little 1961",
        ),
    ),
    figures=(
        Figure("eight M/M/1, load 0.5", mm1_sojourn_s(0.5, 1.0), "coin_toss.mean_s", 0.1, "D", "M/M/1", given=HALF),
        Figure("M/M/8, load 0.5", mmk_sojourn_s(4.0, 1.0, 8), "shared_queue.mean_s", 0.05, "D", "Erlang C", given=HALF),
        Figure("one M/M/1, eightfold", mm1_sojourn_s(4.0, 8.0), "one_machine.mean_s", 0.1, "D", "M/M/1", given=HALF),
        Figure(
            "128 machines that agree under one lock: throughput",
            1 / (0.02 + 0.0005 * 127),
            "coordinated.capacity_per_s",
            0.06,
            "D",
            "alpha .02, beta .0005: the lock is always busy, 1 / (alpha + beta (n - 1)); nothing in the design says so",
            given=MANY,
        ),
    ),
    hints=(
        "How many machines stand idle while a request waits in front of another one?",
        "What does a request that comes to an empty system wait for in each design?",
        "Which design has one thing that can die, and which has one thing that everybody must ask?",
        "Draw it: windtunnel sweep up-or-out --over load=0.2,0.5,0.8,0.9 "
        "or --over nodes=1,8,32,64,128 --set rush=true --measure capacity_per_s",
    ),
    sources=(
        Source(
            "L. Kleinrock, Queueing Systems, vol. 1: Theory, Wiley", 1975, "https://dl.acm.org/doi/book/10.5555/1096491"
        ),
        Source(
            "N. J. Gunther, A General Theory of Computational Scalability Based on Rational Functions",
            2008,
            "https://arxiv.org/abs/0808.1431",
        ),
        Source(
            "F. McSherry, M. Isard, D. G. Murray, Scalability! But at what COST?, HotOS",
            2015,
            "https://www.usenix.org/conference/hotos15/workshop-program/presentation/mcsherry",
        ),
        Source(
            "J. D. C. Little, A Proof for the Queuing Formula L = lambda W, Operations Research 9(3)",
            1961,
            "https://doi.org/10.1287/opre.9.3.383",
        ),
    ),
)
