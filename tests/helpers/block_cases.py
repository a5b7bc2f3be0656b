"""All blocks; and one of each that can be copied, what a caller sees of it, and a call that changes that."""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple

import numpy as np

from helpers.serving_cases import SERVING
from windtunnel.blocks.caching import Cache, CacheTrace, FrequencySketch
from windtunnel.blocks.caching.cache import POLICIES
from windtunnel.blocks.chunks import FastCDC, FixedBlocks
from windtunnel.blocks.consensus import Raft
from windtunnel.blocks.ordered import PlainCountedBlocks, PlainSkipList, PlainSortedSet, SortedSet
from windtunnel.blocks.placement import BoundedLoads, HashRing, MaglevTable, RangeMap, Rendezvous
from windtunnel.blocks.recommend import Ease, InnerProducts, ItemCosine, Popularity, StreamingFrequency, TwoTowers
from windtunnel.blocks.resilience import (
    Aimd,
    BatchGcra,
    BatchTokenBucket,
    Budget,
    CoDel,
    ControlledDelay,
    FixedLimit,
    FixedWindow,
    Gcra,
    Gradient2,
    Quantile,
    RollingCounts,
    SlidingCounter,
    SlidingLog,
    TokenBucket,
    Vegas,
)
from windtunnel.blocks.retrieval import (
    CharacterChunker,
    LateInteraction,
    RandomIndexing,
    RecursiveChunker,
    SemanticChunker,
    StructureChunker,
    TokenChunker,
)
from windtunnel.blocks.sketches import (
    BinaryFuseFilter,
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
from windtunnel.blocks.streams import (
    BatchTumbling,
    BoundedDisorder,
    Count,
    Deduplicator,
    Mean,
    Session,
    Sliding,
    SlowestSource,
    Stats,
    Sum,
    Tumbling,
    WindowedAggregate,
)
from windtunnel.blocks.text import (
    InvertedIndex,
    PlainIndex,
    PlainPrefixCompletion,
    PrefixCompletion,
    Tokenizer,
    Vocabulary,
)
from windtunnel.blocks.vectors import HNSW, BruteForce, PlainHNSW, ProductQuantiser

FAMILIES = (
    *("broker", "caching", "chunks", "consensus", "durability", "ordered", "placement", "recommend"),
    *("resilience", "retrieval", "serving", "sketches", "space", "streams", "text", "vectors"),
)
VALUES = {
    *("CacheStats", "Context", "Decision", "Hitter", "Move", "Near", "Range", "Saga", "State", "Step", "Window"),
    *("DurableState", "RateLimiter", "RedisGuard"),
    *("LogEntry", "RequestVote", "Vote", "AppendEntries", "Appended", "Kept", "Ready", "Invariants"),
    *("BatchPlace", "BatchHeader", "BatchRecord", "Joined", "Synced", "ReplicaAnswer"),
    *("Heading", "Histories"),
    *("Batch", "Sequence", "KVUsage", "LoraAdapter", "ModelShape", "ModelWeights", "Sampling", "Guess", "Speculation"),
}
"""What blocks take and give, and bases of several; protocols are left out by themselves."""


def blocks() -> dict[str, type[Any]]:
    """Every block that a family lends, by its name."""
    faces = [importlib.import_module(f"windtunnel.blocks.{family}") for family in FAMILIES]
    lent = [getattr(face, name) for face in faces for name in face.__all__]
    return {
        one.__name__: one
        for one in lent
        if inspect.isclass(one)
        and not issubclass(one, Exception)
        and not getattr(one, "_is_protocol", False)
        and one.__name__ not in VALUES
    }


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


def _leader() -> Raft:
    """Of a group of one, with a command that is committed and not applied yet."""
    made = Raft("a", ["a"], Random(1))
    made.tick(made.due_s)
    made.propose("a command")
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


def _fitted(made: Any) -> Any:
    made.fit([[0, 1], [0, 2], [1, 1], [2, 0], [3, 0], [3, 1]])
    return made


def _products() -> InnerProducts:
    made = InnerProducts(3, 9.0)
    made.add(np.random.default_rng(1).integers(0, 3, (60, 3)))
    return made


def _told(made: Any) -> Any:
    return made.scores([0, 1, 2, 3]).tolist()


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
    "BinaryFuseFilter": Case(lambda: BinaryFuseFilter(LOOKED_UP), _stored, lambda made: None),
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
    "Raft": Case(
        _leader,
        lambda raft: (raft.role, raft.term, raft.log.since(1), raft.commit),
        lambda raft: raft.propose("another command"),
    ),
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
    "Ease": Case(lambda: _fitted(Ease(4, 3)), _told, lambda made: made.fit([[0, 2]])),
    "ItemCosine": Case(lambda: _fitted(ItemCosine(4, 3)), _told, lambda made: made.fit([[0, 2], [0, 1]])),
    "Popularity": Case(lambda: _fitted(Popularity(4, 3)), _told, lambda made: made.fit([[0, 2]])),
    "StreamingFrequency": Case(
        lambda: StreamingFrequency(3),
        lambda made: (made.came, made.shares().tolist()),
        lambda made: made.add([1, 0, 1]),
    ),
    "TwoTowers": Case(
        lambda: TwoTowers(4, 3, 2), _stored, lambda made: made.train([[0, 1], [1, 2], [3, 0], [2, 2]], batch=2)
    ),
    "InnerProducts": Case(
        _products, lambda made: made.search([[1, 2, 3]], 70)[0].tolist(), lambda made: made.add([[9, 0, 0]])
    ),
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


TEXT = "# One\n\nA text. Of some words, and more of them.\n\n# Two\n\nAnother text. Its words are others."


def lengths(texts: Sequence[str]) -> list[list[float]]:
    """Vectors of texts, to be cut by."""
    return [[len(text), 1.0] for text in texts]


CASES |= {
    type(one).__name__: Case(lambda one=one: one, lambda made: made.chunks(TEXT), _add)  # type: ignore[misc]
    for one in (
        CharacterChunker(7),
        TokenChunker(5, 2),
        RecursiveChunker(6, 2),
        StructureChunker(6),
        SemanticChunker(6, lengths),
    )
}


READ, COMPARED = ["one two", "two three", "one three four"], [[[1.0, 0.0]], [[0.0, 1.0], [0.6, 0.8]]]
CASES["RandomIndexing"] = Case(
    lambda: [made := RandomIndexing(16), made.read(READ)][0],
    lambda made: made.encode(["two three"]).tolist(),
    lambda made: made.read(["two three", "three two"]),
)
CASES["LateInteraction"] = Case(
    lambda: [made := LateInteraction(2), made.add(COMPARED)][0],
    lambda made: (made.vectors, made.scores([[1.0, 0.0]], [0, 1])),
    lambda made: made.add([[[2.0, 0.0]]]),
)


def _told_windows(made: Any) -> Any:
    return made.to_bytes(), copy.deepcopy(made).advance(10**6)


def _events(made: Any) -> Any:
    for i in range(90):
        made.add(f"key {i % 7}", i * 13 % 500, i)
    made.advance(300)
    return made


def _marks() -> SlowestSource:
    made = SlowestSource(["a", "b"], idle_s=5)
    made.observe("a", 30)
    return made


def _law(made: Any) -> Any:
    for i in range(50):
        made.update(0.1 + i % 3 * 0.01, 30, i % 20 == 0)
    return made


def _next_limits(made: Any) -> Any:
    twin = copy.deepcopy(made)
    return made.limit, [twin.update(0.2, 100, i == 5) for i in range(40)]


def _limiter(made: Any) -> Any:
    for i in range(9):
        made.take(f"key {i % 4}", at_s=5.0)
    return made


def _decisions(made: Any) -> Any:
    twin = copy.deepcopy(made)
    return [twin.take(f"key {i % 5}", at_s=5.5) for i in range(12)]


def batch_limiter(made: Any) -> Any:
    made.decide(["a", "b", "a"], 5.0)
    return made


def _drops(made: Any) -> Any:
    twin = copy.deepcopy(made)
    return [twin.drop(0.5 + now / 100, 1.0, False) for now in range(40)]


def _standing() -> CoDel:
    made = CoDel()
    for now in range(5):
        made.drop(now / 10, 1.0, False)
    return made


def _latencies() -> Quantile:
    made = Quantile(0.5, first_s=1, window=20)
    for latency_s in range(30):
        made.add(latency_s)
    return made


def _counted() -> RollingCounts:
    made = RollingCounts(4, 1.0)
    made.add(3.0, True)
    return made


CASES |= {
    f"WindowedAggregate, {windows!r} {total.__name__}": Case(
        lambda windows=windows, total=total: _events(WindowedAggregate(windows, total(), allowed_lateness_ms=50)),  # type: ignore[misc]
        _told_windows,
        lambda made: (made.add("key 1", 500, 7), made.advance(400)),
    )
    for windows in (Tumbling(30), Sliding(30, 10), Session(20))
    for total in (Count, Sum, Mean, Stats)
}
CASES |= {
    "BatchTumbling": Case(
        lambda: [made := BatchTumbling(10), made.add([1, 2], [5, 6], [1.0, 2.0])][0],
        _stored,
        lambda made: made.add([3], [9], [1.0]),
    ),
    "Tumbling": Case(lambda: Tumbling(30, 4), lambda made: made.assign(77), _add),
    "Sliding": Case(lambda: Sliding(30, 10, 4), lambda made: made.assign(77), _add),
    "Session": Case(lambda: Session(20), lambda made: made.assign(77), _add),
    "Fold": Case(Stats, lambda made: made.add(made.zero(), 7), _add),
    "BoundedDisorder": Case(lambda: BoundedDisorder(5), lambda made: made.watermark_ms, lambda made: made.observe(100)),
    "SlowestSource": Case(
        _marks,
        lambda made: (made.watermark_ms, copy.deepcopy(made).tick(9.0)),
        lambda made: made.observe("b", 20, 3.0),
    ),
    "Deduplicator": Case(
        lambda: [made := Deduplicator(100), made.first_time("a", 5)][0],
        lambda made: made.dump(),
        lambda made: made.first_time("b", 6),
    ),
    "FastCDC": Case(lambda: FastCDC(1024), lambda made: made.cut_points(bytes(9000)).tolist(), _add),
    "FixedBlocks": Case(lambda: FixedBlocks(1024), lambda made: made.cut_points(bytes(9000)).tolist(), _add),
    "FixedLimit": Case(lambda: FixedLimit(7), _next_limits, _add),
    "Aimd": Case(lambda: _law(Aimd()), _next_limits, lambda made: made.update(0.1, 50, True)),
    "Vegas": Case(lambda: _law(Vegas()), _next_limits, lambda made: made.update(0.1, 50, True)),
    "Gradient2": Case(lambda: _law(Gradient2()), _next_limits, lambda made: made.update(0.1, 50, True)),
    "TokenBucket": Case(lambda: _limiter(TokenBucket(1, 3)), _decisions, lambda made: made.take("key 3", at_s=5.0)),
    "Gcra": Case(lambda: _limiter(Gcra(1, 3)), _decisions, lambda made: made.take("key 3", at_s=5.0)),
    "SlidingLog": Case(lambda: _limiter(SlidingLog(3, 9)), _decisions, lambda made: made.take("key 3", at_s=5.0)),
    "SlidingCounter": Case(
        lambda: _limiter(SlidingCounter(3, 9)), _decisions, lambda made: made.take("key 3", at_s=5.0)
    ),
    "FixedWindow": Case(lambda: _limiter(FixedWindow(3, 9)), _decisions, lambda made: made.take("key 3", at_s=5.0)),
    "BatchGcra": Case(
        lambda: batch_limiter(BatchGcra(1, 2)),
        lambda made: copy.deepcopy(made).decide(["a", "b", "c", "b", "c", "c"], 5.0).tolist(),
        lambda made: made.decide(["b"], 5.0),
    ),
    "BatchTokenBucket": Case(
        lambda: batch_limiter(BatchTokenBucket(1, 2)),
        lambda made: copy.deepcopy(made).decide(["a", "b", "c", "b", "c", "c"], 5.0).tolist(),
        lambda made: made.decide(["b"], 5.0),
    ),
    "CoDel": Case(_standing, _drops, lambda made: made.empty()),
    "ControlledDelay": Case(ControlledDelay, lambda made: made.patience(9.0), lambda made: made.empty(8.95)),
    "Budget": Case(Budget, lambda made: made.tokens, lambda made: made.withdraw()),
    "Quantile": Case(_latencies, lambda made: made(), lambda made: [made.add(99.0) for _ in range(20)]),
    "RollingCounts": Case(_counted, lambda made: (made.total, made.failed), lambda made: made.add(4.0, False)),
}


CASES |= {name: Case(*one) for name, one in SERVING.items()}
UNCHANGING = {
    *("CacheTrace", "FastCDC", "FixedBlocks", "FixedLimit", "Fold", "LinearQuadtree", "MaglevTable", "PlainIndex"),
    *("BinaryFuseFilter", "Rendezvous", "Session", "Sliding", "Tokenizer", "Tumbling"),
    *("CharacterChunker", "RecursiveChunker", "SemanticChunker", "StructureChunker", "TokenChunker"),
}
