"""What is measured of the requests, and what can be reckoned of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING

from windtunnel import Held, History, owed
from windtunnel.catalogue.scale.tail_at_scale.calls import P99, WORST_S, calls_of, late, takes_s
from windtunnel.parts import slower_than
from windtunnel.statistics import latency_percentiles

if TYPE_CHECKING:
    from windtunnel.catalogue.scale.tail_at_scale import Params


def percentile_s(law: str, fan_out: int, q: float, hedge_s: float = inf) -> float:
    """What the q-th percentile of the requests takes where nothing queues, by halving: all calls have to be in time."""
    low, high = 0.0, WORST_S
    for _ in range(50):
        middle = (low + high) / 2
        both_late = late(law, middle) * late(law, max(0.0, middle - hedge_s))
        low, high = (middle, high) if (1 - both_late) ** fan_out < q / 100 else (low, middle)
    return low


def measure(history: History, p: Params) -> dict[str, float]:
    """Percentiles of the requests; copies as a share of the calls; what servers did, in shares of the first calls."""
    p50, p99, p999 = latency_percentiles(history, (50, 99, 99.9))
    told = history.where(outcome="ok")
    work_s = sum(work_s for e in history for _, work_s, _, _ in e.args[0])
    made = len(history) * calls_of(p)
    return {
        "p50_ms": p50 * 1e3,
        "p99_ms": p99 * 1e3,
        "p999_ms": p999 * 1e3,
        "extra": history.facts["copies"] / made if made else 0.0,
        "late": late(p.law, p.delay_ms / 1e3),
        "work": history.facts["busy_s"] / work_s if work_s else 1.0,
        "server_p99_ms": takes_s(p.law, P99) * 1e3,
        "beyond_p99": sum(e.latency > takes_s(p.law, P99) for e in told) / max(1, len(history)),
        "beyond_p9999": sum(e.latency > takes_s(p.law, P99**2) for e in told) / max(1, len(history)),
        "taken": min((e.value for e in told), default=0) / calls_of(p),
        "taken_most": max((e.value for e in told), default=0) / calls_of(p),
    }


def audit(history: History, held: Held, p: Params) -> dict[str, float]:
    """Whether servers did what the answers need, each call at the cheaper of its two places."""
    told = [(e.end, sum(min(one, other) for _, one, _, other in e.args[0])) for e in history.where(outcome="ok")]
    return {"owed_s": owed(told, held.done()), "capacity": held.capacity / p.servers}


def slower(history: History, p: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Which share of the requests takes longer than x milliseconds."""
    return {"requests": slower_than(e.latency * 1e3 for e in history)}
