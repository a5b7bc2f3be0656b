"""Single keys to sketches of the compiled tier: the same bits, counters and answers as by the text, for any keys."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from helpers.tiers import outcome, text_of
from windtunnel.blocks.ground.hashing import stable_hash
from windtunnel.blocks.sketches import BloomFilter, CountMin, HyperLogLog
from windtunnel.tier import native

pytestmark = pytest.mark.skipif(native is None, reason="the compiled tier was not built here, or is not wanted")


class Text(str):
    pass


keys = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(codec="ascii"), max_size=300),
    st.binary(max_size=300),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.sampled_from(
        ["\ud800", 1 << 64, -(1 << 63) - 1, 1.5, None, True, Text("a"), np.int64(7), np.uint64(1 << 63), []]
    ),
)
plain_keys = st.integers(0, 2000).map(str)


@settings(max_examples=300, deadline=None)
@given(keys)
def test_the_hash_of_a_key_is_that_of_the_text(key: Any) -> None:
    assert outcome(native.hash_key, key) == outcome(stable_hash, key)


def test_the_hash_of_a_key_of_any_length_is_that_of_the_text() -> None:
    whole = bytes(i * 7 % 251 for i in range(5000))
    for size in [*range(1100), 2048, 4999]:
        assert native.hash_key(whole[:size]) == stable_hash(whole[:size])


def same(kind: type[Any], make: Callable[[type[Any]], Any], program: Callable[[Any], list[str]]) -> None:
    ours, theirs = make(kind), make(text_of(kind))
    assert program(ours) == program(theirs)
    assert vars(ours) == vars(theirs)
    assert [*map(type, vars(ours).values())] == [*map(type, vars(theirs).values())]
    assert ours.to_bytes() == theirs.to_bytes()
    assert vars(pickle.loads(pickle.dumps(ours))) == vars(theirs)
    assert repr(ours) == repr(theirs)


@settings(max_examples=60, deadline=None)
@given(
    capacity=st.integers(1, 3000),
    rate=st.floats(1e-9, 0.6),
    program=st.lists(st.tuples(st.sampled_from("ai"), keys), max_size=40),
)
def test_a_bloom_filter_has_the_same_bits(capacity: int, rate: float, program: list[tuple[str, Any]]) -> None:
    def run(made: Any) -> list[str]:
        seen = [outcome(made.add if what == "a" else made.__contains__, key) for what, key in program]
        return [*seen, outcome(made.add, key="k"), outcome(made.add), outcome(made.add, 1, 2), outcome(made.add, x=1)]

    same(BloomFilter, lambda kind: kind(capacity, rate), run)


@settings(max_examples=40, deadline=None)
@given(precision=st.integers(4, 12), program=st.lists(keys, max_size=30), many=st.integers(0, 1500))
def test_a_hyperloglog_has_the_same_registers(precision: int, program: list[Any], many: int) -> None:
    def run(made: Any) -> list[str]:
        seen = [outcome(made.add, key) for key in program]
        for i in range(many):
            made.add(i)
        seen += [outcome(made.add, key="k"), outcome(made.add), outcome(made.add, 1, 2)]
        return [*seen, *(outcome(made.add, key) for key in program), repr(made.estimate())]

    same(HyperLogLog, lambda kind: kind(precision), run)


counts = st.one_of(
    st.integers(0, 5), st.sampled_from([-1, True, 1.0, "1", None, 1 << 62, (1 << 63) - 1, 1 << 70, np.int64(3)])
)


@settings(max_examples=100, deadline=None)
@given(
    delta=st.sampled_from([0.5, 0.01, 1e-9, 1e-40]),
    conservative=st.booleans(),
    program=st.lists(
        st.tuples(st.sampled_from(["add", "add", "once", "named", "estimate"]), st.one_of(plain_keys, keys), counts),
        max_size=40,
    ),
)
def test_a_count_min_has_the_same_counters(
    delta: float, conservative: bool, program: list[tuple[str, Any, Any]]
) -> None:
    def run(made: Any) -> list[str]:
        seen = list[str]()
        for what, key, count in program:
            if what == "estimate":
                seen += [outcome(made.estimate, key), outcome(made.estimate, key=key)]
            elif what == "add":
                seen.append(outcome(made.add, key, count))
            elif what == "named":
                seen += [outcome(made.add, key, count=count), outcome(made.add, count=count, key=key)]
            else:
                seen.append(outcome(made.add, key))
        return [*seen, outcome(made.add), outcome(made.add, 1, 2, 3), outcome(made.estimate), outcome(made.add, 1, x=2)]

    same(CountMin, lambda kind: kind(0.05, delta, conservative=conservative), run)


def test_what_is_not_as_it_was_made_is_left_to_the_text() -> None:
    """Counters that would overflow, bits that are fewer than the size, an attribute that is gone."""

    def bent(kind: type[Any], make: Callable[[type[Any]], Any], bend: Callable[[Any], None], ask: Any) -> list[str]:
        made = make(kind)
        bend(made)
        seen = [outcome(ask, made)]
        return [*seen, repr(vars(made))]

    cases: list[tuple[type[Any], Callable[[type[Any]], Any], Callable[[Any], None], Callable[[Any], Any]]] = [
        (
            CountMin,
            lambda k: k(0.5, 0.5),
            lambda m: m._counters.__setitem__(slice(None), _full(m)),
            lambda m: m.add("a"),
        ),
        (CountMin, lambda k: k(0.5, 0.1), lambda m: setattr(m, "depth", 90), lambda m: m.estimate("a")),
        (CountMin, lambda k: k(0.5, 0.1), lambda m: delattr(m, "_counters"), lambda m: m.add("a")),
        (BloomFilter, lambda k: k(100), lambda m: setattr(m, "_bits", bytearray(1)), lambda m: m.add("abc")),
        (BloomFilter, lambda k: k(100), lambda m: setattr(m, "_bits", bytearray(1)), lambda m: "abc" in m),
        (BloomFilter, lambda k: k(100), lambda m: setattr(m, "_bits", bytes(1000)), lambda m: m.add("abc")),
        (BloomFilter, lambda k: k(100), _without_bits, lambda m: m.add("abc")),
        (BloomFilter, lambda k: k(100), _without_bits, lambda m: "abc" in m),
        (HyperLogLog, lambda k: k(4), lambda m: setattr(m, "precision", "x"), lambda m: m.add("abc")),
        (HyperLogLog, lambda k: k(12), lambda m: delattr(m, "_table"), lambda m: m.add("abc")),
    ]
    for kind, make, bend, ask in cases:
        mine, text = bent(kind, make, bend, ask), bent(text_of(kind), make, bend, ask)
        assert mine == text


def _without_bits(made: Any) -> None:
    made.size_bits, made._bits = 0, bytearray()


def _full(made: Any) -> Any:
    return type(made._counters)("q", [(1 << 63) - 1] * len(made._counters))


def test_a_subclass_with_places_of_its_own_is_asked() -> None:
    class Narrow(BloomFilter):
        def _places(self, key: Any) -> tuple[int, ...]:
            return (3,)

    made = Narrow(100)
    assert made.add("a")
    assert not made.add("b")
    assert "c" in made
    assert bytes(made._bits[:2]) == b"\x08\0"
