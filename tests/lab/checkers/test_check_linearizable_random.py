"""The checker and the brute force of `check_oracle` must never disagree."""

import random
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import pytest

from helpers.check_oracle import Cell, Fifo, brute_force, random_history
from helpers.check_oracle_models import Bag, Pile, Store, Tally, Thing, random_history_of
from windtunnel.lab.checkers.linearizable import check_linearizable
from windtunnel.lab.checkers.models import UNSEEN, CompareAndSet, Counter, KeyValue, Model, Queue, Register, Set
from windtunnel.lab.checkers.sequential import check_sequential
from windtunnel.lab.history import Event

KINDS = {
    "register": (Register, Cell, False),
    "unique register": (Register, Cell, True),
    "cas": (CompareAndSet, Cell, False),
    "queue": (Queue, Fifo, False),
    "unique queue": (Queue, Fifo, True),
}


def wanted(history: Sequence[Event], truth: bool) -> str:
    """Where everything failed nothing was done, and nobody can say that it was done right."""
    if all(e.outcome == "fail" for e in history):
        return "unknown"
    return "valid" if truth else "invalid"


def compare(kind: str, seeds: range) -> tuple[int, int]:
    """Judge one random history a seed with both; returns how many were valid and invalid."""
    model, thing, unique = KINDS[kind]
    tally = [0, 0]
    for seed in seeds:
        history = random_history(random.Random(f"{kind} {seed}"), kind.split()[-1], unique=unique)
        verdict = check_linearizable(history, model())
        truth = brute_force(history, thing)
        assert verdict.status == wanted(history, truth), f"{kind} {seed}: {verdict.sentence}"
        if not truth:
            assert verdict.witness
            assert set(map(id, verdict.witness)) <= set(map(id, history))
        tally[not truth] += 1
    return tally[0], tally[1]


@pytest.mark.parametrize("kind", KINDS)
def test_the_checker_agrees_with_a_brute_force_on_random_histories(kind: str) -> None:
    valid, invalid = compare(kind, range(1_000))
    assert min(valid, invalid) > 100, "the random histories must be mixed to say anything"


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_the_checker_agrees_with_a_brute_force_on_100_000_random_histories(kind: str) -> None:
    compare(kind, range(1_000, 21_000))
    compare_sequential(kind, range(1_000, 4_000))


def compare_sequential(kind: str, seeds: range) -> tuple[int, int]:
    """As `compare`, for sequential consistency."""
    model, thing, unique = KINDS[kind]
    tally = [0, 0]
    for seed in seeds:
        history = random_history(random.Random(f"sequential {kind} {seed}"), kind.split()[-1], unique=unique)
        verdict = check_sequential(history, model())
        truth = brute_force(history, thing, real_time=False)
        assert verdict.status == wanted(history, truth), f"{kind} {seed}: {verdict.sentence}"
        assert truth or verdict.witness
        tally[not truth] += 1
    return tally[0], tally[1]


@pytest.mark.parametrize("kind", KINDS)
def test_sequential_consistency_agrees_with_a_brute_force_on_random_histories(kind: str) -> None:
    valid, invalid = compare_sequential(kind, range(400))
    assert min(valid, invalid) > 20, "the random histories must be mixed to say anything"


class Stack(Model):
    """A model that a user could have written."""

    name = "stack"
    operations = MappingProxyType({"push": 1, "pop": 0})

    def initial(self) -> tuple[Any, ...]:
        return ()

    def step(self, state: Any, op: str, args: tuple[Any, ...], value: Any) -> tuple[bool, Any]:
        if op == "push":
            return True, (*state, args[0])
        top = state[-1] if state else None
        return value is UNSEEN or value == top, state[:-1]


OTHERS: dict[str, tuple[type[Model], type[Thing]]] = {
    "key-value": (KeyValue, Store),
    "set": (Set, Bag),
    "counter": (Counter, Tally),
    "a model of one's own": (Stack, Pile),
}


def compare_other(kind: str, seeds: range) -> tuple[int, int]:
    """As `compare`, for the other models, both in real time and in each client's own order."""
    model, thing = OTHERS[kind]
    tally = [0, 0]
    for seed in seeds:
        history = random_history_of(thing, random.Random(f"{kind} {seed}"))
        for judge, real_time in ((check_linearizable, True), (check_sequential, False)):
            verdict = judge(history, model())
            truth = brute_force(history, thing, real_time)
            assert verdict.status == wanted(history, truth), f"{kind} {seed}: {verdict.sentence}"
            assert truth or verdict.witness
            tally[not truth] += 1
    return tally[0], tally[1]


@pytest.mark.parametrize("kind", OTHERS)
def test_every_other_model_agrees_with_a_brute_force_on_random_histories(kind: str) -> None:
    valid, invalid = compare_other(kind, range(400))
    assert min(valid, invalid) > 100, "the random histories must be mixed to say anything"


@pytest.mark.soak
@pytest.mark.parametrize("kind", OTHERS)
def test_every_other_model_agrees_with_a_brute_force_on_40_000_random_histories(kind: str) -> None:
    compare_other(kind, range(400, 10_400))
