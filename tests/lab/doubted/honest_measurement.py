"""A load generator measures a server that stands still once, for 1.4 seconds. Two ways to take the time, one truth.

**Clarify.** What does a user feel: the time since the click, or the time since a busy connection was free to carry it?
Requests come at a fixed rate, whatever the server does (an open loop); each connection carries one at a time.

**Estimate.** 2,000 requests a second for 19.75 s are 39,500. A stall of 1.4 s hits 2,800 of them, 7 % of all, far more
than the 1 % that p99 leaves out. The last 1 % of all waits (395 requests) are those that came in the first 0.2 s of
the stall, so p99 has to be about 1.4 - 0.2 = 1.2 s. Whoever reports 7 ms has lost 2,700 users.

**Design.** Naive code takes the time when it sends: `t = now(); call(); record(now() - t)`. While the server stands
still every connection is stuck with one request; the others wait unsent, and their waiting is never recorded. The
generator slows down together with the server, and so agrees with it to lie: coordinated omission. The remedy is one
line: take the time from when the request was due.

**Deep dive.** The maximum and p99.9 are right in both (each connection has one request that saw the whole stall), so
looking at the worst case does not show the fault. Averages hide it again: the mean of each second's p99 is not the p99
of anything. Percentiles do not add up; merge samples, or histograms (HdrHistogram, DDSketch), and take them once.

**Scale.** wrk2, Gatling's open model, k6's arrival-rate executors and vegeta send by the clock; wrk, ab and a plain
loop of `await get()` do not. Every other experiment here counts latency from the due time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from random import Random
from typing import Any

from windtunnel import Chart, Claim, Experiment, Fault, Figure, History, Op, Source, Stage, param, pause, process
from windtunnel.sim import Signal
from windtunnel.statistics import mean, percentile, percentiles
from windtunnel.workload import evenly


@dataclass(frozen=True)
class Params:
    rate: int = param(2000, "requests per second", 1, 100_000)
    duration_s: float = param(19.75, "seconds of load", 1.0, 1000.0)
    connections: int = param(100, "connections; each carries one request at a time", 1, 10_000)
    service_ms: float = param(3.0, "median time of the server for a request", 0.01, 1000.0)
    spread: float = param(0.35, "spread of that time: sigma of its logarithm", 0.0, 2.0)
    stall_s: float = param(1.4, "how long the server stands still, from second 8 on", 0.0, 100.0)


def workload(params: Params, random: Random) -> Iterable[Op]:
    for i, at in enumerate(evenly(params.rate, round(params.rate * params.duration_s))):
        work_s = random.lognormvariate(log(params.service_ms / 1000), params.spread)
        connection = i % params.connections
        yield Op(at, f"connection {connection}", "get", (connection, work_s))


def faults(params: Params) -> Sequence[Fault]:
    return (pause("server", at_s=8.0, for_s=params.stall_s),) if params.stall_s else ()


class FromTheSend:
    """Take the time when a connection is free and the request is really sent."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.sim = stage.sim
        self.server = stage.server("server", workers=params.connections)
        self.last: dict[int, Signal[Any]] = {}

    @process
    async def get(self, connection: int, work_s: float) -> float:
        """Returns the latency that this generator writes down, in seconds."""
        due = self.sim.now
        before, done = self.last.get(connection), self.sim.signal()
        self.last[connection] = done
        if before is not None:
            await before
        sent = self.sim.now
        await self.server.serve(work_s)
        done.set()
        return self.sim.now - self.begins(due, sent)

    def begins(self, due: float, sent: float) -> float:
        """From when on a latency is counted."""
        return sent


class FromTheDueTime(FromTheSend):
    """Take the time from when the request was due, sent or not."""

    def begins(self, due: float, sent: float) -> float:
        return due


def measure(history: History, params: Params) -> Mapping[str, float]:
    noted = [event.value for event in history if event.outcome == "ok"]
    by_second: defaultdict[int, list[float]] = defaultdict(list)
    for event in history.where(outcome="ok"):
        by_second[int(event.end)].append(event.value)
    p50, p99, p999 = percentiles(noted, (50, 99, 99.9))
    return {
        "noted": len(noted),
        "p50_ms": p50 * 1e3,
        "p99_ms": p99 * 1e3,
        "p999_ms": p999 * 1e3,
        "mean_of_p99s_ms": mean([percentile(second, 99) for second in by_second.values()]) * 1e3,
    }


def spectrum(history: History, params: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Latency by how many nines: x is 1 / (1 - p), logarithmic."""
    noted = [event.value for event in history.where(outcome="ok")]
    nines = [10 ** (i / 12) for i in range(43)]
    return {"noted": list(zip(nines, percentiles(noted, [100 * (1 - 1 / x) for x in nines]), strict=True))}


WRK2 = "wrk2, README, example 2"
THERE = "100 connections, 2,000 requests per second, one stall of 1.4 s"

experiment = Experiment(
    title="Honest measurement",
    question="Why does the load generator agree with the server to lie?",
    params=Params,
    workload=workload,
    designs={"from_the_send": FromTheSend, "from_the_due_time": FromTheDueTime},
    faults=faults,
    measure=measure,
    seeds=3,
    charts=(Chart("Latency by percentile", "1 / (1 - percentile)", "latency noted, s", spectrum, log="xy"),),
    claims=(
        Claim(
            "from_the_send.p99_ms < 0.05 * from_the_due_time.p99_ms",
            "requests that wait for a stuck connection are left out",
            WRK2,
            breaks="from_the_send",
        ),
        Claim(
            "abs(from_the_send.p999_ms - from_the_due_time.p999_ms) < 0.1 * from_the_due_time.p999_ms",
            "one request for each connection saw the whole stall, so the worst cases agree and give no hint",
        ),
        Claim(
            "from_the_due_time.noted == params.rate * params.duration_s",
            "as many latencies as requests were due, whatever the server does",
        ),
        Claim(
            "from_the_due_time.mean_of_p99s_ms < 0.5 * from_the_due_time.p99_ms",
            "the mean of each second's p99 is the p99 of nothing",
        ),
        Claim(
            "abs(from_the_send.p99_ms - from_the_due_time.p99_ms) < 0.1 * from_the_due_time.p99_ms",
            "while connections are free, sent and due are the same moment",
            given={"stall_s": 0.0},
            spares="from_the_send",
        ),
    ),
    demands=(
        Claim("yours.noted == yours.ops", "a latency for every request that was due"),
        Claim(
            "abs(yours.p99_ms - yours.latency_p99_ms) < 0.01 * yours.latency_p99_ms",
            "what is written down is what the clients lived through",
        ),
    ),
    hints=(
        "How many requests were due during the stall, and how many did the naive generator write a long latency for?",
        "What does a connection do while it waits, and who notes how long the next request waits for it?",
        "Count the samples that are longer than a second: a share of 1.4 in 19.75 is not 1 in 400.",
    ),
    sources=(
        Source("Tene: wrk2, README", 2014, "https://github.com/giltene/wrk2"),
        Source(
            "Tene: How Not to Measure Latency, QCon San Francisco",
            2012,
            "https://qconsf.com/sf2012/sf2012/presentation/How%2bnot%2bto%2bmeasure%2blatency.html",
        ),
    ),
    figures=(
        Figure("p99 from the due time, ms", 1270, "from_the_due_time.p99_ms", 0.1, "V", THERE, WRK2),
        Figure(
            "p99 from the send, ms", 6.04, "from_the_send.p99_ms", 0.25, "V", f"{THERE}; service times assumed", WRK2
        ),
        Figure("p99.9 from the due time, ms", 1420, "from_the_due_time.p999_ms", 0.05, "V", THERE, WRK2),
        Figure("p99.9 from the send, ms", 1410, "from_the_send.p999_ms", 0.05, "V", THERE, WRK2),
        Figure(
            "p99 from the due time by arithmetic, ms",
            1200,
            "from_the_due_time.p99_ms",
            0.03,
            "D",
            "stall less 1 % of the run",
        ),
    ),
    quick={"rate": 400, "connections": 20},
)
