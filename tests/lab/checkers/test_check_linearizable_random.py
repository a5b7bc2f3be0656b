"""The checker and the brute force of ``check_oracle`` must never disagree."""

import random

import pytest
from check_oracle import Cell, Fifo, brute_force, random_history

from windtunnel.lab.checkers.linearizable import check_linearizable
from windtunnel.lab.checkers.models import CompareAndSet, Queue, Register
from windtunnel.lab.checkers.sequential import check_sequential

KINDS = {
    "register": (Register, Cell, False),
    "unique register": (Register, Cell, True),
    "cas": (CompareAndSet, Cell, False),
    "queue": (Queue, Fifo, False),
    "unique queue": (Queue, Fifo, True),
}


def compare(kind: str, seeds: range) -> tuple[int, int]:
    """Judge one random history a seed with both; returns how many were valid and invalid."""
    model, thing, unique = KINDS[kind]
    tally = [0, 0]
    for seed in seeds:
        history = random_history(random.Random(f"{kind} {seed}"), kind.split()[-1], unique=unique)
        verdict = check_linearizable(history, model())
        truth = brute_force(history, thing)
        assert verdict.status == ("valid" if truth else "invalid"), f"{kind} {seed}: {verdict.sentence}"
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
    """As ``compare``, for sequential consistency."""
    model, thing, unique = KINDS[kind]
    tally = [0, 0]
    for seed in seeds:
        history = random_history(random.Random(f"sequential {kind} {seed}"), kind.split()[-1], unique=unique)
        verdict = check_sequential(history, model())
        truth = brute_force(history, thing, real_time=False)
        assert verdict.status == ("valid" if truth else "invalid"), f"{kind} {seed}: {verdict.sentence}"
        assert truth or verdict.witness
        tally[not truth] += 1
    return tally[0], tally[1]


@pytest.mark.parametrize("kind", KINDS)
def test_sequential_consistency_agrees_with_a_brute_force_on_random_histories(kind: str) -> None:
    valid, invalid = compare_sequential(kind, range(400))
    assert min(valid, invalid) > 20, "the random histories must be mixed to say anything"
