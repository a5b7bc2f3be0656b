"""A model that llama.cpp's own writer has put into a file is the model that was put there."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from helpers.gguf_files import SHAPE, written
from helpers.plain_llama import logits_of
from windtunnel.blocks.serving import (
    BlockManager,
    Decoder,
    LLMEngine,
    Scheduler,
    Sequence,
    made_weights,
    read_gguf,
    smollm,
)


def test_what_was_written_unpacked_is_read_to_the_bit(tmp_path: Path) -> None:
    made = made_weights(SHAPE)
    made.gains[:] = np.random.default_rng(1).uniform(0.5, 2, made.gains.shape)
    made.gains[SHAPE.layers, 1] = made.gains[SHAPE.layers, 0]
    found = read_gguf(written(tmp_path / "a.gguf", made))
    assert found.shape[:8] == made.shape[:8]
    assert found.shape.rope_base == made.shape.rope_base
    assert found.shape.least == pytest.approx(made.shape.least)
    for name in ("embedding", "attention_in", "attention_out", "feed_in", "feed_out", "gains", "head"):
        assert (getattr(found, name) == getattr(made, name)).all(), name


def test_what_was_packed_into_eight_bits_says_nearly_the_same(tmp_path: Path) -> None:
    made = made_weights(SHAPE)
    found = read_gguf(written(tmp_path / "a.gguf", made, gguf.GGMLQuantizationType.Q8_0))
    one, other = logits_of(made, [1, 2, 3]), logits_of(found, [1, 2, 3])
    assert 0 < np.abs(one - other).max() < 0.1 * np.abs(one).max()


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path / "a.gguf", made_weights(SHAPE), kind="mamba")
    with pytest.raises(ValueError, match="'mamba'"):
        read_gguf(file)


@pytest.mark.live
def test_smollm_knows_the_capital_of_france_alone_and_in_a_crowd_and_agrees_with_a_plain_pass() -> None:
    try:
        weights = read_gguf(smollm())
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    # "<|im_start|>user\nThe capital of France is<|im_end|>\n<|im_start|>assistant\n", by the model's own tokenizer
    question = [1, 4093, 198, 504, 3575, 282, 4649, 314, 2, 198, 1, 520, 9531, 198]
    engine = LLMEngine(Decoder(weights, 1024), Scheduler(BlockManager(64)))
    engine.add(Sequence("France", question, 12, stop=2))
    for other in range(5):
        engine.add(Sequence(other, question[other:], 12, stop=2))
    answer = next(one.answer for one in engine.run() if one.name == "France")
    plain = list(question)
    for token in answer:
        law = logits_of(weights, plain)[-1]
        assert law[token] > law.max() - 1e-3
        plain.append(token)
    assert 7042 in answer  # " Paris"
