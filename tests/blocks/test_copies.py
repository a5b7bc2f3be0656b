"""Copies share nothing with their originals, pickles come back whole, and every block says what it is."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from windtunnel.blocks.caching import Cache, CacheTrace, FrequencySketch, LoadingCache, SingleFlight
from windtunnel.blocks.caching.cache import POLICIES
from windtunnel.blocks.ordered import PlainCountedBlocks, PlainSkipList, PlainSortedSet, SortedSet
from windtunnel.blocks.placement import BoundedLoads, HashRing, MaglevTable, RangeMap, Rendezvous
from windtunnel.blocks.sketches import (
    BlockedBloomFilter,
    BloomFilter,
    CountingBloomFilter,
    CountMin,
    CountMinTopK,
    DDSketch,
    HyperLogLog,
    ScalableBloomFilter,
    SpaceSaving,
)
from windtunnel.blocks.space import LinearQuadtree, PlainQuadtree, Quadtree
from windtunnel.blocks.text import (
    InvertedIndex,
    PlainIndex,
    PlainPrefixCompletion,
    PrefixCompletion,
    Tokenizer,
    Vocabulary,
)
from windtunnel.blocks.vectors import HNSW, BruteForce, PlainHNSW, ProductQuantiser


class Case(NamedTuple):
    make: Callable[[], Any]
    state: Callable[[Any], Any]
    """What a caller can see of it."""
    change: Callable[[Any], Any]
    """A call that changes what is seen; none for what cannot be changed."""


def _keys(made: Any, count: int = 40) -> Any:
    for i in range(count):
        made.add(f"key {i}")
    return made


def _stored(made: Any) -> bytes:
    blob: bytes = made.to_bytes()
    return blob


def _add(made: Any) -> None:
    made.add("another key")


def _loads() -> BoundedLoads:
    made = BoundedLoads(HashRing(list("abcde"), 8), 0.25)
    made.assign_many([f"key {i}" for i in range(40)])
    return made


def _ranges() -> RangeMap[str]:
    made: RangeMap[str] = RangeMap("one")
    made.split("m")
    made.begin_move("z", "two")
    return made


def _cache(policy: str) -> Cache[Any, int]:
    """With entries that live for ever, entries that do not, and a policy that has seen things."""
    made: Cache[Any, int] = Cache(20, policy=policy, clock=_clock)
    for i in range(60):
        made.set(f"key {i % 35}", i, ttl_s=50.0 if i % 3 else None)
        made.get(f"key {i % 7}")
    return made


def _clock() -> float:
    return 5.0


def _goes_on(made: Any) -> Any:
    """What a cache holds, and whom it would send away next, seen on a copy by its parts."""
    twin = type(made).__new__(type(made))
    twin.__setstate__(copy.deepcopy(made.__getstate__()))
    seen = [sorted(made.items())]
    for i in range(30):
        twin.set(f"new {i}", i)
        twin.get(f"key {i}")
        seen.append(sorted(twin.items()))
    return seen


def _uses(made: Any) -> list[int]:
    return [made.count(i) for i in range(9)]


def _taxis() -> Quadtree:
    made = Quadtree()
    made.put_many(range(200), [i / 10 for i in range(200)], [i % 7 for i in range(200)])
    made.remove_many(range(0, 200, 3))
    return made


def _plain_taxis() -> PlainQuadtree[str]:
    made: PlainQuadtree[str] = PlainQuadtree(1)
    for i in range(60):
        made.put(f"taxi {i}", 1 + 2.0**-i, 1)  # a deep tree
    return made


def _players(made: Any) -> Any:
    for i in range(90):
        made.add(f"player {i % 50}", i * 7 % 11)
    return made


def _seen(made: Any) -> Any:
    return list(made), [made.rank(f"player {i}") for i in range(50)], made.range(3, 9)


def _vectors(made: Any) -> Any:
    made.add(np.random.default_rng(1).integers(0, 3, (60, 3)))  # many are equal
    made.delete([0, 7, 11])
    return made


def _found(made: Any) -> Any:
    return made.nearest([1, 1, 1], 60), len(made), _stored(copy.deepcopy(made))


def _graph() -> PlainHNSW:
    made = PlainHNSW(4, 9)
    for x, y in np.random.default_rng(1).random((30, 2)).tolist():
        made.insert([x, y], 0)
    return made


def _quantiser() -> ProductQuantiser:
    made = ProductQuantiser(4, 2)
    made.train(np.random.default_rng(1).random((300, 4)), rounds=1)
    return made


def _index() -> InvertedIndex:
    made = InvertedIndex()
    made.add(["a word or two", "two more words", "three", ""])
    made.delete([2])
    return made


def _terms(made: Any) -> Any:
    for i in range(30):
        made.add("t" * i, i)
    made.remove("ttt")
    return made


LOOKED_UP = [f"key {i}" for i in range(300)]

CASES: dict[str, Case] = {
    "BloomFilter": Case(lambda: _keys(BloomFilter(100)), _stored, _add),
    "BlockedBloomFilter": Case(lambda: _keys(BlockedBloomFilter(100)), _stored, _add),
    "CountingBloomFilter": Case(lambda: _keys(CountingBloomFilter(100)), _stored, _add),
    "ScalableBloomFilter": Case(lambda: _keys(ScalableBloomFilter(9)), _stored, _add),
    "CountMin": Case(lambda: _keys(CountMin(0.1)), _stored, _add),
    "CountMinTopK": Case(lambda: _keys(CountMinTopK(5, 0.1)), _stored, _add),
    "SpaceSaving": Case(lambda: _keys(SpaceSaving(5)), _stored, _add),
    "HyperLogLog": Case(lambda: _keys(HyperLogLog(9)), _stored, _add),
    "HyperLogLog, dense": Case(lambda: _keys(HyperLogLog(4)), _stored, lambda made: _keys(made, 400)),
    "DDSketch": Case(lambda: [made := DDSketch(), made.add_many([1, 2, -3])][0], _stored, lambda made: made.add(9)),
    "HashRing": Case(
        lambda: HashRing({"a": 1, "b": 2, "c": 0}, 32),
        lambda made: (_stored(made), [made.lookup(key) for key in LOOKED_UP], made.lookup_many(LOOKED_UP).tolist()),
        lambda made: (made.add("d"), made.set_weight("c", 1), made.remove("a")),
    ),
    "BoundedLoads": Case(_loads, lambda made: (made.loads, made.total), lambda made: made.assign("k")),
    "Rendezvous": Case(lambda: Rendezvous({"a": 1, "b": 2}), lambda made: made.lookup_many(LOOKED_UP).tolist(), _add),
    "MaglevTable": Case(lambda: MaglevTable(["a", "b"], 97), lambda made: made.table.tolist(), _add),
    "RangeMap": Case(
        _ranges, lambda made: (_stored(made), made.ranges(), made.moves()), lambda made: made.commit(made.moves()[0])
    ),
}
CASES |= {
    f"Cache, {policy}": Case(lambda policy=policy: _cache(policy), _goes_on, lambda made: made.set("another", 1))  # type: ignore[misc]
    for policy in POLICIES
}
CASES |= {
    "FrequencySketch": Case(lambda: _keys(FrequencySketch(20)), _uses, lambda made: made.add(3)),
    "CacheTrace": Case(lambda: CacheTrace(["a", "b", "a"]), lambda made: made.misses("lru", 1), _add),
}
CASES |= {
    "Quadtree": Case(_taxis, lambda made: (_stored(made), made.within(0, 0, 1e7)), lambda made: made.put(3, 9, 9)),
    "LinearQuadtree": Case(lambda: LinearQuadtree([1, 2], [3, 4]), lambda made: made.within(0, 0, 1e7), _add),
    "PlainQuadtree": Case(
        _plain_taxis, lambda made: (sorted(made), made.within(0, 0, 1e7)), lambda made: made.put("x", 0, 0)
    ),
}
CASES |= {
    f"{type(make()).__name__}, {name}": Case(
        lambda make=make: _players(make()),
        _seen,
        lambda made: (made.add("late", -5), made.remove("player 7")),  # type: ignore[misc]
    )
    for name, make in {
        "blocks": lambda: SortedSet(str),
        "list": lambda: SortedSet(str, order="skip list"),
        "plain blocks": lambda: PlainSortedSet(PlainCountedBlocks(4)),
        "plain list": lambda: PlainSortedSet(PlainSkipList()),
    }.items()
}
CASES |= {
    "BruteForce": Case(lambda: _vectors(BruteForce(3)), _found, lambda made: made.delete([1, 2])),
    "HNSW": Case(lambda: _vectors(HNSW(3)), _found, lambda made: made.delete([1, 2])),
    "PlainHNSW": Case(_graph, lambda made: made.search([0.5, 0.5], 3, 9), lambda made: made.insert([0.5, 0.5], 0)),
    "ProductQuantiser": Case(_quantiser, _stored, lambda made: made.train(np.random.default_rng(2).random((300, 4)))),
    "InvertedIndex": Case(
        _index, lambda made: (_stored(made), made.search("two words")), lambda made: made.update([0], ["two"])
    ),
    "PlainIndex": Case(lambda: PlainIndex([["a"], ["b"]]), lambda made: made.search(["a"], 2), _add),
    "PrefixCompletion": Case(
        lambda: _terms(PrefixCompletion()), lambda made: made.complete("t"), lambda made: made.add("tz", 99)
    ),
    "PlainPrefixCompletion": Case(
        lambda: _terms(PlainPrefixCompletion()), lambda made: made.complete("t"), lambda made: made.add("tz", 99)
    ),
    "Tokenizer": Case(lambda: Tokenizer(stopwords=["a"]), lambda made: made.tokens("a b"), _add),
    "Vocabulary": Case(
        lambda: Vocabulary(Tokenizer()),
        lambda made: made.look_up(["a b"])[0].tolist(),
        lambda made: made.learn(["b a"]),
    ),
}
UNCHANGING = {"PlainIndex", "Tokenizer", "LinearQuadtree", "CacheTrace", "Rendezvous", "MaglevTable"}
COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda made: pickle.loads(pickle.dumps(made)),
    "old pickle": lambda made: pickle.loads(pickle.dumps(made, 2)),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("name", CASES)
def test_a_copy_is_the_same_and_shares_nothing(name: str, how: str) -> None:
    case = CASES[name]
    made = case.make()
    before = case.state(made)
    twin = COPIES[how](made)
    assert type(twin) is type(made)
    assert case.state(twin) == before
    if name in UNCHANGING:
        return
    case.change(twin)
    changed = case.state(twin)
    assert changed != before
    assert case.state(made) == before
    case.change(made)
    assert case.state(made) == changed
    assert case.state(twin) == changed


@pytest.mark.parametrize("make", [lambda: SingleFlight(), lambda: LoadingCache(9, None, ttl_s=1)])
def test_what_is_tied_to_what_runs_has_no_copy(make: Callable[[], Any]) -> None:
    made = make()
    assert repr(made).startswith(f"<{type(made).__name__}: ")
    for how in COPIES.values():
        with pytest.raises(TypeError, match=r"tied to what runs here.*\.$"):
            how(made)


def test_a_long_chain_of_keys_needs_no_recursion() -> None:
    terms = PlainPrefixCompletion()
    terms.add("t" * 5000, 1)
    assert COPIES["pickle"](terms).complete("t") == copy.copy(terms).complete("t") == terms.complete("t")
    links: PlainSkipList[int] = PlainSkipList()
    for i in range(5000):
        links.insert(float(i), i)
    assert COPIES["pickle"](links).slice(0, 5000) == copy.copy(links).slice(0, 5000) == links.slice(0, 5000)
    made: Cache[int, int] = Cache(20_000, policy="sieve")
    for i in range(20_000):
        made[i] = i
    assert COPIES["pickle"](made).items() == copy.copy(made).items() == made.items()


@pytest.mark.parametrize("name", CASES)
def test_a_block_says_what_it_is(name: str) -> None:
    told = repr(CASES[name].make())
    assert told.startswith(f"<{name.split(',')[0]}: ")
    assert " at 0x" not in told
    assert len(told) < 200
