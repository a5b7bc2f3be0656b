"""Measurements that every history has, so that no experiment need define them."""

from __future__ import annotations

from windtunnel.lab.history import History
from windtunnel.lab.statistics import mean, percentiles

EXPLAINED = {
    "ops": "requests",
    "ok": "requests that were answered",
    "fail": "requests that certainly had no effect",
    "unknown": "requests of which nobody can tell",
    "throughput_per_s": "answers per second of the run",
    "latency_mean_ms": "from due to answered, mean",
    "latency_p50_ms": "from due to answered, median",
    "latency_p99_ms": "from due to answered, 99th percentile",
    "latency_p999_ms": "from due to answered, 99.9th percentile",
    "latency_max_ms": "from due to answered, the slowest",
}


def standard(history: History, warmup_s: float = 0.0) -> dict[str, float]:
    """Counts of outcomes over everything; throughput and latencies after the warm-up, of what was answered."""
    counts = {"ok": 0, "fail": 0, "unknown": 0}
    for event in history:
        counts[event.outcome] += 1
    settled = history.since(warmup_s) if warmup_s > 0 else history
    latencies = settled.latencies()
    p50, p99, p999, slowest = percentiles(latencies, (50, 99, 99.9, 100))
    span = history.duration - warmup_s
    return {
        "ops": len(history),
        **counts,
        "throughput_per_s": len(latencies) / span if span > 0 else 0.0,
        "latency_mean_ms": mean(latencies) * 1e3,
        "latency_p50_ms": p50 * 1e3,
        "latency_p99_ms": p99 * 1e3,
        "latency_p999_ms": p999 * 1e3,
        "latency_max_ms": slowest * 1e3,
    }
