"""paged-kv: lengths as in the paper, answers as a list would give them, steps as the sources say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from math import exp
from random import Random
from statistics import NormalDist, fmean

import pytest

from windtunnel import run
from windtunnel.blocks.serving import Batch, KVUsage, Sequence
from windtunnel.catalogue.ai.paged_kv import Paged, ReserveMax, experiment
from windtunnel.catalogue.ai.paged_kv.claims import SLOTS, share_of_max
from windtunnel.catalogue.ai.paged_kv.prompts import (
    ANSWER,
    ANSWER_SPREAD,
    CAP,
    PROMPT,
    PROMPT_SPREAD,
    context,
    lengths,
    middle_of,
    prompt_of,
)
from windtunnel.parts import OPT_13B, StepCost


@pytest.mark.parametrize(("mean", "spread"), [(PROMPT, PROMPT_SPREAD), (ANSWER, ANSWER_SPREAD), (ANSWER, 0.0)])
def test_lengths_have_the_means_of_the_paper_though_they_are_cut(mean: float, spread: float) -> None:
    luck = Random(1)
    drawn = list(islice(lengths(mean, spread, luck), 20_000))
    assert 1 <= min(drawn) <= max(drawn) <= CAP
    assert fmean(drawn) == pytest.approx(mean, rel=0.03)


def test_each_lot_of_lengths_has_one_of_every_part_of_the_law() -> None:
    draws = lengths(ANSWER, ANSWER_SPREAD, Random(3))
    law = NormalDist(middle_of(ANSWER, ANSWER_SPREAD, CAP), ANSWER_SPREAD)
    edges = [exp(law.inv_cdf(part / 8)) for part in range(1, 8)]
    orders = set()
    for _ in range(20):
        lot = list(islice(draws, 32))
        assert [sum(one < edge for one in lot) for edge in edges] == [pytest.approx(4 * k, abs=1) for k in range(1, 8)]
        orders.add(tuple(one > edges[3] for one in lot))
    assert len(orders) > 10


def test_what_a_running_sequence_has_is_what_time_sees_of_it() -> None:
    luck = Random(2)
    both = zip(lengths(PROMPT, PROMPT_SPREAD, luck), lengths(ANSWER, ANSWER_SPREAD, luck), strict=True)
    pairs = list(islice(both, 40_000))
    seen = sum(answer * (prompt + answer / 2) for prompt, answer in pairs) / sum(answer for _, answer in pairs)
    assert context() == pytest.approx(seen, rel=0.03)
    assert share_of_max() == 7 * context() / SLOTS


def test_tenants_begin_alike_but_for_one_token_and_some_ask_again() -> None:
    one, other = prompt_of(0, 5, 40), prompt_of(1, 5, 40)
    assert one[0] != other[0]
    assert one[1:40] == other[1:40]
    assert set(one[40:]).isdisjoint(other[40:])
    assert prompt_of(9, 5, 40) == prompt_of(8, 5, 40)
    assert prompt_of(9, 5, 0) != prompt_of(8, 5, 0)


def test_a_step_reads_the_weights_or_computes_for_longer() -> None:
    cost = StepCost(weights_s=0.02, token_s=0.001, context_s=1e-5)
    one = Sequence("one", range(100), 9)
    assert cost.seconds(Batch([(one, 10)])) == pytest.approx(0.02 + 10e-5)
    assert cost.seconds(Batch([(one, 100)])) == pytest.approx(0.1 + 100e-5)
    assert cost.seconds(Batch([(one, 10)], padding=90)) == pytest.approx(0.1 + 10e-5)
    assert cost.times(2).seconds(Batch([(one, 10)])) == pytest.approx(0.04 + 20e-5)
    assert OPT_13B.weights_s == pytest.approx(0.0278, rel=0.01)


def test_with_one_sequence_at_a_time_an_answer_takes_as_many_steps_as_it_has_tokens() -> None:
    found = run(experiment, seeds=[0], designs=["paged"], quick=True, rate=0.2, spread=0.0, run_s=60.0)
    (one,) = found.of("paged")
    assert one.measures["per_token_ms"] == pytest.approx(28, rel=0.1)


def test_nobody_but_an_oracle_is_told_how_long_an_answer_will_be() -> None:
    seen: list[int | None] = []

    class Spy(Paged):
        """Looks at whatever it is given."""

        def usage(self, sequences: Iterable[Sequence]) -> KVUsage:
            sequences = list(sequences)
            seen.extend(one.foretold for one in sequences)
            return super().usage(sequences)

        def allocate(self, sequence: Sequence) -> bool:
            if not isinstance(sequence.name, tuple):  # it is no probe of the rig
                seen.append(sequence.foretold)
            return super().allocate(sequence)

    spied = replace(experiment, designs={**experiment.designs, "spy": Spy})
    run(spied, seeds=[0], quick=True, designs=["spy"])
    assert len(seen) > 100
    assert set(seen) == {None}


def test_what_holds_tokens_is_seen_and_not_believed() -> None:
    class Boasts(ReserveMax):
        """Says that all is full of tokens."""

        def usage(self, sequences: Iterable[Sequence]) -> KVUsage:
            return KVUsage(self.slots, self.slots, 0, 0, 0)

    boasts = replace(experiment, designs={**experiment.designs, "boasts": Boasts})
    found = run(boasts, seeds=[0], quick=True, designs=["reserve_max", "boasts"])
    (honest,), (other,) = found.of("reserve_max"), found.of("boasts")
    for name in ("tokens", "packed", "batch"):
        assert other.measures[name] == honest.measures[name]
