"""What q09-leaderboard judges by: a sorted list, orders of what is asked at once; and its verdicts on every engine."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from helpers.real_engines import MISSING
from windtunnel import Event, History
from windtunnel.blocks.ordered import PlainCountedBlocks, PlainSkipList
from windtunnel.catalogue.interview.q09_leaderboard.days import BOARD, DEATHS, PAIRS, asked_of, crowd
from windtunnel.catalogue.interview.q09_leaderboard.judging import Board, judged, skip_list
from windtunnel.catalogue.interview.q09_leaderboard.memory import Held
from windtunnel.catalogue.interview.q09_leaderboard.rig import UNKNOWN
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

SMALL = {"members": 100, "days": 0, "places": 0}
DAYS = ("left", "unknown", "wrong")
VERDICTS = ("stood", "killed", "torn", "lost", "left", "unknown", "wrong")


def measured(design: str, stage: str | None = None, seed: int = 0, **given: object) -> Mapping[str, float]:
    found = run(find("q09-leaderboard"), stage, designs=[design], seeds=[seed], jobs=1, **{**SMALL, **given})  # type: ignore[arg-type]
    return found.of(design)[0].measures


# --- the judge -------------------------------------------------------------------------------------------------------
def test_the_sorted_list_says_what_counting_says() -> None:
    luck, board = Random(1), Board()
    points: dict[int, int] = {}
    for _ in range(400):
        member, more = 1 + int(luck.random() * 9), luck.choice((-5, 5, 10))
        points[member] = points.get(member, 0) + more
        assert board.answer(("add", member, more)) == points[member]
        ordered = sorted(points, key=lambda one: (points[one], one), reverse=True)
        who = 1 + int(luck.random() * 10)
        rank = 1 + sum(has > points[who] for has in points.values()) if who in points else None
        assert board.answer(("rank", who)) == rank
        assert board.answer(("top", 3)) == [[one, points[one]] for one in ordered[:3]]
        page = []
        if who in points:
            at = ordered.index(who)
            page = [[one, points[one]] for i, one in enumerate(ordered) if abs(i - at) <= 2]
        assert board.answer(("around", who, 2)) == page
        friends = [one for one in ordered if one in (2, 4, 6)]
        assert board.answer(("friends", 6, 2, 4)) == [[one, points[one]] for one in friends]


def pair(one: Any, others: list[Any], top: Any, *, asked: Any = ("rank", 3), kind: str = "pair") -> tuple[bool, bool]:
    """Of a rank asked while 1 falls and 2 rises: whether what was told is torn, or the board in the end is lost."""
    meanwhile = (("add", 1, -35), ("add", 2, 60)) if kind == "pair" else ()
    first = [points for _, _, points in BOARD]
    ranks = [[member, 1 + sum(has > points for _, has in top)] for member, points in top]
    after = {"tops": [top], "ranks": ranks, "left": [[]]}
    value = {"first": first, "one": one, "others": others, "hit": True, "after": after}
    args = (1, kind, BOARD, asked, meanwhile, 0, 0)
    (found,) = judged(History([Event("clients", "board", args, 0, 1, "ok", value)]))
    return found.torn, found.lost


MOVED = [[2, 80], [4, 30], [3, 30], [5, 10], [6, 5], [1, 5]]


@pytest.mark.parametrize(("told", "torn"), [(1, False), (2, False), (3, True), (None, True)])
def test_a_rank_that_was_true_at_no_moment_is_torn(told: int | None, torn: bool) -> None:
    assert pair(told, [5, 80], MOVED) == (torn, False)


def test_an_answer_that_no_order_explains_is_torn() -> None:
    assert pair(2, [5, 60], MOVED) == (True, False)


def test_a_board_that_misses_somebody_or_has_him_twice_is_lost() -> None:
    assert pair(2, [5, 80], MOVED[:-1]) == (False, True)
    assert pair(2, [5, 80], [*MOVED, [1, 5]]) == (False, True)


def test_of_who_died_before_he_said_so_both_boards_are_right() -> None:
    before, after = [[1, 40], [4, 30], [3, 30], [2, 20], [5, 10], [6, 5]], [[6, 65], [1, 40], [4, 30], [3, 30], [2, 20]]
    add = ("add", 6, 60)
    assert pair(UNKNOWN, [], before, asked=add, kind="dies") == (False, False)
    assert pair(UNKNOWN, [], [*after, [5, 10]], asked=add, kind="dies") == (False, False)
    assert pair(UNKNOWN, [], after, asked=add, kind="dies") == (False, True)


def test_ranks_are_asked_of_all_parts_of_a_board() -> None:
    board = crowd(1000, 500, Random(2))
    places = {member: i for i, (member, _) in enumerate(sorted(board, key=lambda one: (one[1], one[0])))}
    asked = asked_of(board, Random(3))
    assert [places[one[1]] * 12 // 1000 for one in asked if one[0] == "rank"] == list(range(12))
    assert [one[0] for one in asked[:6]] == ["add"] * 6


@pytest.mark.parametrize("order", [PlainSkipList, PlainCountedBlocks])
def test_points_that_note_comparisons_find_the_same(order: Any) -> None:
    board = crowd(700, 100, Random(4))
    held = Held(order())
    for member, points in board:
        held.scores.add(member, points)
    for _, points in board[:20]:
        assert held.above(points) == sum(has > points for _, has in board)
    assert 20 < held.looked < 20 * 60


def test_the_picture_of_a_skip_list_has_the_way_of_one_search() -> None:
    heights = [1, 2, 1, 1, 3, 1, 2, 1, 1]
    value = {"costs": [], "levels": [9, 3, 1], "heights": heights, "bytes": 0, "size": 9}
    args = (1, "size", (("seed", 1),), (), (), 0, 9)
    rows = skip_list(History([Event("clients", "board", args, 0, 1, "ok", value)]), None)["entries"]  # type: ignore[arg-type]
    assert len(rows) == sum(heights)
    assert {(i, level) for i, level, seen in rows if seen == 2} == {(4, 2), (6, 1), (7, 0)}


# --- designs ---------------------------------------------------------------------------------------------------------
def test_the_index_goes_through_those_who_have_more() -> None:
    found = measured("index", members=1000)
    assert found["rank_looked"] == pytest.approx(1 + 1000 / 2, rel=0.02)
    assert (found["top_looked"], found["around_looked"]) == (10, 11)
    assert measured("no_index", members=1000)["rank_looked"] == 1001


@pytest.mark.live
def test_sqlite_says_what_the_model_says_on_a_day() -> None:
    there, here = (measured("index", stage, days=1, requests=30) for stage in ("sqlite", "sim"))
    assert {name: there[name] for name in DAYS} == {name: here[name] for name in DAYS}


def test_each_pair_and_each_death_has_places() -> None:
    found = measured("sorted_set", places=8)
    assert found["stood"] >= 2 * len(PAIRS)
    assert found["killed"] == 2 * len(DEATHS)
    assert [found[name] for name in ("torn", "lost", "left", "unknown", "wrong")] == [0] * 5


@pytest.mark.live
@pytest.mark.skipif(MISSING["valkey"] is not None, reason=str(MISSING["valkey"]))
@pytest.mark.parametrize("stage", ["sqlite", "postgres"])
@pytest.mark.parametrize("design", find("q09-leaderboard").designs)
def test_real_engines_have_the_verdicts_of_the_model(design: str, stage: str) -> None:
    if MISSING.get(stage) is not None:
        pytest.skip(str(MISSING[stage]))
    there, here = (measured(design, where, places=8, days=2) for where in (stage, "sim"))
    same = [name for name in VERDICTS if not (design == "rank_column" and name in ("wrong", "torn"))]
    assert {name: there[name] for name in same} == {name: here[name] for name in same}


@pytest.mark.soak
@pytest.mark.parametrize("design", ["no_index", "index", "counts", "sorted_set"])
def test_the_right_designs_are_right_on_long_days(design: str) -> None:
    for seed in range(20):
        found = measured(design, seed=seed, days=8, requests=120, servers=3)
        assert [found[name] for name in ("torn", "lost", "left", "unknown", "wrong")] == [0] * 5
