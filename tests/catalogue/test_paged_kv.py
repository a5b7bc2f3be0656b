"""paged-kv: lengths as in the paper, answers as a list would give them, steps as the sources say."""

from __future__ import annotations

from random import Random
from statistics import fmean

import pytest

from windtunnel import run
from windtunnel.blocks.serving import Batch, Sequence
from windtunnel.catalogue.ai.paged_kv import experiment
from windtunnel.catalogue.ai.paged_kv.claims import SLOTS, share_of_max
from windtunnel.catalogue.ai.paged_kv.prompts import (
    ANSWER,
    ANSWER_SPREAD,
    CAP,
    PROMPT,
    PROMPT_SPREAD,
    context,
    length,
    prompt_of,
)
from windtunnel.parts import OPT_13B, StepCost


@pytest.mark.parametrize(("mean", "spread"), [(PROMPT, PROMPT_SPREAD), (ANSWER, ANSWER_SPREAD), (ANSWER, 0.0)])
def test_lengths_have_the_means_of_the_paper_though_they_are_cut(mean: float, spread: float) -> None:
    luck = Random(1)
    drawn = [length(mean, spread, luck) for _ in range(20_000)]
    assert 1 <= min(drawn) <= max(drawn) <= CAP
    assert fmean(drawn) == pytest.approx(mean, rel=0.03)


def test_what_a_running_sequence_has_is_what_time_sees_of_it() -> None:
    luck = Random(2)
    pairs = [(length(PROMPT, PROMPT_SPREAD, luck), length(ANSWER, ANSWER_SPREAD, luck)) for _ in range(40_000)]
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
