"""Bloom filters: nothing is missed, strangers pass at the rate of the theory, batches say what single keys say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import exp, sqrt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from helpers.examples import examples
from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.ground.hashing import stable_hashes
from windtunnel.blocks.sketches.bloom import BloomFilter, error_rate_of, smallest_filter
from windtunnel.blocks.sketches.bloom_blocked import BLOCK_BITS, BlockedBloomFilter, error_rate_of_blocks
from windtunnel.blocks.sketches.bloom_counting import CountingBloomFilter
from windtunnel.blocks.sketches.bloom_scalable import ScalableBloomFilter

KINDS: list[Callable[..., Any]] = [BloomFilter, BlockedBloomFilter, CountingBloomFilter, ScalableBloomFilter]
MERGEABLE = KINDS[:3]
PROBES = 1_000_000


def members(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.uint64)


def strangers(count: int = PROBES) -> np.ndarray:
    return np.arange(1 << 40, (1 << 40) + count, dtype=np.uint64)


def within_three_standard_errors(seen: float, theory: float, probes: int = PROBES) -> bool:
    return abs(seen - theory) <= 3 * sqrt(theory * (1 - theory) / probes)


@pytest.mark.parametrize(("error_rate", "bits_per_key", "hash_count"), [(0.01, 9.59, 7), (0.001, 14.38, 10)])
def test_one_percent_costs_nine_and_a_half_bits_a_key(error_rate: float, bits_per_key: float, hash_count: int) -> None:
    made = BloomFilter(100_000, error_rate)
    assert made.size_bits / 100_000 == pytest.approx(bits_per_key, abs=0.02)
    assert made.hash_count == hash_count
    assert error_rate_of(made.size_bits, made.hash_count, 100_000) <= error_rate


@pytest.mark.parametrize("error_rate", [0.02, 0.01, 0.001, 0.0005])
def test_a_full_filter_errs_as_the_theory_says_and_misses_nothing(error_rate: float) -> None:
    made = BloomFilter(100_000, error_rate)
    made.add_many(members(100_000))
    assert made.contains_many(members(100_000)).all()
    theory = error_rate_of(made.size_bits, made.hash_count, 100_000)
    assert within_three_standard_errors(made.contains_many(strangers()).mean(), theory)
    assert made.fill == pytest.approx(1 - exp(-made.hash_count * 100_000 / made.size_bits), abs=0.002)
    assert 0.45 < made.fill < 0.55
    assert made.error_rate_now == pytest.approx(theory, rel=0.02)


def test_a_filter_with_twice_its_keys_errs_sixteen_times_as_often() -> None:
    made = BloomFilter(100_000, 0.01)
    made.add_many(members(200_000))
    theory = (1 - exp(-7 * 200_000 / made.size_bits)) ** 7
    assert theory == pytest.approx(0.157, abs=0.001)
    assert within_three_standard_errors(made.contains_many(strangers()).mean(), theory)


@pytest.mark.parametrize("error_rate", [0.02, 0.01, 0.001])
def test_a_blocked_filter_errs_as_the_mixture_of_block_loads_says(error_rate: float) -> None:
    made = BlockedBloomFilter(100_000, error_rate)
    made.add_many(members(100_000))
    assert made.contains_many(members(100_000)).all()
    theory = error_rate_of_blocks(100_000 / made.blocks, made.hash_count)
    assert theory <= error_rate
    # Which blocks are full is the luck of the members and comes on top of the luck of the probes.
    seen = made.contains_many(strangers()).mean()
    assert abs(seen - theory) <= 3 * sqrt(theory / PROBES) + 0.02 * theory
    assert made.size_bits < 1.25 * smallest_filter(100_000, error_rate)[0]
    assert made._words.ctypes.data % (BLOCK_BITS // 8) == 0


def test_a_scalable_filter_keeps_its_error_rate_a_hundred_times_beyond_its_first_capacity() -> None:
    made = ScalableBloomFilter(1_000, 0.01)
    for part in np.array_split(members(100_000), 7):
        made.add_many(part)
    assert made.contains_many(members(100_000)).all()
    assert made.contains_many(strangers()).mean() <= 0.01
    assert 100_000 * 0.99 <= len(made) <= 100_000
    assert len(made._filters) == 7


def test_a_counting_filter_errs_as_a_classic_one_and_forgets_what_is_removed() -> None:
    made, classic = CountingBloomFilter(50_000, 0.01), BloomFilter(50_000, 0.01)
    made.add_many(members(100_000))
    assert made.remove_many(members(100_000)[50_000:]).all()
    classic.add_many(members(50_000))
    assert made.contains_many(members(50_000)).all()
    seen = made.contains_many(strangers())
    assert (seen == classic.contains_many(strangers())).mean() > 0.9999, "only counters that stuck at 15 may differ"


@pytest.mark.parametrize("kind", KINDS)
@given(known=st.lists(st.text(max_size=4)), asked=st.lists(st.text(max_size=4)))
@settings(max_examples=40)
def test_a_batch_and_single_keys_build_the_same_filter(
    kind: Callable[..., Any], known: list[str], asked: list[str]
) -> None:
    single, batch, column = kind(20, 0.1), kind(20, 0.1), kind(20, 0.1)
    new = sum(bool(single.add(key)) for key in known)
    assert batch.add_many(known) in (new, None)
    column.add_many(pa.array(known, pa.string()))
    assert single.to_bytes() == batch.to_bytes() == column.to_bytes()
    assert batch.contains_many(asked).tolist() == [key in single for key in asked]
    assert batch.contains_many(known).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_filter_comes_back_and_goes_on(kind: Callable[..., Any]) -> None:
    made = kind(1000, 0.01)
    made.add_many(members(1500))
    back = kind.from_bytes(made.to_bytes())  # type: ignore[attr-defined]  # each kind has it
    for one in (made, back):
        one.add("later")
        one.add_many(members(2000)[1500:])
    assert back.to_bytes() == made.to_bytes()
    assert (back.contains_many(strangers(10_000)) == made.contains_many(strangers(10_000))).all()
    with pytest.raises(DamagedError):
        kind.from_bytes(made.to_bytes()[:-1])  # type: ignore[attr-defined]  # each kind has it


@pytest.mark.parametrize("kind", MERGEABLE)
def test_a_merged_filter_is_the_filter_of_all_keys(kind: Callable[..., Any]) -> None:
    left, right, whole = kind(1000, 0.01), kind(1000, 0.01), kind(1000, 0.01)
    left.add_many(members(600))
    right.add_many(members(1000)[600:])
    whole.add_many(members(1000))
    left.merge(right)
    assert left.to_bytes() == whole.to_bytes()
    with pytest.raises(ValueError, match="same capacity"):
        left.merge(kind(100_000, 0.01))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("capacity", "error_rate"), [(0, 0.01), (10, 0.0), (10, 1.0)])
def test_a_promise_that_cannot_be_kept_is_refused(kind: Callable[..., Any], capacity: int, error_rate: float) -> None:
    with pytest.raises(ValueError, match=r"capacity of a filter|error rate"):
        kind(capacity, error_rate)


def test_a_blocked_filter_says_when_a_block_is_too_small_for_the_rate() -> None:
    with pytest.raises(ValueError, match="use a BloomFilter"):
        BlockedBloomFilter(1000, 1e-9)


def test_the_fill_tells_how_many_keys_were_added() -> None:
    made = BloomFilter(100_000, 0.01)
    assert made.approximate_count() == 0
    made.add_many(members(60_000))
    made.add_many(members(60_000))
    assert made.approximate_count() == pytest.approx(60_000, rel=0.01)
    tiny = BloomFilter(1, 0.5)
    tiny.add_many(members(100))
    assert tiny.approximate_count() == float("inf")


def test_removing_what_is_certainly_not_there_is_an_error() -> None:
    made = CountingBloomFilter(100)
    made.add("a")
    with pytest.raises(KeyError):
        made.remove("b")
    assert made.remove_many(["a", "b", "a"]).tolist() == [True, False, False]


def test_a_counter_that_reached_fifteen_stays() -> None:
    made = CountingBloomFilter(100)
    made.add_many(["a"] * 40)
    assert made.remove_many(["a"] * 40).all()
    assert "a" in made


class CountingFilterAgainstCounter(RuleBasedStateMachine):
    """Any order of adding and removing keeps every key that is still in the multiset."""

    def __init__(self) -> None:
        super().__init__()
        self.made = CountingBloomFilter(50, 0.01)
        self.truth: Counter[str] = Counter()

    @rule(key=st.sampled_from("abcdefgh"))
    def add(self, key: str) -> None:
        if self.truth[key] < 5:
            self.made.add(key)
            self.truth[key] += 1

    @rule(keys=st.lists(st.sampled_from("abcdefgh"), unique=True))
    def remove(self, keys: list[str]) -> None:
        present = [key for key in keys if self.truth[key]]
        assert self.made.remove_many(present).all()
        self.truth.subtract(present)

    @invariant()
    def nothing_is_missed(self) -> None:
        assert all(key in self.made for key in self.truth if self.truth[key])


TestCountingFilterAgainstCounter = CountingFilterAgainstCounter.TestCase
TestCountingFilterAgainstCounter.settings = settings(max_examples=examples(20), stateful_step_count=20)


def test_a_peer_in_python_has_the_same_bits_and_hashes_and_errs_as_often() -> None:
    probables = pytest.importorskip("probables", reason="pyprobables is not here to be compared with")
    keys, others = [f"user:{i}" for i in range(2_000)], [f"stranger:{i}" for i in range(8_000)]
    ours, theirs = BloomFilter(2_000, 0.01), probables.BloomFilter(est_elements=2_000, false_positive_rate=0.01)
    ours.add_many(keys)
    for key in keys:
        theirs.add(key)
    assert theirs.number_hashes == ours.hash_count == 7
    assert theirs.number_bits == pytest.approx(ours.size_bits, rel=0.005)
    assert all(key in theirs for key in keys)
    for passed in (ours.contains_many(others).mean(), np.mean([key in theirs for key in others])):
        assert within_three_standard_errors(float(passed), 0.01, len(others))
    more = [f"more:{i}" for i in range(2_000)]
    ours.add_many(more)
    for key in more:
        theirs.add(key)
    for passed in (ours.contains_many(others).mean(), np.mean([key in theirs for key in others])):
        assert within_three_standard_errors(float(passed), 0.157, len(others)), "with twice the keys it was made for"


def test_a_peer_in_rust_has_the_same_bits_and_errs_as_often() -> None:
    rbloom = pytest.importorskip("rbloom", reason="rbloom is installed by `make bench`: not here to be compared with")
    keys, others = stable_hashes(members(100_000)), stable_hashes(strangers(200_000))  # it does not stir integers
    ours, theirs = BloomFilter(100_000, 0.01), rbloom.Bloom(100_000, 0.01)
    ours.add_many(keys)
    theirs.update(keys.tolist())
    assert theirs.size_in_bits == pytest.approx(ours.size_bits, rel=0.005)
    assert all(key in theirs for key in keys.tolist())
    for passed in (ours.contains_many(others).mean(), np.mean([key in theirs for key in others.tolist()])):
        assert within_three_standard_errors(float(passed), 0.01, len(others))
