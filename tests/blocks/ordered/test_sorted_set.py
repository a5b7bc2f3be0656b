"""Sorted sets, plain and compiled, in both orders, against sortedcontainers and against each other."""

from __future__ import annotations

import doctest
import itertools
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sortedcontainers import SortedList

from helpers.examples import examples
from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.ordered import sorted_set, sorted_set_plain
from windtunnel.blocks.ordered.counted_blocks import PlainCountedBlocks
from windtunnel.blocks.ordered.skip_list import PlainSkipList
from windtunnel.blocks.ordered.sorted_set import SortedSet
from windtunnel.blocks.ordered.sorted_set_members import TextNumbers
from windtunnel.blocks.ordered.sorted_set_plain import PlainSortedSet

KINDS = {
    "plain skip list": lambda kind: PlainSortedSet[Any](PlainSkipList()),
    "plain counted blocks": lambda kind: PlainSortedSet[Any](PlainCountedBlocks(4)),
    "skip list": lambda kind: SortedSet(kind, order="skip list"),
    "counted blocks": lambda kind: SortedSet(kind),
}
ORDERS = ("counted blocks", "skip list")


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest) -> Any:
    return KINDS[request.param]


class Oracle:
    """A sorted set on sortedcontainers."""

    def __init__(self) -> None:
        self.scores: dict[Any, float] = {}
        self.order: SortedList = SortedList()

    def add(self, member: Any, score: float) -> bool:
        old = self.scores.get(member)
        if old != score:
            if old is not None:
                self.order.remove((old, member))
            self.order.add((score, member))
            self.scores[member] = score
        return old is None

    def remove(self, member: Any) -> bool:
        score = self.scores.pop(member, None)
        if score is not None:
            self.order.remove((score, member))
        return score is not None


SCORES = st.one_of(st.integers(-3, 3).map(float), st.floats(allow_nan=False), st.just(-0.0))
MEMBERS = {
    int: st.one_of(st.integers(-9, 9), st.sampled_from([-(2**63), 2**63 - 1])),
    str: st.one_of(st.text(max_size=3), st.sampled_from(["a" * 8, "a" * 8 + "b", "a\0", "é", "\U0001f600", "\uffff"])),
    bytes: st.binary(max_size=10),
}
CLOSED = st.tuples(st.booleans(), st.booleans())


class SortedSetMachine(RuleBasedStateMachine):
    """Random operations on all four sets and the oracle at once."""

    kind: type

    @initialize()
    def start(self) -> None:
        self.sets = {name: make(self.kind) for name, make in KINDS.items()}
        self.oracle = Oracle()

    def draw_member(self, data: st.DataObject) -> Any:
        known = sorted(self.oracle.scores)
        return data.draw(st.one_of(MEMBERS[self.kind], st.sampled_from(known)) if known else MEMBERS[self.kind])

    @rule(data=st.data(), score=SCORES)
    def add(self, data: st.DataObject, score: float) -> None:
        member = self.draw_member(data)
        new = self.oracle.add(member, score)
        assert [s.add(member, score) for s in self.sets.values()] == [new] * 4

    @rule(data=st.data(), by=SCORES)
    def increment(self, data: st.DataObject, by: float) -> None:
        member = self.draw_member(data)
        new = self.oracle.scores[member] + by if member in self.oracle.scores else by
        if math.isnan(new):
            for s in self.sets.values():
                with pytest.raises(ValueError, match="NaN"):
                    s.increment(member, by)
        else:
            self.oracle.add(member, new)
            assert [s.increment(member, by) for s in self.sets.values()] == [new] * 4

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        member = self.draw_member(data)
        was = self.oracle.remove(member)
        assert [s.remove(member) for s in self.sets.values()] == [was] * 4

    @rule(data=st.data())
    def rank_and_score(self, data: st.DataObject) -> None:
        member = self.draw_member(data)
        score = self.oracle.scores.get(member)
        rank = None if score is None else self.oracle.order.index((score, member))
        for s in self.sets.values():
            assert s.rank(member) == rank
            assert s.rank(member, reverse=True) == (None if rank is None else len(self.oracle.order) - 1 - rank)
            assert s.score(member) == score
            assert (member in s) == (score is not None)

    @rule(start=st.integers(-12, 12), stop=st.integers(-12, 12), reverse=st.booleans())
    def range_by_rank(self, start: int, stop: int, reverse: bool) -> None:
        entries = [(m, s) for s, m in self.oracle.order]
        if reverse:
            entries.reverse()
        size = len(entries)
        first, last = (start if start >= 0 else max(size + start, 0)), (stop if stop >= 0 else size + stop)
        wanted = entries[first : max(last + 1, 0)]
        assert [s.range(start, stop, reverse=reverse) for s in self.sets.values()] == [wanted] * 4

    @rule(low=SCORES, high=SCORES, closed=CLOSED, reverse=st.booleans(), data=st.data())
    def range_by_score(
        self, low: float, high: float, closed: tuple[bool, bool], reverse: bool, data: st.DataObject
    ) -> None:
        bounds = {"include_low": closed[0], "include_high": closed[1]}
        wanted = [
            (m, s)
            for s, m in self.oracle.order
            if (s > low or (closed[0] and s == low)) and (s < high or (closed[1] and s == high))
        ]
        assert [s.count(low, high, **bounds) for s in self.sets.values()] == [len(wanted)] * 4
        if reverse:
            wanted.reverse()
        offset, limit = data.draw(st.integers(0, 5)), data.draw(st.none() | st.integers(0, 5))
        wanted = wanted[offset:] if limit is None else wanted[offset : offset + limit]
        for s in self.sets.values():
            assert s.range_by_score(low, high, **bounds, reverse=reverse, offset=offset, limit=limit) == wanted

    @invariant()
    def all_hold_the_same(self) -> None:
        if hasattr(self, "sets"):
            wanted = [(m, s) for s, m in self.oracle.order]
            for s in self.sets.values():
                assert len(s) == len(wanted)
            assert [list(s) for s in self.sets.values()] == [wanted] * 4


@pytest.mark.parametrize("kind", [int, str, bytes])
def test_random_operations_agree_with_sortedcontainers(kind: type) -> None:
    machine = type(f"{kind.__name__}Machine", (SortedSetMachine,), {"kind": kind})
    case = machine.TestCase
    case.settings = settings(max_examples=examples(15), stateful_step_count=40, deadline=None, derandomize=True)
    case().runTest()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [int, str])
@pytest.mark.parametrize("few_scores", [True, False])
def test_batches_do_what_single_operations_do(order: Any, kind: type, few_scores: bool) -> None:
    rng = np.random.default_rng(7)
    fast = SortedSet(kind, order=order)
    oracle = Oracle()
    for step in range(12):
        numbers = rng.integers(0, 4_000, 1_500)
        members: Any = numbers if kind is int else [f"player {i}" for i in numbers]
        scores = rng.integers(0, 5, numbers.size).astype(float) if few_scores else rng.normal(size=numbers.size)
        as_list = list(members.tolist() if kind is int else members)
        if step % 3 == 0:
            new = sum(oracle.add(m, s) for m, s in zip(as_list, scores.tolist(), strict=True))
            assert fast.add_many(members, scores) == new
        elif step % 3 == 1:
            wanted = []
            for m, s in zip(as_list, scores.tolist(), strict=True):
                wanted.append(oracle.scores.get(m, 0.0) + s)
                oracle.add(m, wanted[-1])
            assert fast.increment_many(members, scores).tolist() == wanted
        else:
            assert fast.remove_many(members) == sum(oracle.remove(m) for m in as_list)
        entries = [(m, s) for s, m in oracle.order]
        assert list(fast) == entries
        asked = as_list[:200]
        places = {m: i for i, (m, _) in enumerate(entries)}
        assert fast.ranks(asked).tolist() == [places.get(m, -1) for m in asked]
        assert fast.ranks(asked, reverse=True).tolist() == [
            len(entries) - 1 - places[m] if m in places else -1 for m in asked
        ]
        assert [None if math.isnan(s) else s for s in fast.scores(asked)] == [oracle.scores.get(m) for m in asked]
        starts, stops = rng.integers(-5_000, 5_000, 50), rng.integers(-5_000, 5_000, 50)
        found, found_scores, offsets = fast.ranges(starts, stops)
        for i, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
            got = slice(offsets[i], offsets[i + 1])
            assert list(zip(found[got], found_scores[got], strict=True)) == fast.range(start, stop)
        lows, highs = np.sort(rng.normal(size=20)), rng.normal(size=20) + 1
        assert fast.counts(lows, highs).tolist() == [
            fast.count(a, b) for a, b in zip(lows.tolist(), highs.tolist(), strict=True)
        ]


def test_sets_grow_and_shrink_to_nothing_and_grow_again() -> None:
    rng = np.random.default_rng(3)
    for order in ORDERS:
        fast = SortedSet(int, order=order)
        for _ in range(3):
            members = rng.permutation(30_000)
            assert fast.add_many(members, np.sqrt(members)) == 30_000
            assert [m for m, _ in fast.range(0, 99)] == list(range(100))
            assert fast.remove_many(rng.permutation(30_000)) == 30_000
            assert len(fast) == 0
            assert fast.range(0, -1) == []


def test_text_of_members_that_left_is_reclaimed() -> None:
    fast = SortedSet(str)
    for round_ in range(200):
        names = [f"{round_}/{i}" for i in range(50)]
        fast.add_many(names, range(50))
        fast.remove_many(names)
    numbers = fast._numbers
    assert isinstance(numbers, TextNumbers)
    for pieces in (numbers._names, numbers._texts):
        assert pieces.units < 200
        assert [name for piece in pieces._pieces for name in piece if name is not None] == []
    assert numbers._scores.units < 200


def test_a_plain_skip_list_lifts_a_quarter_of_its_nodes() -> None:
    plain: PlainSkipList[int] = PlainSkipList(seed=5)
    for i in range(4_000):
        plain.insert(float(i * 7919 % 4_000), i)
    levels = plain.levels()
    assert levels[0] == 4_000
    # Four standard deviations of a binomial distribution with p = 1/4.
    assert abs(levels[1] - 1_000) < 4 * math.sqrt(4_000 * 3 / 16)


def test_equal_scores_are_ordered_by_member(make: Any) -> None:
    words = make(str)
    for word in ["b", "a", "ab", "", "Z", "é", "a\0"]:
        words.add(word, 1.0)
    assert [m for m, _ in words] == ["", "Z", "a", "a\0", "ab", "b", "é"]


def test_nan_is_refused_and_changes_nothing(make: Any) -> None:
    one = make(str)
    one.add("a", 1.0)
    with pytest.raises(ValueError, match="NaN"):
        one.add("a", math.nan)
    with pytest.raises(ValueError, match="NaN"):
        one.increment("b", math.nan)
    one.add("c", math.inf)
    with pytest.raises(ValueError, match="NaN"):
        one.increment("c", -math.inf)
    with pytest.raises(ValueError, match="NaN"):
        one.count(math.nan, 1.0)
    assert list(one) == [("a", 1.0), ("c", math.inf)]


def test_negative_zero_equals_zero_and_does_not_replace_it(make: Any) -> None:
    one = make(str)
    one.add("b", 0.0)
    one.add("a", -0.0)
    one.add("b", -0.0)
    assert [m for m, _ in one] == ["a", "b"]
    assert math.copysign(1, one.score("b")) == 1
    assert math.copysign(1, one.score("a")) == -1


def test_an_increment_that_would_make_nan_undoes_the_batch() -> None:
    for kind, (ann, bob, cid) in ((int, (1, 2, 3)), (str, ("a", "b", "c"))):
        one: SortedSet[Any] = SortedSet(kind)
        one.add(bob, math.inf)
        before = one.to_bytes()
        with pytest.raises(ValueError, match="item 3"):
            one.increment_many([ann, cid, cid, bob, ann], [1.0, 2.0, 3.0, -math.inf, 1.0])
        assert list(one) == [(bob, math.inf)]
        assert one.to_bytes() == before
        assert (one.add(cid, 5.0), one.add(ann, 5.0), one.score(ann)) == (True, True, 5.0)


def zeros_signed(one: Any) -> list[tuple[Any, str]]:
    return [(member, str(score)) for member, score in one]


@pytest.mark.parametrize("order", ORDERS)
def test_an_undone_batch_gives_zero_its_sign_back(order: Any) -> None:
    one = SortedSet(int, order=order)
    one.add_many([1, 2, 3], [-0.0, 0.0, math.inf])
    with pytest.raises(ValueError, match="item 4"):
        one.increment_many([1, 1, 2, 2, 3], [1.0, -1.0, 1.0, -1.0, -math.inf])
    assert zeros_signed(one) == [(1, "-0.0"), (2, "0.0"), (3, "inf")]


@pytest.mark.parametrize("condition", ["nx", "xx", "gt", "lt"])
@pytest.mark.parametrize("there", [None, 0.0, -0.0, 1.0])
def test_a_batch_with_a_condition_gives_zero_the_sign_that_single_items_do(condition: str, there: float | None) -> None:
    for scores in itertools.product([0.0, -0.0, 1.0, -1.0], repeat=3):
        batch, single = SortedSet(int), PlainSortedSet[int](PlainCountedBlocks())
        for one in (batch, single) if there is not None else ():
            one.add(7, there)  # type: ignore[arg-type]  # it is not None
        batch.add_many([7] * 3, list(scores), **{condition: True})
        for score in scores:
            single.add(7, score, **{condition: True})
        assert zeros_signed(batch) == zeros_signed(single)


class Odd(str):
    """A text that hashes as it likes."""

    __slots__ = ()

    def __hash__(self) -> int:
        return 7

    __eq__ = str.__eq__


def test_a_text_of_a_class_of_its_own_is_the_member_that_it_says() -> None:
    one = SortedSet(str)
    assert one.add_many(["red", Odd("red"), Odd("blue"), Odd("blue"), "blue"], [1.0, 2.0, 3.0, 4.0, 5.0]) == 2
    assert not one.add(Odd("red"), 6.0)
    assert list(one) == [("blue", 5.0), ("red", 6.0)]
    assert (one.score(Odd("red")), one.rank(Odd("red")), one.score(Odd("green"))) == (6.0, 1, None)
    assert one.remove(Odd("red"))
    assert {type(member) for member, _ in one} == {str}


@pytest.mark.parametrize("seed", [2**63 - 1, 2**62, -(2**63) + 1, 0])
def test_every_seed_of_64_bits_makes_a_skip_list(seed: int) -> None:
    one = SortedSet(int, order="skip list", seed=seed)
    one.add_many(range(500), range(500))
    assert one.ranks([0, 250, 499]).tolist() == [0, 250, 499]


@pytest.mark.parametrize("kind", [int, str, bytes])
def test_a_set_comes_back_from_its_bytes_in_either_order(kind: type) -> None:
    names: Any = {int: [5, -7, 2**62], str: ["b", "é", ""], bytes: [b"\xff", b"a", b"a\0"]}[kind]
    one = SortedSet(kind)
    one.add_many(names, [2.0, 1.0, 1.0])
    other = SortedSet.from_bytes(kind, one.to_bytes(), order="skip list")
    assert list(other) == list(one)
    assert other.to_bytes() == one.to_bytes()
    assert list(SortedSet.from_bytes(kind, SortedSet(kind).to_bytes())) == []


@given(at=st.integers(0, 199), bit=st.integers(0, 7))
@settings(max_examples=30, deadline=None)
def test_damaged_bytes_are_refused(at: int, bit: int) -> None:
    one = SortedSet(str)
    one.add_many(["ann", "bob"], [1.0, 2.0])
    blob = bytearray(one.to_bytes())
    blob[at % len(blob)] ^= 1 << bit
    with pytest.raises(DamagedError):
        SortedSet.from_bytes(str, bytes(blob))


def test_arrow_columns_are_batches() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    numbers, words = SortedSet(int), SortedSet(str)
    assert numbers.add_many(pyarrow.array([3, 1]), [1.0, 2.0]) == 2
    assert words.add_many(pyarrow.array(["x", "y"]), [1.0, 2.0]) == 2
    assert numbers.ranks(pyarrow.array([1, 2])).tolist() == [1, -1]
    with pytest.raises(ValueError, match="nulls"):
        words.ranks(pyarrow.array(["x", None]))


@pytest.mark.parametrize(
    ("members", "scores", "said"),
    [
        ([1.5], [1.0], "integer members"),
        (["a"], [1.0], "integer members"),
        ([2**63], [1.0], "2\\*\\*63"),
        (np.array([2**63], np.uint64), [1.0], "2\\*\\*63"),
        ([2**70], [1.0], "2\\*\\*63|integer members"),
        ([1, 2], [1.0], "one score a member"),
        ([[1]], [[1.0]], "row of numbers"),
    ],
)
def test_bad_batches_of_integers_are_refused(members: Any, scores: Any, said: str) -> None:
    one = SortedSet(int)
    with pytest.raises(ValueError, match=said):
        one.add_many(members, scores)
    assert len(one) == 0


def test_other_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="type str"):
        SortedSet(str).add_many(["a", 1], [1.0, 2.0])  # type: ignore[list-item]  # the point of the test
    with pytest.raises(ValueError, match="single items"):
        SortedSet(str).ranks("abc")
    with pytest.raises(ValueError, match="int, str or bytes"):
        SortedSet(float)  # type: ignore[type-var]  # the point of the test
    with pytest.raises(ValueError, match="order is"):
        SortedSet(int, order="heap")  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(ValueError, match="An offset is at least 0"):
        SortedSet(int).range_by_score(0, 1, offset=-1)
    with pytest.raises(ValueError, match="at least 4"):
        PlainCountedBlocks(3)
    for order in (PlainSkipList[int](), PlainCountedBlocks[int]()):
        with pytest.raises(KeyError):
            order.remove(1.0, 1)


def test_the_examples_in_the_docs_hold() -> None:
    assert doctest.testmod(sorted_set).failed == 0
    assert doctest.testmod(sorted_set_plain).failed == 0


def test_importing_the_blocks_imports_no_numba() -> None:
    names = "sorted_set, skip_list, counted_blocks"
    code = (
        f"import sys; from windtunnel.blocks.ordered import {names}; assert not {{'numba', 'numpy'}} & {{*sys.modules}}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
