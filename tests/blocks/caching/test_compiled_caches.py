"""A cache of the compiled tier holds, sends away and counts what its text does, whatever it is asked."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from helpers.tiers import outcome, text_of
from windtunnel.blocks.caching.cache import POLICIES, Cache, CacheStats
from windtunnel.blocks.caching.cache_compiled import compiled, plain
from windtunnel.blocks.caching.cache_policies import access
from windtunnel.tier import native

pytestmark = pytest.mark.skipif(native is None, reason="the compiled tier was not built here, or is not wanted")

TextCache: Any = text_of(Cache)
OurCache: Any = Cache


class Same:
    """A key that shares its hash with others, and one of them does not compare."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return self.number // 3

    def __eq__(self, other: object) -> bool:
        if self.number == 7:
            raise ArithmeticError("I do not compare.")
        return isinstance(other, Same) and other.number == self.number

    def __repr__(self) -> str:
        return f"Same({self.number})"


SAMES = [Same(i) for i in range(9)]


def inside(policy: Any) -> Any:
    """All that a policy knows, in an order that does not depend on when a key was first seen."""
    state = dict(plain(policy).__getstate__() or {})  # type: ignore[attr-defined]  # all objects have it
    told: dict[str, Any] = {}
    for name, value in state.items():
        if name == "_sketch":
            told[name] = value.__getstate__()
        elif name == "_queues":
            told[name] = {uses: list(queue) for uses, queue in sorted(value.items())}
        elif name == "_uses":
            told[name] = sorted(map(repr, value.items()))
        else:
            told[name] = list(value.items()) if isinstance(value, dict) else value
    return type(plain(policy)).__name__, told


def state(cache: Any) -> str:
    held = {**cache.__getstate__(), "_clock": None, "_on_gone": None, "_weigh": None}
    return repr([inside(held.pop("_policy")), held, cache.stats, cache.weight, len(cache), repr(cache)])


small_keys = st.one_of(st.integers(0, 14), st.integers(0, 14).map(lambda i: f"k{i}"))
keys = st.one_of(
    small_keys, small_keys, st.sampled_from([*SAMES, None, (1, 2), True, 1 << 70, "\ud800", b"k1", [], 1.5])
)
steps = st.tuples(
    st.sampled_from(["ask"] * 6 + ["get", "default", "set", "lasting", "in", "delete", "pop", "named", "setdefault"]),
    keys,
)
rest = st.sampled_from(["copy", "pickle", "clear", "sweep", "later", "reset", "items", "wrong"]).map(lambda w: (w, 0))
caches = st.fixed_dictionaries(
    {
        "capacity": st.integers(1, 13),
        "ttl_s": st.sampled_from([None, None, None, 3.0]),
        "hook": st.booleans(),
        "weighs": st.sampled_from([False, False, True]),
    }
)


def weigh(key: Any, value: Any) -> float:
    return float(value % 3)


def ask(cache: Any, what: str, key: Any, number: int) -> Any:
    calls: dict[str, Callable[[], Any]] = {
        "get": lambda: cache.get(key),
        "default": lambda: cache.get(key, "d"),
        "set": lambda: cache.set(key, number),
        "lasting": lambda: cache.set(key, number, 2.0),
        "in": lambda: key in cache,
        "delete": lambda: cache.delete(key),
        "pop": lambda: cache.pop(key, None),
        "named": lambda: (cache.set(key=key, value=number), cache.get(key=key, default=0)),
        "setdefault": lambda: cache.setdefault(key, number),
        "clear": cache.clear,
        "sweep": cache.drop_expired,
        "items": lambda: (cache.items(), list(cache), cache.capacity),
    }
    return calls[what]()


def run(kind: Any, policy: Any, how: dict[str, Any], program: list[tuple[str, Any]]) -> list[str]:
    now, gone, seen = [0.0], list[Any](), list[str]()
    weights: dict[str, Any] = {"weigh": weigh, "most_weight": 9} if how["weighs"] else {}
    cache = kind(
        how["capacity"],
        policy=policy,
        ttl_s=how["ttl_s"],
        clock=lambda: now[0],
        on_gone=(lambda *told: gone.append(told)) if how["hook"] else None,
        **weights,
    )
    for number, (what, key) in enumerate(program):
        if what == "ask":
            if (found := outcome(cache.get, key)) == "None":
                found = outcome(cache.set, key, number)
            seen.append(found)
        elif what == "copy":
            cache = copy.deepcopy(cache)
        elif what == "pickle":
            twin = type(cache).__new__(type(cache))
            held = {**cache.__getstate__(), "_clock": None, "_on_gone": None}
            twin.__setstate__({**copy.deepcopy(held), "_clock": cache._clock, "_on_gone": cache._on_gone})
            cache = twin
        elif what == "later":
            now[0] += 1.5
        elif what == "reset":
            cache.stats = type(cache.stats)()
        elif what == "wrong":
            seen += [outcome(cache.get), outcome(cache.set, 1), outcome(cache.get, 1, 2, 3), outcome(cache.set, 1, x=2)]
        else:
            seen.append(outcome(ask, cache, what, key, number))
        seen.append(repr(gone))
        seen.append(state(cache))
    return seen


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=examples(30), deadline=None)
@given(how=caches, program=st.lists(st.one_of(steps, steps, steps, rest), max_size=40))
def test_any_program_of_requests_leaves_the_same(
    policy: str, how: dict[str, Any], program: list[tuple[str, Any]]
) -> None:
    ours = run(Cache, policy, how, program)
    assert ours == run(TextCache, lambda capacity: POLICIES[policy](capacity), how, program)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_long_trace_has_the_same_hits(policy: str) -> None:
    for capacity in (1, 2, 10, 97):
        ours, text = OurCache(capacity, policy=policy), TextCache(capacity, policy=lambda c: POLICIES[policy](c))
        number = 12345
        for _ in range(4000):
            number = number * 1103515245 + 12345 & 0x7FFFFFFF
            key = (number >> 8) % 400 * ((number >> 20) % 3) // 2
            for cache in (ours, text):
                if cache.get(key) is None:
                    cache.set(key, key)
        assert state(ours) == state(text)
        assert ours.stats.hits


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_by_itself_becomes_compiled_and_text_again(policy: str) -> None:
    text, other = POLICIES[policy](20), POLICIES[policy](20)
    for i in range(300):
        for one in (text, other):
            access(one, i * i % 47)
    core = compiled(other)
    assert type(core) is not type(text)
    assert len(core) == len(text)
    for i in range(300):
        assert access(core, i * i * i % 53) == access(text, i * i * i % 53)
    assert inside(core) == inside(text)
    assert plain(text) is text
    for _ in range(len(text) - 1):
        assert core.evict() == text.evict()  # type: ignore[attr-defined]  # ours have it
    assert inside(core) == inside(text)


def test_a_policy_that_somebody_else_knows_stays_as_it_is() -> None:
    known = POLICIES["lru"](2)
    made: Cache[str, int] = Cache(2, policy=lambda _: known)
    made["a"] = 1
    assert "a" in known
    assert type(Cache[str, int](2, policy=POLICIES["lru"])._policy).__module__ != type(known).__module__


@pytest.mark.parametrize("policy", POLICIES)
def test_a_value_that_is_displaced_goes_when_all_is_done(policy: str) -> None:
    def of(kind: Any, made: Any) -> list[Any]:
        cache = kind(3, policy=made)
        seen = list[Any]()

        class Value:
            def __init__(self, number: int) -> None:
                self.number = number

            def __del__(self) -> None:
                seen.append((self.number, sorted(cache.keys()), cache.stats.evicted, cache.get("other")))
                cache.set("other", 1)

        for i in range(12):
            cache.set(f"k{i % 5}", Value(i))
            cache.get(f"k{i % 2}")
        result = [*seen, cache.stats]
        cache.clear()
        return result

    assert of(Cache, policy) == of(TextCache, lambda capacity: POLICIES[policy](capacity))


@pytest.mark.parametrize("policy", POLICIES)
def test_a_key_that_changes_the_cache_while_it_is_compared_breaks_nothing(policy: str) -> None:
    made: Cache[Any, int] = Cache(3, policy=policy)

    class Busy:
        def __init__(self, number: int) -> None:
            self.number = number

        def __hash__(self) -> int:
            return self.number % 2

        def __eq__(self, other: object) -> bool:
            if made.stats.hits < 500:
                made.stats.hits += 100
                made.delete(busy[0])
                made.set(busy[1], 1)
                made.get(busy[2])
            return self is other

    busy = [Busy(i) for i in range(6)]
    for i in range(400):
        made.stats.hits = 0
        try:
            if made.get(busy[i * i % 6]) is None:
                made.set(busy[i * i % 6], i)
        except (KeyError, RecursionError):
            made = Cache(3, policy=policy)
    gc.collect()


@pytest.mark.parametrize("policy", POLICIES)
def test_keys_that_take_out_and_let_in_whenever_they_are_looked_at_break_nothing(policy: str) -> None:
    """What a policy has at hand while keys are hashed and compared may be gone afterwards, or be there anew."""
    inside_calls = 0

    class Busy:
        def __init__(self, number: int) -> None:
            self.number = number

        def __hash__(self) -> int:
            disturb()
            return self.number % 2

        def __eq__(self, other: object) -> bool:
            disturb()
            return isinstance(other, Busy) and other.number == self.number

    def disturb() -> None:
        nonlocal inside_calls
        if inside_calls == 2 or luck.random() < 0.75:
            return
        inside_calls += 1
        for _ in range(luck.randrange(1, 4)):
            one_call(luck.choice(["delete", "set", "get", "clear", "anew"]))
        inside_calls -= 1

    def one_call(what: str) -> None:
        key = Busy(luck.randrange(8))
        with suppress(KeyError, RuntimeError):  # a policy and its cache may end up at odds, as those of the text
            if what in ("delete", "anew"):
                made.delete(key)
            if what in ("set", "anew"):
                made.set(key, object())
            if what == "get":
                made.get(key)
            if what == "clear":
                made.clear()

    for seed in range(40):
        luck = Random(seed)
        weighs: dict[str, Any] = {"weigh": lambda *_: 1.0, "most_weight": 3} if seed % 3 == 0 else {}
        made: Cache[Any, object] = Cache(luck.randrange(1, 6), policy=policy, **weighs)
        for _ in range(60):
            one_call(luck.choice(["get", "set"]))
    gc.collect()


@pytest.mark.parametrize("policy", POLICIES)
def test_a_key_stays_as_it_was_let_in_when_an_equal_one_is_asked_for(policy: str) -> None:
    def run(kind: Any, made: Any, luck: Random) -> list[Any]:
        gone = list[Any]()
        cache = kind(luck.randrange(1, 8), policy=made, on_gone=lambda *told: gone.append(told))
        for number in range(80):
            key = luck.choice([0, False, 0.0, 1, True, 1.0, 2, 2.0, 3, (1,), (True,), "a"])
            if luck.random() < 0.5:
                cache.get(key)
            else:
                cache.set(key, number)
            gone += [cache.stats.hits, cache.keys()]
        return gone

    for seed in range(20):
        ours = run(Cache, policy, Random(seed))
        assert repr(ours) == repr(run(TextCache, lambda capacity: POLICIES[policy](capacity), Random(seed)))
    cache = TextCache(1, policy=lambda capacity: POLICIES[policy](capacity), on_gone=lambda *told: told_of.append(told))
    told_of = list[Any]()
    for key in (1, 2):
        cache.set(key, "v")
        cache.get(float(key))
    assert repr(told_of) == "[(1, 'v', 'evicted')]"


def test_a_policy_of_many_uses_has_a_compiled_form() -> None:
    text: Any = POLICIES["lfu"](3)
    for key, uses in (("a", 1), ("b", 1 << 40), ("c", (1 << 40) + 1)):
        text._enter(key, uses)
    core = compiled(copy.deepcopy(text))
    assert inside(core) == inside(text)
    core.hit("b")
    assert [core.evict() for _ in range(3)] == ["a", "c", "b"]  # type: ignore[attr-defined]  # ours have it


def test_a_policy_with_a_key_in_two_of_its_queues_is_refused() -> None:
    text: Any = POLICIES["s3-fifo"](3)
    for queue in (text._small, text._main):
        queue["a"] = None
    text._uses["a"] = 0
    with pytest.raises(ValueError, match="holds each key once, and 'a' twice"):
        compiled(text)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_circle_through_a_cache_is_collected(policy: str) -> None:
    class Key:
        cache: Any = None

    key = Key()
    gone = weakref.ref(key)
    key.cache = Cache(2, policy=policy)
    key.cache.set(key, key)
    key.cache.set("b", key.cache)
    del key
    gc.collect()
    assert gone() is None


def test_statistics_are_those_of_a_data_class() -> None:
    stats, text = CacheStats(hits=2, misses=3), text_of(CacheStats)(hits=2, misses=3)
    assert repr(stats) == repr(text)
    assert stats == CacheStats(2, 3)
    assert stats != CacheStats(2, 4)
    assert stats.miss_ratio == text.miss_ratio
    assert pickle.loads(pickle.dumps(stats)) == copy.copy(stats) == copy.deepcopy(stats) == stats
    assert stats.__getstate__() == vars(text)
