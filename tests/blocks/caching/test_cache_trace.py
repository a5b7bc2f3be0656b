"""The simulated policies: equal to the classes request by request, and to another simulator in C."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from windtunnel.blocks.caching.cache_trace import NAMES, CacheTrace, plain_misses

TRACES = st.lists(st.integers(0, 30), min_size=1, max_size=300)


def zipf(requests: int, keys: int, seed: int) -> np.ndarray:
    weights = np.cumsum(1 / np.arange(1, keys + 1))
    return np.searchsorted(weights / weights[-1], np.random.default_rng(seed).random(requests))


@given(trace=TRACES, capacity=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_every_policy_misses_as_its_class_does(trace: list[int], capacity: int) -> None:
    ready = CacheTrace(np.array(trace))
    for name in NAMES:
        assert ready.misses(name, capacity) == plain_misses(name, trace, capacity), name


@pytest.mark.parametrize("name", NAMES)
def test_a_long_trace_misses_as_with_the_class(name: str) -> None:
    scan = np.arange(2_000) + 100_000
    trace = np.concatenate([zipf(4_000, 2_000, 1), scan, zipf(4_000, 2_000, 2)])
    ready = CacheTrace(trace)
    for capacity in (2, 100, 700):
        assert ready.misses(name, capacity) == plain_misses(name, trace.tolist(), capacity)


def test_keys_may_be_anything_that_hashes() -> None:
    words = ["é", "b", "é", "c", "b", "é"]
    columns: list[Any] = [words, [w.encode() for w in words], [(w, 1) for w in words]]
    for trace in columns:
        for name in NAMES:
            assert CacheTrace(trace).misses(name, 2) == plain_misses(name, trace, 2)
    pyarrow = pytest.importorskip("pyarrow")
    assert CacheTrace(pyarrow.array([3, 4, 3])).misses("lru", 1) == 3
    assert CacheTrace(np.array([2**64 - 1, 1, 2**64 - 1], np.uint64)).misses("lru", 2) == 2


@given(trace=TRACES)
@settings(max_examples=40, deadline=None)
def test_one_pass_gives_lru_at_every_size(trace: list[int]) -> None:
    ready = CacheTrace(np.array(trace))
    curve = ready.lru_curve()
    assert curve.size == ready.keys + 1
    assert curve[0] == len(trace)
    for capacity in range(1, ready.keys + 1):
        assert curve[capacity] == ready.misses("lru", capacity)


@given(trace=TRACES, capacity=st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_no_policy_beats_belady_and_none_misses_less_than_once_a_key(trace: list[int], capacity: int) -> None:
    ready = CacheTrace(np.array(trace))
    counts = {name: ready.misses(name, capacity) for name in NAMES}
    assert min(counts.values()) == counts["belady"]
    assert counts["belady"] >= ready.keys
    assert counts["belady"] == ready.keys or capacity < ready.keys


@given(trace=st.lists(st.integers(0, 4), min_size=1, max_size=12), capacity=st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_belady_is_the_best_of_all_that_could_be_sent_away(trace: list[int], capacity: int) -> None:
    best = {frozenset[int](): 0}  # what may be held, and the fewest misses that lead there
    for key in trace:
        after: dict[frozenset[int], int] = {}
        for held, misses in best.items():
            options = [(held, misses)] if key in held else [(held | {key}, misses + 1)]
            if key not in held and len(held) == capacity:
                options = [((held - {gone}) | {key}, misses + 1) for gone in held]
            for option, count in options:
                after[option] = min(after.get(option, count), count)
        best = after
    assert CacheTrace(np.array(trace)).misses("belady", capacity) == min(best.values())


def test_fifo_can_miss_more_with_more_places() -> None:
    # The example of Belady, Nelson and Shedler, CACM 1969.
    ready = CacheTrace(np.array([1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5]))
    assert [ready.misses("fifo", size) for size in (3, 4)] == [9, 10]


def test_the_figures_of_the_lesson_hold() -> None:
    ratios = CacheTrace(zipf(1_000_000, 10_000, 0)).miss_ratios([1_000, 100])
    expected = {
        "fifo": (0.369, 0.657),
        "lru": (0.325, 0.610),
        "clock": (0.315, 0.595),
        "sieve": (0.254, 0.489),
        "s3-fifo": (0.263, 0.493),
        "belady": (0.184, 0.418),
    }
    for name, pair in expected.items():
        assert ratios[name] == pytest.approx(pair, abs=0.004), name


def test_another_simulator_counts_the_same(tmp_path: Path) -> None:
    libcachesim = pytest.importorskip("libcachesim")
    trace = zipf(50_000, 5_000, 3)
    last: dict[int, int] = {}
    after = np.full(trace.size, -1)
    for i, key in enumerate(trace.tolist()):
        if key in last:
            after[last[key]] = i + 1
        last[key] = i
    record = np.zeros(trace.size, [("time", "<u4"), ("id", "<u8"), ("size", "<u4"), ("next", "<i8")])
    record["time"], record["id"], record["size"], record["next"] = np.arange(trace.size), trace + 1, 1, after
    path = tmp_path / "trace.oracleGeneral"
    record.tofile(path)
    ready = CacheTrace(trace)
    exact = {"fifo": "FIFO", "lru": "LRU", "clock": "Clock", "lfu": "LFU", "sieve": "Sieve", "belady": "Belady"}
    near = {"s3-fifo": "S3FIFO", "w-tinylfu": "WTinyLFU"}  # theirs sizes queues and sketch a little differently
    for name, theirs in (exact | near).items():
        for capacity in (100, 500):  # below 100 their W-TinyLFU has no window and misses always
            reader = libcachesim.TraceReader(str(path), libcachesim.TraceType.ORACLE_GENERAL_TRACE)
            ratio, _ = getattr(libcachesim, theirs)(capacity, hashpower=12).process_trace(reader)
            ours = ready.misses(name, capacity) / len(ready)
            assert ours == pytest.approx(ratio, abs=1e-9 if name in exact else 0.01), (name, capacity)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="no policy"):
        CacheTrace([1]).misses("best", 1)
    with pytest.raises(ValueError, match="at least 1"):
        CacheTrace([1]).misses("lru", 0)
    with pytest.raises(ValueError, match="one dimension"):
        CacheTrace(np.zeros((2, 2), np.int64))
    with pytest.raises(ValueError, match="without requests"):
        CacheTrace([]).miss_ratios([1])
    assert CacheTrace([]).misses("belady", 3) == 0
