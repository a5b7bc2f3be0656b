"""Weights of 8 bits compute what the numbers that they stand for compute, in any company, and are near the original."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from helpers.plain_llama import logits_of
from windtunnel.blocks.serving import (
    AdapterPool,
    BlockManager,
    Decoder,
    LLMEngine,
    ModelDrafter,
    ModelShape,
    ModelWeights,
    Sampling,
    Scheduler,
    Sequence,
    Speculation,
    answer_alone,
    in_int8,
    made_adapter,
    made_weights,
    merge_adapter,
    merged,
)

TINY = ModelShape(
    vocabulary=100, width=64, layers=2, heads=4, kv_heads=2, head_width=16, hidden=64, positions=64, rope_base=1e4
)
MATRICES = ("embedding", "attention_in", "attention_out", "feed_in", "feed_out", "head")


@cache
def weights() -> ModelWeights:
    return replace(made_weights(TINY), head=made_weights(TINY, 1).head)


@cache
def model() -> Decoder:
    return Decoder(in_int8(weights()), 1024)


def stood_for(small: ModelWeights) -> ModelWeights:
    """The numbers that weights of 8 bits stand for, as float32."""
    assert small.scales is not None
    numbers = {
        name: getattr(small, name).astype(np.float32) * getattr(small.scales, name)[..., None, :] for name in MATRICES
    }
    return replace(small, scales=None, **numbers)


def test_a_number_is_off_by_half_a_step_of_its_column_at_most() -> None:
    small = in_int8(weights())
    assert small.scales is not None
    for name in MATRICES:
        original, found = getattr(weights(), name), getattr(stood_for(small), name)
        assert getattr(small, name).dtype == np.int8
        assert getattr(small, name).nbytes * 4 == original.nbytes
        steps = getattr(small.scales, name)[..., None, :]
        assert (np.abs(found - original) <= 0.5001 * steps).all()
        assert abs(np.abs(getattr(small, name)).max(axis=-2)[original.any(axis=-2)] - 127).max() == 0


@given(st.lists(st.integers(0, 99), min_size=1, max_size=24))
@settings(max_examples=15)
def test_logits_are_those_of_a_plain_pass_over_the_numbers_they_stand_for(tokens: list[int]) -> None:
    rows = [(token, at, 0) for at, token in enumerate(tokens)]
    found = model().forward(rows, [[0]], 1024, range(len(rows)))
    np.testing.assert_allclose(found, logits_of(stood_for(model().weights), tokens), rtol=0, atol=5e-4)


def test_a_law_is_near_the_original_one() -> None:
    full = Decoder(weights(), 64)
    apart = list[float]()
    for seed in range(40):
        tokens = np.random.default_rng(seed).integers(0, 100, 12).tolist()
        rows = [(token, at, 0) for at, token in enumerate(tokens)]
        laws = [Sampling(2.0).law(one.forward(rows, [[0]], one.slots, [11])[0]) for one in (full, model())]
        apart.append(0.5 * float(np.abs(laws[0] - laws[1]).sum()))
    assert 0 < np.mean(apart) < 0.05


@pytest.mark.parametrize("way", ["crowd", "preempted", "chunked"])
def test_answers_do_not_depend_on_the_crowd(way: str) -> None:
    scheduler = {
        "crowd": lambda: Scheduler(BlockManager(64, 4), 16),
        "preempted": lambda: Scheduler(BlockManager(14, 4, watermark=0), 8),
        "chunked": lambda: Scheduler(BlockManager(64, 4), 8, "chunked", 8),
    }[way]()
    asked = [Sequence(i, [i % 9, 3, i], 1 + i % 12, stop=11) for i in range(32)]
    engine = LLMEngine(model(), scheduler)
    for one in asked:
        engine.add(one)
    engine.run()
    assert [one.answer for one in asked] == [
        answer_alone(model(), one.tokens[:3], one.max_tokens, one.stop) for one in asked
    ]


def test_a_model_of_8_bits_guesses_for_its_original() -> None:
    """Which tells what it tells alone, in a third of the passes."""
    asked = [Sequence(i, [i, 3], 24) for i in range(12)]
    guesses = Speculation(ModelDrafter(Decoder(in_int8(weights()), 1024), BlockManager(64, 16, share=False)), 4)
    engine = LLMEngine(Decoder(weights(), 1024), Scheduler(BlockManager(64, 16)), speculation=guesses)
    for one in asked:
        engine.add(one)
    engine.run()
    full = Decoder(weights(), 1024)
    assert [one.answer for one in asked] == [answer_alone(full, one.tokens[:2], 24) for one in asked]
    assert engine.accepted > 0.85 * engine.guessed
    assert engine.steps < 12


def test_an_adapter_lies_beside_weights_of_8_bits_and_not_in_them() -> None:
    adapter = made_adapter(TINY, 4)
    with pytest.raises(ValueError, match="take no adapter in"):
        merge_adapter(in_int8(weights()), adapter)
    with pytest.raises(ValueError, match="in 8 bits already"):
        in_int8(in_int8(weights()))
    pool = AdapterPool(TINY, 1, 4)
    pool.load("one", adapter)
    rows = [(5, 0, 0), (6, 1, 0)]
    found = model().forward(rows, [[0]], 1024, [1], pool, [0])
    said = Decoder(merged(stood_for(model().weights), adapter), 64).forward(rows, [[0]], 64, [1])
    np.testing.assert_allclose(found, said, rtol=0, atol=1e-3)


def test_a_head_that_is_the_embedding_stays_one() -> None:
    small = in_int8(made_weights(TINY))
    assert small.head is small.embedding
