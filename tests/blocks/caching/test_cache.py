"""Caches: what they return, what they forget, and whom each policy sends away."""

from __future__ import annotations

import doctest
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from helpers.examples import examples
from windtunnel.blocks.caching import cache
from windtunnel.blocks.caching.cache import POLICIES, Cache
from windtunnel.blocks.caching.cache_policies import Fifo, access
from windtunnel.blocks.caching.cache_tiny_lfu import FrequencySketch


class CacheMachine(RuleBasedStateMachine):
    """A cache and a dictionary that never forgets: what the cache says must be what the dictionary knows."""

    policy: str

    @initialize(capacity=st.integers(1, 12), ttl=st.sampled_from([None, 5.0]))
    def start(self, capacity: int, ttl: float | None) -> None:
        self.now = 0.0
        self.cache: Cache[int, int] = Cache(capacity, policy=self.policy, ttl_s=ttl, clock=lambda: self.now)
        self.ttl = ttl
        self.written: dict[int, tuple[int, float]] = {}
        self.asked = self.values = 0

    @rule(key=st.integers(0, 25), ttl=st.sampled_from([None, None, 1.0, 20.0]))
    def set(self, key: int, ttl: float | None) -> None:
        self.values += 1
        self.cache.set(key, self.values, ttl)
        ttl = self.ttl if ttl is None else ttl
        self.written[key] = (self.values, float("inf") if ttl is None else self.now + ttl)
        assert key in self.cache, "what was just set is there"

    @rule(key=st.integers(0, 25))
    def get(self, key: int) -> None:
        held = key in self.cache
        got = self.cache.get(key)
        self.asked += 1
        assert (got is not None) == held
        if got is not None:
            value, expires = self.written[key]
            assert got == value
            assert self.now < expires

    @rule(key=st.integers(0, 25))
    def delete(self, key: int) -> None:
        held = key in self.cache
        assert self.cache.delete(key) == held
        assert key not in self.cache

    @rule(seconds=st.sampled_from([0.5, 1.0, 6.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def sweep(self) -> None:
        alive = self.cache.keys()
        self.cache.drop_expired()
        assert sorted(self.cache.keys()) == sorted(alive)
        assert len(self.cache) == len(alive)

    @invariant()
    @precondition(lambda self: hasattr(self, "cache"))
    def is_within_its_limits(self) -> None:
        assert len(self.cache) <= self.cache.capacity
        assert len(self.cache) == len(self.cache._policy)
        assert all(key in self.cache._policy for key in self.cache._entries)
        assert self.cache.stats.hits + self.cache.stats.misses == self.asked


@pytest.mark.parametrize("policy", POLICIES)
def test_a_cache_never_returns_what_was_not_set_or_has_expired(policy: str) -> None:
    case = type(f"{policy}Machine", (CacheMachine,), {"policy": policy}).TestCase
    case.settings = settings(max_examples=examples(20), stateful_step_count=60, deadline=None, derandomize=True)
    case().runTest()


OPERATIONS = st.lists(st.tuples(st.sampled_from(["get", "get", "set", "delete"]), st.integers(0, 12)), max_size=80)


@pytest.mark.parametrize(("policy", "peer"), [("lru", "LRUCache"), ("fifo", "FIFOCache"), ("lfu", "LFUCache")])
@given(capacity=st.integers(1, 8), operations=OPERATIONS)
@settings(max_examples=150, deadline=None)
def test_the_same_keys_stay_as_in_cachetools(
    policy: str, peer: str, capacity: int, operations: list[tuple[str, int]]
) -> None:
    cachetools = pytest.importorskip("cachetools")
    ours: Cache[int, int] = Cache(capacity, policy=policy)
    theirs = getattr(cachetools, peer)(capacity)
    for i, (what, key) in enumerate(operations):
        if what == "set":
            if policy == "fifo" and key in theirs:
                continue  # theirs queues a key again when it is set again; ours keeps its place
            ours.set(key, i)
            theirs[key] = i
        elif what == "delete":
            assert ours.delete(key) == (theirs.pop(key, None) is not None)
        elif key in theirs:  # theirs counts no use on a miss, nor do ours
            assert ours.get(key) == theirs[key]
        else:
            assert ours.get(key) is None
        assert sorted(ours.keys()) == sorted(theirs)


def run(policy: str, capacity: int, keys: list[Any]) -> tuple[int, Any]:
    made = POLICIES[policy](capacity)
    return sum(access(made, key) for key in keys), made


def test_lru_is_flushed_by_a_scan_and_s3_fifo_is_not() -> None:
    popular = list(range(20)) * 5
    scan = list(range(1000, 1200))
    for policy, survives in [("lru", False), ("fifo", False), ("s3-fifo", True), ("w-tinylfu", True)]:
        _, made = run(policy, 50, popular + scan)
        kept = sum(key in made for key in range(20))
        assert (kept >= 18) if survives else (kept == 0)


def test_a_loop_longer_than_the_cache_defeats_lru_clock_and_sieve() -> None:
    loop = list(range(110)) * 20
    hits = {policy: run(policy, 100, loop)[0] for policy in POLICIES}
    assert hits["lru"] == hits["clock"] == hits["sieve"] == hits["fifo"] == 0
    assert hits["s3-fifo"] > 1000
    assert hits["w-tinylfu"] > 1000


def test_clock_spares_once_whom_it_saw_used() -> None:
    _, clock = run("clock", 3, ["a", "b", "c", "a", "d", "e"])
    assert "a" in clock
    assert "b" not in clock
    assert "c" not in clock


def test_the_hand_of_sieve_stays_where_it_was() -> None:
    # Worked by hand: A and B are used, so C goes; the hand is then at D and goes on from there.
    _, sieve = run("sieve", 4, ["A", "B", "C", "D", "A", "B", "E", "F"])
    assert [key in sieve for key in "ABCDEF"] == [True, True, False, False, True, True]


def test_lfu_sends_away_the_least_recent_of_the_least_used() -> None:
    _, lfu = run("lfu", 3, ["a", "a", "b", "c", "d"])
    assert [key in lfu for key in "abcd"] == [True, False, True, True]


def test_s3_fifo_lets_the_remembered_into_the_main_queue() -> None:
    _, made = run("s3-fifo", 10, [*range(11), 0])
    assert 0 in made._main
    assert 1 in made._ghost


def test_the_sketch_never_counts_less_than_the_truth_and_halves() -> None:
    sketch = FrequencySketch(100)
    for i in range(999):
        sketch.add(i % 100)
    assert all(sketch.count(i) >= 9 for i in range(100))
    sketch.add(0)
    assert sketch.count(1) <= 7
    heavy = FrequencySketch(100)
    for _ in range(50):
        heavy.add("x")
    assert heavy.count("x") == 15


def test_expiry_counts_as_a_miss_and_renews_on_set() -> None:
    now = [0.0]
    one: Cache[str, int] = Cache(2, policy="lru", ttl_s=10, clock=lambda: now[0])
    one.set("a", 1)
    now[0] = 9.0
    assert one.get("a") == 1
    one.set("a", 2)
    now[0] = 15.0
    assert one.get("a") == 2
    now[0] = 19.0
    assert one.get("a", -1) == -1
    assert (one.stats.hits, one.stats.misses, one.stats.expired, one.stats.evicted) == (2, 1, 1, 0)
    assert one.stats.miss_ratio == pytest.approx(1 / 3)


def make_cache(**changed: Any) -> Cache[str, int]:
    return Cache(**{"capacity": 1, **changed})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: make_cache(capacity=0), "at least 1"),
        (lambda: make_cache(policy="best"), "no policy 'best'"),
        (lambda: make_cache(ttl_s=0), "above 0"),
        (lambda: make_cache().set("a", 1, ttl_s=-1), "above 0"),
        (lambda: make_cache().set(None, 1), "None is no key"),  # type: ignore[arg-type]  # the point of the test
    ],
)
def test_bad_input_is_refused(wrong: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()


def test_a_policy_of_ones_own_fits() -> None:
    class Newest(Fifo[str]):
        def _evict(self) -> str:
            return self._queue.popitem(last=True)[0]

    one: Cache[str, int] = Cache(2, policy=Newest)
    for i, key in enumerate("abc"):
        one.set(key, i)
    assert one.keys() == ["a", "c"]


def test_the_example_in_the_docs_holds() -> None:
    assert doctest.testmod(cache).failed == 0


def test_importing_the_caches_imports_neither_numba_nor_numpy() -> None:
    names = "cache, cache_loading, cache_trace"
    code = (
        f"import sys; from windtunnel.blocks.caching import {names}; assert not {{'numba', 'numpy'}} & {{*sys.modules}}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
