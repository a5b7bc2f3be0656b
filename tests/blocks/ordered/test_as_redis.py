"""What sorted sets do beside adding and ranking: conditions, pops, ranges of members, removal by range, indexing."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from windtunnel.blocks.ordered import PlainCountedBlocks, PlainSkipList, PlainSortedSet, SortedSet

KINDS: dict[str, Callable[[], Any]] = {
    "compiled blocks": lambda: SortedSet(str),
    "compiled skip list": lambda: SortedSet(str, order="skip list"),
    "plain blocks": lambda: PlainSortedSet(PlainCountedBlocks(4)),
    "plain skip list": lambda: PlainSortedSet(PlainSkipList()),
}
MEMBERS = st.sampled_from(["", "a", "aa", "b", "é", "z", "\x00", "𝄞"])
SCORES = st.sampled_from([-math.inf, -1.0, 0.0, 2.0, 2.5, math.inf])
CONDITIONS = st.sampled_from([{}, {"nx": True}, {"xx": True}, {"gt": True}, {"lt": True}, {"xx": True, "gt": True}])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), MEMBERS, SCORES, CONDITIONS),
        st.tuples(st.just("pop"), st.booleans(), st.integers(0, 3)),
        st.tuples(st.just("by rank"), st.integers(-6, 6), st.integers(-6, 6)),
        st.tuples(st.just("by score"), SCORES, SCORES, st.booleans(), st.booleans()),
    ),
    max_size=25,
)


def fulfils(
    old: float | None, new: float, *, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
) -> bool:
    if old is None:
        return not xx
    return not nx and (not gt or new > old) and (not lt or new < old)


@pytest.mark.parametrize("kind", KINDS)
@given(steps=STEPS)
@settings(max_examples=examples(25), deadline=None)
def test_a_sorted_set_does_what_a_sorted_dictionary_does(kind: str, steps: list[Any]) -> None:
    made, plain = KINDS[kind](), dict[str, float]()
    for step in steps:
        rows = sorted(plain.items(), key=lambda entry: (entry[1], entry[0]))
        if step[0] == "add":
            _, member, score, conditions = step
            assert made.add(member, score, **conditions) == (member not in plain and "xx" not in conditions)
            if fulfils(plain.get(member), score, **conditions):
                plain[member] = score
        elif step[0] == "pop":
            gone = rows[::-1][: step[2]] if step[1] else rows[: step[2]]
            assert (made.pop_max if step[1] else made.pop_min)(step[2]) == gone
            plain = {member: score for member, score in rows if (member, score) not in gone}
        else:
            gone = made.range(*step[1:]) if step[0] == "by rank" else None
            if gone is None:
                _, low, high, low_in, high_in = step
                gone = [
                    (member, score)
                    for member, score in rows
                    if low <= score <= high and (low_in or score != low) and (high_in or score != high)
                ]
                count = made.remove_by_score(low, high, include_low=low_in, include_high=high_in)
            else:
                count = made.remove_by_rank(*step[1:])
            assert count == len(gone)
            plain = {member: score for member, score in rows if (member, score) not in gone}
        rows = sorted(plain.items(), key=lambda entry: (entry[1], entry[0]))
        assert list(made) == rows
        assert list(reversed(made)) == rows[::-1]
        assert [made[i] for i in range(-len(rows), len(rows))] == rows * 2
        for part in (
            slice(None),
            slice(1, -1),
            slice(None, None, 2),
            slice(None, None, -1),
            slice(5, 1, -2),
            slice(9, 3),
        ):
            assert made[part] == rows[part]
        for wrong in (len(rows), -len(rows) - 1):
            with pytest.raises(IndexError):
                made[wrong]


@pytest.mark.parametrize("kind", KINDS)
@given(
    members=st.lists(MEMBERS),
    low=st.none() | MEMBERS,
    high=st.none() | MEMBERS,
    edges=st.tuples(st.booleans(), st.booleans()),
    part=st.tuples(st.booleans(), st.integers(0, 2), st.none() | st.integers(0, 3)),
)
@settings(max_examples=examples(25), deadline=None)
def test_ranges_of_members_are_those_of_a_sorted_list(
    kind: str, members: list[str], low: str | None, high: str | None, edges: Any, part: Any
) -> None:
    made = KINDS[kind]()
    for member in members:
        made.add(member, 1.5)
    bounds = {"include_low": edges[0], "include_high": edges[1]}
    inside = [
        member
        for member in sorted(set(members))
        if (low is None or low < member or (edges[0] and low == member))
        and (high is None or member < high or (edges[1] and member == high))
    ]
    reverse, offset, limit = part
    wanted = (inside[::-1] if reverse else inside)[offset:][:limit]
    found = made.range_by_lex(low, high, **bounds, reverse=reverse, offset=offset, limit=limit)
    assert found == [(member, 1.5) for member in wanted]
    assert made.count_by_lex(low, high, **bounds) == made.remove_by_lex(low, high, **bounds) == len(inside)
    assert [member for member, _ in made] == sorted(set(members) - set(inside))


@pytest.mark.parametrize("kind", [int, str, bytes])
@given(data=st.data(), conditions=CONDITIONS)
@settings(max_examples=examples(25), deadline=None)
def test_conditions_of_a_batch_are_those_of_its_items_in_order(kind: Any, data: st.DataObject, conditions: Any) -> None:
    members = {int: st.integers(-2, 2), str: st.sampled_from("abc"), bytes: st.sampled_from([b"a", b"b"])}[kind]
    pairs = data.draw(st.lists(st.tuples(members, SCORES)))
    one, many = SortedSet(kind), SortedSet(kind)
    cut = len(pairs) // 2
    for made in (one, many):
        made.add_many([member for member, _ in pairs[:cut]], [score for _, score in pairs[:cut]])
    new = sum(one.add(member, score, **conditions) for member, score in pairs[cut:])
    listed = [member for member, _ in pairs[cut:]]
    assert many.add_many(iter(listed), [score for _, score in pairs[cut:]], **conditions) == new
    assert list(many) == list(one)


@pytest.mark.parametrize("kind", KINDS)
def test_conditions_that_exclude_each_other_and_other_nonsense_are_refused(kind: str) -> None:
    made = KINDS[kind]()
    made.add("a", 1)
    made.add("b", 2)
    before = list(made)
    for wrong in ({"nx": True, "xx": True}, {"nx": True, "gt": True}, {"gt": True, "lt": True}):
        with pytest.raises(ValueError, match="nx, xx, gt and lt"):
            made.add("a", 5, **wrong)
    for score in ("3", None, 2j, float("nan"), [1.0], 10**400):
        with pytest.raises(ValueError, match=r"\.$"):
            made.add("a", score)
        with pytest.raises(ValueError, match=r"\.$"):
            made.increment("a", score)
        with pytest.raises(ValueError, match=r"\.$"):
            made.range_by_score(score, 5)
    for rank in (1.5, "1", None):
        with pytest.raises(ValueError, match=r"^A rank is .*\.$"):
            made.range(0, rank)
    with pytest.raises(ValueError, match="scores are all equal"):
        made.range_by_lex("a", "b")
    with pytest.raises(ValueError, match="take out"):
        made.pop_min(-1)
    with pytest.raises(ValueError, match="limit"):
        made.range_by_score(0, 5, limit=-1)
    assert list(made) == before
    assert made.add(np.str_("c"), np.float32(0.5)) is True
    assert made[0] == ("c", 0.5)
    assert kind.startswith("plain") or type(made[0][0]) is str  # the plain ones keep what they are given
    made.clear()
    assert list(made) == []


def test_a_member_that_cannot_be_compared_leaves_all_as_it_was() -> None:
    for order in (PlainCountedBlocks(), PlainSkipList()):
        made: PlainSortedSet[Any] = PlainSortedSet(order)
        made.add("a", 1)
        made.add(7, 2)
        for member, score in ((7, 1), ("b", 2), (None, 1)):
            with pytest.raises(TypeError):
                made.add(member, score)
            assert list(made) == [("a", 1.0), (7, 2.0)]
            assert (len(made), made.score(7), made.rank(7)) == (2, 2.0, 1)


@pytest.mark.parametrize(
    "members",
    [["a", 1], ["a", None], ["a", ["b"]], np.array(["a", None], object), pa.array(["a", None]), "ab", 5, None],
)
def test_a_bad_member_in_a_batch_leaves_the_set_as_it_was(members: Any) -> None:
    made = SortedSet(str)
    made.add("z", 1)
    before = made.to_bytes()
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        made.add_many(members, [1.0, 2.0])
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        made.increment_many(members, [1.0, 2.0])
    assert made.to_bytes() == before
    assert SortedSet.from_bytes(str, bytearray(before)).to_bytes() == before
    assert 5 not in made


@pytest.mark.parametrize(
    "members", [[1, 2.5], ["1", 2], [1, 2**63], np.ma.masked_array([1, 2], [False, True]), [1, None]]
)
def test_bad_integers_in_a_batch_leave_the_set_as_it_was(members: Any) -> None:
    made = SortedSet(int)
    with pytest.raises(ValueError, match=r"\.$"):
        made.add_many(members, [1.0, 2.0])
    assert len(made) == 0
    for scores in (["1", "2"], [1j, 2], np.ma.masked_array([1, 2], [False, True]), pa.array([1, None]), [[1], [2]]):
        with pytest.raises(ValueError, match=r"\.$"):
            made.add_many([1, 2], scores)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="integers"):
        made.ranges([0.5], [1])  # type: ignore[list-item]


def test_threads_may_share_a_set() -> None:
    made, failed = SortedSet(int), list[BaseException]()

    def run(start: int) -> None:
        luck = np.random.default_rng(start)
        try:
            for _ in range(80):
                made.add_many(luck.integers(0, 3000, 50), luck.random(50))
                made.range(0, 20)
                made.remove_many(luck.integers(0, 3000, 20))
                made.pop_min(2)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    scores = [score for _, score in made]
    assert len(made) == len(scores) == len({member for member, _ in made})
    assert scores == sorted(scores)
