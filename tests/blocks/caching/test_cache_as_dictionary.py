"""A cache used as a dictionary, with weights, a hook, and around functions."""

from __future__ import annotations

import asyncio
import doctest
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from windtunnel.blocks.caching import (
    Cache,
    cache_decorator,  # type: ignore[attr-defined]  # a module, for its examples
    cached,
    call_key,
    forget_call,
)
from windtunnel.blocks.caching.cache import POLICIES

KEYS = st.integers(0, 6)
STEP = st.one_of(
    st.tuples(st.just("set"), KEYS, st.sampled_from([None, 1.0, 3.0])),
    st.tuples(st.sampled_from(["get", "pop", "del", "in", "load", "default"]), KEYS, st.none()),
    st.tuples(st.sampled_from(["clear", "sweep", "wait", "update"]), KEYS, st.none()),
)


@pytest.mark.parametrize("policy", POLICIES)
@given(steps=st.lists(STEP, max_size=60))
@settings(max_examples=examples(25), deadline=None)
def test_a_cache_with_room_for_all_is_a_dictionary(policy: str, steps: list[Any]) -> None:
    now, gone = [0.0], list[Any]()
    made: Cache[int, int] = Cache(
        7, policy=policy, clock=lambda: now[0], on_gone=lambda key, value, why: gone.append((key, value, why))
    )
    plain: dict[int, tuple[int, float]] = {}
    ever = 0
    for number, (what, key, ttl_s) in enumerate(steps):
        plain = {k: held for k, held in plain.items() if now[0] < held[1]}
        old = plain[key][0] if key in plain else None
        if what == "set":
            made.set(key, number, ttl_s)
            plain[key] = number, now[0] + (ttl_s or 1e9)
        elif what == "update":
            made.update({key: number})
            plain[key] = number, 1e9
        elif what == "get":
            assert made.get(key) == old
            if old is None:
                with pytest.raises(KeyError):
                    made[key]
            else:
                assert made[key] == old
        elif what in ("load", "default"):
            loaded = {key: number}
            found = made.get_or_load(key, loaded.__getitem__) if what == "load" else made.setdefault(key, number)
            assert found == (number if old is None else old)
            plain.setdefault(key, (number, 1e9))
        elif what == "in":
            assert (key in made) == (key in plain)
        elif what == "pop":
            assert made.pop(key, None) == old
            plain.pop(key, None)
        elif what == "del":
            try:
                del made[key]
            except KeyError:
                assert old is None
            assert plain.pop(key, None) is None or old is not None
        elif what == "clear":
            made.clear()
            plain.clear()
            assert len(made) == 0
        elif what == "sweep":
            made.drop_expired()
            assert len(made) == len(plain)
        else:
            now[0] += 0.7
            plain = {k: held for k, held in plain.items() if now[0] < held[1]}
        assert dict(made.items()) == {k: held[0] for k, held in plain.items()}
        assert sorted(made) == sorted(made.keys()) == sorted(plain)
        assert sorted(made.values()) == sorted(held[0] for held in plain.values())
        ever += made.stats.evicted
    assert ever == 0
    left = [(key, value) for key, value, _ in gone]
    assert len(set(left)) == len(left)
    assert not set(left) & set(made.items())


@pytest.mark.parametrize("policy", POLICIES)
@given(steps=st.lists(st.tuples(KEYS, st.integers(0, 12)), max_size=50), most=st.integers(1, 20))
@settings(max_examples=examples(25), deadline=None)
def test_weights_are_held_to_their_limit(policy: str, steps: list[tuple[int, int]], most: int) -> None:
    gone: dict[str, list[tuple[int, int]]] = {}
    made: Cache[int, int] = Cache(
        4,
        policy=policy,
        weigh=lambda _, value: value,
        most_weight=most,
        on_gone=lambda key, value, why: gone.setdefault(why, []).append((key, value)),
    )
    for i, (key, weight) in enumerate(steps):
        new = key not in made
        made.set(key, weight)
        if i % 3 == 0:
            made.get(key)
        assert made.weight == sum(made.values()) <= most
        assert len(made) <= 4
        if new or weight > most:  # a value that grows may be the next to go itself
            assert (key in made) == (weight <= most)
    told = [pair for pairs in gone.values() for pair in pairs]
    assert sorted([*told, *made.items()]) == sorted(steps)


@pytest.mark.parametrize("policy", POLICIES)
def test_what_has_expired_goes_before_what_lives(policy: str) -> None:
    now = [0.0]
    made: Cache[int, int] = Cache(10, policy=policy, clock=lambda: now[0])
    for i in range(5):
        made.set(i, i, ttl_s=1)
        made.get(i)
    for i in range(5, 10):
        made[i] = i
    now[0] = 2
    for i in range(10, 15):
        made[i] = i
    assert sorted(made) == list(range(5, 15))
    assert (made.stats.expired, made.stats.evicted) == (5, 0)


def test_memory_of_expiry_does_not_grow_with_what_was_set_again() -> None:
    made: Cache[int, int] = Cache(10, ttl_s=100)
    for i in range(5000):
        made.set(i % 10, i)
    assert len(made._due) <= 2 * 10 + 16


def test_a_hook_that_raises_harms_nothing_and_is_heard() -> None:
    told: list[str] = []

    def hook(key: str, value: int, why: str) -> None:
        told.append(f"{key} {value} {why}")
        raise OSError(key)

    made: Cache[str, int] = Cache(1, policy="lru", on_gone=hook)
    made["a"] = 1
    with pytest.raises(OSError, match="a"):
        made["b"] = 2
    with pytest.raises(OSError, match="b"):
        made["b"] = 3
    assert made.items() == [("b", 3)]
    with pytest.raises(OSError, match="b"):
        made.clear()
    assert told == ["a 1 evicted", "b 2 replaced", "b 3 deleted"]
    assert len(made) == 0


def test_a_hook_may_use_the_cache() -> None:
    second: dict[str, int] = {}
    made: Cache[str, int] = Cache(
        2, policy="fifo", on_gone=lambda key, value, _: second.setdefault(key, made.get(key, value))
    )
    for i, key in enumerate("abcd"):
        made[key] = i
    assert (sorted(made), second) == (["c", "d"], {"a": 0, "b": 1})


@pytest.mark.parametrize("ttl_s", [0, -1, float("nan"), "3", 2j])
def test_a_time_to_live_is_a_number_above_0(ttl_s: Any) -> None:
    made: Cache[str, int] = Cache(2)
    with pytest.raises(ValueError, match=r"^A time to live is .*\.$"):
        made.set("a", 1, ttl_s)
    assert len(made) == 0


@pytest.mark.parametrize("capacity", [0, 1.5, "3", None, float("inf")])
def test_a_capacity_is_a_whole_number(capacity: Any) -> None:
    for policy in POLICIES:
        with pytest.raises(ValueError, match=r"^The capacity of a cache is .*\.$"):
            Cache(capacity, policy=policy)
    assert Cache(np.int8(100)).capacity + 100 == 200  # type: ignore[arg-type]


def test_what_makes_no_sense_of_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="needs `weigh`"):
        Cache(9, most_weight=3)
    made: Cache[str, Any] = Cache(9, weigh=lambda _, value: value, most_weight=3)
    for bad in (-1, float("nan"), "x", None):
        with pytest.raises(ValueError, match=r"^The weight of a value is .*\.$"):
            made["a"] = bad
    assert (len(made), made.weight) == (0, 0)


def test_a_function_is_called_once_for_each_of_its_arguments() -> None:
    calls: list[Any] = []

    @cached(Cache(10))
    def work(number: int, *, twice: bool = False) -> int | None:
        """Works."""
        calls.append((number, twice))
        if number < 0:
            raise ValueError("below 0")
        return None if number == 0 else number * (1 + twice)

    for _ in range(3):
        assert (work(3), work(3, twice=True), work(0)) == (3, 6, None)
        with pytest.raises(ValueError, match="below 0"):
            work(-1)
    assert calls == [(3, False), (3, True), (0, False), (-1, False), (-1, False), (-1, False)]
    assert (work.__name__, work.__doc__) == ("work", "Works.")
    assert (forget_call(work, 3), forget_call(work, 3)) == (True, False)
    assert work(3) == 3
    assert len(calls) == 7
    with pytest.raises(ValueError, match="no cache around"):
        forget_call(len, [])


def test_methods_keep_results_by_object() -> None:
    class Shop:
        def __init__(self, rate: int) -> None:
            self.rate = rate

        @cached(Cache(10))
        def price(self, goods: str) -> int:
            return self.rate * len(goods)

    one, other = Shop(2), Shop(3)
    assert [one.price("ab"), other.price("ab"), one.price("ab")] == [4, 6, 4]


def test_what_was_forgotten_while_it_was_worked_out_is_not_kept() -> None:
    database = {"k": 1}

    @cached(Cache(10))
    def read(key: str) -> int:
        found = database[key]
        if found == 1:
            database[key] = 2
            forget_call(read, key)  # as another thread would that wrote meanwhile
        return found

    assert [read("k"), read("k"), read("k")] == [1, 2, 2]


def test_a_coroutine_function_is_called_once_by_all_who_wait() -> None:
    calls: list[int] = []

    @cached(Cache(10), key=lambda number: number % 10)
    async def work(number: int) -> int:
        calls.append(number)
        await asyncio.sleep(0)
        if number == 7:
            raise OSError("seven")
        return number

    async def main() -> None:
        assert await asyncio.gather(work(1), work(11), work(2)) == [1, 1, 2]
        assert await work(21) == 1
        for _ in range(2):
            with pytest.raises(OSError, match="seven"):
                await work(7)
        running = asyncio.ensure_future(work(5))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        forget_call(work, 5)
        later = asyncio.ensure_future(work(15))
        assert (await running, await later, await work(25)) == (5, 15, 15)

    asyncio.run(main())
    assert calls == [1, 2, 7, 7, 5, 15]
    assert asyncio.iscoroutinefunction(work)


def test_threads_may_share_a_cached_function() -> None:
    @cached(Cache(5))
    def work(number: int) -> int:
        return number * 2

    wrong: list[int] = []

    def run(start: int) -> None:
        wrong.extend(i for i in range(start, start + 3000) if work(i % 17) != i % 17 * 2)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_keys_of_calls_tell_names_from_places() -> None:
    assert call_key(1, b=2, a=3) == call_key(1, a=3, b=2)
    assert len({call_key(), call_key(1), call_key(a=1), call_key(("a", 1)), call_key("a", 1), call_key((1,))}) == 6


def test_the_examples_of_the_decorator_hold() -> None:
    ran: Callable[..., Any] = doctest.testmod
    assert ran(cache_decorator).failed == 0
