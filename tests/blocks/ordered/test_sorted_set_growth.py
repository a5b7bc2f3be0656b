"""Growth of a sorted set: no call does work that grows with the set, counted in words that it moves, not in time."""

from __future__ import annotations

import copy
import pickle
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from windtunnel.blocks.ordered import sorted_set_members
from windtunnel.blocks.ordered.kernels import counted_blocks, paged_map
from windtunnel.blocks.ordered.kernels.paged_map import PagedMap
from windtunnel.blocks.ordered.kernels.pieces import Pieces, objects_of
from windtunnel.blocks.ordered.sorted_set import SortedSet

ORDERS = ("counted blocks", "skip list")
PAGE_WORDS = 2 * paged_map.PLACES
BLOCKS_WORDS = counted_blocks.BLOCK_WORDS << counted_blocks.BLOCK_BITS
MOST_WORDS = 2 * PAGE_WORDS + BLOCKS_WORDS
"""A page that is split, one that is copied, and the first piece of blocks: what a call may move, whatever the size."""


def moved(one: SortedSet[Any]) -> int:
    numbers: Any = one._numbers
    return int(numbers.moved + one._order.moved)


def member(kind: type, number: int) -> Any:
    return number if kind is int else f"player {number:09d}" if kind is str else b"player %d" % number


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [int, str])
@pytest.mark.parametrize("held", [1_000, 131_072])
def test_no_call_after_a_bulk_load_moves_more_in_a_large_set(kind: type, order: Any, held: int) -> None:
    one: SortedSet[Any] = SortedSet(kind, order=order)
    rng = random.Random(held)
    one.add_many([member(kind, i) for i in range(held)], [rng.random() for _ in range(held)])
    worst, before = 0, moved(one)
    for i in range(300):
        for call in (
            lambda i=i: one.add(member(kind, held + i), rng.random()),
            lambda: one.increment(member(kind, rng.randrange(held)), rng.random()),
            lambda: one.add(member(kind, rng.randrange(held)), rng.random()),
            lambda: one.remove(member(kind, rng.randrange(held))),
        ):
            call()
            worst, before = max(worst, moved(one) - before), moved(one)
    assert worst <= MOST_WORDS


@pytest.mark.parametrize("kind", [int, bytes])
def test_no_addition_in_steady_growth_moves_more_in_a_large_set(kind: type) -> None:
    one: SortedSet[Any] = SortedSet(kind)
    rng = random.Random(1)
    worst, before = 0, 0
    for i in range(20_000):
        one.add(member(kind, i), rng.random())
        worst, before = max(worst, moved(one) - before), moved(one)
    assert worst <= MOST_WORDS


@pytest.mark.parametrize("few_scores", [True, False])
def test_a_tree_of_nodes_agrees_with_a_sorted_list_while_it_grows_and_shrinks(few_scores: bool) -> None:
    one = SortedSet(int)
    rng = np.random.default_rng(2)
    scores: dict[int, float] = {}

    def agree() -> None:
        wanted = sorted((score, number) for number, score in scores.items())
        assert [(score, number) for number, score in one] == wanted
        asked = list(scores)[::97]
        places = {number: rank for rank, (_, number) in enumerate(wanted)}
        assert one.ranks(asked).tolist() == [places[number] for number in asked]
        bounds = np.linspace(-1, 6, 40)
        below = np.searchsorted(np.array([score for score, _ in wanted]), bounds, "right")
        assert one.counts(np.full(40, -np.inf), bounds).tolist() == below.tolist()

    for _ in range(4):  # two levels of nodes: more than 127 blocks
        numbers = rng.integers(0, 200_000, 25_000)
        given_scores = rng.integers(0, 5, numbers.size).astype(float) if few_scores else rng.random(numbers.size) * 5
        one.add_many(numbers, given_scores)
        scores.update(zip(numbers.tolist(), given_scores.tolist(), strict=True))
        assert one._order.arrays.meta[counted_blocks.HEIGHT] >= (2 if len(one) > 40_000 else 1)
        agree()
    while scores:
        gone = rng.permutation(np.array(list(scores)))[: max(20_000, len(scores) // 2)]
        assert one.remove_many(gone) == gone.size
        for number in gone.tolist():
            del scores[number]
        agree()
    meta = one._order.arrays.meta
    assert meta[counted_blocks.HEIGHT] == 1
    free = meta[[counted_blocks.BLOCK_ROOM, counted_blocks.NODE_ROOM]].tolist()
    assert free == [one._order._blocks.units, one._order._nodes.units - 1]  # all were given back but the root


@given(st.lists(st.tuples(st.booleans(), st.integers(-40, 40)), max_size=120), st.integers(0, 56))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_paged_map_agrees_with_a_dictionary(steps: list[tuple[bool, int]], stride: int) -> None:
    table, known = PagedMap(), dict[int, int]()
    for enter, small in steps:
        keys = np.array([(small << stride) + i for i in range(60)], np.int64)  # as keys with a pattern are
        if enter:
            numbers = np.arange(len(known), len(known) + keys.size)
            twin, done = np.zeros(keys.size, np.bool_), 0
            while (done := paged_map.enter_many(table.directory, table.state, keys, numbers, twin, done)) < keys.size:
                table.grow()
            assert twin.tolist() == [key in known for key in keys.tolist()]
            for key, number in zip(keys.tolist(), numbers.tolist(), strict=True):
                known.setdefault(key, number)
        ids = np.empty(keys.size, np.int64)
        paged_map.find_many(table.directory, table.state, keys, ids)
        assert ids.tolist() == [known.get(key, -1) for key in keys.tolist()]
    assert table.state[paged_map.HELD] == len(known)


def test_keys_with_a_pattern_spread_over_the_pages() -> None:
    for stride in (1, 1 << 12, 1 << 22, 1 << 44):
        table, keys = PagedMap(), np.arange(12_000, dtype=np.int64) * stride
        ids, free, done = np.empty(keys.size, np.int64), np.zeros(16, np.int64), 0
        while (done := paged_map.intern_many(table.directory, table.state, keys, ids, free, done)) < keys.size:
            table.grow()
        assert ids.tolist() == list(range(keys.size))
        assert (table.directory[: table.state[paged_map.PAGES], paged_map.LAST] == paged_map.PLACES - 1).all()
        assert table.directory[: table.state[paged_map.PAGES], paged_map.USED].sum() == keys.size


@pytest.mark.parametrize("kind", [str, bytes])
def test_members_whose_hashes_are_equal_are_told_apart(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sorted_set_members, "hashes_of", lambda names: np.array([len(name) for name in names], np.int64)
    )
    one: SortedSet[Any] = SortedSet(kind)
    scores: dict[Any, float] = {}
    rng = random.Random(5)
    for _ in range(1_500):
        names = [member(kind, rng.randrange(60)) for _ in range(rng.randrange(1, 4))]
        if rng.random() < 0.6:
            values = [float(rng.randrange(9)) for _ in names]
            assert one.add_many(names, values) == len({*names} - {*scores})
            scores.update(zip(names, values, strict=True))
        else:
            assert one.remove_many(names) == len({*names} & {*scores})
            for name in names:
                scores.pop(name, None)
        assert list(one) == sorted(scores.items(), key=lambda entry: (entry[1], entry[0]))
        asked = member(kind, rng.randrange(60))
        assert one.score(asked) == scores.get(asked)
    assert list(copy.deepcopy(one)) == list(one)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [int, str, bytes])
@pytest.mark.parametrize("how", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))], ids=["copy", "pickle"])
def test_a_copy_grows_apart(kind: type, order: Any, how: Any) -> None:
    one: SortedSet[Any] = SortedSet(kind, order=order)
    one.add_many([member(kind, i) for i in range(9_000)], [i * 7919 % 9_000 for i in range(9_000)])
    one.remove_many([member(kind, i) for i in range(0, 9_000, 3)])
    before = list(one)
    other = how(one)
    assert list(other) == before
    other.add_many([member(kind, i) for i in range(20_000)], [float(i) for i in range(20_000)])
    other.remove_many([member(kind, i) for i in range(5_000)])
    assert list(one) == before
    assert list(other) == [(member(kind, i), float(i)) for i in range(5_000, 20_000)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [int, str, bytes])
@pytest.mark.parametrize("keep", [bytes, lambda buffer: buffer], ids=["read-only", "shared"])
def test_a_set_out_of_a_pickle_shares_no_memory_with_what_held_the_pickle(kind: type, order: Any, keep: Any) -> None:
    one: SortedSet[Any] = SortedSet(kind, order=order)
    one.add_many([member(kind, i) for i in range(3_000)], range(3_000))
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(one, protocol=5, buffer_callback=buffers.append)
    other = pickle.loads(pickled, buffers=[keep(buffer) for buffer in buffers])
    other.remove_many([member(kind, i) for i in range(0, 3_000, 2)])
    other.add_many([member(kind, i) for i in range(1, 5_000)], [-float(i) for i in range(1, 5_000)])
    assert list(one) == [(member(kind, i), float(i)) for i in range(3_000)]
    assert [score for _, score in other] == [-float(i) for i in range(4_999, 0, -1)]


def test_objects_that_are_looked_at_by_address_are_those_that_lie_there() -> None:
    pieces = Pieces(4, fill=None)
    for _ in range(4):
        pieces.grow()
    names = [f"name {i}" for i in range(40)]
    order = np.array(random.Random(1).sample(range(60), 40))
    pieces.put(order, names)
    found = [pieces._pieces[at >> 4][at & 15] for at in order.tolist()]
    assert found == names
    assert objects_of(np.array([id(name) for name in names])).tolist() == names
    pieces.put(order, None)
    assert {name for piece in pieces._pieces for name in piece} == {None}
