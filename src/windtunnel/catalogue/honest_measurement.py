"""A load generator measures a server that stands still once. Four ways to take the time, one truth.

**Clarify.** What does a user feel: the time since the click, or the time since a busy connection was free to carry it?
Users come at a steady rate, whatever the server does (an open loop). The generator has some connections, and each
carries one request at a time. Whose latency is asked for: that of the requests that were sent, or of those that were
due?

**Estimate.** A stall of S seconds hits S of D seconds of load, far more than the hundredth that p99 leaves out. The
slowest hundredth of all users are those who came in the first D/100 seconds of it, so p99 has to be about S - D/100
(`estimate_p99_ms` in the table). A generator that has one request a connection in the stall has written down that many
long latencies, and no more: where these are fewer than one in a hundred, its p99 does not show the stall.

**Design.** The closed loop sends, waits, sends again. While the server stands still every connection is stuck with one
request, and what was due meanwhile is never sent: the generator slows down together with the server. That is
coordinated omission. Sending everything in the end is not enough, as long as the clock starts at the sending: the
requests that waited for a connection look quick. The remedy is one line: take the time from when the request was due.

**Deep dive.** A tempting cure is to fill in afterwards what the closed loop left out: HdrHistogram adds the latencies
that were to be expected, one an interval, under each that was too long. After a stall of a server with room to spare
that comes close. It cannot know what the requests that were not sent would have done: a server with little room has a
backlog to work off after the stall, and the closed loop has spared it that.

Looking at the worst case does not help either: with two connections to a thousand requests, or more, p99.9 is right in
all of them. With fewer than one even that is lost. Averages hide it again: the mean of the p99s of parts of a run is
not the p99 of anything. Percentiles do not add up; merge the samples, or histograms of them, and take them once.

**Scale.** To send each request when it is due, a generator would need as many connections as requests come during the
longest stall. Counted from the due time fewer do, while rate times service time stays well below their number.
Otherwise requests queue inside the generator, and its own limit is written down as the server's.

**Real systems.** wrk2 keeps a constant rate and counts from the plan. k6 has both: its arrival-rate executors are the
open model, the others the closed one; what no free worker of it can carry it drops and counts (`dropped_iterations`). A
real server process that is really stopped (`--stage machine`) shows the same.

**Left open.** The rate is constant, and users who wait do not go away or ask again; `metastable-failure` has those. In
wrk2's example the medians differ too (8.61 ms from the due time, 3.02 ms from the send). One stall that 7 % of users
meet cannot do that: something else slowed that run, which is not shown here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log
from random import Random
from typing import Any

from windtunnel import (
    Ask,
    Chart,
    Claim,
    Event,
    Experiment,
    Fault,
    Figure,
    Held,
    History,
    Op,
    Source,
    Stage,
    Why,
    most_at_once,
    param,
    pause,
    process,
)
from windtunnel.parts import nines
from windtunnel.statistics import mean, percentile, percentiles
from windtunnel.workload import evenly

PARTS = 10
"""Parts of a run, each with a p99 of its own, as a dashboard has a point for each interval."""
Jobs = Sequence[tuple[float, float | None, float]]
"""Of the server: when each came, when it was done (None: never), and its work in seconds."""


@dataclass(frozen=True)
class Params:
    rate: int = param(200, "requests per second", 100, 2000)
    duration_s: float = param(19.75, "seconds of load", 15.0, 25.0)
    connections: int = param(10, "connections; each carries one request at a time", 2, 1000)
    workers: int = param(10, "requests that the server works on at once", 2, 1000)
    service_ms: float = param(3.0, "median time of the server for a request", 0.1, 10.0)
    spread: float = param(0.35, "spread of that time: sigma of its logarithm", 0.0, 0.5)
    stall_s: float = param(1.4, "how long the server stands still, from two fifths of the load on", 0.0, 4.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    for i, at in enumerate(evenly(p.rate, round(p.rate * p.duration_s))):
        work_s = luck.lognormvariate(log(p.service_ms / 1000), p.spread)
        connection = i % p.connections
        yield Op(at, f"connection {connection}", "get", (connection, work_s))


def faults(params: Params) -> Sequence[Fault]:
    return (pause("server", at_s=0.4 * params.duration_s, for_s=params.stall_s),) if params.stall_s else ()


class NotSent(Exception):
    """The connection was busy when the request was due, so there was no request."""

    outcome = "fail"


class ClosedLoop:
    """Send, wait for the answer, send again: what is due while a connection is busy is not sent."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.sim = stage.sim if stage.name == "sim" else None
        self.now = stage.clock
        self.signal = stage.signal
        self.server = stage.server("server", workers=params.workers)
        self.last: dict[int, Any] = {}
        """The end of the last request that each connection was given."""

    @process
    async def get(self, connection: int, work_s: float) -> float:
        """Returns the latency that this generator writes down, in seconds."""
        last = self.last.get(connection)
        if last is not None and not last.done():
            return await self.left_out(last)
        self.last[connection] = done = self.signal()
        sent = self.now()
        await self.server.serve(work_s)
        done.set()
        return self.now() - sent

    async def left_out(self, last: Awaitable[None]) -> float:
        """What is written down for a request that is not sent; the connection is free after the last one."""
        raise NotSent("The connection is busy.")


class FilledIn(ClosedLoop):
    """The same, with the latencies added that one request an interval would have had: HdrHistogram's correction."""

    async def left_out(self, last: Awaitable[None]) -> float:
        """HdrHistogram leaves out the last of each row, which is shorter than an interval; here it is added."""
        due = self.now()
        await last
        return self.now() - due


class FromTheSend(ClosedLoop):
    """Send everything, and take the time when a connection is free and the request is really sent."""

    @process
    async def get(self, connection: int, work_s: float) -> float:
        due = self.now()
        before, done = self.last.get(connection), self.signal()
        self.last[connection] = done
        if before is not None:
            await before
        sent = self.now()
        await self.server.serve(work_s)
        done.set()
        return self.now() - self.begins(due, sent)

    def begins(self, due: float, sent: float) -> float:
        """From when on a latency is counted."""
        return sent


class FromTheDueTime(FromTheSend):
    """Send everything, and take the time from when the request was due, sent or not."""

    def begins(self, due: float, sent: float) -> float:
        return due


def measure(history: History, params: Params) -> Mapping[str, float]:
    told = history.where(outcome="ok")
    noted = [event.value for event in told]
    parts: list[list[float]] = [[] for _ in range(PARTS)]
    for event in told:
        parts[min(PARTS - 1, int(PARTS * event.end / history.duration))].append(event.value)
    p50, p90, p99, p999 = percentiles(noted, (50, 90, 99, 99.9))
    p99s = [found for part in parts if isfinite(found := percentile(part, 99))]
    return {
        "not_sent": len(history.where(outcome="fail")),
        "noted": len(noted),
        "p50_ms": p50 * 1e3,
        "p90_ms": p90 * 1e3,
        "p99_ms": p99 * 1e3,
        "p999_ms": p999 * 1e3,
        "mean_of_p99s_ms": mean(p99s) * 1e3,
        "estimate_p99_ms": estimate_p99_ms(params.stall_s, params.duration_s),
    }


def estimate_p99_ms(stall_s: float, duration_s: float) -> float:
    """By arithmetic: the slowest hundredth of the users came right after the stall began."""
    return max(0.0, 1e3 * (stall_s - 0.01 * duration_s))


def audit(history: History, held: Held, params: Params) -> Mapping[str, float]:
    """Whether the server was asked for all that was written down, when it was due, over the connections there are."""
    told = history.where(outcome="ok")
    numbers = [e for e in told if type(e.value) in (int, float) and isfinite(e.value)]
    jobs = [job for machine in held.machines.values() for job in machine.jobs]
    sent = carried(told, jobs)
    return {
        "unserved": len(told) - len(sent),
        "late": needlessly_late(sent, jobs, params.connections),
        "at_once": max((most_at_once(machine.jobs) for machine in held.machines.values()), default=0),
        "machines": len(held.machines),
        "capacity": held.capacity,
        "dishonest": len(told) - len(numbers) + sum(abs(e.value - e.latency) > 0.05 * e.latency for e in numbers),
    }


def carried(told: Sequence[Event], jobs: Jobs) -> list[tuple[Event, float]]:
    """The requests that a job of the server's stands for, each with when that job came.

    Its work is the request's, it came when that was due or later, and was done by the answer; it stands for one.
    """
    free: dict[int, list[tuple[float, float]]] = {}
    for came, done, work in jobs:
        if done is not None:
            free.setdefault(round(work * 1e9), []).append((done, came))
    found = []
    for event in sorted(told, key=lambda e: e.due, reverse=True):
        alike = free.get(round(event.args[1] * 1e9), [])
        fit = [job for job in alike if job[1] > event.due - 1e-6 and job[0] < event.end + 1e-6]
        if fit:
            alike.remove(max(fit))
            found.append((event, max(fit)[1]))
    return found[::-1]


def needlessly_late(sent: Sequence[tuple[Event, float]], jobs: Jobs, connections: int) -> int:
    """How many were sent when both their own connection and one of all had been free for a millisecond."""
    came, done = sorted(job[0] for job in jobs), sorted(job[1] for job in jobs if job[1] is not None)
    free_at: dict[int, float] = {}
    count = 0
    for event, at in sent:
        before = at - 0.001
        idle = bisect_right(came, before) - bisect_right(done, before) < connections
        count += before > max(event.due, free_at.get(event.args[0], 0.0)) and idle
        free_at[event.args[0]] = event.end
    return count


def spectrum(history: History, params: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Latency by how many nines: x is 1 / (1 - p), logarithmic."""
    return {"noted": nines(event.value for event in history.where(outcome="ok"))}


WRK2 = "wrk2, README, example 2"
THERE = "100 connections, 2,000 requests per second, one stall of 1.4 s"
AS_THERE = {"rate": 2000, "connections": 100, "workers": 100}
ROOM = "rate * service_ms < 220 * min(connections, workers)"
"""Nearly always a connection has its answer before its next request is due: one in a thousand takes 4.5 times the
median at the widest spread."""
STALL = "0.05 * duration_s < stall_s < 0.4 * duration_s and service_ms < 5 * stall_s"
"""Far more users than one in a hundred meet the stall, and none of the others waits nearly as long."""
FEW = "connections < 0.008 * rate * (duration_s - stall_s)"
"""A request in each connection is less than one in a hundred."""
MANY = "connections > 0.002 * rate * duration_s and connections < 0.1 * rate * stall_s"
"""A request in each connection is more than one in a thousand, and each is sent early in the stall."""

experiment = Experiment(
    title="Honest measurement",
    question="Why does the load generator agree with the server to lie?",
    params=Params,
    workload=workload,
    designs={
        "closed_loop": ClosedLoop,
        "from_the_send": FromTheSend,
        "filled_in": FilledIn,
        "from_the_due_time": FromTheDueTime,
    },
    stages=("sim", "machine"),
    faults=faults,
    measure=measure,
    audit=audit,
    seeds=3,
    # A fifteenth of the connections is busy before the stall: a queue that starts empty is as it stays.
    warmup_s=lambda params: 0.0,
    charts=(Chart("Latency by percentile", "1 / (1 - percentile)", "latency noted, s", spectrum, log="xy"),),
    asks=(
        Ask(
            "The server stands still once, for far more than a hundredth of the time: which p99 does the closed loop "
            "write down?",
            "closed_loop.p99_ms",
            "ms",
            1,
            10_000,
            log=True,
        ),
        Ask("And which p99 did the users live through?", "from_the_due_time.p99_ms", "ms", 1, 10_000, log=True),
        Ask(
            "Of 100 requests that are due while the server stands still, how many does the closed loop not send?",
            "100 * closed_loop.not_sent / (params.rate * params.stall_s)",
            "of 100",
            0,
            100,
        ),
    ),
    why=(
        Why(
            "While the server stands still the closed loop sends one request a connection and no more.",
            "params.rate * params.stall_s - params.connections - 1 <= closed_loop.not_sent <= "
            "params.rate * params.stall_s + params.connections",
        ),
        Why(
            "So its p99 does not show the stall.",
            "closed_loop.p99_ms < 0.05 * from_the_due_time.p99_ms",
        ),
        Why(
            "Sending the rest later does not help while nobody times how long it waits for a connection.",
            "from_the_send.p99_ms < 0.05 * from_the_due_time.p99_ms",
        ),
        Why(
            "The worst cases agree where there are enough connections, so looking at them does not show the fault.",
            "max(abs(closed_loop.p999_ms - from_the_due_time.p999_ms), abs(from_the_send.p999_ms - "
            "from_the_due_time.p999_ms)) < 0.1 * from_the_due_time.p999_ms",
        ),
    ),
    claims=(
        Claim(
            "closed_loop.p99_ms < 0.05 * from_the_due_time.p99_ms",
            "One request in each connection meets the stall, and they are fewer than one in a hundred.",
            WRK2,
            breaks="closed_loop",
            stages=("sim",),
            where=f"{ROOM} and {STALL} and {FEW}",
        ),
        Claim(
            "params.rate * params.stall_s - params.connections - 1 <= closed_loop.not_sent <= "
            "params.rate * params.stall_s + params.connections",
            "It really sends less: what was due during the stall, but for one request a connection.",
            stages=("sim",),
            where=f"{ROOM} and {STALL}",
        ),
        Claim(
            "from_the_send.p99_ms < 0.05 * from_the_due_time.p99_ms",
            "Everything is sent in the end, and the wait for a stuck connection is left out.",
            WRK2,
            breaks="from_the_send",
            stages=("sim",),
            where=f"{ROOM} and {STALL} and {FEW}",
        ),
        Claim(
            "from_the_send.noted == from_the_send.ops and filled_in.noted == filled_in.ops",
            "As many latencies as requests were due: their number alone does not make them right.",
        ),
        Claim(
            "abs(filled_in.p99_ms - from_the_due_time.p99_ms) < 0.1 * from_the_due_time.p99_ms",
            "Where the server has room, what was not sent would have waited for the stall and little else.",
            stages=("sim",),
            where=f"{ROOM} and {STALL}",
        ),
        Claim(
            "filled_in.p90_ms < 0.2 * from_the_due_time.p90_ms",
            "With little room a backlog follows the stall; a closed loop makes none, and no correction knows of it.",
            given={"rate": 200, "connections": 10, "workers": 2, "service_ms": 8.0},
            stages=("sim",),
            where="0.055 * duration_s < stall_s < 0.085 * duration_s",
        ),
        Claim(
            "max(abs(closed_loop.p999_ms - from_the_due_time.p999_ms), abs(from_the_send.p999_ms - "
            "from_the_due_time.p999_ms)) < 0.1 * from_the_due_time.p999_ms",
            "More than one request in a thousand saw the whole stall, so the worst cases agree and give no hint.",
            stages=("sim",),
            where=f"{ROOM} and {STALL} and {MANY}",
        ),
        Claim(
            "from_the_send.p999_ms < 0.1 * from_the_due_time.p999_ms",
            "With two connections not even one request in a thousand is seen to meet the stall.",
            given={"rate": 200, "connections": 2, "workers": 2, "service_ms": 1.0},
            stages=("sim",),
            where=f"{ROOM} and {STALL} and connections < 0.0008 * rate * (duration_s - stall_s)",
        ),
        Claim(
            "abs(from_the_due_time.p99_ms - from_the_due_time.estimate_p99_ms) < 0.1 * from_the_due_time.p99_ms",
            "The slowest hundredth of the users are those who came first in the stall.",
            stages=("sim",),
            where=f"{ROOM} and {STALL}",
        ),
        Claim(
            "from_the_due_time.p50_ms > 50 * from_the_send.p50_ms",
            "Two connections cannot carry the load of four: the wait that is written down is the generator's own, "
            "while the server has a worker free for whatever comes.",
            given={"rate": 400, "connections": 2, "workers": 10, "service_ms": 10.0},
            stages=("sim",),
        ),
        Claim(
            "abs(from_the_due_time.noted - params.rate * params.duration_s) <= 0.5",
            "As many latencies as requests were due (to the next whole one), whatever the server does.",
        ),
        Claim(
            "abs(from_the_due_time.p99_ms - from_the_due_time.latency_p99_ms) < 0.02 * from_the_due_time.p99_ms",
            "What is written down is what the users lived through, by a clock that is not the generator's.",
            stages=("sim",),
        ),
        Claim(
            "from_the_due_time.mean_of_p99s_ms < 0.5 * from_the_due_time.p99_ms",
            "The mean of the p99s of the parts of a run is the p99 of nothing.",
            stages=("sim",),
            where=f"{ROOM} and {STALL} and stall_s < 0.1 * duration_s",
        ),
        Claim(
            "abs(closed_loop.p99_ms - from_the_due_time.p99_ms) < 0.1 * from_the_due_time.p99_ms",
            "While connections are free, sent and due are the same moment.",
            given={"stall_s": 0.0, "rate": 100},
            spares="closed_loop",
            stages=("sim",),
            where=ROOM,
        ),
        # A real server is as fast as its machine lets it be, so there less is claimed of the same.
        Claim(
            "closed_loop.p99_ms < 0.2 * from_the_due_time.p99_ms and "
            "from_the_send.p99_ms < 0.2 * from_the_due_time.p99_ms",
            "Real clients of a process that is really stopped lie in both ways, too.",
            stages=("machine",),
            where=f"{ROOM} and {STALL} and {FEW}",
        ),
        Claim(
            "closed_loop.not_sent > 0.8 * (params.rate * params.stall_s - params.connections)",
            "What is due while it stands still is not sent.",
            stages=("machine",),
            where=f"{ROOM} and {STALL}",
        ),
        Claim(
            "from_the_due_time.p99_ms > 0.9 * from_the_due_time.estimate_p99_ms",
            "The slowest hundredth of the users wait at least as long as the stall lets them.",
            stages=("machine",),
            where=f"{ROOM} and {STALL}",
        ),
    ),
    demands=(
        Claim("yours.noted == yours.ops", "A latency for every request that was due."),
        Claim(
            "abs(yours.p99_ms - yours.latency_p99_ms) < 0.01 * yours.latency_p99_ms",
            "What is written down is what the clients lived through.",
        ),
        Claim(
            "abs(yours.p50_ms - yours.latency_p50_ms) < 0.01 * yours.latency_p50_ms",
            "Not only in the tail: half of the clients are below the median.",
        ),
        Claim(
            "abs(yours.p999_ms - yours.latency_p999_ms) < 0.01 * yours.latency_p999_ms",
            "And the worst cases are somebody's day.",
        ),
        Claim("yours.dishonest == 0", "Each latency is that of its request, to a twentieth."),
        Claim("yours.unserved == 0", "Each is of a request that the server was sent, and has answered.", always=True),
        Claim("yours.late == 0", "No request is held back while a connection is free for it."),
        Claim(
            "yours.machines == 1 and yours.capacity <= params.workers and yours.at_once <= params.connections",
            "One server is asked, over no more connections than there are.",
            always=True,
        ),
    ),
    hints=(
        "How many requests were due during the stall, and how many did the closed loop write a long latency for?",
        "What does a connection do while it waits, and who notes how long the next request waits for it?",
        "Count the samples about as long as the stall: one a connection, where rate * stall_s requests were due.",
    ),
    sources=(
        Source("Tene: wrk2, README", 2014, "https://github.com/giltene/wrk2"),
        Source(
            "Tene: How Not to Measure Latency, QCon San Francisco",
            2012,
            "https://qconsf.com/sf2012/sf2012/presentation/How%2bnot%2bto%2bmeasure%2blatency.html",
        ),
        Source(
            "HdrHistogram: ValueRecorder, recordValueWithExpectedInterval",
            2019,
            "https://hdrhistogram.github.io/HdrHistogram/JavaDoc/org/HdrHistogram/ValueRecorder.html",
        ),
        Source(
            "Grafana k6: Open and closed models",
            2024,
            "https://grafana.com/docs/k6/latest/using-k6/scenarios/concepts/open-vs-closed",
        ),
    ),
    figures=(
        Figure("p99 from the due time, ms", 1270, "from_the_due_time.p99_ms", 0.1, "V", THERE, WRK2, given=AS_THERE),
        Figure(
            "p99 from the send, ms",
            6.04,
            "from_the_send.p99_ms",
            0.25,
            "V",
            f"{THERE}; service times assumed",
            WRK2,
            given=AS_THERE,
        ),
        Figure(
            "p99 from the due time by arithmetic, ms",
            estimate_p99_ms(1.4, 19.75),
            "from_the_due_time.p99_ms",
            0.03,
            "D",
            "stall less 1 % of the run",
        ),
    ),
    quick={"rate": 100, "connections": 5, "workers": 5, "duration_s": 15.0, "stall_s": 1.0},
)
