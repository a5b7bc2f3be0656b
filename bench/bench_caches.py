"""Caches: traces through policies against a simulator in C and live caches, and single requests to live caches.

The trace is Zipf with exponent 1 over 100,000 keys, the caches have 1,000 places. libCacheSim (C) reads it from a file
in its own binary format, from the page cache; the live caches are asked key by key, which is the only way in. W-TinyLFU
and TinyLFU are not the same policy everywhere; what is compared is the cost of a request.
"""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bench.harness import Row, Timed

REQUESTS = 500_000
KEYS = 100_000
CAPACITY = 1_000
PACKAGES = ("libcachesim", "cachebox", "theine", "cachetools", "lru-dict", "lrucache-rs", "moka-py")


@cache
def trace() -> np.ndarray:
    weights = np.cumsum(1 / np.arange(1, KEYS + 1))
    return np.searchsorted(weights / weights[-1], np.random.default_rng(6).random(REQUESTS))


@cache
def trace_file() -> Path:
    """The trace as libCacheSim reads it: time, id, size, place of the next request of the same id."""
    from windtunnel.blocks.caching.kernels.cache_trace import next_uses

    after = next_uses(trace(), KEYS + 1)
    record = np.zeros(REQUESTS, [("time", "<u4"), ("id", "<u8"), ("size", "<u4"), ("next", "<i8")])
    record["time"], record["id"], record["size"] = np.arange(REQUESTS), trace() + 1, 1
    record["next"] = np.where(after == REQUESTS, -1, after + 1)
    path = Path(tempfile.mkdtemp()) / "trace.oracleGeneral"
    record.tofile(path)
    return path


def simulated(policy: str, *, numbered: bool) -> Timed:
    from windtunnel.blocks.caching import CacheTrace

    ready = CacheTrace(trace())

    def run() -> int:
        (ready if numbered else CacheTrace(trace())).misses(policy, CAPACITY)
        return REQUESTS

    return run


def in_c(policy: str) -> Timed:
    import libcachesim

    path = str(trace_file())

    def run() -> int:
        reader = libcachesim.TraceReader(path, libcachesim.TraceType.ORACLE_GENERAL_TRACE)
        getattr(libcachesim, policy)(CAPACITY, hashpower=14).process_trace(reader)
        return REQUESTS

    return run


def asked(make: Callable[[], Any], use: Callable[[Any, Any], None], keys: Callable[[], list[Any]]) -> Timed:
    todo = keys()

    def run() -> int:
        made = make()
        for key in todo:
            use(made, key)
        return len(todo)

    return run


def numbers() -> list[int]:
    return trace().tolist()  # type: ignore[no-any-return]  # NumPy does not say of which


def words() -> list[str]:
    return [f"user:{i}" for i in numbers()]


def get_or_set(made: Any, key: Any) -> None:
    if made.get(key) is None:
        made.set(key, 1)


def get_or_insert(made: Any, key: Any) -> None:
    if made.get(key) is None:
        made[key] = 1


def ordered(made: OrderedDict[Any, int], key: Any) -> None:
    if key in made:
        made.move_to_end(key)
    else:
        made[key] = 1
        if len(made) > CAPACITY:
            made.popitem(last=False)


def ours(policy: str) -> Any:
    from windtunnel.blocks.caching import Cache

    return Cache(CAPACITY, policy=policy)


def cachebox_cache(kind: str) -> Callable[[], Any]:
    import cachebox

    return lambda: getattr(cachebox, kind)(CAPACITY)


def cachetools_cache(kind: str) -> Callable[[], Any]:
    import cachetools

    return lambda: getattr(cachetools, kind)(CAPACITY)


def theine_cache() -> Callable[[], Any]:
    import theine

    return lambda: theine.Cache(CAPACITY)


def moka_cache(policy: str) -> Callable[[], Any]:
    import moka_py

    return lambda: moka_py.Moka(CAPACITY, policy=policy)


def lru_dict() -> Callable[[], Any]:
    import lru

    return lambda: lru.LRU(CAPACITY)


def lrucache_rs() -> Callable[[], Any]:
    import lrucache_rs

    return lambda: lrucache_rs.LRUCache(CAPACITY)


LIVE_PEERS: dict[str, dict[str, Callable[[Callable[[], list[Any]]], Timed]]] = {
    "lru": {
        "OrderedDict": lambda keys: asked(OrderedDict, ordered, keys),
        "cachebox (Rust)": lambda keys: asked(cachebox_cache("LRUCache"), get_or_insert, keys),
        "lru-dict (C)": lambda keys: asked(lru_dict(), get_or_insert, keys),
        "lrucache-rs (Rust)": lambda keys: asked(lrucache_rs(), get_or_insert, keys),
        "cachetools": lambda keys: asked(cachetools_cache("LRUCache"), get_or_insert, keys),
        "moka-py (Rust)": lambda keys: asked(moka_cache("lru"), get_or_set, keys),
    },
    "lfu": {
        "cachebox (Rust)": lambda keys: asked(cachebox_cache("LFUCache"), get_or_insert, keys),
        "cachetools": lambda keys: asked(cachetools_cache("LFUCache"), get_or_insert, keys),
    },
    "w-tinylfu": {
        "theine (Rust)": lambda keys: asked(theine_cache(), get_or_set, keys),
        "moka-py (Rust)": lambda keys: asked(moka_cache("tiny_lfu"), get_or_set, keys),
    },
    "s3-fifo": {},
    "sieve": {},
    "fifo": {"cachebox (Rust)": lambda keys: asked(cachebox_cache("FIFOCache"), get_or_insert, keys)},
    "clock": {},
}
IN_C = {
    "fifo": "FIFO",
    "lru": "LRU",
    "clock": "Clock",
    "lfu": "LFU",
    "sieve": "Sieve",
    "s3-fifo": "S3FIFO",
    "w-tinylfu": "WTinyLFU",
    "belady": "Belady",
}


def simulation_row(policy: str) -> Row:
    contenders: dict[str, Callable[[], Timed]] = {
        "ours, from an array of keys": lambda: simulated(policy, numbered=False),
        "ours, trace made ready before": lambda: simulated(policy, numbered=True),
        "libcachesim (C)": lambda: in_c(IN_C[policy]),
    }
    for name, make in LIVE_PEERS.get(policy, {}).items():
        contenders[f"{name}, live"] = lambda make=make: make(numbers)  # type: ignore[misc]  # mypy infers no lambda
    return Row(f"trace through {policy}", contenders, unit="requests/s", bar=1.0, packages=PACKAGES)


def curve_row() -> Row:
    def one_pass() -> Timed:
        from windtunnel.blocks.caching import CacheTrace

        ready = CacheTrace(trace())

        def run() -> int:
            ready.lru_curve()
            return REQUESTS

        return run

    return Row(
        "miss-ratio curve of LRU, every size in one pass",
        {"ours": one_pass, "libcachesim (C), one size": lambda: in_c("LRU")},
        unit="requests/s",
        note="the peer simulates one size a pass; a curve of 100 sizes takes it 100 passes",
        packages=PACKAGES,
    )


def live_row(policy: str, keys: Callable[[], list[Any]], form: str) -> Row:
    contenders: dict[str, Callable[[], Timed]] = {"ours": lambda: asked(lambda: ours(policy), get_or_set, keys)}
    for name, make in LIVE_PEERS[policy].items():
        contenders[name] = lambda make=make: make(keys)  # type: ignore[misc]  # mypy infers no lambda
    return Row(
        f"live {policy}, get or set, {form}",
        contenders,
        unit="requests/s",
        note="ours in the compiled tier, where that was built",
        packages=PACKAGES,
    )


def rows() -> Iterator[Row]:
    for policy in IN_C:
        yield simulation_row(policy)
    yield curve_row()
    for policy in LIVE_PEERS:
        yield live_row(policy, words, "strings")
