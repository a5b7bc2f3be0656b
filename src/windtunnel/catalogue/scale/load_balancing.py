"""A balancer has to pick a server for every request, knowing more or less about the queues behind it.

**Clarify.** Requests come one by one, each needs an amount of work that nobody knows beforehand, every server serves
first come, first served. Does the work vary a lot (answers of a language model: a coefficient of variation of 3) or
little? How old is what the balancer knows: its own counters, or a report that each server sends now and then?

**Estimate.** With random choice every server is a queue of its own. For exponential work at load ρ its mean time is
1/(1 - ρ): 10 service times at 90 %. Variable work makes it worse: Pollaczek and Khinchine say 1 + ρ(1 + c²)/2(1 - ρ).

**Design.** Round robin evens out the arrivals but not the work. Least connections looks at every queue. Two choices
looks at two queues, picked at random, and takes the shorter one: nearly all of the gain for two looks. The mean time
falls from Σ ρⁱ to Σ ρ^(2ⁱ - 1), from 10 to 2.61 at 90 %. Peak EWMA (Finagle, Linkerd) weighs two servers by how long
they took of late, times how many requests they hold.

**Deep dive: old news.** When all balancers read the same report, the shortest queue in it is everybody's target until
the next report comes: the herd. Least connections, best with fresh counters, becomes the worst of all, worse than
no knowledge, and drawing lots among equals saves it only in part. Two choices herds far less, for it sees only two
queues at a time. The less you know, the more luck you should mix in.

**Scale.** NGINX (`least_conn`, `random two`), HAProxy, Envoy (`LEAST_REQUEST` is two choices), Finagle and Linkerd
ship these very designs. Where the answer depends on a cache (prefixes of prompts), affinity joins the balance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from random import Random

from windtunnel import (
    Ask,
    Chart,
    Claim,
    Experiment,
    Figure,
    Held,
    History,
    Op,
    Source,
    Stage,
    Why,
    owed,
    param,
    parts,
)
from windtunnel.parts import Balancer, slower_than
from windtunnel.sim import Departure
from windtunnel.sim.closed_forms import mg1_sojourn_s, mm1_sojourn_s, supermarket_sojourn_s
from windtunnel.statistics import latency_mean, latency_percentiles
from windtunnel.workload import lognormal, poisson, requests


@dataclass(frozen=True)
class Params:
    servers: int = param(8, "servers behind the balancer", 2, 1000)
    load: float = param(0.7, "share of the servers' time that the requests need", 0.01, 0.99)
    variation: float = param(3.0, "how much work varies: its coefficient of variation; 1 is exponential", 0.0, 10.0)
    staleness: float = param(0.0, "time between two reports of the queues, in mean service times", 0.0, 1000.0)
    count: int = param(10_000, "requests", 100, 10_000_000)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    times = poisson(p.load * p.servers, luck, count=p.count)
    if p.variation == 1:
        return requests(times, "handle", lambda _: (luck.expovariate(1.0),))
    return requests(times, "handle", lambda _: (lognormal(1.0, p.variation, luck),))


class Balanced:
    """Sends each request to one of several first-come, first-served servers."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.sim = stage.sim
        self.random = stage.random("balancer")
        self.n = params.servers
        self.servers = [stage.server(f"server {i}") for i in range(self.n)]
        self.staleness = params.staleness
        self.news: list[int] | None = None
        self.balancer = self.law()

    def law(self) -> Balancer:
        """How the server for the next request is chosen."""
        raise NotImplementedError

    def queue(self, i: int) -> int:
        """Requests at server i, as far as the balancer knows."""
        return self.servers[i].inside if self.news is None else self.news[i]

    def start(self) -> None:
        if self.staleness:
            self.sim.spawn(self._reports(), "reports", daemon=True)

    async def _reports(self) -> None:
        while True:
            self.news = [server.inside for server in self.servers]
            await self.sim.sleep(self.staleness)

    def handle(self, work: float) -> Departure:
        return self.servers[self.balancer.choose()].submit(work)


class AtRandom(Balanced):
    """Any server, whatever it is doing."""

    def law(self) -> Balancer:
        return parts.AtRandom(self.n, self.random)


class RoundRobin(Balanced):
    """One server after the other."""

    def law(self) -> Balancer:
        return parts.RoundRobin(self.n)


class LeastConnections(Balanced):
    """Look at all servers, take the first of those with the fewest requests."""

    def law(self) -> Balancer:
        return parts.LeastConnections(self.n, self.queue)


class LeastByLot(Balanced):
    """Look at all servers, draw lots among those with the fewest requests."""

    def law(self) -> Balancer:
        return parts.LeastConnections(self.n, self.queue, self.random)


class PeakEwma(Balanced):
    """Of two servers the one with less latency times requests; latency rises at once, falls slowly."""

    def law(self) -> Balancer:
        self.ewma = parts.PeakEwma(self.n, self.queue, self.random, lambda: self.sim.now)
        return self.ewma

    def handle(self, work: float) -> Departure:
        i, start = self.ewma.choose(), self.sim.now
        answer = self.servers[i].submit(work)
        answer.add_done_callback(lambda _: self.ewma.noted(i, self.sim.now - start))
        return answer


class TwoChoices(Balanced):
    """Look at two servers, picked at random, take the one with fewer requests."""

    def law(self) -> Balancer:
        return parts.TwoChoices(self.n, self.queue, self.random)


def warmup_s(params: Params) -> float:
    return 0.2 * params.count / (params.load * params.servers)


def measure(history: History, params: Params) -> Mapping[str, float]:
    settled = history.since(warmup_s(params))
    p50, p99 = latency_percentiles(settled, (50, 99))
    return {"mean_s": latency_mean(settled), "p50_s": p50, "p99_s": p99}


def audit(history: History, held: Held, params: Params) -> Mapping[str, float]:
    """Whether the servers did what the answers say, and are those of the experiment."""
    return {
        "owed_s": owed([(e.end, e.args[0]) for e in history.where(outcome="ok")], held.done()),
        "machines": len(held.machines),
        "capacity": held.capacity,
    }


def tail(history: History, params: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The share of requests that took longer than x."""
    return {"slower": slower_than(history.since(warmup_s(params)).latencies(unanswered=inf))}


SUPERMARKET = {"servers": 100, "load": 0.9, "variation": 1.0, "count": 40_000}
LONE_QUEUES = {"servers": 10, "load": 0.9, "variation": 1.0, "count": 25_000}
OLD_NEWS = {"staleness": 20.0}
TRIAL = "8 servers, lognormal work of mean 1 and variation 3, load 0.7"
MITZENMACHER = "Mitzenmacher 1996"
HOW_OLD = "Mitzenmacher 2000"

experiment = Experiment(
    title="Load balancing",
    question="Which server should the next request go to, and what if the balancer's news is old?",
    params=Params,
    workload=workload,
    designs={
        "at_random": AtRandom,
        "round_robin": RoundRobin,
        "least_connections": LeastConnections,
        "least_by_lot": LeastByLot,
        "peak_ewma": PeakEwma,
        "two_choices": TwoChoices,
    },
    measure=measure,
    audit=audit,
    warmup_s=warmup_s,
    charts=(Chart("The tail", "latency, mean service times", "share of requests that took longer", tail, log="xy"),),
    asks=(
        Ask(
            "A request takes one service time alone. How many does it take at load 0.7, sent to any of eight servers?",
            "at_random.mean_s",
            "service times",
            1,
            100,
            log=True,
        ),
        Ask(
            "And how many if the balancer looks at two of them first?",
            "two_choices.mean_s",
            "service times",
            1,
            100,
            log=True,
        ),
    ),
    why=(
        Why(
            "One look more than none finds an idle server most of the time.",
            "at_random.mean_s > 2 * two_choices.mean_s",
        ),
        Why(
            "Old news sends everybody to the queue that was shortest, and nobody to those that are.",
            "least_connections.mean_s > 2 * at_random.mean_s",
        ),
    ),
    claims=(
        Claim("at_random.mean_s > 2 * two_choices.mean_s", "A second look saves most of the wait.", breaks="at_random"),
        Claim("at_random.p99_s > 1.5 * two_choices.p99_s", "It saves most of the tail too.", over="mean"),
        Claim("least_connections.mean_s < two_choices.mean_s", "Fresh and full knowledge is best.", over="mean"),
        Claim(
            "least_connections.mean_s > 2 * at_random.mean_s",
            "Everybody runs to the queue that was shortest: the herd is worse than no knowledge.",
            HOW_OLD,
            over="mean",
            given=OLD_NEWS,
            breaks="least_connections",
        ),
        Claim(
            "two_choices.mean_s < least_by_lot.mean_s < least_connections.mean_s",
            "Drawing lots among equals spreads the herd, but every report still has its few winners.",
            over="mean",
            given=OLD_NEWS,
        ),
        Claim(
            "two_choices.mean_s < at_random.mean_s",
            "Two looks herd less: old news is still worth something.",
            HOW_OLD,
            over="mean",
            given=OLD_NEWS,
        ),
        Claim(
            "round_robin.mean_s < 0.5 * at_random.mean_s",
            "Turns even out the arrivals, and that is enough where all work is alike.",
            given={"variation": 0.0, "load": 0.9, "count": 3000},
        ),
        Claim(
            "at_random.mean_s < 1.1 * least_connections.mean_s",
            "With idle servers everywhere there is nothing to choose: 1 / (1 - load) stays below 1.1 up to load 0.09.",
            given={"load": 0.05, "variation": 1.0, "count": 2000},
            spares="at_random",
        ),
    ),
    demands=(
        Claim("yours.mean_s < 1.2 * two_choices.mean_s", "No machine may stand idle beside a long queue."),
        Claim("yours.p99_s < 1.3 * two_choices.p99_s", "A few requests may not pay for the others."),
        Claim("yours.ok == yours.ops", "Every request is answered."),
        Claim("yours.owed_s < 0.001", "An answer comes after a server has done all of its work.", always=True),
        Claim(
            "yours.machines == params.servers and yours.capacity <= params.servers",
            "The servers are those that there are, and no faster.",
            always=True,
        ),
        Claim(
            "yours.mean_s < 4 * two_choices.mean_s",
            "With old news nobody may run where everybody runs.",
            given=OLD_NEWS,
        ),
    ),
    hints=(
        "Draw the queue of one server. What does the balancer know about it, and since when?",
        "The gain from no knowledge to two looks is far larger than from two looks to all.",
        "If everybody sees the same list, what happens to the server at its top until the next list comes?",
    ),
    sources=(
        Source(
            "Azar, Broder, Karlin, Upfal: Balanced Allocations, STOC", 1994, "https://doi.org/10.1145/195058.195412"
        ),
        Source(
            "Mitzenmacher: The Power of Two Choices in Randomized Load Balancing",
            1996,
            "https://www.eecs.harvard.edu/~michaelm/postscripts/mythesis.pdf",
        ),
        Source(
            "Mitzenmacher: How Useful Is Old Information?",
            2000,
            "https://doi.org/10.1109/71.824633",
        ),
    ),
    figures=(
        Figure(
            "two choices, load 0.9: mean time",
            supermarket_sojourn_s(SUPERMARKET["load"], choices=2),
            "two_choices.mean_s",
            0.08,
            "D",
            "exponential work, infinitely many servers; ours has 100",
            MITZENMACHER,
            given=SUPERMARKET,
        ),
        Figure(
            "random, load 0.9: mean time",
            mm1_sojourn_s(LONE_QUEUES["load"], 1.0),
            "at_random.mean_s",
            0.2,
            "D",
            "exponential work: 1 / (1 - load); ours has 10 servers, and long enough to fill them",
            given=LONE_QUEUES,
        ),
        Figure("random: mean time", mg1_sojourn_s(0.7, 1.0, 3.0), "at_random.mean_s", 0.25, "D", f"{TRIAL}: M/G/1"),
        Figure("two choices: mean time", 3.1, "two_choices.mean_s", 0.25, "R", TRIAL),
        Figure("least connections: mean time", 1.7, "least_connections.mean_s", 0.25, "R", TRIAL),
        Figure(
            "least connections, old news: mean time",
            47,
            "least_connections.mean_s",
            0.35,
            "R",
            f"{TRIAL}, a report every 20, ties go to the first",
            given=OLD_NEWS,
        ),
        Figure(
            "two choices, old news: mean time",
            6.6,
            "two_choices.mean_s",
            0.35,
            "R",
            f"{TRIAL}, a report every 20",
            given=OLD_NEWS,
        ),
    ),
    quick={"count": 2500},
)
