"""Bugs that were reported of engines, samplers and kernels elsewhere, asked of ours."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.plain_llama import logits_of
from helpers.serving_cases import TINY
from windtunnel.blocks.serving import (
    BlockManager,
    Decoder,
    LLMEngine,
    Sampling,
    Scheduler,
    Sequence,
    answer_alone,
    made_weights,
)

LOGITS = np.array([0.5, 2.0, 1.0, 2.0], np.float32)
HOT = Sampling(50.0, seed=5)
"""So hot that what is drawn is hardly ever the likeliest."""


def engine(decoder: Decoder) -> LLMEngine:
    return LLMEngine(decoder, Scheduler(BlockManager(16, 4)))


def test_a_gate_far_below_zero_closes_and_gives_no_nan() -> None:
    """ds4, pull request 498; llama.cpp, issue 12523; pytorch, issue 160876: exp(89) does not fit 32 bits."""
    from windtunnel.blocks.serving.kernels.decoder import gate

    far = np.concatenate([np.linspace(-200, 200, 1001), [-3e38, 3e38]]).astype(np.float32)
    out = np.empty((1, far.size), np.float32)
    gate(np.concatenate([far, np.ones_like(far)])[None], out)
    wide = far.astype(np.float64)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(out[0], wide / (1 + np.exp(-wide)), rtol=1e-5, atol=1e-36)


def test_a_model_with_such_gates_says_what_a_plain_pass_says() -> None:
    weights = made_weights(TINY)
    weights.feed_in[:, : TINY.hidden // 64] *= 60
    tokens = [5, 6, 7, 8]
    found = Decoder(weights, 16).forward([(token, at, 0) for at, token in enumerate(tokens)], [[0]], 16, range(4))
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(found, logits_of(weights, tokens), rtol=0, atol=2e-3)


@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 1e-5, 1e-4])
def test_next_to_no_temperature_is_none(temperature: float) -> None:
    """vLLM, issues 1623 and 3063, pull requests 890 and 2937: divided by it, the largest logit was infinite."""
    drawn = {Sampling(temperature, 0.9, seed=seed).pick(LOGITS, 1) for seed in range(20)}
    assert drawn <= {1, 3}
    assert Sampling(5e-324, 5e-324).pick(np.array([1, 2], np.float32), 1) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_row_that_is_no_number_ends_its_own_request_and_no_other(bad: float) -> None:
    """vLLM, issues 4151 and 641: one such row ended the engine. Here the token 7 has been broken in its file."""
    weights = made_weights(TINY)
    weights = type(weights)(**{**vars(weights), "embedding": weights.embedding.copy()})
    weights.embedding[7 // 64, :, 7 % 64] = bad
    made = engine(Decoder(weights, 64))
    ill, well = Sequence("ill", [5, 7, 9], 4), Sequence("well", [5, 6, 9], 4)
    made.add(ill)
    made.add(well, HOT)
    assert {one.name for one in made.run()} == {"ill", "well"}
    assert (ill.answer, ill.state, well.fault) == ([], "finished", "")
    assert "too large, or were none" in ill.fault
    assert len(well.answer) == 4
    assert made.scheduler.memory.free_blocks == 16  # type: ignore[attr-defined]
    made.add(Sequence("ill", [5, 6], 2))
    assert [one.answer for one in made.run()] == [answer_alone(Decoder(weights, 64), [5, 6], 2)]
    for sampling in (Sampling(), Sampling(1.0)):
        with pytest.raises(ValueError, match="no finite number"):
            sampling.pick(np.array([1, bad], np.float32), 1)


def test_a_token_that_is_ruled_out_is_never_drawn() -> None:
    ruled = np.array([-np.inf, 0, 0, -np.inf], np.float32)
    assert {Sampling(1.0, seed=seed).pick(ruled, 1) for seed in range(30)} == {1, 2}


def test_to_abort_one_that_is_done_changes_nothing_of_who_has_its_name_now() -> None:
    """vLLM, issue 23697: a name used again was aborted by what was meant for the one before."""
    decoder = Decoder(made_weights(TINY), 64)
    alone, made = engine(decoder), engine(decoder)
    alone.add(wanted := Sequence("x", [1, 2], 12), HOT)
    alone.run()
    made.add(first := Sequence("x", [1, 2], 1), HOT)
    made.run()
    made.add(second := Sequence("x", [1, 2], 12), HOT)
    made.step()
    made.abort(first)
    with pytest.raises(ValueError, match="'x' is not served here"):
        made.abort(Sequence("x", [1, 2], 12))
    made.run()
    assert second.answer == wanted.answer != answer_alone(decoder, [1, 2], 12)


def test_one_may_hang_up_in_the_middle_of_its_prompt_and_while_it_is_put_out() -> None:
    """vLLM, issue 46283, SGLang, 36475: blocks of who had gone were never given back."""
    decoder = Decoder(made_weights(TINY), 64)
    made = LLMEngine(decoder, Scheduler(BlockManager(6, 2, watermark=0), 2, "chunked", 3))
    made.add(long := Sequence("long", [3] * 9, 2))
    made.step()
    assert 0 < long.computed < 9
    made.abort(long)
    made.add(first := Sequence("first", [1, 2], 9))
    made.add(late := Sequence("late", [4, 5], 9))
    while not late.preempted:
        made.step()
    made.abort(late)
    made.run()
    assert first.answer == answer_alone(Decoder(made_weights(TINY), 64), [1, 2], 9)
    assert made.scheduler.memory.free_blocks == 6  # type: ignore[attr-defined]
    assert not made._sampling


def test_a_decoder_smaller_than_its_memory_is_refused_before_anybody_waits() -> None:
    with pytest.raises(ValueError, match="has 64 slots, and the decoder 63"):
        engine(Decoder(made_weights(TINY), 63))


def test_rows_that_are_not_there_are_not_read_and_slots_that_are_not_there_are_not_copied() -> None:
    decoder = Decoder(made_weights(TINY), 8)
    for wanted in ([1], [-1], [0, 5]):
        with pytest.raises(ValueError, match="are wanted, and there are 1"):
            decoder.forward([(1, 0, 0)], [[0]], 8, wanted)
    for stretch, tables in ((0, [[0]]), (-1, [[0]]), (8, [])):
        with pytest.raises(ValueError, match=r"side by side|there are 0"):
            decoder.forward([(1, 0, 0)], tables, stretch, [0])
    for copies in ([(0, 8)], [(-1, 0)]):
        with pytest.raises(ValueError, match="cannot be copied"):
            decoder.copy(copies)


@pytest.mark.parametrize("seed", [None, 1.5, "7", 1 << 70])
def test_a_seed_is_a_whole_number(seed: object) -> None:
    with pytest.raises(ValueError, match="A seed is"):
        Sampling(1.0, seed=seed)  # type: ignore[arg-type]


def test_salts_keep_two_with_one_prompt_apart_on_a_real_model() -> None:
    """vLLM's `cache_salt`: who shares blocks can be told by the time it takes."""
    made = engine(Decoder(made_weights(TINY), 64))
    for name, salt in (("a", b"x"), ("b", b"y"), ("c", b"x")):
        made.add(Sequence(name, range(9), 2, salt=salt))
        made.run()
    assert made.scheduler.memory.hits == 8  # type: ignore[attr-defined]
