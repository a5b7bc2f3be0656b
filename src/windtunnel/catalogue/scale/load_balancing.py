"""Eight servers that generate answers, each with a queue, and a balancer that must choose one for every request.

(being written)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.history import History, Op
from windtunnel.lab.params import param
from windtunnel.lab.stage import Stage
from windtunnel.lab.statistics import mean, percentiles
from windtunnel.lab.workload import lognormal, poisson, requests
from windtunnel.sim.kernel import process


@dataclass(frozen=True)
class Params:
    servers: int = param(8, "servers behind the balancer", 2, 1000)
    load: float = param(0.7, "share of the servers' time that the requests need", 0.01, 0.99)
    variation: float = param(3.0, "coefficient of variation of a request's work; 1 makes it exponential", 0.0, 10.0)
    staleness: float = param(0.0, "age of the queue lengths that the balancer sees, in mean service times", 0.0, 100.0)
    count: int = param(20_000, "requests", 100, 10_000_000)


def workload(params: Params, random: Random) -> Iterable[Op]:
    times = poisson(params.load * params.servers, random, count=params.count)
    if params.variation == 1:
        return requests(times, "handle", lambda _: (random.expovariate(1.0),))
    return requests(times, "handle", lambda _: (lognormal(1.0, params.variation, random),))


class Balancer:
    """Sends each request to one of several first-come, first-served servers."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.sim = stage.sim
        self.luck = stage.random("balancer")
        self.free_at_ns = [0] * params.servers
        self.waiting = [0] * params.servers

    def choose(self) -> int:
        """The server for the next request."""
        raise NotImplementedError

    @process
    async def handle(self, work: float) -> None:
        server = self.choose()
        self.waiting[server] += 1
        done = max(self.sim.now_ns, self.free_at_ns[server]) + round(work * 1e9)
        self.free_at_ns[server] = done
        await self.sim.sleep_ns(done - self.sim.now_ns)
        self.waiting[server] -= 1


class AtRandom(Balancer):
    """Any server, whatever it is doing."""

    def choose(self) -> int:
        return self.luck.randrange(len(self.waiting))


class TwoChoices(Balancer):
    """Look at two servers, take the one with the shorter queue."""

    def choose(self) -> int:
        a, b = self.luck.sample(range(len(self.waiting)), 2)
        return a if self.waiting[a] <= self.waiting[b] else b


def measure(history: History, params: Params) -> Mapping[str, float]:
    latencies = history.latencies()
    p50, p99 = percentiles(latencies, (50, 99))
    return {"mean_s": mean(latencies), "p50_s": p50, "p99_s": p99}


experiment = Experiment(
    title="Load balancing",
    question="Which server should the next request go to, and what if the balancer's knowledge is old?",
    params=Params,
    workload=workload,
    designs={"at_random": AtRandom, "two_choices": TwoChoices},
    measure=measure,
    claims=(Claim("at_random.mean_s > 2 * two_choices.mean_s", "one more look halves the wait", breaks="at_random"),),
    quick={"count": 2000},
)
