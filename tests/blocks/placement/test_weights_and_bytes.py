"""Rings with weights that change, nodes that are drained, stored forms; and what is refused whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from windtunnel.blocks.ground import DamagedError
from windtunnel.blocks.placement import BoundedLoads, HashRing, MaglevTable, RangeMap, Rendezvous, jump_hash
from windtunnel.blocks.placement.ring import MOST_POINTS

KEYS = [f"key {i}" for i in range(500)]
WEIGHTS = st.dictionaries(st.sampled_from("abcde"), st.sampled_from([0, 0.1, 1, 2.5]), min_size=1)
NO_WEIGHTS = [-1, float("nan"), float("inf"), "1", None, 2j, 1e101, 1e-101]


def owners(ring: Any) -> list[str]:
    return [ring.nodes[i] for i in ring.lookup_many(KEYS)]


@given(weights=WEIGHTS, node=st.sampled_from("abcde"), weight=st.sampled_from([0, 0.1, 1, 2.5]))
@settings(max_examples=40, deadline=None)
def test_a_weight_that_changes_moves_keys_of_that_node_only(
    weights: dict[str, float], node: str, weight: float
) -> None:
    weights = {"z": 1, **weights, node: 1}
    ring = HashRing(weights, 16)
    before = owners(ring)
    ring.set_weight(node, weight)
    assert owners(ring) == owners(HashRing({**weights, node: weight}, 16)) == [ring.lookup(key) for key in KEYS]
    for old, new in zip(before, owners(ring), strict=True):
        assert old == new or (new == node if weight > 1 else old == node)
    assert (node in ring, len(ring)) == (True, len(weights))
    assert ring.to_bytes() == HashRing.from_bytes(bytearray(ring.to_bytes())).to_bytes()
    assert owners(HashRing.from_bytes(ring.to_bytes())) == owners(ring)


@pytest.mark.parametrize("kind", [HashRing, Rendezvous, lambda nodes: MaglevTable(nodes, 101)])
def test_a_drained_node_is_there_and_owns_nothing(kind: Any) -> None:
    made = kind({"a": 1, "b": 0, "c": 2.5})
    assert (len(made), "b" in made, "d" in made) == (3, True, False)
    assert set(owners(made)) == {"a", "c"}
    assert {made.lookup(key) for key in KEYS} == {"a", "c"}
    if hasattr(made, "preference"):
        assert sorted(made.preference("k", 3)) == ["a", "c"]


def test_a_ring_of_drained_nodes_has_no_answer() -> None:
    ring = HashRing({"a": 0})
    for ask in (ring.lookup, BoundedLoads(ring, 0.1).assign, lambda key: ring.lookup_many([key])):
        with pytest.raises(ValueError, match="weight above 0"):
            ask("k")
    for kind in (Rendezvous, MaglevTable):
        with pytest.raises(ValueError, match="above 0"):
            kind({"a": 0, "b": 0})


@pytest.mark.parametrize("weight", NO_WEIGHTS)
def test_a_weight_that_is_none_leaves_a_ring_as_it_was(weight: Any) -> None:
    ring = HashRing(["a", "b"], 4)
    before = ring.to_bytes(), owners(ring)
    with pytest.raises(ValueError, match=r"weight of 'c' is .*\.$"):
        ring.add("c", weight)
    with pytest.raises(ValueError, match=r"weight of 'a' is .*\.$"):
        ring.set_weight("a", weight)
    assert (ring.to_bytes(), owners(ring)) == before
    for kind in (HashRing, Rendezvous, MaglevTable):
        with pytest.raises(ValueError, match=r"weight of 'a' is .*\.$"):
            kind({"b": 1, "a": weight})


def test_a_node_of_too_many_points_is_refused_before_they_are_made() -> None:
    ring = HashRing(["a"])
    for weight in (1e18, MOST_POINTS):
        with pytest.raises(ValueError, match="points"):
            ring.add("b", weight)
        with pytest.raises(ValueError, match="points"):
            ring.set_weight("a", weight)
    assert ring.nodes == ("a",)
    assert ring.weights == {"a": 1}
    with pytest.raises(KeyError):
        ring.set_weight("b", 1)
    ring.add("tiny", 1e-9)
    assert ring.shares()["tiny"] > 0


@pytest.mark.parametrize("nodes", ["abc", [1, 2], [None], {1: 1.0}, b"ab"])
def test_names_are_texts(nodes: Any) -> None:
    for kind in (HashRing, Rendezvous, MaglevTable):
        with pytest.raises(ValueError, match=r"name.*\.$"):
            kind(nodes)


def test_a_light_node_of_a_table_has_an_entry() -> None:
    for weights in ({"a": 1, "b": 1e-9}, {f"n{i}": 10.0**-i for i in range(11)}):
        table = MaglevTable(weights, 11).table
        assert set(table.tolist()) == set(range(len(weights)))


@pytest.mark.parametrize("kind", [HashRing, Rendezvous])
def test_a_preference_has_as_many_nodes_as_are_asked_for(kind: Any) -> None:
    made = kind(["a", "b", "c"])
    assert [len(made.preference("k", count)) for count in (0, 1, np.int8(2), 3, 4)] == [0, 1, 2, 3, 3]
    for count in (-1, 1.5, "1"):
        with pytest.raises(ValueError, match="nodes asked for"):
            made.preference("k", count)
    with pytest.raises(ValueError, match="key"):
        made.preference(1.5, 0)


def test_loads_stay_true_after_an_error() -> None:
    made = BoundedLoads(HashRing(["a", "b"], 8), 0.25)
    made.assign_many(KEYS[:20])
    before = made.loads
    for bad in (1.5, None, "\ud800"):
        with pytest.raises(ValueError, match=r"."):
            made.assign(bad)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"."):
            made.assign_many(["k", bad])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="no key"):
        made.release("c")
    assert (made.total, made.loads) == (20, before)
    assert sum(before.values()) == 20


@pytest.mark.parametrize("buckets", [1.5, "3", None, 2j, float("inf")])
def test_buckets_are_whole_numbers(buckets: Any) -> None:
    with pytest.raises(ValueError, match=r"^The number of buckets is .*\.$"):
        jump_hash("k", buckets)
    assert jump_hash("k", np.int8(9)) == jump_hash("k", 9)  # type: ignore[arg-type]


@given(data=st.data(), kind=st.sampled_from([str, bytes, int]))
@settings(max_examples=40, deadline=None)
def test_a_stored_range_map_goes_on_where_the_old_one_was(data: st.DataObject, kind: Any) -> None:
    keys = {str: st.text(max_size=2), bytes: st.binary(max_size=2), int: st.integers(-(2**70), 2**70)}[kind]
    made: RangeMap[Any] = RangeMap("n0")
    for step, key in enumerate(data.draw(st.lists(keys, max_size=12))):
        try:
            if step % 3 == 2:
                made.begin_move(key, f"n{step}")
            else:
                made.split(key)
        except ValueError:
            pass
    again: RangeMap[Any] = RangeMap.from_bytes(memoryview(made.to_bytes()))
    for move in made.moves():
        if move.number % 2:
            assert made.commit(move) == again.commit(move)
        else:
            made.abort(move)
            again.abort(move)
    assert again.ranges() == made.ranges()
    assert again.to_bytes() == made.to_bytes()


def test_a_move_that_was_undone_is_not_the_one_that_began_after_it() -> None:
    made: RangeMap[str] = RangeMap("a")
    old = made.begin_move("k", "b")
    made.abort(old)
    new = made.begin_move("k", "b")
    with pytest.raises(ValueError, match="before"):
        RangeMap.from_bytes(made.to_bytes()).commit(old)
    assert made.commit(new).owner == "b"


def test_keys_of_a_range_map_are_of_one_kind() -> None:
    made: RangeMap[Any] = RangeMap("a")
    for bad in (1.5, None, float("nan"), ["k"]):
        with pytest.raises(ValueError, match=r"^A key is .*\.$"):
            made.split(bad)
    made.split(np.str_("m"))
    assert type(made.ranges()[1].start) is str
    for ask in (
        made.split,
        made.join,
        made.lookup,
        lambda key: made.begin_move(key, "b"),
        lambda k: made.lookup_many([k]),
    ):
        with pytest.raises(ValueError, match=r"^The keys of this map are of type str, not 3\.$"):
            ask(3)
    numbers: RangeMap[Any] = RangeMap("a")
    numbers.split(np.int8(5))
    assert numbers.lookup_many(np.array([4, 5, 6], np.uint8)[::2]).tolist() == [0, 1]
    for wrong in (np.ma.masked_array([1, 2], [True, False]), np.ones((2, 2), int), "ab"):
        with pytest.raises(ValueError, match=r"\.$"):
            numbers.lookup_many(wrong)


def test_damaged_bytes_are_noticed() -> None:
    ring, ranges = HashRing(["a"]), RangeMap("a")
    for made in (ring, ranges):
        blob = made.to_bytes()
        for at in range(0, len(blob), 3):
            with pytest.raises(DamagedError):
                type(made).from_bytes(blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :])  # type: ignore[attr-defined]
