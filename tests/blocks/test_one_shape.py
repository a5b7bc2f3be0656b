"""What all blocks share: stored forms that notice any damage, and a word on threads and tasks."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

import windtunnel.blocks
from windtunnel.blocks.ground.envelope import DamagedError, seal
from windtunnel.blocks.ordered.sorted_set import SortedSet
from windtunnel.blocks.placement import HashRing, RangeMap
from windtunnel.blocks.recommend import TwoTowers
from windtunnel.blocks.sketches.bloom import BloomFilter
from windtunnel.blocks.sketches.bloom_blocked import BlockedBloomFilter
from windtunnel.blocks.sketches.bloom_counting import CountingBloomFilter
from windtunnel.blocks.sketches.bloom_scalable import ScalableBloomFilter
from windtunnel.blocks.sketches.count_min import CountMin
from windtunnel.blocks.sketches.fuse import BinaryFuseFilter
from windtunnel.blocks.sketches.heavy_hitters import CountMinTopK, SpaceSaving
from windtunnel.blocks.sketches.hyperloglog import HyperLogLog
from windtunnel.blocks.sketches.quantiles import DDSketch
from windtunnel.blocks.space import LinearQuadtree, Quadtree
from windtunnel.blocks.streams.windows import Count, Tumbling, WindowedAggregate
from windtunnel.blocks.streams.windows_batch import BatchTumbling
from windtunnel.blocks.text.inverted_index import InvertedIndex
from windtunnel.blocks.text.prefix_completion import PrefixCompletion
from windtunnel.blocks.vectors.brute_force import BruteForce
from windtunnel.blocks.vectors.hnsw import HNSW
from windtunnel.blocks.vectors.product_quantisation import ProductQuantiser

KEYS = [f"key {i}" for i in range(40)]


def with_keys(made: Any) -> Any:
    for key in KEYS:
        made.add(key)
    return made


def sketch() -> DDSketch:
    made = DDSketch(0.1)
    made.add_many([1.0, -2.0, 0.0, 300.0])
    return made


def sorted_set() -> SortedSet[Any]:
    made = SortedSet(str)
    made.add_many(KEYS, [float(len(key)) for key in KEYS])
    return made


def graph() -> HNSW:
    made = HNSW(3)
    made.add(np.random.default_rng(1).random((12, 3)))
    return made


def quantiser() -> ProductQuantiser:
    made = ProductQuantiser(4, 2)
    made.train(np.random.default_rng(1).random((300, 4)), rounds=1)
    return made


def index() -> InvertedIndex:
    made = InvertedIndex()
    made.add(["a word or two", "two more words", ""])
    return made


def completion() -> PrefixCompletion:
    made = PrefixCompletion()
    made.add_many(KEYS, [float(len(key)) for key in KEYS])
    return made


def windows() -> WindowedAggregate[Any, Any]:
    made = WindowedAggregate(Tumbling(10), Count())
    made.add("a", 5, 1)
    made.advance(3)
    return made


def batch_windows() -> BatchTumbling:
    made = BatchTumbling(10)
    made.add([1, 2], [5, 6], [1.0, 2.0])
    return made


def ranges() -> RangeMap[str]:
    made: RangeMap[str] = RangeMap("one")
    made.split("m")
    made.begin_move("z", "two")
    return made


def taxis() -> Quadtree:
    made = Quadtree()
    made.put_many([5, -3, 1], [1, 2, 3], [4, 5, 6])
    return made


def dense() -> HyperLogLog:
    made = HyperLogLog(5)
    made.add_many(KEYS * 5)
    return made


STORED: dict[str, tuple[Callable[[], Any], Callable[[bytes], Any]]] = {
    "bloom": (lambda: with_keys(BloomFilter(40)), BloomFilter.from_bytes),
    "blocked bloom": (lambda: with_keys(BlockedBloomFilter(40)), BlockedBloomFilter.from_bytes),
    "counting bloom": (lambda: with_keys(CountingBloomFilter(40)), CountingBloomFilter.from_bytes),
    "scalable bloom": (lambda: with_keys(ScalableBloomFilter(10)), ScalableBloomFilter.from_bytes),
    "binary fuse": (lambda: BinaryFuseFilter(KEYS), BinaryFuseFilter.from_bytes),
    "sparse hyperloglog": (lambda: with_keys(HyperLogLog()), HyperLogLog.from_bytes),
    "dense hyperloglog": (dense, HyperLogLog.from_bytes),
    "count-min": (lambda: with_keys(CountMin(0.1, 0.1)), CountMin.from_bytes),
    "space-saving": (lambda: with_keys(SpaceSaving(10)), SpaceSaving.from_bytes),
    "count-min top k": (lambda: with_keys(CountMinTopK(5, 0.1, 0.1)), CountMinTopK.from_bytes),
    "ddsketch": (sketch, DDSketch.from_bytes),
    "hash ring": (lambda: HashRing({"a": 1, "b": 0}), HashRing.from_bytes),
    "range map": (ranges, RangeMap.from_bytes),
    "quadtree": (taxis, Quadtree.from_bytes),
    "linear quadtree": (lambda: LinearQuadtree([1, 2, 3], [4, 5, 6]), LinearQuadtree.from_bytes),
    "sorted set": (sorted_set, lambda blob: SortedSet.from_bytes(str, blob)),
    "two towers": (lambda: TwoTowers(4, 3, 2), TwoTowers.from_bytes),
    "hnsw": (graph, HNSW.from_bytes),
    "brute force": (lambda: [made := BruteForce(2), made.add([[1, 2], [3, 4]])][0], BruteForce.from_bytes),
    "product quantiser": (quantiser, ProductQuantiser.from_bytes),
    "inverted index": (index, InvertedIndex.from_bytes),
    "prefix completion": (completion, PrefixCompletion.from_bytes),
    "windows": (windows, lambda blob: restored(WindowedAggregate(Tumbling(10), Count()), blob)),
    "batch windows": (batch_windows, lambda blob: restored(BatchTumbling(10), blob)),
}


def restored(made: Any, blob: bytes) -> Any:
    """A block whose settings are not in its stored form takes the state over; damage leaves it as it was."""
    before = made.to_bytes()
    try:
        made.restore(blob)
    except DamagedError:
        assert made.to_bytes() == before
        raise
    return made


def public_classes() -> list[type]:
    found = []
    for module_info in pkgutil.walk_packages(windtunnel.blocks.__path__, "windtunnel.blocks."):
        if not module_info.ispkg and ".kernels." not in module_info.name:
            module = importlib.import_module(module_info.name)
            found += [one for one in vars(module).values() if inspect.isclass(one)]
    own = [one for one in found if one.__module__.startswith("windtunnel.blocks.") and not one.__name__.startswith("_")]
    return [*dict.fromkeys(own)]


def tiers(one: type) -> list[type]:
    """A class, and with the compiled tier the one of the same name that is its text."""
    return [base for base in one.__mro__ if (base.__module__, base.__name__) == (one.__module__, one.__name__)]


def test_every_block_that_can_be_stored_is_tested_here() -> None:
    kinds = {type(make()).__name__ for make, _ in STORED.values()}
    assert {one.__name__ for one in public_classes() if any("to_bytes" in vars(base) for base in tiers(one))} == kinds


@pytest.mark.parametrize("name", STORED)
def test_a_stored_block_comes_back_byte_for_byte(name: str) -> None:
    make, read = STORED[name]
    blob = make().to_bytes()
    assert read(blob).to_bytes() == blob
    assert make().to_bytes() == blob, "the same state gives the same bytes"


@pytest.mark.parametrize("name", STORED)
def test_a_stored_block_that_was_cut_anywhere_is_damaged(name: str) -> None:
    make, read = STORED[name]
    blob = make().to_bytes()
    for size in [*range(0, len(blob), max(1, len(blob) // 1000)), len(blob) - 1]:
        with pytest.raises(DamagedError):
            read(blob[:size])
    for longer in (blob + b"\0", blob + blob):
        with pytest.raises(DamagedError):
            read(longer)


@pytest.mark.parametrize("name", STORED)
def test_a_stored_block_with_a_flipped_bit_anywhere_is_damaged(name: str) -> None:
    make, read = STORED[name]
    blob = make().to_bytes()
    luck = Random(1)
    for place in [*range(0, len(blob), max(1, len(blob) // 1000)), *range(len(blob) - 8, len(blob))]:
        broken = bytearray(blob)
        broken[place] ^= 1 << luck.randrange(8)
        with pytest.raises(DamagedError):
            read(bytes(broken))


@pytest.mark.parametrize("name", STORED)
def test_what_is_of_another_kind_or_version_is_not_read(name: str) -> None:
    make, read = STORED[name]
    with pytest.raises(DamagedError, match="another kind"):
        read(seal("something else", 1, {}, b""))
    blob = make().to_bytes()
    header_size = int.from_bytes(blob[6:8], "little")
    kind = re.search(rb'"kind":"([^"]*)"', blob[16 : 16 + header_size])
    assert kind is not None
    with pytest.raises(DamagedError, match="version 999"):
        read(seal(kind[1].decode(), 999, {}, b""))


SAFETY = re.compile(r"\b(threads?|tasks?|no state)\b", re.IGNORECASE)


def says_how_safe_it_is(one: type) -> bool:
    texts = [base.__doc__ or "" for base in one.__mro__ if base.__module__.startswith("windtunnel.")]
    return any(SAFETY.search(text) for text in [*texts, inspect.getmodule(one).__doc__ or ""])


INSIDE = {"Block", "IntNumbers", "PagedMap", "Pieces", "Ranges", "PlainHNSW", "PlainIndex", "TextNumbers"}
"""The base of all, the inside of a sorted set, and references for tests: nobody shares them."""


def has_state(one: type) -> bool:
    """Not what only carries a value: exceptions, enumerations, tuples, records; nor a protocol."""
    if one.__name__ in INSIDE:
        return False
    if issubclass(one, BaseException | enum.Enum | tuple) or dataclasses.is_dataclass(one):
        return False
    return not getattr(one, "_is_protocol", False)


def test_every_block_says_whether_threads_and_tasks_may_share_it() -> None:
    blocks = [one for one in public_classes() if has_state(one)]
    assert len(blocks) > 60
    assert [f"{one.__module__}.{one.__name__}" for one in blocks if not says_how_safe_it_is(one)] == []
