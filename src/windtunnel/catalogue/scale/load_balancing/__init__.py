"""A balancer has to pick a server for every request, knowing more or less about the queues behind it.

**Clarify.** Requests come one by one, nobody knows beforehand how much work one is, every server serves first come,
first served. Does the work vary a lot (answers of a language model) or little? Are all servers equally fast? How many
balancers are there, and what does each know: what it sent itself, or a report that the servers send now and then?

**Estimate.** Sent to any server, each queue is one of its own: Pollaczek and Khinchine say 1 + ρ(1 + c²)/2(1 - ρ)
service times for load ρ and coefficient of variation c: at the defaults {lone:.2f}. Exponential work at 90 % takes
{lone_90:.0f}, with the shorter of two queues {two_90:.2f}: Σ ρ^(2ⁱ - 2). At 70 % it is {lone_70:.2f} and {two_70:.2f}.

**Design.** Turns even out the arrivals, not the work. Least connections looks at every queue. Two choices looks at two
that are drawn by lot: most of the gain for two looks. A full queue turns requests away, and luck then shows as loss.
What was sent cannot be taken back: one queue before all, of which servers help themselves, takes {shared_70:.2f}, less
than any balancer here, where one place can hold it (see up-or-out).

**Deep dive: old news.** All who read one report send to the queue that was shortest, until the next report comes: the
herd. Least connections, best here with fresh news, loses to no knowledge at all. A single balancer need not join it: it
counts what it sent itself since the report, or what it has open anywhere, which is never old. With fresh news that adds
nothing. With old news each send has to count as the one request that it is: who counts it for more, to be careful,
passes by free places, and where queues are short others are turned away for it. Of a thousand balancers each sees a
thousandth of all that, and such counts are worth little more than a coin. Two choices herds less, but it herds: with
exponential work, news of twenty service times makes it worse than a coin too. What is missing is the age of the news.
Who knows how many requests will act on a report fills the short queues up to one level and no further (load
interpretation): fresh news counts fully, which is least connections; of news one service time old much is left, of old
news hardly anything, and in the worst case the coin.

**Deep dive: a slow server.** Queues say how many wait, not for how long. Peak EWMA weighs latency times open
requests, and so keeps away from a slow server. Of two looks it makes the better use. Among eight servers all looks at
queues have the better mean even so, since they mostly find another idle server; who comes to the slow one pays in the
tail. The memory has to be long beside a service: one that forgets within a service is misled by what it happens to
remember. (Finagle's is 10 s, thousands of short calls.) Where all servers are alike it gains nothing.

**Scale.** NGINX (`least_conn`, `random two`), HAProxy (`leastconn`) and Envoy (`LEAST_REQUEST`: by default two looks)
count their own open requests; NGINX in each worker, unless these share a zone. That is exact for one proxy before its
servers, and fades with every proxy or sidecar more. Finagle and Linkerd weigh latencies.

**Left open.** Which servers a balancer should know at all (subsets), reports that the servers' answers carry, idle
servers that offer themselves (join the idle queue), caches that make a server better for some requests than others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan
from random import Random

from windtunnel import (
    Ask,
    Chart,
    Experiment,
    Held,
    History,
    Op,
    Stage,
    Why,
    owed,
    param,
    parts,
)
from windtunnel.catalogue.scale.load_balancing.claims import CLAIMS, DEMANDS, FIGURES, SOURCES
from windtunnel.sim import Departure
from windtunnel.sim.closed_forms import mg1_sojourn_s, mm1_sojourn_s, mmk_sojourn_s, supermarket_sojourn_s
from windtunnel.statistics import latency_mean, latency_percentiles
from windtunnel.workload import lognormal, poisson, requests


@dataclass(frozen=True)
class Params:
    servers: int = param(8, "servers behind the balancers", 2, 100)
    load: float = param(0.7, "share of the servers' time that the requests need", 0.05, 0.95)
    variation: float = param(2.0, "how much work varies: its coefficient of variation; 1 is exponential", 0.0, 5.0)
    balancers: int = param(1, "balancers before the servers; a request comes to any of them", 1, 1000)
    staleness: float = param(0.0, "time between two reports of the queues, in mean service times", 0.0, 200.0)
    slow: float = param(1.0, "speed of server 0; the others have 1", 0.05, 1.0)
    places: int = param(0, "places to wait at each server; 0 is no limit", 0, 1000)
    memory: float = param(1000.0, "how long peak EWMA remembers, in mean service times", 1.0, 10_000.0)
    count: int = param(4000, "requests", 500, 20_000)


def rate_per_s(p: Params) -> float:
    """Requests in a mean service time."""
    return p.load * (p.servers - 1 + p.slow)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    times, v = poisson(rate_per_s(p), luck, count=p.count), p.variation
    return requests(times, "handle", lambda _: (luck.expovariate(1.0) if v == 1 else lognormal(1.0, v, luck),))


class Balanced:
    """Balancers that send each request to one of several first-come, first-served servers."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.sim = stage.sim
        self.params = params
        self.random = stage.random("balancer")
        self.n = params.servers
        self.servers = [
            stage.server(f"server {i}", speed=1.0 if i else params.slow, queue_limit=params.places or None)
            for i in range(self.n)
        ]
        self.news: list[int] | None = None
        self.own = [[0] * self.n for _ in range(params.balancers)]
        self.laws = [self.law(own) for own in self.own]
        self.seen: list[tuple[float, int, int]] = []

    def law(self, own: list[int]) -> parts.Balancer:
        """How a balancer chooses the next server; `own` is what it counts of each, where it counts."""
        raise NotImplementedError

    def queue(self, i: int) -> int:
        """Requests at server i, by the last report; as they are where news is fresh."""
        return self.servers[i].inside if self.news is None else self.news[i]

    def reported(self, news: list[int]) -> None:
        """A report has come."""

    def sent(self, balancer: int, server: int, answer: Departure) -> None:
        """A request was taken on."""

    def handle(self, work: float) -> Departure:
        balancer = self.random.randrange(len(self.laws))
        server = self.laws[balancer].choose()
        answer = self.servers[server].submit(work)
        self.sent(balancer, server, answer)
        return answer

    def start(self) -> None:
        self.sim.spawn(self._look(), "whoever draws", daemon=True)  # unclaimed: for the picture
        if self.params.staleness:
            self.sim.spawn(self._reports(), "reports", daemon=True)

    async def _reports(self) -> None:
        while True:
            self.news = [server.inside for server in self.servers]
            self.reported(self.news)
            await self.sim.sleep(self.params.staleness)

    async def _look(self) -> None:
        for _ in range(min(60, 4000 // self.n)):  # unclaimed: for the picture
            now = self.sim.now  # unclaimed: so too
            self.seen += [(now, i, server.inside) for i, server in enumerate(self.servers)]  # unclaimed: so too
            await self.sim.sleep(self.params.count / rate_per_s(self.params) / 60)  # unclaimed: and this

    def report(self) -> Mapping[str, object]:
        done_s = sum(server.read().busy_ns * server.speed for server in self.servers) / 1e9
        return {"done_s": done_s, "seen": self.seen}  # unclaimed: "seen" is for the picture


class AtRandom(Balanced):
    """Any server, whatever it is doing."""

    def law(self, own: list[int]) -> parts.Balancer:
        return parts.AtRandom(self.n, self.random)


class RoundRobin(Balanced):
    """One server after the other."""

    def law(self, own: list[int]) -> parts.Balancer:
        return parts.RoundRobin(self.n, first=self.random.randrange(self.n))


class LeastConnections(Balanced):
    """Look at all servers in the last report, draw lots among those with the fewest requests."""

    def law(self, own: list[int]) -> parts.Balancer:
        return parts.LeastConnections(self.n, self.queue, self.random)


class OwnSends(Balanced):
    """The same, and add to the report what this balancer has sent since."""

    def law(self, own: list[int]) -> parts.Balancer:
        return parts.LeastConnections(self.n, lambda i: self.queue(i) + own[i], self.random)

    def reported(self, news: list[int]) -> None:
        for own in self.own:
            own[:] = [0] * self.n

    def sent(self, balancer: int, server: int, answer: Departure) -> None:
        if self.news is not None:
            self.own[balancer][server] += 1


class OwnConnections(Balanced):
    """No report: fewest requests that this balancer itself has open there, as NGINX and HAProxy count."""

    def law(self, own: list[int]) -> parts.Balancer:
        return parts.LeastConnections(self.n, own.__getitem__, self.random)

    def sent(self, balancer: int, server: int, answer: Departure) -> None:
        own = self.own[balancer]
        own[server] += 1
        answer.add_done_callback(lambda _: own.__setitem__(server, own[server] - 1))


class PeakEwma(OwnConnections):
    """Of two servers the one with less latency times own open requests; latency rises at once, falls slowly."""

    def law(self, own: list[int]) -> parts.Balancer:
        return parts.PeakEwma(self.n, own.__getitem__, self.random, lambda: self.sim.now, self.params.memory)

    def sent(self, balancer: int, server: int, answer: Departure) -> None:
        super().sent(balancer, server, answer)
        law, began = self.laws[balancer], self.sim.now
        assert isinstance(law, parts.PeakEwma)
        answer.add_done_callback(lambda _: law.noted(server, self.sim.now - began))


class TwoChoices(Balanced):
    """Look at two servers, picked at random, take the one with fewer requests in the last report."""

    def law(self, own: list[int]) -> parts.Balancer:
        return parts.TwoChoices(self.n, self.queue, self.random)


class Interpreted(Balanced):
    """By lot, so that what was reported would be even when as many have come as before the report."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.plan = parts.Interpreted(params.servers, stage.random("balancer"))
        self.came = 0
        super().__init__(stage, params)

    def law(self, own: list[int]) -> parts.Balancer:
        return self.plan

    def reported(self, news: list[int]) -> None:
        came = sum(server.read().arrivals for server in self.servers)
        self.plan.told(news, came - self.came)
        self.came = came

    def handle(self, work: float) -> Departure:
        if self.news is None:
            self.plan.told([server.inside for server in self.servers], 1)
        return super().handle(work)


def warmup_s(params: Params) -> float:
    """A fifth of the run, in which queues fill."""
    return 0.2 * params.count / rate_per_s(params)


def measure(history: History, params: Params) -> Mapping[str, float]:
    """Latencies in mean service times, requests that found no place, and what servers did of what was answered."""
    settled = history.since(warmup_s(params))
    answered_s = sum(event.args[0] for event in history if event.outcome == "ok")
    return {
        "mean_s": latency_mean(settled),
        "p99_s": latency_percentiles(settled, (99,))[0],
        "dropped": sum(event.outcome != "ok" for event in history) / len(history),
        "done": round(history.facts.get("done_s", nan) / answered_s, 9) if answered_s else nan,
    }


def audit(history: History, held: Held, params: Params) -> Mapping[str, float]:
    """Whether the servers did what the answers say, and are those of the experiment."""
    return {
        "owed_s": owed([(e.end, e.args[0]) for e in history.where(outcome="ok")], held.done()),
        "machines": len(held.machines),
        "capacity": held.capacity,
    }


def tail(history: History, params: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The share of requests that took longer than x."""
    return {"slower": parts.slower_than(history.since(warmup_s(params)).latencies(unanswered=inf))}


def queues(history: History, params: Params) -> Mapping[str, Sequence[tuple[float, int, int]]]:
    """How many requests are at each server, now and then: a herd wanders from one to the next."""
    return {"inside": history.facts.get("seen", ())}


FIRST_ASK = "A request takes one service time alone. How many does it take at load 0.7, sent to any of eight servers?"
__doc__ = (__doc__ or "").format(
    lone=mg1_sojourn_s(Params.load, 1.0, Params.variation),
    lone_90=mm1_sojourn_s(0.9, 1.0),
    two_90=supermarket_sojourn_s(0.9, choices=2),
    lone_70=mm1_sojourn_s(0.7, 1.0),
    two_70=supermarket_sojourn_s(0.7, choices=2),
    shared_70=mmk_sojourn_s(0.7 * Params.servers, 1.0, Params.servers),
)

experiment = Experiment(
    title="Load balancing",
    question="Which server should the next request go to, and what if the balancers' news is old?",
    params=Params,
    workload=workload,
    designs={
        "at_random": AtRandom,
        "round_robin": RoundRobin,
        "least_connections": LeastConnections,
        "own_sends": OwnSends,
        "own_connections": OwnConnections,
        "peak_ewma": PeakEwma,
        "two_choices": TwoChoices,
        "interpreted": Interpreted,
    },
    measure=measure,
    audit=audit,
    warmup_s=warmup_s,
    charts=(
        Chart("The tail", "latency, mean service times", "share of requests that took longer", tail, log="xy"),
        Chart("Requests at each server", "time, mean service times", "server", queues, kind="heat"),
    ),
    asks=(
        Ask(FIRST_ASK, "at_random.mean_s", "service times", 1, 100, log=True),
        Ask("And after a look at two of them?", "two_choices.mean_s", "service times", 1, 100, log=True),
    ),
    why=(
        Why(
            "One look more than none finds a shorter queue most of the time.",
            "at_random.mean_s > 1.4 * two_choices.mean_s",
        ),
        Why(
            "Old news sends everybody to the queues that were shortest, and nobody to those that are.",
            "least_connections.mean_s > 1.5 * at_random.mean_s",
        ),
        Why(
            "Who knows how many will act on a report sends no more to a short queue than it has room for.",
            "interpreted.mean_s < 0.95 * two_choices.mean_s and interpreted.mean_s < 1.25 * at_random.mean_s",
        ),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    hints=(
        "Draw the queue of one server. What does the balancer know about it, and since when?",
        "If everybody sees the same list, what happens to the server at its top until the next list comes?",
        "Draw who loses when: windtunnel sweep load-balancing --over staleness=0,5,20,50,100 --set balancers=1000",
    ),
    sources=SOURCES,
    figures=FIGURES,
    quick={"count": 2000},
)
