"""Jump, rendezvous and Maglev: peers and plain Python agree, and the figures of the papers are met."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from windtunnel.blocks.ground.hashing import stable_hash, stable_hashes
from windtunnel.blocks.placement.placement import (
    MaglevTable,
    Rendezvous,
    jump,
    jump_hash,
    jump_hash_many,
    maglev_reference,
    weighted,
)

KEYS = np.arange(200_000, dtype=np.uint64)
WEIGHTS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([0.5, 1.0, 2.0, 3.5]), min_size=1)


def names(count: int) -> list[str]:
    return [f"node {i}" for i in range(count)]


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50), st.integers(1, 2**31 - 1) | st.integers(1, 100))
@settings(max_examples=examples(40))
def test_jump_equals_the_published_code_and_its_batches_equal_single_keys(keys: list[int], buckets: int) -> None:
    assert jump_hash_many(keys, buckets).tolist() == [jump_hash(key, buckets) for key in keys]
    theirs = pytest.importorskip("jump")
    assert [jump(key, buckets) for key in keys] == [theirs.hash(key, buckets) for key in keys]


@pytest.mark.parametrize(
    ("key", "of_ten", "of_a_thousand", "of_most"),
    [
        (0, 0, 0, 0),
        (1, 6, 549, 262355607),
        (0xDEADBEEF, 5, 285, 1452406526),
        (2**32 - 1, 5, 875, 860568),
        (2**63, 5, 453, 1119800965),
        (2**64 - 1, 9, 313, 699554662),
        (10123456789012345678, 4, 799, 1256733765),
    ],
)
def test_jump_finds_the_buckets_that_the_c_package_has_found(
    key: int, of_ten: int, of_a_thousand: int, of_most: int
) -> None:
    """As jump-consistent-hash 3.6.0 gives them; kept here for where that cannot be had."""
    assert [jump(key, buckets) for buckets in (10, 1000, 2**31 - 1)] == [of_ten, of_a_thousand, of_most]


def test_one_bucket_more_takes_its_share_and_moves_nothing_else() -> None:
    before, after = jump_hash_many(KEYS, 10), jump_hash_many(KEYS, 11)
    moved = before != after
    assert set(after[moved].tolist()) == {10}
    assert moved.mean() == pytest.approx(1 / 11, abs=0.002)
    loads = np.bincount(after)
    assert loads.max() / loads.mean() < 1.03


@given(weights=WEIGHTS, keys=st.lists(st.text(max_size=3), max_size=30))
@settings(max_examples=examples(40))
def test_rendezvous_takes_the_highest_score_in_batches_too(weights: dict[str, float], keys: list[str]) -> None:
    made = Rendezvous(weights)
    assert [made.nodes[i] for i in made.lookup_many(keys)] == [made.lookup(key) for key in keys]
    for key in keys:
        ranked = made.preference(key, 3)
        assert ranked[0] == made.lookup(key)
        assert len(set(ranked)) == min(3, len(weights))
        if len(weights) > 1:
            rest = {node: weight for node, weight in weights.items() if node != ranked[0]}
            assert Rendezvous(rest).lookup(key) == ranked[1], "a node that goes leaves its keys to their second best"


@given(weights=WEIGHTS)
@settings(max_examples=20)
def test_rendezvous_moves_keys_only_to_the_new_node(weights: dict[str, float]) -> None:
    keys = KEYS[:2000]
    before, after = Rendezvous(weights), Rendezvous({**weights, "new": 1.0})
    old = np.array(before.nodes, object)[before.lookup_many(keys)]
    new = np.array(after.nodes, object)[after.lookup_many(keys)]
    assert set(new[old != new]) <= {"new"}


def test_rendezvous_loads_follow_the_weights() -> None:
    made = Rendezvous({"a": 1.0, "b": 2.0, "c": 5.0})
    loads = np.bincount(made.lookup_many(KEYS)) / KEYS.size
    assert loads.tolist() == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=0.005)
    even = np.bincount(Rendezvous(names(10)).lookup_many(KEYS))
    assert even.max() / even.mean() < 1.03


@given(weights=WEIGHTS, size=st.sampled_from([11, 13, 101, 251]))
@settings(max_examples=examples(40))
def test_the_maglev_table_is_the_one_that_plain_python_fills(weights: dict[str, float], size: int) -> None:
    made = MaglevTable(weights, size)
    assert made.table.tolist() == maglev_reference(weighted(weights), size)
    assert made.lookup("key") == made.nodes[made.table[stable_hash("key") % size]]


@pytest.mark.parametrize(("count", "size", "peak"), [(10, 65537, 1.0001), (1000, 65537, 1.0072)])
def test_maglev_entries_are_even(count: int, size: int, peak: float) -> None:
    loads = np.bincount(MaglevTable(names(count), size).table)
    assert 1 <= loads.max() / loads.mean() <= peak


@pytest.mark.parametrize(("size", "reported"), [(65537, 0.0155), (655373, 0.0114)])
def test_losing_one_of_a_hundred_nodes_changes_little_more_than_its_own_entries(size: int, reported: float) -> None:
    before, after = MaglevTable(names(100), size), MaglevTable(names(100)[:50] + names(100)[51:], size)
    old, new = (np.array(one.nodes, object)[one.table] for one in (before, after))
    assert "node 50" not in set(new)
    changed = (old != new).mean()
    assert changed >= 0.01
    assert changed == pytest.approx(reported, rel=0.12)


def test_maglev_weights_and_batches() -> None:
    made = MaglevTable({"a": 1, "b": 3}, 1009)
    shares = np.bincount(made.table) / 1009
    assert shares.tolist() == pytest.approx([0.25, 0.75], abs=0.002)
    assert made.lookup_many(KEYS).tolist() == made.table[stable_hashes(KEYS) % np.uint64(1009)].tolist()
    assert [made.nodes[i] for i in made.lookup_many(["x", "y"])] == [made.lookup("x"), made.lookup("y")]


def test_what_makes_no_sense_is_refused() -> None:
    for buckets in (0, -1, 2**31):
        with pytest.raises(ValueError, match="buckets"):
            jump_hash("k", buckets)
        with pytest.raises(ValueError, match="buckets"):
            jump_hash_many(["k"], buckets)
    for make in (Rendezvous, MaglevTable):
        with pytest.raises(ValueError, match="at least one"):
            make([])
        with pytest.raises(ValueError, match="above 0"):
            make({"a": 0.0})
    for size in (1, 4, 65536):
        with pytest.raises(ValueError, match="size of a Maglev table"):
            MaglevTable(["a"], size)
    with pytest.raises(ValueError, match="size of a Maglev table"):
        MaglevTable(names(12), 11)
