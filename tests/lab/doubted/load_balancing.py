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
from math import exp
from random import Random

from windtunnel import Chart, Claim, Experiment, Figure, History, Op, Source, Stage, param
from windtunnel.sim import Departure
from windtunnel.statistics import mean, percentiles
from windtunnel.workload import lognormal, poisson, requests


@dataclass(frozen=True)
class Params:
    servers: int = param(8, "servers behind the balancer", 2, 1000)
    load: float = param(0.7, "share of the servers' time that the requests need", 0.01, 0.99)
    variation: float = param(3.0, "how much work varies: its coefficient of variation; 1 is exponential", 0.0, 10.0)
    staleness: float = param(0.0, "time between two reports of the queues, in mean service times", 0.0, 1000.0)
    count: int = param(10_000, "requests", 100, 10_000_000)


def workload(params: Params, random: Random) -> Iterable[Op]:
    times = poisson(params.load * params.servers, random, count=params.count)
    if params.variation == 1:
        return requests(times, "handle", lambda _: (random.expovariate(1.0),))
    return requests(times, "handle", lambda _: (lognormal(1.0, params.variation, random),))


class Balancer:
    """Sends each request to one of several first-come, first-served servers."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.sim = stage.sim
        self.random = stage.random("balancer").random
        self.servers = [stage.server(f"server {i}") for i in range(params.servers)]
        self.staleness = params.staleness
        self.news: list[int] | None = None

    def start(self) -> None:
        if self.staleness:
            self.sim.spawn(self._reports(), "reports", daemon=True)

    async def _reports(self) -> None:
        while True:
            self.news = [server.inside for server in self.servers]
            await self.sim.sleep(self.staleness)

    def queue(self, i: int) -> int:
        """Requests at server i, as far as the balancer knows."""
        return self.servers[i].inside if self.news is None else self.news[i]

    def two(self) -> tuple[int, int]:
        """Two different servers, at random."""
        a = int(self.random() * len(self.servers))
        b = int(self.random() * (len(self.servers) - 1))
        return a, b + (b >= a)

    def choose(self) -> int:
        """The server for the next request."""
        raise NotImplementedError

    def handle(self, work: float) -> Departure:
        return self.servers[self.choose()].submit(work)


class AtRandom(Balancer):
    """Any server, whatever it is doing."""

    def choose(self) -> int:
        return int(self.random() * len(self.servers))


class RoundRobin(Balancer):
    """One server after the other."""

    turn = -1

    def choose(self) -> int:
        self.turn = (self.turn + 1) % len(self.servers)
        return self.turn


class LeastConnections(Balancer):
    """Look at all servers, take the first of those with the fewest requests."""

    def queues(self) -> list[int]:
        """Requests at every server, as far as the balancer knows."""
        return self.news if self.news is not None else [server.inside for server in self.servers]

    def choose(self) -> int:
        queues = self.queues()
        return queues.index(min(queues))


class LeastByLot(LeastConnections):
    """Look at all servers, draw lots among those with the fewest requests."""

    def choose(self) -> int:
        queues = self.queues()
        least = min(queues)
        equal = [i for i, n in enumerate(queues) if n == least]
        return equal[int(self.random() * len(equal))]


class PeakEwma(Balancer):
    """Of two servers the one with less latency times requests; latency rises at once, falls slowly."""

    memory_s = 10.0

    def __init__(self, stage: Stage, params: Params) -> None:
        super().__init__(stage, params)
        self.latency = [0.0] * params.servers
        self.noted_at = [0.0] * params.servers

    def choose(self) -> int:
        a, b = self.two()
        return a if self._cost(a) <= self._cost(b) else b

    def _cost(self, i: int) -> float:
        return self.latency[i] * exp((self.noted_at[i] - self.sim.now) / self.memory_s) * (self.queue(i) + 1)

    def handle(self, work: float) -> Departure:
        i, start = self.choose(), self.sim.now
        answer = self.servers[i].submit(work)
        answer.add_done_callback(lambda _: self._note(i, self.sim.now - start))
        return answer

    def _note(self, i: int, took: float) -> None:
        kept = exp((self.noted_at[i] - self.sim.now) / self.memory_s)
        self.latency[i] = max(took, self.latency[i] * kept + took * (1 - kept))
        self.noted_at[i] = self.sim.now


class TwoChoices(Balancer):
    """Look at two servers, picked at random, take the one with fewer requests."""

    def choose(self) -> int:
        a, b = self.two()
        return a if self.queue(a) <= self.queue(b) else b


def warmup_s(params: Params) -> float:
    return 0.2 * params.count / (params.load * params.servers)


def measure(history: History, params: Params) -> Mapping[str, float]:
    latencies = history.since(warmup_s(params)).latencies()
    p50, p99 = percentiles(latencies, (50, 99))
    return {"mean_s": mean(latencies), "p50_s": p50, "p99_s": p99}


def tail(history: History, params: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The share of requests that took longer than x."""
    ordered = sorted(history.since(warmup_s(params)).latencies())
    shares = [10 ** (-i / 12) for i in range(37)]
    return {"slower": [(ordered[int((1 - share) * (len(ordered) - 1))], share) for share in shares]}


SUPERMARKET = {"servers": 100, "load": 0.9, "variation": 1.0, "count": 40_000}
LONE_QUEUES = {"servers": 10, "load": 0.9, "variation": 1.0, "count": 25_000}
OLD_NEWS = {"staleness": 20.0}
TRIAL = "8 servers, lognormal work of mean 1 and variation 3, load 0.7"
MITZENMACHER = "Mitzenmacher 1996"

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
    warmup_s=warmup_s,
    charts=(Chart("The tail", "latency, mean service times", "share of requests that took longer", tail, log="xy"),),
    claims=(
        Claim("at_random.mean_s > 2 * two_choices.mean_s", "a second look saves most of the wait", breaks="at_random"),
        Claim("at_random.p99_s > 1.5 * two_choices.p99_s", "and most of the tail", over="mean"),
        Claim("least_connections.mean_s < two_choices.mean_s", "fresh and full knowledge is best", over="mean"),
        Claim(
            "least_connections.mean_s > 2 * at_random.mean_s",
            "everybody runs to the queue that was shortest: the herd is worse than no knowledge",
            MITZENMACHER,
            over="mean",
            given=OLD_NEWS,
            breaks="least_connections",
        ),
        Claim(
            "two_choices.mean_s < least_by_lot.mean_s < least_connections.mean_s",
            "drawing lots among equals spreads the herd, but every report still has its few winners",
            over="mean",
            given=OLD_NEWS,
        ),
        Claim(
            "two_choices.mean_s < at_random.mean_s",
            "two looks herd less: old news is still worth something",
            MITZENMACHER,
            given=OLD_NEWS,
        ),
        Claim(
            "round_robin.mean_s < 0.5 * at_random.mean_s",
            "turns even out the arrivals, and that is enough where all work is alike",
            given={"variation": 0.0, "load": 0.9, "count": 3000},
        ),
        Claim(
            "at_random.mean_s < 1.1 * least_connections.mean_s",
            "with idle servers everywhere there is nothing to choose: 1 / (1 - load) stays below 1.1 up to load 0.09",
            given={"load": 0.05, "variation": 1.0, "count": 2000},
            spares="at_random",
        ),
    ),
    demands=(
        Claim("yours.mean_s < 1.2 * two_choices.mean_s", "no machine may stand idle beside a long queue"),
        Claim("yours.p99_s < 1.3 * two_choices.p99_s", "nor may a few requests pay for it"),
        Claim("yours.ok == yours.ops", "every request is answered"),
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
            2.614,
            "two_choices.mean_s",
            0.08,
            "D",
            "exponential work, infinitely many servers; ours has 100",
            MITZENMACHER,
            given=SUPERMARKET,
        ),
        Figure(
            "random, load 0.9: mean time",
            10.0,
            "at_random.mean_s",
            0.2,
            "D",
            "exponential work: 1 / (1 - load); ours has 10 servers, and long enough to fill them",
            given=LONE_QUEUES,
        ),
        Figure("random: mean time", 12.67, "at_random.mean_s", 0.25, "D", f"{TRIAL}: M/G/1"),
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
