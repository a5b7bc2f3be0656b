"""How it is judged: what is measured, what theory says, what is claimed and demanded, and from where that comes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Protocol

from windtunnel import Claim, Event, Figure, Held, History, Source, owed
from windtunnel.parts import rate

WORK_S = 0.05
"""Mean seconds of work of a request, with nobody else inside."""
WORKERS = 4
RUN_S, BURST_S, END_S = 16.0, 2.0, 4.0
"""How long requests come; when many come at once; and how long at the end one looks who is answered."""
DONE_S = 8.0
"""For so long at the end one counts what gets done, in time or not."""
RAMP_S = (2.0, 14.0)
"""Between these the load goes up and down."""
SIDE_S = 2.0
"""On either side of the ramp, how long one looks."""
STEP_S = 0.5
STEPS = 6


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def load(self) -> float: ...
    @property
    def half(self) -> int: ...
    @property
    def burst(self) -> int: ...
    @property
    def peak(self) -> float: ...
    @property
    def patience_s(self) -> float: ...


def share_done(p: Setting, inside: int) -> float:
    """The share of its speed that a service has left with so many inside."""
    return 1 / (1 + inside / p.half)


def fixed_point(p: Setting) -> float:
    """So many inside that as many go as come: the unstable one."""
    return p.half * (1 / p.load - 1)


def load_at(p: Setting, at: float) -> float:
    """The load at this second."""
    begin, end = RAMP_S
    if p.peak <= p.load or not begin < at < end:
        return p.load
    middle = (begin + end) / 2
    return p.peak - (p.peak - p.load) * abs(at - middle) / (middle - begin)


def share(events: Sequence[Event]) -> float:
    """The share that was answered in time; all, where nobody asked."""
    return sum(e.outcome == "ok" for e in events) / len(events) if events else 1.0


def measure(history: History, p: Setting) -> dict[str, float]:
    """Who is answered in time: at the end, of the burst, of the others after it, and on both sides of a ramp."""
    done: list[float] = history.facts.get("done_s", [])
    burst = [e for e in history if e.due == BURST_S]
    begin, end = RAMP_S
    collector: dict[str, float] = history.facts.get("collector", {})  # of a real process
    seen = {**collector, "pause_ms": 1e3 * collector["pause_s"]} if collector else {}
    return {
        **seen,
        "end": share([e for e in history if e.due >= RUN_S - END_S]),
        "burst_answered": share(burst),
        "others": share([e for e in history if BURST_S < e.due < BURST_S + END_S]),
        "up": share([e for e in history if begin < e.due < begin + SIDE_S]),
        "down": share([e for e in history if end - SIDE_S <= e.due < end]),
        "refused": sum(e.outcome == "fail" for e in history) / max(1, len(history)),
        "done_per_s": sum(RUN_S - DONE_S <= at < RUN_S for at in done) / DONE_S,
    }


def audit(history: History, held: Held, p: Setting) -> dict[str, float]:
    """What the servers' jobs say: work that was done sooner than so many inside allow, and answers without work."""
    jobs = [job for machine in held.machines.values() for job in machine.jobs]
    over = RUN_S + p.patience_s
    gone = [at + p.patience_s if done is None else done for at, done, _ in jobs]  # who is taken out is never done
    moves = sorted([(at, 1) for at, _, _ in jobs] + [(at, -1) for at in gone])
    allowed, inside, before = 0.0, 0, 0.0
    for at, move in moves:
        allowed += min(inside, WORKERS) * share_done(p, inside) * (at - before)
        inside, before = inside + move, at
    told = history.where(outcome="ok")
    worked = sum(work for _, done, work in jobs if done is not None and done <= over)
    return {
        "too_fast_s": max(0.0, worked - allowed),
        "owed_s": owed([(e.end, e.args[0]) for e in told], held.done()),
        "servers": len(held.machines),
    }


def answers(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Answers in time, as a rate."""
    told = sorted(e.end for e in history.where(outcome="ok"))
    steps = range(1, int(RUN_S / STEP_S) + 1)
    return {"answers": [(k * STEP_S, rate(told, (k - 1) * STEP_S, k * STEP_S)) for k in steps]}


def loop(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The share that is answered at each load, up and then down; where the load stays, before and after the burst."""
    begin, end = RAMP_S
    middle, step = (begin + end) / 2, (end - begin) / 2 / STEPS
    edges = [begin + k * step for k in range(STEPS + 1)]
    events = sorted(history, key=lambda e: e.due)
    due = [e.due for e in events]

    def between(left: float, right: float) -> float:
        return share(events[bisect_left(due, left) : bisect_left(due, right)])

    pairs = [(load_at(p, (a + b) / 2), a, b) for a, b in pairwise(edges)]
    up = [(load, between(a, b)) for load, a, b in pairs]
    down = [(load, between(2 * middle - b, 2 * middle - a)) for load, a, b in pairs]
    return {"up": up, "down": down}


PLAIN: dict[str, object] = {"half": 20, "peak": 0.0, "patience_s": 1.0, "limit": 6, "load": 0.4, "burst": 60}
CALM = {**PLAIN, "load": 0.2, "burst": 10}
RAMP = {**PLAIN, "load": 0.2, "peak": 1.2, "burst": 0}
GUESSED = {**PLAIN, "limit": 60, "burst": 90}
EDGE = {**PLAIN, "limit": 20, "load": 0.4}
STUCK = {**PLAIN, "limit": 80, "load": 0.6, "burst": 150}
SRE, NETFLIX = "The SRE book 2016", "Netflix concurrency-limits"

SPIRAL = "unbounded.end < 0.1 and unbounded.refused == 0"
TOO_MANY = "many_threads.end < 0.1 and many_threads.refused > 0.1"
BACK = "min(fixed_limit.end, line_outside.end) > 0.85"
RULES = "unbounded.slower > 1.5 and 0.7 < unbounded.slower_own < 1.3"
LOOP = "unbounded.up > 0.8 and unbounded.down < 0.1"
BEYOND = "burst >= 1.6 * half * (1 / load - 1) and patience_s <= 2"

CLAIMS = (
    Claim(
        SPIRAL,
        "The burst is beyond the fixed point, and more come than go.",
        SRE,
        breaks="unbounded",
        given={"peak": 0.0},
        where=f"{BEYOND} and load >= 0.3",
    ),
    Claim(TOO_MANY, "Two hundred inside are beyond it as well.", given=PLAIN),
    Claim(
        "0 < many_threads.done_per_s < 0.4 * line_outside.done_per_s",
        "With two hundred inside a fraction of the work gets done, and that for people who have gone.",
        given=PLAIN,
    ),
    Claim(BACK, "Below it the service drains whatever has come.", NETFLIX, given=PLAIN),
    Claim("adaptive.end > 0.85", "So it does where the limit adapts.", NETFLIX, given=PLAIN, stages=("sim",)),
    Claim(
        "adaptive.end > 0.6",
        "On a real machine answers are slow for other reasons too, and the limit shrinks for those as well.",
        NETFLIX,
        given=PLAIN,
        stages=("machine",),
    ),
    Claim(
        RULES,
        "Called each time so much has been made, the collector costs a request more the more are inside;"
        " left to its own rule, which waits until a quarter more lives, it does not.",
        given=PLAIN,
        stages=("machine",),
    ),
    Claim(
        "cancelled.end > 0.9",
        "Where rate times patience is about the fixed point, taking out who has gone is enough.",
        given=PLAIN,
        stages=("sim",),  # about the fixed point a real one goes either way
    ),
    Claim(
        "cancelled.end < 0.95 < line_outside.end",
        "Users who wait for three seconds are three times as many inside.",
        given={**PLAIN, "patience_s": 3.0},
    ),
    Claim(
        "shed_all.end > 0.9 and shed_all.others < fixed_limit.others - 0.1",
        "Who is empty starts anew; until then all are turned away.",
        given=PLAIN,
        stages=("sim",),
    ),
    Claim(
        "shed_all.others < fixed_limit.others - 0.1",
        "A real one too, and once more for each answer that is late for another reason.",
        given=PLAIN,
        stages=("machine",),  # at the end .5 to all were answered: it depends on what else the machine does
    ),
    Claim(
        "unbounded.end > 0.95 and unbounded.burst_answered > 0.95",
        "A small burst at a low load stays below it.",
        spares="unbounded",
        given=CALM,
    ),
    Claim(
        "line_outside.burst_answered > fixed_limit.burst_answered + 0.15",
        "Who waits outside makes nobody slow, and is answered.",
        given=PLAIN,
    ),
    Claim(
        "fixed_limit.end < 0.1 and adaptive.end > 0.8",
        "A limit that was guessed too high is none; one that looks at the answers finds its number.",
        NETFLIX,
        given=GUESSED,
    ),
    Claim(
        "fixed_limit.end > 0.9",
        "Below the fixed point of thirty a limit of twenty is enough.",
        given=EDGE,
        stages=("sim",),  # a real collector's is somewhere between fourteen and fifty
    ),
    Claim(LOOP, "At the same loads nobody is answered any more.", given=RAMP),
    Claim(
        "min(fixed_limit.down, line_outside.down) > 0.8",
        "With a limit there is no loop.",
        given=RAMP,
    ),
    Claim(
        "adaptive.down > 0.45 and adaptive.refused < 0.35",
        "Nor is there where the limit adapts; on some seeds it still refuses a third when the load is low again.",
        given=RAMP,
        stages=("sim",),  # a real one is late for other reasons too, and refuses more
    ),
)

DEMANDS = (
    Claim("yours.end > 0.9", "A burst must not kill the service.", given=PLAIN),
    Claim("yours.burst_answered > 0.25", "Of the burst those are answered whom there is time for.", given=PLAIN),
    Claim("yours.others > 0.5", "And of those who come soon after it most.", given=PLAIN),
    Claim("yours.end > 0.9", "Also where users wait for longer.", given={**PLAIN, "patience_s": 3.0}),
    Claim("yours.down > 0.9", "Nor must a load that was too high for a while.", given=RAMP),
    Claim("yours.end > 0.95", "Where little comes all are answered.", given=CALM),
    Claim("yours.too_fast_s < 0.01", "The service is as slow as those inside make it.", always=True),
    Claim("yours.owed_s < 0.001", "An answer comes after the work has been done.", always=True),
    Claim("yours.servers == 1", "There is one service.", always=True),
)

FIGURES = (
    Figure(
        "answers a second with eighty inside",
        WORKERS / WORK_S / (1 + 80 / 20),
        "fixed_limit.done_per_s",
        0.2,
        "D",
        "workers / work / (1 + n / half): a limit of 80 beyond the fixed point",
        given=STUCK,
        stages=("sim",),  # a real slowdown is no straight line
    ),
)

SOURCES = (
    Source(
        "The SRE book, chapter 22, Addressing Cascading Failures",
        2016,
        "https://sre.google/sre-book/addressing-cascading-failures/",
    ),
    Source("Netflix, concurrency-limits, README", 2018, "https://github.com/Netflix/concurrency-limits"),
)
