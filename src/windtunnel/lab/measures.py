"""Measurements that every history has, so that no experiment need define them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from windtunnel.lab.history import OUTCOMES, History
from windtunnel.lab.statistics import MOVED, enough, mean, percentiles_between, waits

CENSORED = (
    f"over all requests: one that failed or is unknown was not answered, its latency is at least its wait and perhaps "
    f"endless, and a percentile that this could move by {MOVED:.0%} is unknown"
)
EXPLAINED = {
    "ops": "requests",
    "ok": "requests that were answered",
    "fail": "requests that certainly had no effect",
    "unknown": "requests of which nobody can tell",
    "answered_share": "share of the requests that were answered",
    "throughput_per_s": "answers per second of the run",
    "latency_mean_ms": "from due to answered, mean; unknown as soon as one request was not answered",
    "latency_p50_ms": f"from due to answered, median, {CENSORED}",
    "latency_p99_ms": f"from due to answered, 99th percentile, of 100 requests at least; {CENSORED}",
    "latency_p999_ms": f"from due to answered, 99.9th percentile, of 1,000 requests at least; {CENSORED}",
    "latency_max_ms": "from due to answered, the slowest; unknown as soon as one request was not answered",
}
PERCENTILES = {"latency_p50_ms": 50.0, "latency_p99_ms": 99.0, "latency_p999_ms": 99.9, "latency_max_ms": 100.0}


def standard(history: History, warmup_s: float = 0.0) -> dict[str, float]:
    """Counts of outcomes over everything; throughput, latencies and the share answered after the warm-up."""
    outcomes = [event.outcome for event in history]
    counts = {outcome: outcomes.count(outcome) for outcome in OUTCOMES}
    settled = history.since(warmup_s) if warmup_s > 0 else history
    answered, waited = waits(settled)
    span = history.duration - warmup_s
    latencies = percentiles_between(answered, waited, list(PERCENTILES.values()))
    return {
        "ops": len(history),
        **counts,
        "answered_share": len(answered) / len(settled) if len(settled) else math.nan,
        "throughput_per_s": len(answered) / span if span > 0 else 0.0,
        "latency_mean_ms": (math.nan if waited else mean(answered)) * 1e3,
        # To the nanosecond: no clock of ours is finer, and what is below is what subtracting in floating point leaves.
        **{name: round(found * 1e3, 6) for name, found in zip(PERCENTILES, latencies, strict=True)},
    }


def why_unknown(name: str, row: Mapping[str, float]) -> str:
    """Why a measurement of this row is no number, in a few words."""
    if name not in EXPLAINED:
        return "not measured here: nothing to measure, too few samples, or requests that were not answered"
    if not row["ops"]:
        return "there were no requests"
    if name in PERCENTILES and not enough(int(row["ops"]), PERCENTILES[name]):
        return "there are too few requests for it"
    return "requests that were never answered could move it"
