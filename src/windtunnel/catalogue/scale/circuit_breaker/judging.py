"""How it is judged: what is measured, what theory says, what is claimed and demanded, and from where that comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, nan
from typing import Protocol

from windtunnel import Claim, Event, Figure, Held, History, Source, most_at_once, owed
from windtunnel.parts import rate
from windtunnel.sim.closed_forms import erlang_b

WORK_S = 0.02
"""Mean seconds of work of a call."""
WORKERS = 8  # unclaimed: with more of them nothing changes
"""Of a server: more than is ever needed."""
WELL_S, AFTER_S = 10.0, 8.0
"""All is well for as long as a circuit looks back; the time after lets it sleep, fail once more, and close."""
WINDOW_S, SLEEP_S = 10.0, 5.0
"""Of Hystrix."""
STEP_S = 2
"""Between two points of a line."""
CUT = ("CircuitOpen", "Tripped")
"""What a call ends with that a circuit refused."""


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def rate(self) -> float: ...
    @property
    def threads(self) -> int: ...
    @property
    def timeout_s(self) -> float: ...
    @property
    def shards(self) -> int: ...
    @property
    def sick(self) -> int: ...
    @property
    def share(self) -> float: ...
    @property
    def threshold(self) -> float: ...
    @property
    def down_s(self) -> float: ...


def run_s(p: Setting) -> float:
    """How long calls come."""
    return WELL_S + p.down_s + AFTER_S


def sick(p: Setting) -> int:
    """How many shards hang."""
    return min(p.sick, p.shards)


def sick_share(p: Setting) -> float:
    """The share of the calls to the second dependency that goes to them."""
    return float(p.sick > 0) if sick(p) in (0, p.shards) else p.share


def share_answered(events: Sequence[Event]) -> float:
    """The share that was; nan of nobody."""
    return sum(e.outcome == "ok" for e in events) / len(events) if events else nan


def measure(history: History, p: Setting) -> dict[str, float]:
    """Shares of those who called while something hung, of those who could be answered; then what it took."""
    begin, end = WELL_S, WELL_S + p.down_s
    late = (begin + end) / 2
    during = [e for e in history if begin <= e.due < end]
    near = [e for e in during if e.name == "near"]
    far = [e for e in during if e.name == "far" and e.args[0] >= sick(p)]
    hung = [e for e in during if e.name == "far" and e.args[0] < sick(p)]
    after = [e for e in history if e.name == "far" and e.due >= end]
    changes: list[tuple[float, str]] = history.facts.get("changes", [])
    opened = [at - begin for at, state in changes if state == "open" and begin <= at < end]
    probes = [at for at, state in changes if state == "half-open" and at < end]
    return {
        "near": share_answered(near),
        "far": share_answered(far),
        "good": share_answered([*near, *far]),
        "cut": sum(e.value in CUT for e in far) / len(far) if far else 0.0,
        "wait_ms": 1e3 * sum(e.end - e.due for e in hung) / len(hung) if hung else 0.0,
        "asked": sum(e.outcome != "fail" and e.due >= late for e in hung) / (end - late),
        "lost_after": 1 - share_answered(after),
        "errors": 1 - share_answered([*far, *hung]) if far or hung else 0.0,
        "opened": len(opened),
        "found_s": min(opened, default=inf),
        "probe_s": (probes[-1] - probes[0]) / (len(probes) - 1) if len(probes) > 1 else inf,
    }


def audit(history: History, held: Held, p: Setting) -> dict[str, float]:
    """What the servers' own lists of jobs say: threads that were held, calls that came, and answers without work."""
    end = WELL_S + p.down_s
    late = (WELL_S + end) / 2
    jobs = {name: machine.jobs for name, machine in held.machines.items()}
    hung = [at for i in range(sick(p)) for at, _, _ in jobs.get(f"shard {i}", ())]
    holds = [
        (came, min(came + p.timeout_s, inf if done is None else done), work_s)
        for served in jobs.values()
        for came, done, work_s in served
    ]
    return {
        "threads": most_at_once(holds),
        "asked": sum(late <= at < end for at in hung) / (end - late),
        "owed_s": owed([(e.end, e.args[-1]) for e in history.where(outcome="ok")], held.done()),
        "capacity": held.capacity,
    }


def answers(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Answers a second of those who asked something that did not hang."""
    told = [e.end for e in history.where(outcome="ok") if e.name == "near" or e.args[0] >= sick(p)]
    return {"answers": [(at, rate(told, at - STEP_S, at)) for at in range(STEP_S, int(run_s(p)) + 1, STEP_S)]}


def held_threads(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Threads held while some shards hang, on average: by calls that came to nothing, and by the others."""
    begin, end = WELL_S, WELL_S + p.down_s
    held_s = {"unknown": 0.0, "ok": 0.0, "fail": 0.0}
    for e in history:
        held_s[e.outcome] += max(0.0, min(e.end, end) - max(e.due, begin))
    return {"threads": [("in vain", held_s["unknown"] / p.down_s), ("for an answer", held_s["ok"] / p.down_s)]}


def lost_by_a_pool(hung: float, calls: float, threads: int, timeout_s: float = 1.0) -> float:
    """What a pool refuses that nobody waits for: Erlang's loss, where so many calls a second hang, of so many."""
    return erlang_b(hung * timeout_s + (calls - hung) * WORK_S, threads)


def half_are_errors(rate: float, threads: int) -> float:
    """The share of hanging calls at which half of all are errors, as a pool of half of the threads refuses the rest."""
    return crossing(lambda s: s + (1 - s) * lost_by_a_pool(s * rate, rate, threads // 2) - 0.5)


def costs_what_it_saves(rate: float, threads: int) -> float:
    """The share of hanging calls at which a circuit that is always open answers as many as one pool without it.

    The circuit answers all calls to the first dependency, and none to the second; the pool loses the same share of
    both. Of the second only the rest counts that does not hang.
    """
    return crossing(lambda s: 1 / (2 - s) - (1 - lost_by_a_pool(s * rate, 2 * rate, threads)))


def crossing(rises: Callable[[float], float]) -> float:
    """Where it is 0, by halving."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if rises(middle) < 0 else (low, middle)
    return low


TEN = {"rate": 20.0, "threads": 10, "timeout_s": 1.0, "threshold": 0.5}
ALL = {**TEN, "shards": 10, "sick": 20}
PART = {**TEN, "shards": 10, "sick": 1, "share": 0.4}
TENTH = {**PART, "share": 0.1}
MANY = {**PART, "sick": 5, "share": 0.5, "rate": 45.0}
MOST = {**PART, "share": 0.8}
SHORT = {"sick": 20, "timeout_s": 0.1}
SAME = half_are_errors(TEN["rate"], 10)
EVEN = costs_what_it_saves(TEN["rate"], 10)
HYSTRIX, BROOKER, MAINTENANCE = "HystrixCommandProperties", "Brooker 2022", "Hystrix README"
POOLED = ("pools", "hystrix", "shard_breakers", "shard_limits", "both")
ROOM = "rate <= 4 * threads"
"""Half of the threads have time for all that does not hang."""
A_WHILE = "down_s >= 15"
"""Long enough for a circuit to find out."""

NEAR = "time_limits.near < 0.6"
MADE_TOTAL = "hystrix.opened >= 1 and hystrix.cut > 0.25 and hystrix.far < pools.far - 0.1"
WORSE = "hystrix.good < min(time_limits.good, pools.good)"
EVENS = "hystrix.good > time_limits.good"
GUARDED = "min(shard_limits.far, both.far) > max(0.96, shard_breakers.far + 0.03)"


def least(measured: str, *designs: str) -> str:
    """The least of it among these."""
    return f"min({', '.join(f'{one}.{measured}' for one in designs)})"


CLAIMS = (
    Claim(
        NEAR,
        "Hanging calls take the threads, and calls to the dependency that is well find none.",
        breaks="time_limits",
        given={"sick": 20},
        where="2 * threads <= rate * timeout_s and timeout_s <= 0.25 * down_s",
    ),
    Claim(
        "time_limits.good < 0.97 < both.good",
        "One shard of ten is enough, if it gets two fifths of the calls.",
        breaks="time_limits",
        given=PART,
        where=A_WHILE,
    ),
    Claim(
        "time_limits.good > max(0.98, pools.good)",
        "A tenth of the calls hangs: one pool has threads to spare, and half of one has fewer.",
        over="mean",
        spares="time_limits",
        given=TENTH,
        where=A_WHILE,
    ),
    Claim(
        "time_limits.near > 0.95",
        "A time limit of a tenth of a second holds a tenth of the threads.",
        spares="time_limits",
        given=SHORT,
        where="rate * 0.1 <= 0.3 * threads",
    ),
    Claim(
        "time_limits.good > 0.97",
        "Ten times what an answer takes is a time limit that leaves one pool free, with no circuit and no other pool.",
        spares="time_limits",
        given={**PART, "timeout_s": 0.2},
    ),
    Claim(
        f"{least('near', *POOLED)} > 0.96",
        "A pool of its own keeps the other dependency out of it; no circuit is needed for that.",
        given={"sick": 20},
        where=f"{ROOM} and timeout_s >= 0.2",
    ),
    Claim(
        "max(time_limits.near, in_a_row.near, adaptive.near) < 0.2 and pools.near > 0.96",
        "Who learns from what times out has learnt nothing for as long as nothing has.",
        given={**ALL, "timeout_s": 30.0},
        where="15 <= down_s <= 30",
    ),
    Claim(
        "in_a_row.near > time_limits.near + 0.25 and in_a_row.near < 0.98",
        "Five failures in a row are soon found where all calls fail; the pool is full for a second every time.",
        given=ALL,
        where=A_WHILE,
    ),
    Claim(
        "in_a_row.good > 0.95",
        "Where a tenth hangs a success comes between the failures, nearly always, and the circuit stays closed.",
        over="mean",
        given=TENTH,
        where=A_WHILE,
    ),
    Claim(
        "in_a_row.asked > 3 * hystrix.asked",
        "After five seconds everybody is let through, until the next has failed; Hystrix lets one through.",
        given=ALL,
        where="down_s >= 18",
    ),
    Claim(
        "max(in_a_row.good, hystrix.good) < time_limits.good",
        "Where two fifths of the calls hang both circuits answer less than no circuit.",
        over="mean",
        given=PART,
        where="down_s >= 20",
    ),
    Claim(
        "hystrix.asked < 0.2 * pools.asked and hystrix.wait_ms < 0.5 * pools.wait_ms",
        "What a circuit saves are calls to what hangs, and the waiting for them.",
        given=ALL,
        where=A_WHILE,
    ),
    Claim(
        "4 < hystrix.found_s < 6",
        "It takes half of the window: until then there were more successes in it.",
        HYSTRIX,
        over="mean",
        given=ALL,
        where=A_WHILE,
    ),
    Claim(
        MADE_TOTAL,
        "Two fifths hang, and the circuit opens at a half: a full pool refuses good calls, and refusals are errors.",
        HYSTRIX,
        given=PART,
        where="down_s >= 20",
    ),
    Claim(
        WORSE,
        "The threads that it saves are for those that it refuses.",
        BROOKER,
        given=PART,
        where="down_s >= 20",
    ),
    Claim(
        "hystrix.good > time_limits.good + 0.1",
        "Where four fifths hang there is little left to refuse, and one pool loses the other dependency too.",
        given=MOST,
        where=A_WHILE,
    ),
    Claim(
        "hystrix.opened == 0 and hystrix.far == pools.far",
        "At a tenth of errors it does not open.",
        given=TENTH,
        where="down_s <= 30",
        stages=("sim",),
    ),
    Claim(
        "hystrix.opened == 0 and abs(hystrix.far - pools.far) < 0.05",
        "Nor does it with real processes, of which no two runs are the same.",
        given=TENTH,
        where="down_s <= 30",
        stages=("machine",),
    ),
    Claim(
        "hystrix.opened >= 1 and hystrix.far < pools.far - 0.15",
        "A threshold of a twentieth makes most of it fail.",
        BROOKER,
        given={**TENTH, "threshold": 0.05},
        where="down_s >= 20",
    ),
    Claim(
        "shard_breakers.far > hystrix.far + 0.3 and shard_breakers.asked < 0.3 * pools.asked",
        "A circuit for each shard cuts the sick one off, and leaves the others.",
        BROOKER,
        given=PART,
        where="down_s >= 20",
    ),
    Claim(
        GUARDED,
        "Two calls at a time leave the pool to the others, from the first second on.",
        given=PART,
        where="down_s <= 30",
    ),
    Claim(
        "both.far > shard_limits.far + 0.15",
        "Five hanging shards fill the pool, two calls each; then circuits help.",
        given=MANY,
        where="down_s >= 20",
    ),
    Claim(
        "shard_breakers.cut > 0.02",
        "There the circuits of healthy shards open as well, for the refusals of a pool that others have filled.",
        over="mean",
        given=MANY,
        where=A_WHILE,
    ),
    Claim(
        "both.asked < 0.25 * shard_limits.asked and both.wait_ms < 0.6 * shard_limits.wait_ms",
        "With one sick shard a circuit beside the limit spares that shard, and those who wait for it.",
        given=PART,
        where=A_WHILE,
    ),
    Claim(
        "shard_breakers.opened == both.opened == 0",
        "A shard with few calls never shows twenty of them in ten seconds, and its circuit stays closed.",
        HYSTRIX,
        given={**TENTH, "rate": 8.0},
    ),
    Claim(
        "both.lost_after > max(pools.lost_after, shard_limits.lost_after) + 0.03",
        "The price: circuits sleep on when the dependency is well again.",
        over="mean",
        given=ALL,
        where=A_WHILE,
    ),
    Claim(
        "hystrix.lost_after > 0.3",
        "A circuit whose probe has just failed sleeps for most of five seconds.",
        over="mean",
        given={**ALL, "down_s": 18.0},
    ),
    Claim(
        "hystrix.lost_after < 0.1",
        "One whose probe still waits when the dependency is well is answered, and does not sleep: it is chance.",
        over="mean",
        given={**ALL, "down_s": 16.0},
    ),
    Claim(
        "hystrix.lost_after <= 0.8",
        "For five seconds and a time limit at most.",
        HYSTRIX,
        given=ALL,
    ),
    Claim(
        "adaptive.near > 0.9 and adaptive.lost_after < 0.05",
        "A limit that adapts gives the threads back within seconds, and takes them again at once.",
        MAINTENANCE,
        given=ALL,
        where=A_WHILE,
    ),
    Claim(
        "hystrix.good + 0.05 < adaptive.good < 0.95",
        "Part of the calls keep its limit up: it cuts off less than a circuit, and does not know whom to refuse.",
        over="mean",
        given=PART,
        where="down_s >= 20",
    ),
)

DEMANDS = (
    Claim("yours.near > 0.98", "The dependency that is well is answered.", given={**ALL, "down_s": 20.0}),
    Claim("yours.threads <= params.threads", "Not with threads that nobody has.", given={**ALL, "down_s": 20.0}),
    Claim("yours.far > 0.97", "One sick shard costs the others nothing.", given={**PART, "down_s": 20.0}),
    Claim("yours.asked < 0.8", "Who hangs is left alone.", given={**PART, "down_s": 20.0}),
    Claim("yours.lost_after < 0.35", "And is asked again when it is well.", given={**PART, "down_s": 20.0}),
    Claim("yours.far > 0.4", "Five sick shards leave something to the others.", given={**MANY, "down_s": 20.0}),
    Claim("yours.threads <= params.threads", "A call holds a thread, and there are no more of them.", always=True),
    Claim("yours.owed_s < 0.001", "An answer comes after a server has done its work.", always=True),
    Claim("yours.capacity <= 8 * (params.shards + 1)", "The servers are those that there are.", always=True),
)

FIGURES = (
    Figure(
        "answered of the calls to the other dependency",
        1 - lost_by_a_pool(20.0, 40.0, 10),
        "time_limits.near",
        0.1,
        "D",
        "Erlang's loss: ten threads, 20 calls a second that hang for one second, 20 that take 20 ms",
        given={**ALL, "down_s": 60.0},
    ),
    Figure(
        "hanging calls a second that a pool gets through",
        10 / 30,
        "time_limits.asked",
        0.1,
        "D",
        "ten threads, a time limit of 30 s, over a minute",
        given={**ALL, "timeout_s": 30.0, "down_s": 120.0},
    ),
    Figure(
        "seconds until the circuit opens where all calls fail",
        WINDOW_S / 2,
        "hystrix.found_s",
        0.15,
        "D",
        "half of a window of 10 s, at a threshold of one half and an even load",
        given=ALL,
    ),
    Figure(
        "seconds between probes",
        SLEEP_S + 1.0,
        "hystrix.probe_s",
        0.05,
        "V",
        "defaults: a sleep window of 5 s, counted from when the last probe timed out, 1 s after it began",
        HYSTRIX,
        given=ALL,
    ),
    Figure(
        "errors of all calls to the second dependency",
        0.5,
        "pools.errors",
        0.1,
        "D",
        f"where {SAME:.3f} of them hang: the rest by Erlang's loss of a pool of five",
        given={**PART, "share": round(SAME, 3), "down_s": 60.0},
    ),
    Figure(
        "answers with Hystrix over answers with time limits alone",
        1.0,
        "hystrix.good / time_limits.good",
        0.1,
        "D",
        f"where {EVEN:.3f} of the calls hang: 1 / (2 - s) is what Erlang's loss leaves",
        given={**PART, "share": round(EVEN, 3), "down_s": 60.0},
    ),
)

AT = "https://github.com/Netflix/Hystrix/blob/"
SOURCES = (
    Source(
        "Netflix, HystrixCommandProperties.java, HystrixCircuitBreaker.java, HystrixCommandMetrics.java, "
        "HystrixThreadPoolProperties.java",
        2018,
        f"{AT}3cb21589895e9f8f87cfcdbc9d96d9f63d48b848/"
        "hystrix-core/src/main/java/com/netflix/hystrix/HystrixCommandProperties.java",
    ),
    Source("Netflix, Hystrix README: Hystrix Status", 2018, "https://github.com/Netflix/Hystrix"),
    Source(
        "M. Brooker, Will circuit breakers solve my problems?",
        2022,
        "https://brooker.co.za/blog/2022/02/16/circuit-breakers.html",
    ),
)
