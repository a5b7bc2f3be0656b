"""A server that is seven tenths busy loses nine tenths of its speed for a second, and does not come back.

Clarify: what do clients do when they wait too long? Who asks again, how often, at how many layers (three layers of four
attempts are 64)? Does the server know that a client has given up?

Estimate: let each request come w times at most. A load L then asks for w L; while that is below the capacity C
(`safe_load_per_s`) there is never a metastable failure (Huang and others, OSDI 2022, theorem 2). Of loads above C / w
the theorem says nothing good or bad: there a system is vulnerable, and the size and length of a trigger decide.

Design: the trigger fills the queue until a request waits longer than its client. The client gives up and asks again;
the server, which does not know, works on for nobody. The load comes four times, the queue cannot drain, and the failure
outlives its trigger: it is metastable (Bronson and others, HotOS 2021). The first proposal is mostly back-off with full
jitter. It spreads the retries and takes none away: the service stays down to the end of the run, as without it.

Deep dive: each cure cuts the loop. A retry budget bounds w to 1.1. Whose numbers: Finagle's default is 20 % of the
requests and 10 retries a second, Envoy's 20 % of the active requests, and at least 3; a tenth, as here, is what the SRE
book says. Where each client process has a budget of its own, all of them spend their savings at the same moment, and
that backlog drains at C - 1.1 L only. A bound on the queue cures if a full queue is served within the clients'
patience, and does nothing if it is not. CoDel drops who has waited long while the queue stands, and needs no word from
the clients. A deadline that travels with the request does, and it needs a reserve: with none, the first in line are
begun in time and answered too late. The reserve here is the time of the last job, so it fits a slow server too. The
shortest cure is to serve the newest first, for whom somebody still waits. It needs no word and no number; who gave up
stays in the queue, as work for when there is no other. All three spend what the trigger leaves on those who still wait;
CoDel also drops some that could have been answered, who come again.

Scale: taking load away is arithmetic. A backlog B drains in B / (C - w L') while L' is let in (`shed_needed_s`): five
seconds without four fifths of the load were too few, eight without any were enough. Then let the load in step by step.

Real systems: Huang and others found 22 metastable failures at 11 organisations, over half of them kept going by
retries. A finding of its own: at least 4 of 15 major outages of AWS in a decade were metastable failures.

Left open: caches that must be warm, fail-overs that cost work and log lines written for errors are loops as well, with
other cures. Circuit breakers and clients that throttle themselves are not here.
"""

from __future__ import annotations

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
    Map,
    Op,
    Source,
    Stage,
    Why,
    owed,
    param,
    process,
    slow,
)
from windtunnel.blocks.resilience import Budget, full_jitter
from windtunnel.parts import Impatient, RequestCoDel, answered, goodput, per_second, rate
from windtunnel.sim import NS, Fifo, Job, Lifo, Server
from windtunnel.sim.closed_forms import metastable_load
from windtunnel.workload import poisson

TRIGGER_AT_S = 10.0
SHED_AT_S = 13.0
WINDOW_S = 5.0
"""Seconds at the end, and before the trigger, over which goodput is counted."""
LEFT = 0.1
"""The share of its speed that the trigger leaves the server."""
EARNS, SAVED = 0.1, 10.0
"""What a request adds to its retry budget, and how many retries a budget holds at most."""


@dataclass(frozen=True)
class Params:
    """Load, patience, the trigger, and what the cures are set to."""

    load: float = param(0.7, "share of the capacity that the requests need, each asked once", low=0.01, high=1.2)
    capacity: float = param(400.0, "requests that the server serves in a second", low=1, high=500)
    patience_s: float = param(0.25, "seconds after which a client gives an attempt up", low=0.001, high=0.5)
    retries: int = param(3, "attempts after the first", low=0, high=5)
    trigger_s: float = param(1.0, "seconds for which the server has a tenth of its speed", low=0, high=3)
    backoff_s: float = param(0.1, "most seconds of the first back-off; each further one doubles it", low=0, high=5)
    clients: int = param(40, "client processes, each with a retry budget of its own", low=1, high=1000)
    cap: int = param(80, "places in the bounded queue", low=1, high=1000)
    reserve: float = param(1.5, "how often the last job's time must fit in before a deadline", low=0, high=20)
    shed: float = param(0.8, "share of the requests that stays away while load is shed", low=0, high=1)
    shed_s: float = param(0.0, "seconds, from second 13 on, in which load is shed", low=0, high=20)
    run_s: float = param(24.0, "seconds of load; the trigger comes at second 10", low=20, high=40)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`ask()`: Poisson arrivals; while load is shed a share of them stays away."""
    number = 0
    for at in poisson(p.load * p.capacity, luck, until_s=p.run_s):
        stays_away = luck.random() < p.shed and SHED_AT_S <= at < SHED_AT_S + p.shed_s
        if not stays_away:
            yield Op(at, f"client {number % 1000}", "ask")
            number += 1


class ThreeRetries(Impatient):
    """Ask again at once when it takes too long; the queue has no bound and the server works on for nobody."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.p = p
        self.stage = stage
        super().__init__(self.serving(stage), patience_s=p.patience_s, retries=p.retries, budget=self.budgeted())
        self.late_attempts = 0
        self.late_s = p.run_s - WINDOW_S

    def serving(self, stage: Stage) -> Server:
        """The server, with its queue."""
        return stage.server("server", discipline=Fifo())

    def budgeted(self) -> Budget | None:
        """What retries are paid from; None is no limit."""
        return None

    @process
    async def ask(self) -> None:
        await self.call(1 / self.p.capacity)

    def send(self, work_s: float) -> Job:
        self.late_attempts += self.sim.now >= self.late_s
        return self.server.serve(work_s, deadline=self.deadline())

    def deadline(self) -> float | None:
        """The second after which the server need not begin."""
        return None

    def report(self) -> Mapping[str, object]:
        reading = self.server.read()
        return {
            "attempts": self.attempts,
            "late": self.late_attempts,
            "inside": reading.inside,
            "balanced": reading.balanced,
        }


class BackoffJitter(ThreeRetries):
    """Wait before each retry, a random part of a time that doubles: exponential back-off with full jitter."""

    def wait_s(self, retry: int) -> float:
        return full_jitter(self.p.backoff_s)(retry, 0.0, self.stage.luck("back-off"))


class RetryBudget(ThreeRetries):
    """One retry budget for all, as a proxy has it: each request earns a tenth of a token, a retry costs one."""

    def budgeted(self) -> Budget:
        return Budget(EARNS, burst=SAVED)


class OwnBudgets(ThreeRetries):
    """The same budget in each client process, as libraries have it: every one may have saved ten retries."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.purses = [Budget(EARNS, burst=SAVED) for _ in range(p.clients)]

    def purse(self) -> Budget:
        return self.stage.luck("client").choice(self.purses)


class BoundedQueue(ThreeRetries):
    """A full queue turns requests away at once; what gets in is served in time if cap / capacity < patience."""

    def serving(self, stage: Stage) -> Server:
        return stage.server("server", queue_limit=self.p.cap, discipline=Fifo())


class DelayControl(ThreeRetries):
    """CoDel: while the queue stands, who has waited 5 ms is dropped; who meets a short queue may wait 100 ms."""

    def serving(self, stage: Stage) -> Server:
        return stage.server("server", discipline=RequestCoDel())


class NewestFirst(ThreeRetries):
    """Last come, first served: who has waited too long stays behind those who have not, and is served when they are."""

    def serving(self, stage: Stage) -> Server:
        return stage.server("server", discipline=Lifo())


class DeadlineDrop(ThreeRetries):
    """The deadline travels with the request; the server drops what nobody waits for any more."""

    def deadline(self) -> float:
        return self.sim.now + self.p.patience_s


class DeadlineReserve(DeadlineDrop):
    """The deadline travels with the request; the server begins no job that its last one's time says will be late."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.took_s = 0.0

    def deadline(self) -> float:
        return super().deadline() - self.p.reserve * self.took_s

    def send(self, work_s: float) -> Job:
        job = super().send(work_s)
        job.add_done_callback(self.learn)
        return job

    def learn(self, job: Job) -> None:
        """How long the server takes now, which while it is slow is not what it took in the morning."""
        if job.exception() is None:
            self.took_s = self.sim.now - job.started_ns / NS


def shed_needed_s(p: Params) -> float:
    """Seconds of shedding, by arithmetic, until the naive design answers again: backlog / (C - w L'), in work.

    Every request since the trigger comes w times; all but what fits into the clients' patience must have been served.
    """
    storm, since_s = (1 + p.retries) * p.load, SHED_AT_S - TRIGGER_AT_S
    slow_s = min(p.trigger_s, since_s)
    backlog_s = storm * since_s - (since_s - (1 - LEFT) * slow_s)
    spare = 1 - storm * (1 - p.shed)
    return max(0.0, backlog_s - p.patience_s) / spare if spare > 0 else inf


def measure(history: History, p: Params) -> dict[str, float]:
    """Goodput before the trigger, while it lasts, and at the end; who its first second loses; what retries cost."""
    ends, dues = answered(history), [e.due for e in history]
    late_s = p.run_s - WINDOW_S
    struck = [e for e in history if TRIGGER_AT_S <= e.due < TRIGGER_AT_S + 1]
    after = per_second(ends, p.run_s)[int(TRIGGER_AT_S) :]
    offered = rate(dues, late_s, p.run_s)
    return {
        "goodput_before_per_s": rate(ends, TRIGGER_AT_S - WINDOW_S, TRIGGER_AT_S),
        "offered_before_per_s": rate(dues, TRIGGER_AT_S - WINDOW_S, TRIGGER_AT_S),
        "goodput_during_per_s": rate(ends, TRIGGER_AT_S, TRIGGER_AT_S + p.trigger_s),
        "lost_at_first": sum(e.outcome != "ok" for e in struck) / len(struck) if struck else 0.0,
        "goodput_end_per_s": rate(ends, late_s, p.run_s),
        "offered_end_per_s": offered,
        "recovered": float(rate(ends, late_s, p.run_s) > 0.5 * offered),
        "down_s": sum(count < 0.5 * p.load * p.capacity for _, count in after),
        "shed_back_s": min((end for end in ends if end >= SHED_AT_S), default=p.run_s) - SHED_AT_S,
        "shed_needed_s": shed_needed_s(p),
        "attempts_end_per_request": history.facts["late"] / max(1, sum(due >= late_s for due in dues)),
        "attempts_per_request": history.facts["attempts"] / len(history) if len(history) else nan,
        "backlog": history.facts["inside"],
        "safe_load_per_s": metastable_load(p.capacity, 1 + p.retries),
        "counted": float(history.facts["balanced"]),
    }


def audit(history: History, held: Held, p: Params) -> dict[str, float]:
    """Whether the server did what the answers say, and whether they came while somebody waited."""
    told = history.where(outcome="ok")
    patience_s = (1 + p.retries) * p.patience_s
    return {
        "owed": owed([(e.end, 1.0) for e in told], [(done, work_s * p.capacity) for done, work_s in held.done()]),
        "speed": held.capacity,
        "too_late": sum(e.end - e.due > patience_s + 1e-6 for e in told),
    }


def answers(history: History, p: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Answers in time, a second at a time."""
    return {"goodput": goodput(history, p.run_s)}


def faults(p: Params) -> Sequence[Fault]:
    """The trigger: nine tenths of the speed are gone for a while."""
    return (slow("server", to=LEFT, at_s=TRIGGER_AT_S, for_s=p.trigger_s),)


HEALTHY = "load <= 0.8 and load * capacity >= 20 and capacity * patience_s >= 25"
"""Alone, the server has spare capacity, and patience for far more than one request."""
KILLED = f"{HEALTHY} and load * (1 + retries) >= 1.5 and trigger_s >= 2 * patience_s"
"""Above the line, and the trigger is long enough to make clients give up."""
STORM = f"{KILLED} and shed_s == 0"
FULL = f"{STORM} and load * (1 + retries) >= 2.4 and trigger_s >= 4 * patience_s"
"""Far above the line, and after a long trigger: every request soon makes all of its attempts."""
CURED = f"{HEALTHY} and shed_s == 0"
SHED = f"{KILLED} and trigger_s <= 2 and 2.5 <= load * (1 + retries) <= 3 and patience_s <= 0.3"
"""When load is shed, the trigger is over and the storm in full."""
DOWN = "three_retries.goodput_end_per_s < 0.05 * three_retries.offered_end_per_s"
ATTEMPTS = (
    "min(three_retries.attempts_end_per_request, backoff_jitter.attempts_end_per_request) > 0.85 * (1 + params.retries)"
)
BRONSON = "Bronson and others, HotOS 2021"
HUANG = "Huang and others, OSDI 2022"

experiment = Experiment(
    title="Metastable failure",
    question="Why does a service stay down after its trigger has gone, and what brings it back?",
    params=Params,
    workload=workload,
    designs={
        "three_retries": ThreeRetries,
        "backoff_jitter": BackoffJitter,
        "own_budgets": OwnBudgets,
        "retry_budget": RetryBudget,
        "bounded_queue": BoundedQueue,
        "delay_control": DelayControl,
        "newest_first": NewestFirst,
        "deadline_reserve": DeadlineReserve,
    },
    measure=measure,
    audit=audit,
    charts=(Chart("Goodput", "second", "answers in time per second", answers),),
    maps=(Map(DOWN, "load", "trigger_s", (0.1, 1.1), (0.0, 2.0), line="load * (1 + retries) < 1"),),
    shows=("answered_share", "latency_p99_ms"),
    warmup_s=lambda p: TRIGGER_AT_S - WINDOW_S,
    asks=(
        Ask(
            "The server is slow for one second. Ten seconds later, how many requests a second are answered?",
            "three_retries.goodput_end_per_s",
            "a second",
            0,
            1000,
        ),
        Ask(
            "And if every client waits before it asks again, exponentially longer, with full jitter?",
            "backoff_jitter.goodput_end_per_s",
            "a second",
            0,
            1000,
        ),
        Ask("And if a full queue turns requests away?", "bounded_queue.goodput_end_per_s", "a second", 0, 1000),
    ),
    why=(
        Why(
            "The queue is full of requests that nobody waits for any more, and each of them comes four times.",
            ATTEMPTS,
        ),
        Why("Waiting before a retry moves it to later; as many come as before.", ATTEMPTS),
        Why(
            "A queue that is served within the clients' patience holds nobody who has given up.",
            "bounded_queue.recovered == 1",
        ),
    ),
    faults=faults,
    ends_s=lambda p: p.run_s,
    seeds=3,
    quick={"capacity": 100.0, "clients": 6, "cap": 20},
    claims=(
        Claim(
            "three_retries.goodput_before_per_s > 0.95 * three_retries.offered_before_per_s",
            "Before the trigger the naive design is fine: no test of a healthy system would find this.",
            where=HEALTHY,
        ),
        Claim(
            DOWN,
            "The trigger is gone, and up to the end of the run nobody is answered in time.",
            BRONSON,
            breaks="three_retries",
            where=FULL,
        ),
        Claim(
            "backoff_jitter.goodput_end_per_s < 0.05 * backoff_jitter.offered_end_per_s",
            "Back-off with full jitter spreads the retries and takes none away, and the load does not end.",
            where=f"{FULL} and backoff_s <= 0.5",
        ),
        Claim(
            ATTEMPTS,
            "Each request comes as often as it may, with back-off and without.",
            where=f"{FULL} and backoff_s <= 0.5",
        ),
        Claim(
            "backoff_jitter.attempts_per_request < three_retries.attempts_per_request",
            "The storm only grows a moment later.",
            where=f"{FULL} and 0.05 <= backoff_s <= 0.5",
        ),
        Claim(
            "min(retry_budget.recovered, own_budgets.recovered) == 1",
            "With a weight of 1.1 the load stays below the capacity, and the backlog drains.",
            where=f"{CURED} and trigger_s + 10 * clients / capacity <= (run_s - 15) * (1 - 1.1 * load)",
        ),
        Claim(
            "own_budgets.down_s > retry_budget.down_s",
            "What all clients have saved is spent in the same seconds, and drains at C - 1.1 L.",
            where=f"{STORM} and 0.5 <= load <= 0.75 and clients >= 0.05 * capacity and trigger_s <= 2",
        ),
        Claim(
            "bounded_queue.recovered == 1",
            "A full queue is served before the clients give up.",
            where=f"{CURED} and 0.2 <= cap / (capacity * patience_s) <= 0.85",
        ),
        Claim(
            "retry_budget.down_s > bounded_queue.down_s",
            "A budget has to drain what the trigger has left; a bound lets no backlog grow.",
            where=f"{STORM} and load >= 0.5 and 0.2 <= cap / (capacity * patience_s) <= 0.85",
        ),
        Claim(
            "bounded_queue.recovered == 0",
            "A bound above capacity times patience cures nothing: whoever gets in is answered too late.",
            given={"cap": 200},
            where=f"{FULL} and cap >= 1.5 * capacity * patience_s",
        ),
        Claim(
            "max(delay_control.down_s, newest_first.down_s, deadline_reserve.down_s) <= params.trigger_s + 2",
            "Neither CoDel nor a deadline begins what nobody waits for, and newest first begins it last.",
            where=f"{CURED} and load * capacity >= 50 and 1.1 <= reserve <= 0.1 * capacity * patience_s",
        ),
        Claim(
            "deadline_reserve.attempts_per_request > 1.15",
            "Without a reserve for the work itself, those first in line are begun in time and answered too late.",
            given={"reserve": 0.0},
            where=FULL,
        ),
        Claim(
            "min(delay_control.goodput_during_per_s, newest_first.goodput_during_per_s,"
            " deadline_reserve.goodput_during_per_s)"
            " > 1.5 * max(bounded_queue.goodput_during_per_s, own_budgets.goodput_during_per_s)",
            "While the trigger lasts a tenth of the capacity is left: spent on who still waits, or on who is first.",
            where=f"{STORM} and 1.1 <= reserve <= 2 and trigger_s >= 4 * patience_s and cap >= 0.1 * capacity",
        ),
        Claim(
            "deadline_reserve.attempts_per_request < delay_control.attempts_per_request",
            "CoDel turns away some who would have been answered in time, and they ask again.",
            where=f"{FULL} and 1.1 <= reserve <= 2",
        ),
        Claim(
            "newest_first.backlog > 5 * max(delay_control.backlog, deadline_reserve.backlog)",
            "Newest first drops nobody: the server works through those who gave up long after they have.",
            given={"trigger_s": 3.0, "run_s": 24.0},
            # 3 L (1 + r) seconds of work come while it is slow, less what is asked later; two are left at the end.
            where=f"{STORM} and 1.1 <= reserve <= 2"
            " and load * (14 + retries * (3 - patience_s * (retries + 1) / 2)) >= 13.3",
        ),
        Claim(
            "three_retries.recovered == 0",
            "Keeping four fifths of the requests away for five seconds does not drain what the storm has left.",
            given={"shed": 0.8, "shed_s": 5.0},
            where=SHED,
        ),
        Claim(
            "three_retries.recovered == 1",
            "Keeping all away for as long as the backlog takes does.",
            given={"shed": 1.0, "shed_s": 8.0, "run_s": 27.0},
            where=SHED,
        ),
        Claim(
            "abs(three_retries.shed_back_s - three_retries.shed_needed_s) < 0.35 * three_retries.shed_needed_s",
            "How long it takes is arithmetic: the backlog, divided by what the load that comes leaves of the capacity.",
            given={"shed": 0.9, "shed_s": 14.0, "run_s": 29.0},
            where=SHED,
        ),
        Claim(
            "three_retries.recovered == 1",
            "Below capacity over weight no storm feeds itself: the naive design is good enough there.",
            HUANG,
            given={"load": 0.2},
            spares="three_retries",
            where=f"{CURED} and trigger_s * load * (1 + retries) <= (run_s - 16) * (1 - load * (1 + retries))",
        ),
        Claim(
            "min(three_retries.counted, bounded_queue.counted, delay_control.counted, newest_first.counted,"
            " deadline_reserve.counted) == 1",
            "Whoever arrived was served, rejected, dropped, or is inside: nobody vanished.",
        ),
    ),
    demands=(
        Claim("yours.goodput_before_per_s > 0.95 * yours.offered_before_per_s", "A cure must not make health worse."),
        Claim("yours.goodput_end_per_s > 0.95 * yours.offered_end_per_s", "Ten seconds later all is well again."),
        Claim("yours.down_s <= params.trigger_s + 5", "Nor is it closed until then: most are answered within seconds."),
        Claim(
            "yours.lost_at_first <= 0.02",
            "A trigger too short to make anybody give up costs nobody the answer: a cure needs a reason.",
            given={"trigger_s": 0.1},
        ),
        Claim("yours.too_late == 0", "Nobody waits longer than for all of its attempts."),
        Claim("yours.owed < 0.01", "An answer comes after the server has done its work.", always=True),
        Claim("yours.speed <= 1", "The server is the one that there is, and no faster.", always=True),
    ),
    figures=(
        Figure(
            "attempts a request, once it is down",
            4.0,
            "three_retries.attempts_end_per_request",
            0.05,
            "D",
            "3 retries; in the last seconds of the run",
        ),
        Figure(
            "seconds without nine tenths of the load until it answers",
            shed_needed_s(Params(shed=0.9)),
            "three_retries.shed_back_s",
            0.2,
            "D",
            "backlog / (C - w L'), from two seconds after the trigger on",
            given={"shed": 0.9, "shed_s": 14.0, "run_s": 29.0},
        ),
    ),
    hints=(
        "Draw the loop: what does a full queue do to clients, and what do they do to the queue?",
        "How much of the server's work at second 20 is for somebody who still waits?",
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
        Source("B. Maurer, Fail at Scale, ACM Queue 13(8)", 2015, "https://queue.acm.org/detail.cfm?id=2839461"),
        Source("K. Oliver, Retry Budgets, Finagle", 2016, "https://finagle.github.io/blog/2016/02/08/retry-budgets/"),
        Source(
            "Envoy 1.14, Circuit breakers: retry_budget",
            2020,
            "https://envoyproxy.io/docs/envoy/v1.14.0/api-v3/config/cluster/v3/circuit_breaker.proto",
        ),
        Source("The SRE book, chapter 21, Handling Overload", 2016, "https://sre.google/sre-book/handling-overload/"),
    ),
)
