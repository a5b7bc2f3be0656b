"""A model of SmolLM2-135M's shape with made weights, in processor time: numbers do not change what a pass takes.

Each contender gives a token to so many sequences, behind 64 whose keys and values are there (and are zeros). "reading"
adds up all numbers that a pass reads and does nothing else: the bound of a pass of one token. "NumPy's products"
multiplies rows by the same matrices, by BLAS on one thread, and leaves out attention, norms and what else there is.
Laws of 8 bits are compared with those of float32 before anything is timed. torch is a decoder of its own operations
(`torch_serving`), which runs where an interpreter has it: it is too large to be installed beside the others.

Whole answers are another job: prompts of 64 tokens are read and 32 are told by an engine that plans its steps, ours or
openvino-genai, each on one thread, with the real weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bench import torch_serving
from bench.elsewhere import Elsewhere, peer_python
from bench.harness import Row, Skip, Spent, Timed
from windtunnel.blocks.serving import (
    BlockManager,
    Decoder,
    LLMEngine,
    ModelShape,
    ModelWeights,
    Sampling,
    Scheduler,
    Sequence,
    in_int8,
    made_weights,
    read_gguf,
    smollm,
)

SHAPE = ModelShape()
MADE = ModelShape(257, 128, 4, 4, 2, 32, 384)
"""What `windtunnel serve` answers with where no weights are."""
MATRICES = ("attention_in", "attention_out", "feed_in", "feed_out")
READ, STRETCH = 64, 128
"""Tokens behind which one is given, and the room of a sequence."""


TOLD = 32
"""Tokens of a whole answer."""
PLAIN = {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}
TORCH = "is not among the peers, for its size", "WINDTUNNEL_TORCH_PYTHON"


@cache
def made(shape: ModelShape) -> ModelWeights:
    return made_weights(shape)


@cache
def packed(shape: ModelShape) -> ModelWeights:
    return in_int8(made(shape))


def weights(small: bool = False, shape: ModelShape = SHAPE) -> ModelWeights:
    return packed(shape) if small else made(shape)


def ours(many: int, small: bool = False, steps: int = 2, shape: ModelShape = SHAPE) -> Timed:
    """Passes of so many sequences."""
    model = Decoder(weights(small, shape), STRETCH * many)
    tables = [[STRETCH * k] for k in range(many)]
    rows = [(11 * k, READ, k) for k in range(many)]
    if small:
        agree(model, rows, tables)

    def job() -> int:
        for _ in range(steps):
            model.forward(rows, tables, STRETCH, list(range(many)))
        return steps * many

    return job


def agree(small: Decoder, rows: list[tuple[int, int, int]], tables: list[list[int]]) -> None:
    """Raises AssertionError where the law of 8 bits is far from that of float32, behind a first token."""
    full = Decoder(made(small.weights.shape), STRETCH)
    one = [(rows[0][0], 0, 0)]
    laws = [Sampling(20.0).law(made.forward(one, [[0]], STRETCH, [0])[0]) for made in (full, small)]
    assert np.abs(laws[0] - laws[1]).sum() < 0.1, "8 bits say something else"


def reading(small: bool = False) -> Timed:
    """All numbers that a pass of one token reads, added up."""
    numbers = [getattr(weights(small), name) for name in (*MATRICES, "head")]
    flat = [one.reshape(-1).view(np.float32) for one in numbers]

    def job() -> int:
        with np.errstate(all="ignore"):  # of 8 bits four are read as one number, which may be none
            for one in flat:
                one.sum()
        return 1

    return job


def products(many: int) -> Timed:
    """The matrix products of a pass by NumPy."""
    unpacked = [
        one.transpose(1, 0, 2).reshape(one.shape[1], -1).copy() for name in MATRICES for one in getattr(weights(), name)
    ]
    head = weights().head.transpose(1, 0, 2).reshape(SHAPE.width, -1)
    unpacked.append(head.copy())
    rows = {one.shape[0]: np.ones((many, one.shape[0]), np.float32) for one in unpacked}

    def job() -> int:
        for one in unpacked:
            np.matmul(rows[one.shape[0]], one)
        return many

    return job


def torch(many: int, steps: int = 2, shape: ModelShape = SHAPE) -> Elsewhere:
    """The same by torch."""
    parts = json.dumps([*shape[:7]])
    return Elsewhere(peer_python("torch", *TORCH), torch_serving.__name__, parts, str(many), str(steps))


def file() -> Path:
    """The weights of SmolLM2-135M."""
    try:
        return smollm()
    except FileNotFoundError as missing:
        raise Skip(str(missing)) from None


@cache
def real(small: bool) -> ModelWeights:
    """Those weights as ours reads them."""
    return in_int8(real(False)) if small else read_gguf(file())


def prompts(many: int) -> list[list[int]]:
    return [[100 + 64 * k + i for i in range(READ)] for k in range(many)]


def answers(many: int, small: bool) -> Timed:
    """Whole answers by our engine."""
    model = Decoder(real(small), STRETCH * many)

    def job() -> int:
        engine = LLMEngine(model, Scheduler(BlockManager(STRETCH // 16 * many, 16), many))
        for name, prompt in enumerate(prompts(many)):
            engine.add(Sequence(name, prompt, TOLD))
        engine.run()
        return many * TOLD

    return job


def openvino(many: int, *, plain: bool = False) -> Timed:
    """The same by openvino-genai, as it comes, or told to compute in float32 as ours does."""
    import openvino
    import openvino_genai as genai

    how = genai.SchedulerConfig()
    how.max_num_seqs, how.cache_size = many, 1
    pipeline: Any = genai.ContinuousBatchingPipeline(
        str(file()), how, "CPU", {"INFERENCE_NUM_THREADS": 1, **(PLAIN if plain else {})}
    )
    config = genai.GenerationConfig()
    config.max_new_tokens, config.do_sample, config.ignore_eos = TOLD, False, True
    asked = [openvino.Tensor(np.array([prompt], np.int64)) for prompt in prompts(many)]

    def job() -> int:
        told = pipeline.generate(asked, [config] * many)
        assert sum(len(one.m_generation_ids[0]) for one in told) == many * TOLD
        return many * TOLD

    return job


def pace(tokens_per_s: int) -> Callable[[], Timed]:
    """A mark, which nobody runs."""
    return lambda: lambda: Spent(tokens_per_s, 10**9)


def whole(many: int) -> Row:
    return Row(
        f"whole answers, {many} at once",
        {
            "ours, 8 bits": lambda: answers(many, small=True),
            "ours, float32": lambda: answers(many, small=False),
            "openvino-genai": lambda: openvino(many),
            "openvino-genai, float32": lambda: openvino(many, plain=True),
        },
        "tokens/s",
        packages=("openvino-genai",),
        rounds=3,
        note="tokens that are told, and what reads the prompts is in it; openvino-genai computes in 16 and 8 bits, for "
        "which this processor has instructions of its own, and ours in float32, whatever the weights are kept in",
    )


def rows() -> list[Row]:
    return [
        Row(
            "135M, float32, one sequence",
            {"ours": lambda: ours(1, steps=4), "reading": reading, "torch": lambda: torch(1, 4)},
            "tokens/s",
            bar=0.8,
            against="reading",
            note="a pass reads 538 MB; reading is the bound of what a pass of one token can be",
        ),
        Row(
            "135M, 8 bits, one sequence",
            {
                "ours": lambda: ours(1, small=True, steps=8),
                "60 tokens/s": pace(60),
                "reading": lambda: reading(small=True),
            },
            "tokens/s",
            bar=1,
            against="60 tokens/s",
        ),
        Row(
            "135M, 8 bits against float32, one sequence",
            {"ours": lambda: ours(1, small=True, steps=8), "ours, float32": lambda: ours(1, steps=4)},
            "tokens/s",
            against="ours, float32",
        ),
        Row(
            "135M, float32, 16 sequences",
            {"ours": lambda: ours(16), "NumPy's products": lambda: products(16), "torch": lambda: torch(16)},
            "tokens/s",
        ),
        Row(
            "135M, float32, 32 sequences",
            {
                "ours": lambda: ours(32),
                "ours, 8 bits": lambda: ours(32, small=True),
                "NumPy's products": lambda: products(32),
                "torch": lambda: torch(32),
            },
            "tokens/s",
            bar=0.75,
            against="NumPy's products",
        ),
        Row(
            "made weights, float32, 16 sequences",
            {"ours": lambda: ours(16, steps=64, shape=MADE), "torch": lambda: torch(16, 64, MADE)},
            "tokens/s",
            bar=2.2,
            note="a model of a million weights: what is around its products rules",
        ),
        *(whole(many) for many in (1, 16, 32)),
    ]
