"""Heavy hitters: the bounds of Space-Saving on every stream, and batches that say what single keys say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.sketches.heavy_hitters import CountMinTopK, SpaceSaving
from windtunnel.blocks.sketches.leaders import FREE, Leaders

STREAM = st.lists(st.tuples(st.sampled_from("abcdefghijkl"), st.integers(0, 4)), max_size=60)
KINDS: list[Callable[[int], Any]] = [SpaceSaving, lambda k: CountMinTopK(k, 0.3, 0.1)]


def skewed(size: int = 300_000, ids: int = 50_000, exponent: float = 1.1) -> np.ndarray:
    weights = np.arange(1, ids + 1) ** -exponent
    return np.searchsorted(np.cumsum(weights) / weights.sum(), np.random.default_rng(1).random(size)).astype(np.uint64)


def truth_of(stream: list[tuple[str, int]]) -> Counter[str]:
    truth: Counter[str] = Counter()
    for key, count in stream:
        truth[key] += count
    return +truth


def holds_the_promise(made: SpaceSaving, truth: Counter[Any]) -> None:
    """Never too low, too high by no more than is admitted and total / k at most, and nobody frequent is missing."""
    assert made.total == truth.total()
    for hitter in made.top():
        assert hitter.estimate - hitter.overcount <= truth[hitter.key] <= hitter.estimate
        assert hitter.overcount <= made.total / made.k
    tracked = {hitter.key for hitter in made.top()}
    assert all(key in tracked for key in truth if truth[key] > made.total / made.k)
    assert all(made.estimate(key) >= truth[key] for key in truth)


class ReferenceSpaceSaving:
    """The algorithm as the paper tells it: a dictionary, and a search for the least. Ties go to any of the least."""

    def __init__(self, k: int) -> None:
        self.k, self.counts = k, dict[str, int]()

    def add(self, key: str, count: int) -> None:
        if key not in self.counts and len(self.counts) == self.k:
            self.counts[key] = self.counts.pop(min(self.counts, key=lambda one: self.counts[one]))
        self.counts[key] = self.counts.get(key, 0) + count


@given(stream=STREAM, k=st.integers(1, 6))
@settings(max_examples=examples(50))
def test_space_saving_keeps_its_promise_on_every_stream(stream: list[tuple[str, int]], k: int) -> None:
    made, reference = SpaceSaving(k), ReferenceSpaceSaving(k)
    for key, count in stream:
        made.add(key, count)
        if count:
            reference.add(key, count)
    holds_the_promise(made, truth_of(stream))
    if len(truth_of(stream)) <= k:
        assert {hitter.key: hitter.estimate for hitter in made.top()} == reference.counts == truth_of(stream)
    assert sum(hitter.estimate for hitter in made.top()) == sum(reference.counts.values()) == made.total


@pytest.mark.parametrize("kind", KINDS)
@given(stream=STREAM, k=st.integers(1, 6), cut=st.integers(0, 60))
@settings(max_examples=examples(40))
def test_batches_and_single_keys_build_the_same_summary(
    kind: Callable[[int], Any], stream: list[tuple[str, int]], k: int, cut: int
) -> None:
    single, batch = kind(k), kind(k)
    for key, count in stream:
        single.add(key, count)
    for part, form in ((stream[:cut], list), (stream[cut:], pa.array)):
        keys = [key for key, _ in part]
        given_keys = keys if form is list else pa.array(keys, pa.string())
        batch.add_many(given_keys, np.array([count for _, count in part], np.int64))
    assert batch.top() == single.top()
    assert batch.to_bytes() == single.to_bytes()


@given(left=STREAM, right=STREAM, k=st.integers(1, 6))
@settings(max_examples=examples(40))
def test_a_merged_summary_keeps_the_promise_for_both_streams(
    left: list[tuple[str, int]], right: list[tuple[str, int]], k: int
) -> None:
    first, second = SpaceSaving(k), SpaceSaving(k)
    for made, stream in ((first, left), (second, right)):
        for key, count in stream:
            made.add(key, count)
    first.merge(second)
    truth = truth_of(left + right)
    assert first.total == truth.total()
    for hitter in first.top():
        assert hitter.estimate - hitter.overcount <= truth[hitter.key] <= hitter.estimate
    tracked = {hitter.key for hitter in first.top()}
    assert all(key in tracked for key in truth if truth[key] > 2 * first.total / k)


def test_a_long_skewed_stream_is_summed_up_within_the_bound_and_its_top_hundred_are_found() -> None:
    keys = skewed()
    truth = Counter(keys.tolist())
    made = SpaceSaving(1024)
    made.add_many(keys)
    holds_the_promise(made, truth)
    best = {key for key, _ in truth.most_common(100)}
    assert len(best & {hitter.key for hitter in made.top(120)}) >= 99


def test_count_min_with_a_ranking_finds_the_top_hundred_and_never_counts_too_low() -> None:
    keys = skewed()
    truth = Counter(keys.tolist())
    made = CountMinTopK(200, epsilon=1e-3, delta=1e-2)
    made.add_many(keys)
    best = {key for key, _ in truth.most_common(100)}
    assert best <= {hitter.key for hitter in made.top()}
    for hitter in made.top():
        assert truth[hitter.key] <= hitter.estimate <= truth[hitter.key] + 1e-3 * made.total
    assert made.estimate(int(keys[0])) >= truth[int(keys[0])]


def test_two_halves_of_a_stream_merge_to_the_same_leaders() -> None:
    keys = skewed()
    whole, half, other = (CountMinTopK(50) for _ in range(3))
    whole.add_many(keys)
    half.add_many(keys[::2])
    other.add_many(keys[1::2])
    half.merge(other)
    assert half.total == whole.total
    assert {hitter.key for hitter in half.top(30)} == {hitter.key for hitter in whole.top(30)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_summary_comes_back_and_goes_on(kind: Callable[[int], Any]) -> None:
    made = kind(20)
    made.add_many(skewed(5_000).tolist())
    made.add_many([b"raw", "text", "text"])
    back = type(made).from_bytes(made.to_bytes())
    for one in (made, back):
        one.add_many([f"late {i % 30}" for i in range(300)])
    assert back.top() == made.top()
    assert back.to_bytes() == made.to_bytes()
    with pytest.raises(DamagedError):
        type(made).from_bytes(made.to_bytes()[:-1])


def test_labels_are_the_keys_that_were_given_in_every_form_of_batch() -> None:
    for keys, label in (
        (np.array([7], np.int32), 7),
        (np.array(["x"]), "x"),
        (pa.array([b"y"]), b"y"),
        (pa.chunked_array([["z"]]), "z"),
        (iter(["w"]), "w"),
        ((k for k in (3,)), 3),
    ):
        made = SpaceSaving(4)
        made.add_many(keys)
        assert made.top() == [(label, 1, 0)]
        assert type(made.top()[0].key) in (str, bytes, int, np.str_)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="number of counters is"):
        SpaceSaving(0)
    with pytest.raises(ValueError, match="at least 0"):
        SpaceSaving(1).add("a", -1)
    with pytest.raises(ValueError, match="can be merged"):
        SpaceSaving(1).merge(SpaceSaving(2))
    with pytest.raises(ValueError, match="can be merged"):
        CountMinTopK(1).merge(CountMinTopK(2))


@given(st.integers(1, 9), st.lists(st.tuples(st.integers(0, 12), st.integers(1, 3)), max_size=80))
@settings(max_examples=examples(50))
def test_the_ranking_stays_in_order_and_the_table_finds_every_hash(size: int, steps: list[tuple[int, int]]) -> None:
    made = Leaders(size)
    truth: dict[int, int] = {}
    for near, count in steps:
        h = near % 3 + (near << 40)  # most hashes begin at the same few entries of the table
        slot = made.find(h)
        if slot == FREE:
            lowest = made.lowest
            evicted = made.hashes[made.slots[0]]
            if lowest:
                assert truth.pop(evicted) == lowest
            slot = made.take_lowest(h)
            truth[h] = lowest
        made.raise_by(slot, count)
        truth[h] += count
        ranked = [made.count_of(one) for one in made.ascending()]
        assert ranked == sorted(truth.values())
        assert {made.hashes[one]: made.count_of(one) for one in made.ascending()} == truth
        assert all(made.hashes[made.find(one)] == one for one in truth)
        assert made.find(99) == FREE
