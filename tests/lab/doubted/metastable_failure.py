"""A server that is seven tenths busy loses nine tenths of its speed for a second, and never comes back.

Clarify first: what do clients do when they wait too long? Who retries, how often, at how many layers (three layers of
four attempts are 64)? Does the server know that a client has given up? Estimate: a request of weight w (its attempts)
asks for w times the load, so a system with capacity C is only safe from itself below C / w (`safe_load_per_s` in the
table): with three retries, a quarter of what it can do.

Design. The trigger fills the queue. Now every request waits longer than its client does; the client gives up and asks
again, and the server, which does not know, works through requests that nobody waits for. All of its work is wasted, all
of the load comes four times, and so the queue never drains: the trigger is gone, the failure sustains itself. Bronson
and others named it metastable (HotOS 2021); Huang and others counted 22 cases at 11 companies, among them at least 4 of
15 major outages of AWS in a decade (OSDI 2022).

Deep dive. Every cure cuts the loop somewhere. A retry budget (a tenth of the requests, as in Finagle and Envoy) bounds
the weight. A bound on the queue helps only if a full queue is served within the clients' patience: cap / mu below the
timeout; one place more and it cures nothing. A deadline that travels with the request lets the server drop what nobody
waits for any more. Alone it limps: in a full queue those first in line are just about to die, and many a job is begun
in time and done too late; smaller servers (200 a second) fell back into the storm in our runs. CoDel drops while the
queue stands, so that the living are served young. Taking load away for a while does not help an unbounded queue: it is
full of the dead.

Scale. Look for the loop, not for the trigger: caches that must be warm, fail-overs that cost work, log lines written
for errors. Keep the load below C / w, or make w small. And rehearse the way back: shed almost all load, then ramp.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from windtunnel import Chart, Claim, Experiment, Fault, Figure, History, Op, Source, Stage, param, process, slow
from windtunnel.parts import RequestCoDel
from windtunnel.sim import Discipline, Fifo, Rejected

TRIGGER_AT_S = 10.0
SHED_AT_S = 15.0
WINDOW_S = 5.0
"""Seconds at the end, and before the trigger, over which goodput is counted."""


@dataclass(frozen=True)
class Params:
    """Load, patience, and the trigger."""

    load: float = param(0.7, "share of the capacity that the requests need, each asked once", low=0.01, high=2)
    capacity: float = param(1000.0, "requests that the server serves in a second", low=1, high=5000)
    patience_s: float = param(0.25, "seconds after which a client gives an attempt up", low=0.001)
    retries: int = param(3, "attempts after the first", low=0, high=10)
    trigger_s: float = param(1.0, "seconds for which the server has a tenth of its speed", low=0, high=20)
    cap: int = param(200, "places in the bounded queue", low=1)
    shed_s: float = param(0.0, "seconds, from second 15 on, in which only a fifth of the load comes", low=0, high=10)
    run_s: float = param(27.0, "seconds of load", low=20, high=600)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`ask()`: Poisson arrivals; while load is shed four of five stay away."""
    rate_per_s = p.load * p.capacity
    at = luck.expovariate(rate_per_s)
    number = 0
    while at < p.run_s:
        stays_away = luck.random() < 0.8 and SHED_AT_S <= at < SHED_AT_S + p.shed_s
        if not stays_away:
            yield Op(at, f"client {number % 1000}", "ask")
            number += 1
        at += luck.expovariate(rate_per_s)


class ThreeRetries:
    """Ask again at once when it takes too long; the queue has no bound and the server works on for nobody."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.sim = stage.sim
        self.p = p
        self.work_s = 1 / p.capacity
        self.attempts = self.late_attempts = 0
        self.late_s = p.run_s - WINDOW_S
        bound = self.queue_limit()
        self.server = stage.server("server", queue_limit=bound, discipline=self.discipline())

    def discipline(self) -> Discipline:
        """How the queue is ordered and pruned."""
        return Fifo()

    def queue_limit(self) -> int | None:
        """Places to wait; None is no bound."""
        return None

    def may_retry(self) -> bool:
        """Whether there may be another attempt now."""
        return True

    def deadline(self) -> float | None:
        """The second after which the server need not begin."""
        return None

    @process
    async def ask(self) -> None:
        for attempt in range(1 + self.p.retries):
            if attempt and not self.may_retry():
                break
            self.attempts += 1
            if self.sim.now >= self.late_s:
                self.late_attempts += 1
            try:
                job = self.server.serve(self.work_s, deadline=self.deadline())
            except Rejected:
                continue
            if await job.within(self.p.patience_s) and job.exception() is None:
                return
        raise TimeoutError("no attempt was answered in time")

    def report(self) -> Mapping[str, object]:
        reading = self.server.read()
        return {
            "attempts": self.attempts,
            "late": self.late_attempts,
            "inside": reading.inside,
            "balanced": reading.balanced,
        }


class RetryBudget(ThreeRetries):
    """Retries may be a tenth of the requests: each request earns a tenth of a token, a retry costs one."""

    tokens = 10.0

    def ask(self) -> object:  # type: ignore[override]  # the same process, with a token earned first
        self.tokens = min(100.0, self.tokens + 0.1)
        return super().ask()

    def may_retry(self) -> bool:
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class BoundedQueue(ThreeRetries):
    """A full queue turns requests away at once; what gets in is served in time if cap / capacity < patience."""

    def queue_limit(self) -> int:
        return self.p.cap


class DelayControl(ThreeRetries):
    """CoDel: while the queue stands, who has waited 5 ms is dropped; who meets a short queue may wait 100 ms."""

    def discipline(self) -> Discipline:
        return RequestCoDel()


class DeadlineDrop(ThreeRetries):
    """The deadline travels with the request; the server drops what nobody waits for any more."""

    def deadline(self) -> float:
        return self.sim.now + self.p.patience_s


def measure(history: History, p: Params) -> dict[str, float]:
    """Goodput before the trigger, while it lasts, and at the end; what the retries cost."""
    answered = [e.end for e in history if e.outcome == "ok"]
    trigger_end = TRIGGER_AT_S + p.trigger_s
    return {
        "goodput_before_per_s": _rate(answered, TRIGGER_AT_S - WINDOW_S, TRIGGER_AT_S),
        "goodput_during_per_s": _rate(answered, TRIGGER_AT_S, trigger_end),
        "goodput_end_per_s": _rate(answered, p.run_s - WINDOW_S, p.run_s),
        "offered_end_per_s": _rate([e.due for e in history], p.run_s - WINDOW_S, p.run_s),
        "attempts_end_per_request": history.facts["late"] / max(1, sum(e.due >= p.run_s - WINDOW_S for e in history)),
        "attempts_per_request": history.facts["attempts"] / len(history),
        "backlog": history.facts["inside"],
        "down_s": sum(rate < 0.5 * p.load * p.capacity for rate in _by_second(answered, p)[int(TRIGGER_AT_S) :]),
        "recovered": float(_rate(answered, p.run_s - WINDOW_S, p.run_s) > 0.5 * p.load * p.capacity),
        "safe_load_per_s": p.capacity / (1 + p.retries),
        "counted": float(history.facts["balanced"]),
    }


def _rate(times: Sequence[float], low: float, high: float) -> float:
    return sum(low <= t < high for t in times) / (high - low) if high > low else 0.0


def _by_second(answered: Sequence[float], p: Params) -> list[int]:
    counts = [0] * int(p.run_s)
    for end in answered:
        if end < len(counts):
            counts[int(end)] += 1
    return counts


def series(history: History, p: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Answers in time, a second at a time."""
    counts = _by_second([e.end for e in history if e.outcome == "ok"], p)
    return {"goodput": list(enumerate(counts))}


def faults(p: Params) -> Sequence[Fault]:
    """The trigger: nine tenths of the speed are gone for a while."""
    return (slow("server", to=0.1, at_s=TRIGGER_AT_S, for_s=p.trigger_s),)


experiment = Experiment(
    title="Metastable failure",
    question="Why does a service stay down after its trigger has gone, and what brings it back?",
    params=Params,
    workload=workload,
    designs={
        "three_retries": ThreeRetries,
        "retry_budget": RetryBudget,
        "bounded_queue": BoundedQueue,
        "deadline_drop": DeadlineDrop,
        "delay_control": DelayControl,
    },
    measure=measure,
    charts=(Chart("Goodput", "second", "answers in time per second", series),),
    faults=faults,
    ends_s=lambda p: p.run_s,
    seeds=3,
    quick={"capacity": 200.0, "cap": 40},
    claims=(
        Claim(
            "three_retries.goodput_before_per_s > 0.9 * params.load * params.capacity",
            "Before the trigger the naive design is fine: no test of a healthy system would find this.",
        ),
        Claim(
            "three_retries.goodput_end_per_s < 0.05 * params.load * params.capacity",
            "The trigger is long gone; the retries keep the queue full of requests that nobody waits for.",
            "Bronson and others, HotOS 2021",
            breaks="three_retries",
        ),
        Claim("three_retries.attempts_per_request > 2.5", "Each request comes four times as soon as none is answered."),
        Claim("retry_budget.recovered == 1", "With a weight of 1.1 the load stays below the capacity."),
        Claim("bounded_queue.recovered == 1", "A full queue of 200 is served in 0.2 s, before the clients give up."),
        Claim("delay_control.recovered == 1", "The queue is never long enough for a client to give up."),
        Claim(
            "deadline_drop.down_s > 2 * delay_control.down_s",
            "Dropping the dead is not enough: first in line are those who die before their answer comes.",
        ),
        Claim(
            "delay_control.goodput_during_per_s > 0.09 * params.capacity",
            "While the trigger lasts a tenth of the capacity is left, and all of it serves somebody in time.",
        ),
        Claim(
            "bounded_queue.recovered == 0",
            "A bound above capacity times patience cures nothing: whoever gets in is dead before it is served.",
            given={"cap": 300},
        ),
        Claim(
            "three_retries.recovered == 0",
            "Shedding four fifths of the load for six seconds does not help: the queue is full of the dead.",
            given={"shed_s": 6.0, "trigger_s": 5.0},
        ),
        Claim(
            "three_retries.recovered == 1",
            "Below capacity over weight the storm blows itself out: the naive design is good enough there.",
            given={"load": 0.2},
            spares="three_retries",
        ),
        Claim(
            "min(three_retries.counted, bounded_queue.counted, delay_control.counted, deadline_drop.counted) == 1",
            "Whoever arrived was served, rejected, dropped, or is inside: nobody vanished.",
        ),
    ),
    demands=(
        Claim(
            "yours.goodput_before_per_s > 0.9 * params.load * params.capacity",
            "A cure must not make healthy days worse.",
        ),
        Claim(
            "yours.goodput_end_per_s > 0.9 * params.load * params.capacity",
            "Ten seconds after the trigger all is well again.",
        ),
    ),
    figures=(
        Figure(
            "goodput before the trigger, 700 requests a second",
            708,
            "three_retries.goodput_before_per_s",
            0.05,
            "R",
            "1,000 a second, patience 250 ms, 3 retries",
        ),
        Figure(
            "attempts a request once it is down",
            4.0,
            "three_retries.attempts_end_per_request",
            0.03,
            "R",
            "700 requests a second; in the last seconds of the run",
        ),
        Figure(
            "answers a second during the trigger, with CoDel",
            100,
            "delay_control.goodput_during_per_s",
            0.05,
            "R",
            "a tenth of 1,000 a second is left; without a cure 8 a second were answered",
        ),
        Figure(
            "recovers with a queue of 200 places (1: yes)",
            1,
            "bounded_queue.recovered",
            0,
            "R",
            "capacity times patience is 250",
        ),
        Figure(
            "recovers with a queue of 300 places (1: yes)",
            0,
            "bounded_queue.recovered",
            0,
            "R",
            "capacity times patience is 250",
            given={"cap": 300},
        ),
        Figure(
            "capacity over weight, 3 retries", 250, "three_retries.safe_load_per_s", 0, "D", "C / w, C = 1000, w = 4"
        ),
    ),
    hints=(
        "Draw the loop: what does a full queue do to clients, and what do they do to the queue?",
        "How much of the server's work at second 25 is for somebody who still waits?",
        "What can the server know about its clients' patience, and when should it look?",
    ),
    sources=(
        Source(
            "N. Bronson, A. Aghayev, A. Charapko, T. Zhu, Metastable Failures in Distributed Systems, HotOS",
            2021,
            "https://doi.org/10.1145/3458336.3465286",
        ),
        Source(
            "L. Huang and others, Metastable Failures in the Wild, OSDI",
            2022,
            "https://www.usenix.org/conference/osdi22/presentation/huang-lexiang",
        ),
        Source(
            "B. Maurer, Fail at Scale, ACM Queue 13(8)",
            2015,
            "https://queue.acm.org/detail.cfm?id=2839461",
        ),
    ),
)
