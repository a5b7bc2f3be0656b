"""A model of SmolLM2-135M's shape with made weights, in processor time: numbers do not change what a pass takes.

Each contender gives a token to so many sequences, behind 64 whose keys and values are there (and are zeros). "reading"
adds up all numbers that a pass reads and does nothing else: the bound of a pass of one token. "NumPy's products"
multiplies rows by the same matrices, by BLAS on one thread, and leaves out attention, norms and what else there is.
Laws of 8 bits are compared with those of float32 before anything is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from bench.harness import Row, Spent, Timed
from windtunnel.blocks.serving import Decoder, ModelShape, ModelWeights, Sampling, in_int8, made_weights

SHAPE = ModelShape()
MATRICES = ("attention_in", "attention_out", "feed_in", "feed_out")
READ, STRETCH = 64, 128
"""Tokens behind which one is given, and the room of a sequence."""


@cache
def weights(small: bool = False) -> ModelWeights:
    return in_int8(weights()) if small else made_weights(SHAPE)


def ours(many: int, small: bool = False, steps: int = 2) -> Timed:
    """Passes of so many sequences."""
    model = Decoder(weights(small), STRETCH * many)
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
    full = Decoder(weights(), STRETCH)
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


def pace(tokens_per_s: int) -> Callable[[], Timed]:
    """A mark, which nobody runs."""
    return lambda: lambda: Spent(tokens_per_s, 10**9)


def rows() -> list[Row]:
    return [
        Row(
            "135M, float32, one sequence",
            {"ours": lambda: ours(1, steps=4), "reading": reading},
            "tokens/s",
            bar=0.8,
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
            {"ours": lambda: ours(16), "NumPy's products": lambda: products(16)},
            "tokens/s",
            note="below 1: attention, norms and the rest are in ours alone",
        ),
        Row(
            "135M, float32, 32 sequences",
            {
                "ours": lambda: ours(32),
                "ours, 8 bits": lambda: ours(32, small=True),
                "NumPy's products": lambda: products(32),
            },
            "tokens/s",
            bar=0.75,
            note="below 1: attention, norms and the rest are in ours alone",
        ),
    ]
