"""What the compiled tier draws, counts and writes is what Python's own text does, draw for draw and byte for byte."""

from __future__ import annotations

import copy
import importlib.util
import marshal
import pickle
import random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from helpers.tiers import outcome
from windtunnel.lab.history import Event, History, Op
from windtunnel.lab.statistics import waits
from windtunnel.sim import tier
from windtunnel.sim.randomness import MASK, Luck, derive, stream
from windtunnel.sim.tier import native

pytestmark = pytest.mark.skipif(native is None, reason="the compiled tier was not built here, or is not wanted")


def without_the_compiled_tier() -> Any:
    """The module of luck as it is in the pure tier."""
    spec = importlib.util.find_spec("windtunnel.sim.randomness")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before, tier.native = tier.native, None
    try:
        spec.loader.exec_module(module)
    finally:
        tier.native = before
    return module


PlainLuck = without_the_compiled_tier().Luck


numbers = st.one_of(
    st.integers(-3, 3),
    st.integers(-(1 << 70), 1 << 70),
    st.floats(),
    st.sampled_from([0.0, -1.5, 1e300, True, None, "1"]),
)
draws: list[tuple[str, int]] = [
    *(("expovariate", n) for n in (0, 1, 2)),
    *((name, 2) for name in ("uniform", "normalvariate", "lognormvariate", "randint", "gauss")),
    *(("randrange", n) for n in (1, 2, 3)),
]


@settings(max_examples=40)
@given(
    seed=st.integers(0, MASK), asked=st.lists(st.tuples(st.sampled_from(draws), st.tuples(*[numbers] * 3)), max_size=6)
)
def test_draws_are_those_of_python(seed: int, asked: list[tuple[tuple[str, int], tuple[Any, ...]]]) -> None:
    pairs: list[tuple[Any, Any]] = [
        (stream(seed, "a"), random.Random(derive(seed, "a"))),
        (Luck(seed, 3), PlainLuck(seed, 3)),
    ]
    for ours, theirs in pairs:
        for (name, count), args in asked:
            assert outcome(getattr(ours, name), *args[:count]) == outcome(getattr(theirs, name), *args[:count])
        assert outcome(ours.choice, []) == outcome(theirs.choice, [])
        assert ours.choice("abc") == theirs.choice("abc")
        assert ours.choice([1, 2, 3]) == theirs.choice([1, 2, 3])
        assert ours.sample(range(50), 5) == theirs.sample(range(50), 5)
        assert ours.expovariate(lambd=2.0) == theirs.expovariate(lambd=2.0)
        assert [ours.getrandbits(k) for k in (0, 1, 63, 64, 65, 200)] == [
            theirs.getrandbits(k) for k in (0, 1, 63, 64, 65, 200)
        ]
        assert ours.random() == theirs.random()
    assert outcome(Luck(1, 1).getrandbits, -1) == outcome(PlainLuck(1, 1).getrandbits, -1)


def test_a_stream_can_be_copied_and_sent() -> None:
    ours = stream(7, "a")
    ours.random()
    assert copy.deepcopy(ours).random() == pickle.loads(pickle.dumps(ours)).random() == ours.random()
    assert isinstance(ours, random.Random)


plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
    lambda inner: st.one_of(st.lists(inner, max_size=3).map(tuple), st.lists(inner, max_size=3)),
    max_leaves=8,
)


@given(rows=st.lists(st.tuples(plain, plain), max_size=4), first=st.integers(0, 5), last=st.integers(0, 5))
def test_rows_are_written_as_marshal_writes_them_or_not_at_all(rows: list[Any], first: int, last: int) -> None:
    found = native.marshalled(tuple(rows), first, last)
    assert found in (None, marshal.dumps(rows[first:last], 2))


def test_rows_of_text_and_numbers_are_written() -> None:
    event = Event("client 1", "get", (1, 2.5, ("a", None)), 0.5, 1.5, "ok", True, 0.25, 3)
    assert native.marshalled((event,), 0, 1) == marshal.dumps([tuple(event)], 2)


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 1.5, -1.0, 2]), st.sampled_from(["ok", "fail", "unknown"])), max_size=8)
)
def test_waits_are_those_of_the_plain_text(some: list[tuple[float, Any]]) -> None:
    events = [Event("c", "get", (), 1.0, 3.25, outcome, None, due) for due, outcome in some]
    wanted = [
        [e.latency for e in events if e.outcome == "ok"],
        [e.latency for e in events if e.outcome != "ok"],
    ]
    assert list(waits(History(events))) == wanted


def test_requests_are_numbered_unless_one_is_odd() -> None:
    ops = [Op(0.5, "a", "get"), Op(0.5, "a", "get", (1,), 7), Op(1.0, "b", "put", (), -1, 2.0)]
    assert native.numbered(ops) == [ops[0]._replace(id=0), ops[1], ops[2]._replace(id=2)]
    assert {type(op) for op in native.numbered(ops)} == {Op}
    assert native.numbered([*ops, ops[0]._replace(args=[1])]) is None
