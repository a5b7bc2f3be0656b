"""Range map: every key has exactly one owner at every moment, whatever is split, moved or joined."""

from __future__ import annotations

import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from helpers.examples import examples
from windtunnel.blocks.placement.range_map import Move, RangeMap, StaleRange

KEYS = range(30)
NODES = ("a", "b", "c")


class MapAgainstDictionary(RuleBasedStateMachine):
    """A dictionary from each key to its owner is the oracle."""

    def __init__(self) -> None:
        super().__init__()
        self.map: RangeMap[int] = RangeMap("a")
        self.truth = dict.fromkeys(KEYS, "a")
        self.cuts: set[int] = set()
        self.moves: list[Move[int]] = []

    def bounds(self, key: int) -> tuple[int, int]:
        return max((c for c in self.cuts if c <= key), default=-1), min((c for c in self.cuts if c > key), default=99)

    def moving(self, key: int) -> bool:
        return any(key in move.range for move in self.moves)

    @rule(at=st.sampled_from(KEYS))
    def split(self, at: int) -> None:
        if at in self.cuts or self.moving(at):
            with pytest.raises(ValueError, match=r"begins at|on the move"):
                self.map.split(at)
        else:
            left, right = self.map.split(at)
            assert (left.end, right.start) == (at, at)
            self.cuts.add(at)

    @rule(at=st.sampled_from(KEYS))
    def join(self, at: int) -> None:
        fits = at in self.cuts and not self.moving(at) and not self.moving(at - 1)
        if fits and (at == 0 or self.truth[at - 1] == self.truth[at]):
            if self.map.lookup(at - 1).owner != self.map.lookup(at).owner:
                return
            self.map.join(at)
            self.cuts.remove(at)
        elif not fits:
            with pytest.raises(ValueError, match=r"begins at|on the move|own the two sides"):
                self.map.join(at)

    @rule(key=st.sampled_from(KEYS), to=st.sampled_from(NODES))
    def begin(self, key: int, to: str) -> None:
        if self.moving(key):
            with pytest.raises(ValueError, match="on the move"):
                self.map.begin_move(key, to)
        else:
            self.moves.append(self.map.begin_move(key, to))

    @rule(commit=st.booleans())
    def end(self, commit: bool) -> None:
        if not self.moves:
            return
        move = self.moves.pop(0)
        if commit:
            self.map.commit(move)
            self.truth.update((key, move.to) for key in KEYS if key in move.range)
        else:
            self.map.abort(move)
        with pytest.raises(ValueError, match="before"):
            self.map.commit(move)

    @invariant()
    def every_key_has_the_owner_of_the_oracle_and_no_other(self) -> None:
        ranges = self.map.ranges()
        assert ranges[0].start is None
        assert ranges[-1].end is None
        assert all(left.end == right.start for left, right in pairwise(ranges))
        for key in KEYS:
            (owner,) = [one for one in ranges if key in one]
            assert owner == self.map.lookup(key)
            assert owner.owner == self.truth[key]
        found = self.map.lookup_many(np.array(KEYS))
        assert [ranges[i].owner for i in found] == list(self.truth.values())
        assert self.map.lookup_many(KEYS).tolist() == found.tolist()


TestMapAgainstDictionary = MapAgainstDictionary.TestCase
TestMapAgainstDictionary.settings = settings(max_examples=examples(25), stateful_step_count=30)


def test_the_old_owner_answers_until_the_move_is_committed() -> None:
    routes: RangeMap[str] = RangeMap("a")
    routes.split("m")
    before = routes.lookup("x")
    move = routes.begin_move("x", "b")
    assert routes.check("x", before.epoch).owner == "a"
    routes.commit(move)
    with pytest.raises(StaleRange, match="changed at epoch"):
        routes.check("x", before.epoch)
    assert routes.check("x", routes.lookup("x").epoch).owner == "b"
    assert routes.lookup("c").owner == "a"


def test_a_request_for_an_untouched_range_is_not_stale() -> None:
    routes: RangeMap[int] = RangeMap("a")
    routes.split(10)
    known = routes.lookup(3)
    routes.split(20)
    assert routes.check(3, known.epoch) == known
    assert routes.epoch == 2


def test_texts_bytes_and_integers_are_looked_up_in_batches() -> None:
    texts: RangeMap[str] = RangeMap("a")
    texts.split("m")
    assert texts.lookup_many(["a", "m", "z"]).tolist() == [0, 1, 1]
    raw: RangeMap[bytes] = RangeMap("a")
    raw.split(b"m")
    assert raw.lookup_many([b"l", b"m"]).tolist() == [0, 1]
    assert RangeMap[int]("a").lookup_many(np.arange(3)).tolist() == [0, 0, 0]
    numbers: RangeMap[int] = RangeMap("a")
    numbers.split(300)
    assert numbers.lookup_many(np.array([1, 200], np.uint8)).tolist() == [0, 0]
    numbers.split(2**63)
    assert numbers.lookup_many(np.array([299, 300])).tolist() == [0, 1]
    assert numbers.lookup_many(np.array([2**63 - 1, 2**63], np.uint64)).tolist() == [1, 2]


def test_threads_that_look_up_while_ranges_split_and_move_always_find_one_owner() -> None:
    routes: RangeMap[int] = RangeMap("a")
    stop = threading.Event()
    wrong: list[object] = []

    def reader() -> None:
        while not stop.is_set():
            for key in (0, 499, 500, 999):
                found = routes.lookup(key)
                if key not in found or found.owner not in ("a", "b"):
                    wrong.append((key, found))

    threads = [threading.Thread(target=reader) for _ in range(2)]
    for thread in threads:
        thread.start()
    for round_number in range(200):
        routes.split(500)
        move = routes.begin_move(700, "b" if round_number % 2 == 0 else "a")
        routes.commit(move)
        routes.commit(routes.begin_move(3, move.to))
        routes.join(500)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_sides_of_two_owners_do_not_join() -> None:
    routes: RangeMap[int] = RangeMap("a")
    routes.split(5)
    routes.commit(routes.begin_move(7, "b"))
    with pytest.raises(ValueError, match="own the two sides"):
        routes.join(5)
    with pytest.raises(ValueError, match="No range begins"):
        routes.join(6)
