"""Buy eight small machines or one that is eight times as fast?

Clarify first: is it latency that hurts, or throughput, or a machine that dies at night? Do requests share state, so
that machines must agree? Estimate: with service time S and utilisation rho one queue answers in S / (1 - rho): at 80 %
five times S, at 90 % ten times, at 99 % a hundred times. The last few per cent of a machine are the expensive ones.

Design. Eight machines behind a coin are eight separate queues: a request waits behind others while machines next door
stand idle. Round robin spreads arrivals more evenly and halves the wait. One queue in front of all eight lets no
machine idle while somebody waits. And one machine of eightfold speed beats them all at the same load, because a lone
request has all of the speed, not an eighth of it: for latency at equal capacity, up wins over out.

Deep dive. Out wins elsewhere. One of eight machines that dies takes an eighth of the requests with it, the big one
takes all. And nothing is sold eighty times as fast. But "add machines" has a limit of its own: where requests share
state each pays for waiting its turn (alpha) and for agreeing with every other machine (beta), and throughput peaks at
sqrt((1 - alpha) / beta) machines, then falls: Gunther's universal scalability law. Measure a few sizes and fit it
before you buy. McSherry and others (COST, HotOS 2015) found clusters that a laptop's single thread beats.

Scale. A common queue is itself a thing that can fail and fill: real systems pull from it (work queues, work stealing as
in Go's and Tokio's schedulers), or come close to it without one (two choices: see load-balancing). Databases scale up
first and out late, for alpha and beta are large there; stateless web tiers scale out from the first day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from windtunnel import Chart, Claim, Experiment, Fault, Figure, History, Op, Source, Stage, crash, param
from windtunnel.sim import Departure
from windtunnel.statistics import mean, percentiles


@dataclass(frozen=True)
class Params:
    """How many machines, how busy."""

    nodes: int = param(8, "small machines, or the speed of the big one", low=1, high=1000)
    load: float = param(0.8, "utilisation: share of the capacity that the requests need", low=0.01, high=0.99)
    count: int = param(8_000, "requests", low=100, high=10_000_000)
    alpha: float = param(0.02, "share of a request for which it waits its turn at shared state", low=0, high=1)
    beta: float = param(0.0005, "share of a request that it costs to agree with one other machine", low=0, high=1)
    rush: bool = param(False, "all requests come at once: what counts is the throughput")
    crash_s: float = param(0.0, "seconds for which machine 0 is down in the middle of the run", low=0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`handle(work_s)`: exponential work with mean 1 s on a small machine; Poisson arrivals."""
    at = 0.0
    for i in range(p.count):
        work_s = luck.expovariate(1.0)
        at += luck.expovariate(p.load * p.nodes)
        yield Op(0.0 if p.rush else at, f"client {i % 100}", "handle", (work_s,))


class Fleet:
    """Small machines with a queue each."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.servers = [stage.server(f"node {i}") for i in range(p.nodes)]

    def report(self) -> Mapping[str, object]:
        readings = [server.read() for server in self.servers]
        workers = sum(r.workers for r in readings)
        now_ns = readings[0].now_ns
        return {
            "utilisation": sum(r.busy_ns for r in readings) / (now_ns * workers),
            "mean_inside": sum(r.inside_ns for r in readings) / now_ns,
        }


class CoinToss(Fleet):
    """Eight machines; each request goes to any of them."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.luck = stage.random("balancer")

    def handle(self, work_s: float) -> Departure:
        return self.servers[self.luck.randrange(len(self.servers))].submit(work_s)


class RoundRobin(Fleet):
    """Eight machines; requests go to them in turn."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.turn = -1

    def handle(self, work_s: float) -> Departure:
        self.turn = (self.turn + 1) % len(self.servers)
        return self.servers[self.turn].submit(work_s)


class Coordinated(Fleet):
    """Eight machines with one queue that share state: every request pays for the others (alpha and beta)."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.servers = [stage.server("node 0", workers=p.nodes)]
        self.price = 1 + p.alpha * (p.nodes - 1) + p.beta * p.nodes * (p.nodes - 1)

    def handle(self, work_s: float) -> Departure:
        return self.servers[0].submit(work_s * self.price)


class SharedQueue(Fleet):
    """Eight machines that take the next request from one queue."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.servers = [stage.server("node 0", workers=p.nodes)]

    def handle(self, work_s: float) -> Departure:
        return self.servers[0].submit(work_s)


class OneMachine(Fleet):
    """One machine of eightfold speed."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.servers = [stage.server("node 0", speed=p.nodes)]

    def handle(self, work_s: float) -> Departure:
        return self.servers[0].submit(work_s)


def warmup_s(p: Params) -> float:
    """A fifth of the run: the queues start empty, and what is measured before they have filled flatters."""
    return 0.0 if p.rush else 0.2 * p.count / (p.load * p.nodes)


def measure(history: History, p: Params) -> dict[str, float]:
    """Response times in service times of a small machine; Little's law; what a crash costs."""
    latencies = history.since(warmup_s(p)).latencies()
    p50, p99 = percentiles(latencies, (50, 99))
    # Over a whole run, empty at both ends, L = lambda W is an identity: what is off here was counted wrong.
    sojourns = [e.end - e.start for e in history if e.outcome == "ok"]
    return {
        "mean_s": mean(latencies),
        "p50_s": p50,
        "p99_s": p99,
        "utilisation": history.facts["utilisation"],
        "little": history.facts["mean_inside"] * history.duration / sum(sojourns) if sojourns else 1.0,
        "not_served": sum(e.outcome != "ok" for e in history) / len(history),
        "capacity_per_s": len(sojourns) / history.duration,
    }


def series(history: History, p: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The share of requests that take longer than x."""
    latencies = sorted(history.since(warmup_s(p)).latencies())
    count = len(latencies)
    return {"slower": [(x, (count - i) / count) for i, x in enumerate(latencies)]}


def faults(p: Params) -> Sequence[Fault]:
    """Machine 0 dies in the middle of the run, if it is to."""
    if not p.crash_s:
        return ()
    return (crash("node 0", at_s=p.count / (p.load * p.nodes) / 2, for_s=p.crash_s),)


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
    charts=(
        Chart("The tail", "response time (small machines)", "share of requests that take longer", series, log="xy"),
    ),
    warmup_s=warmup_s,
    faults=faults,
    seeds=6,
    quick={"count": 1500},
    demands=(
        Claim("yours.mean_s < 1.1 * one_machine.mean_s", "Capacity that stands idle while somebody waits is wasted."),
        Claim("yours.utilisation > 0.9 * params.load", "The capacity is that of eight machines, not of more."),
        Claim("yours.not_served == 0", "While no machine dies, every request is served."),
    ),
    claims=(
        Claim(
            "coin_toss.mean_s > 2.5 * shared_queue.mean_s",
            "Requests wait behind others while machines next door stand idle.",
            "Kleinrock, Queueing Systems, vol. 1, ch. 3",
            over="mean",
            breaks="coin_toss",
        ),
        Claim(
            "round_robin.mean_s < 0.8 * coin_toss.mean_s",
            "Taking turns makes the arrivals at each machine more even.",
            over="mean",
        ),
        Claim(
            "one_machine.mean_s < 0.6 * shared_queue.mean_s",
            "A lone request has all of the big machine's speed, not an eighth of it.",
            over="mean",
        ),
        Claim(
            "coin_toss.mean_s < 1.4 * shared_queue.mean_s",
            "At a fifth of the capacity hardly anybody waits anywhere: tossing a coin is good enough.",
            over="mean",
            given={"load": 0.2},
            spares="coin_toss",
        ),
        Claim(
            "one_machine.not_served > 4 * coin_toss.not_served",
            "One of eight takes an eighth with it when it dies; the big one takes all.",
            given={"crash_s": 100.0},
        ),
        Claim(
            "coordinated.capacity_per_s > 0.25 * params.nodes",
            "At eight machines agreement still costs little.",
            given={"rush": True},
        ),
        Claim(
            "coordinated.capacity_per_s < 0.1 * params.nodes",
            "Past the peak each machine that is added takes throughput away.",
            "Gunther, Guerrilla Capacity Planning, ch. 4",
            given={"nodes": 128, "rush": True},
        ),
        Claim(
            "max(abs(coin_toss.little - 1), abs(shared_queue.little - 1), abs(one_machine.little - 1)) < 0.001",
            "L = lambda W: nobody vanished and nobody was counted twice.",
            "Little 1961",
        ),
    ),
    figures=(
        Figure("mean response of 8 random M/M/1, rho .8", 5.0, "coin_toss.mean_s", 0.08, "D", "M/M/1: S/(1-rho)"),
        Figure("mean response of M/M/8, rho .8", 1.286, "shared_queue.mean_s", 0.03, "D", "Erlang C"),
        Figure("mean response of one eightfold M/M/1", 0.625, "one_machine.mean_s", 0.08, "D", "M/M/1: S/8/(1-rho)"),
        Figure(
            "throughput at the peak of the scalability law, 44 machines",
            15.7,
            "coordinated.capacity_per_s",
            0.03,
            "D",
            "alpha .02, beta .0005: N/(1 + alpha(N-1) + beta N(N-1))",
            "Gunther 2007",
            given={"nodes": 44, "rush": True, "count": 12_000},
        ),
        Figure(
            "throughput past the peak, 128 machines",
            11.0,
            "coordinated.capacity_per_s",
            0.03,
            "D",
            "alpha .02, beta .0005",
            "Gunther 2007",
            given={"nodes": 128, "rush": True, "count": 30_000},
        ),
    ),
    hints=(
        "How many machines stand idle while a request waits in front of another one?",
        "What does a request that comes to an empty system wait for in each design?",
        "Which design has one thing that can die, and which has one thing that everybody must ask?",
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
