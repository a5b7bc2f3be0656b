"""Weights of 8 bits compute what the numbers that they stand for compute, in any company, and are near the original."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from helpers.plain_llama import logits_of
from helpers.serving_cases import TINY
from windtunnel.blocks.serving import (
    AdapterPool,
    BlockManager,
    Decoder,
    LLMEngine,
    ModelDrafter,
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


def with_column(column: list[float]) -> ModelWeights:
    """Weights of which one column of a matrix is this, and else nothing."""
    matrix = weights().feed_out.copy()
    matrix[1, 0, :, 7] = 0
    matrix[1, 0, : len(column), 7] = column
    return replace(weights(), feed_out=matrix)


@pytest.mark.parametrize(
    "column",
    [
        [0.0],
        [1.0, 3e38],
        [1e-45],
        [7.5e-43, -3e-43],
        [1e-40, -9.9e-41, 3e-42],
        [1.5e-36, 1.49e-36],
        [1e-30, -1e-32],
        [-5.0, 1e-3],
        [3.4028235e38, -3.4028235e38, 1e38],
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_column_of_nothing_or_of_next_to_nothing_or_of_one_large_number_is_near_itself(column: list[float]) -> None:
    """llama.cpp, pull requests 7313 and 3010; coremltools, issue 2853 and pull request 2851; aiter, issue 4289: a step
    of 0, by which was divided. Here a column whose largest is below 8.9e-44 became what a cast makes of infinity, and
    that of 7.5e-43 came out with the other sign."""
    small = in_int8(with_column(column))
    assert small.scales is not None
    scale = small.scales.feed_out[1, 0, 7]
    found = small.feed_out[1, 0, : len(column), 7] * scale
    off = np.abs(found.astype(np.float64) - np.array(column, np.float32))
    assert np.isfinite(found).all()
    assert scale > 0
    assert (off <= 0.5 * scale * (1 + 1e-5)).all()
    assert scale <= max(abs(one) for one in column) / 127 * (1 + 1e-6) + 1.5e-45 or not any(column)
    assert abs(small.feed_out.astype(int)).max() == 127


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.filterwarnings("error")
def test_a_number_that_8_bits_cannot_say_is_refused(name: str, bad: float) -> None:
    """aprender, pull request 2187: such weights were taken. Here NaN became 0, and its model spoke on."""
    matrix = getattr(weights(), name).copy()
    matrix[..., 3, 5] = bad
    with pytest.raises(ValueError, match=f"A number of {name} is infinite or NaN"):
        in_int8(replace(weights(), **{name: matrix}))


def test_what_is_no_model_of_32_bits_is_not_rounded() -> None:
    """Of whole numbers -128 the largest was -128."""
    small = in_int8(weights())
    with pytest.raises(ValueError, match=r"embedding as .* of float32, not as .* of int8"):
        in_int8(replace(small, scales=None))
    with pytest.raises(ValueError, match="head lie side by side"):
        in_int8(replace(weights(), head=np.asfortranarray(weights().head)))


def test_numbers_that_are_rounded_are_rounded_to_themselves() -> None:
    """What a file of 8 bits has said once is not moved again, and signs go through all of -127 to 127."""
    once = stood_for(in_int8(weights()))
    again = in_int8(once)
    assert again.scales is not None
    for name in MATRICES:
        assert (getattr(again, name) == getattr(in_int8(weights()), name)).all()
        assert getattr(again, name).min() == -127
    turned = in_int8(replace(weights(), head=-weights().head))
    assert (turned.head == -in_int8(weights()).head).all()


def test_a_vocabulary_that_fills_no_panel_says_nothing_of_tokens_that_there_are_not() -> None:
    """100 tokens are 64 and 36: what stands behind them is 0, and a scale of 1 keeps it there."""
    small = model().weights
    assert small.scales is not None
    assert not small.head[1, :, 36:].any()
    assert (small.scales.head[1, 36:] == 1).all()
    assert model().forward([(99, 0, 0)], [[0]], 1024, [0]).shape == (1, 100)
