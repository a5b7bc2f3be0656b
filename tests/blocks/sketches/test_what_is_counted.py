"""What sketches count, and what they refuse whole: keys that are one, counts of NumPy, a bad key at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from windtunnel.blocks.ground.hashing import BLOCK_KEYS, stable_hash
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

SKETCHES: dict[str, Callable[[], Any]] = {
    "bloom": lambda: BloomFilter(np.int64(1000), np.float32(0.01)),  # type: ignore[arg-type]
    "blocked": lambda: BlockedBloomFilter(np.int32(1000)),  # type: ignore[arg-type]
    "counting": lambda: CountingBloomFilter(np.uint16(1000)),  # type: ignore[arg-type]
    "scalable": lambda: ScalableBloomFilter(np.int64(1000)),  # type: ignore[arg-type]
    "count-min": lambda: CountMin(np.float32(0.01)),  # type: ignore[arg-type]
    "conservative": lambda: CountMin(0.01, conservative=True),
    "space-saving": lambda: SpaceSaving(np.int8(9)),  # type: ignore[arg-type]
    "top-k": lambda: CountMinTopK(np.int64(9), 0.01),  # type: ignore[arg-type]
    "hyperloglog": lambda: HyperLogLog(np.uint8(10)),  # type: ignore[arg-type]
}
COUNTING = ("count-min", "conservative", "space-saving", "top-k")
KEYS = [*range(-3, 3), 2**64 - 1, 2**64 - 2, "a", b"a", "b", b"b", "é", "é".encode()]


@pytest.mark.parametrize("name", SKETCHES)
@pytest.mark.parametrize("bad", [1.5, None, "\ud800", 1 << 64, ["a"]])
def test_a_bad_key_late_in_a_batch_leaves_a_sketch_as_it_was(name: str, bad: Any) -> None:
    made = SKETCHES[name]()
    made.add_many(["a", "b", "b"])
    before = made.to_bytes()
    for batch in (["c"] * (BLOCK_KEYS + 7) + [bad], np.array(["c"] * BLOCK_KEYS + [bad, 1], object)):
        with pytest.raises(ValueError, match=r"."):
            made.add_many(batch)
        with pytest.raises(ValueError, match=r"."):
            made.add(bad)
        assert made.to_bytes() == before


@pytest.mark.parametrize("name", SKETCHES)
def test_what_is_no_batch_of_keys_is_refused(name: str) -> None:
    made = SKETCHES[name]()
    before = made.to_bytes()
    masked = np.ma.masked_array([1, 2], [False, True])
    for batch in ("abc", b"abc", bytearray(b"abc"), memoryview(b"abc"), 5, None, masked, np.ones((2, 2), int), [[1]]):
        with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
            made.add_many(batch)
    assert made.to_bytes() == before


@pytest.mark.parametrize("name", SKETCHES)
def test_batches_may_be_any_iterable_and_equal_single_keys(name: str) -> None:
    one, *others = [SKETCHES[name]() for _ in range(6)]
    for i in range(20):
        one.add(np.int16(i % 7))
    listed = [i % 7 for i in range(20)]
    strided = np.array(listed * 2).reshape(2, 20).T[:, 0]
    for other, batch in zip(others, (listed, tuple(listed), iter(listed), strided, strided.astype(">i2")), strict=True):
        other.add_many(batch)
        assert other.to_bytes() == one.to_bytes()


@pytest.mark.parametrize("name", SKETCHES)
def test_stored_forms_come_back_from_any_bytes(name: str) -> None:
    made = SKETCHES[name]()
    for key in (np.str_("x"), np.bytes_(b"y"), np.int64(-4), "é"):
        made.add(key)
    blob = made.to_bytes()
    wide = np.frombuffer(b"".join(bytes([one, 0]) for one in blob), np.uint8)[::2]
    for given_as in (blob, bytearray(blob), memoryview(blob), memoryview(wide), np.frombuffer(blob, np.uint8)):
        assert type(made).from_bytes(given_as).to_bytes() == blob


@pytest.mark.parametrize("name", COUNTING)
@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64, np.uint64])
def test_counts_of_numpy_do_not_wrap(name: str, kind: Any) -> None:
    made = SKETCHES[name]()
    made.add("a", kind(100))
    made.add("a", kind(100))
    made.add_many(["a", "b"], np.array([100, 100], kind))
    assert (made.estimate("a"), made.total) == (300, 400)
    assert type(made).from_bytes(made.to_bytes()).total == 400


@pytest.mark.parametrize("name", COUNTING)
def test_counts_that_no_counter_holds_are_refused_whole(name: str) -> None:
    made = SKETCHES[name]()
    made.add("a", 2**62)
    before = made.to_bytes()
    for count in (2**62, -1, 1.5, "2", None, np.nan, 2**70):
        with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
            made.add("a", count)
    for counts in ([2**62], np.array([2**63 + 5], np.uint64), [-1], [1.0], [1, 2], np.ma.masked_array([1], [True])):
        with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
            made.add_many(["a"], counts)
    with pytest.raises(ValueError, match="at most"):
        made.add_many(["a", "b", "c"], [2**61] * 3)
    with pytest.raises(ValueError, match="at most"):
        made.merge(made)
    assert made.to_bytes() == before


@given(left=st.lists(st.sampled_from(KEYS)), right=st.lists(st.sampled_from(KEYS)), k=st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_keys_of_one_hash_are_one_key_in_merged_summaries(left: list[Any], right: list[Any], k: int) -> None:
    truth = Counter(map(stable_hash, [*left, *right]))
    for kind in (SpaceSaving, CountMinTopK):
        one, other = kind(k), kind(k)
        for made, keys in ((one, left), (other, right)):
            for key in keys:
                made.add(key)
        one.merge(other)
        top = one.top()
        assert len({stable_hash(hitter.key) for hitter in top}) == len(top)
        for hitter in top:
            assert truth[stable_hash(hitter.key)] <= hitter.estimate
        for key in KEYS:
            assert one.estimate(key) >= truth[stable_hash(key)]


def test_sketches_of_different_kinds_do_not_merge() -> None:
    for name, make in SKETCHES.items():
        if name == "scalable":
            continue
        made, before = make(), make().to_bytes()
        for other in (DDSketch(), SKETCHES["bloom" if name != "bloom" else "blocked"](), None, "a"):
            with pytest.raises(ValueError, match=r"^Only .*\.$"):
                made.merge(other)
        assert made.to_bytes() == before


def test_taking_out_strangers_is_the_same_one_by_one_and_in_batches() -> None:
    luck = Random(5)
    for capacity in (3, 10, 40):
        single, batch = CountingBloomFilter(capacity, 0.3), CountingBloomFilter(capacity, 0.3)
        keys = [luck.randrange(1 << 40) for _ in range(capacity)]
        single.add_many(keys)
        batch.add_many(keys)
        strangers = [luck.randrange(1 << 40) for _ in range(400)]
        taken = []
        for key in strangers:
            try:
                single.remove(key)
            except KeyError:
                taken.append(False)
            else:
                taken.append(True)
        assert batch.remove_many(strangers).tolist() == taken
        assert batch.to_bytes() == single.to_bytes()


def test_a_refused_removal_changes_nothing() -> None:
    made = CountingBloomFilter(4, 0.4)
    made.add("a")
    before = made.to_bytes()
    refused = 0
    for i in range(300):
        try:
            made.remove(i)
        except KeyError:
            refused += 1
            assert made.to_bytes() == before
        else:
            made.add(i)
            assert made.to_bytes() == before
    assert refused


@pytest.mark.parametrize("value", ["3", 2j, np.complex64(1), None, np.str_("3"), float("nan"), float("inf"), [1.0]])
def test_a_sketch_of_quantiles_takes_finite_numbers_only(value: Any) -> None:
    made = DDSketch()
    made.add_many([1, 2])
    before = made.to_bytes()
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        made.add(value)
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        made.add_many([3.0, value])
    assert made.to_bytes() == before


def test_a_sketch_of_quantiles_keeps_plain_numbers() -> None:
    made = DDSketch(np.float32(0.01), np.int64(100))  # type: ignore[arg-type]
    for value in (np.float32(2.5), np.int8(-100), 7):
        made.add(value)
    made.add_many(np.ma.masked_array([1.0, 2.0]))
    again = DDSketch.from_bytes(memoryview(made.to_bytes()))
    assert (again.count, again.minimum, again.maximum) == (5, -100, 7)


@pytest.mark.parametrize("capacity", [0, -1, 1.5, "9", None, float("inf"), float("nan"), 2j])
def test_a_filter_of_no_size_is_refused(capacity: Any) -> None:
    for kind in (BloomFilter, BlockedBloomFilter, CountingBloomFilter, ScalableBloomFilter):
        with pytest.raises(ValueError, match=r"^The capacity of a filter is .*\.$"):
            kind(capacity)
    for summary in (SpaceSaving, CountMinTopK):
        with pytest.raises(ValueError, match=r"^The number of (counters|candidates) is .*\.$"):
            summary(capacity)


@pytest.mark.parametrize("rate", [0, 1, -0.1, float("nan"), "0.1", None, 2j])
def test_an_error_rate_that_is_none_is_refused(rate: Any) -> None:
    for kind in (BloomFilter, BlockedBloomFilter, CountingBloomFilter, ScalableBloomFilter):
        with pytest.raises(ValueError, match=r"rate .*\.$"):
            kind(9, rate)
    with pytest.raises(ValueError, match=r"^Epsilon .*\.$"):
        CountMin(rate)
    with pytest.raises(ValueError, match=r"^The relative error .*\.$"):
        DDSketch(rate)
