"""Sixteen LoRA adapters and one small model with made weights, in processor time, 16 or 32 requests a step.

The model has 4 layers of width 256 (3.1 million numbers and a vocabulary of 1,024), adapters have rank 8 and change all
four matrices of a layer. Contenders answer the same rows, whose logits are compared before anything is timed. "swap and
merge" takes the one adapter out of the weights and the next one in for each adapter of a step; "swapped once in 16
steps" keeps each for 16 tokens, so that others wait; "merged copies" has the weights once for each adapter; "loop"
keeps adapters beside the weights and computes one adapter's rows after another's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from bench.harness import Row, Timed
from windtunnel.blocks.serving import (
    AdapterPool,
    Decoder,
    LoraAdapter,
    ModelShape,
    ModelWeights,
    adapter_bytes,
    copied,
    made_adapter,
    made_weights,
    merge_adapter,
    merged,
)

SHAPE = ModelShape(
    vocabulary=1024, width=256, layers=4, heads=4, kv_heads=2, head_width=64, hidden=768, positions=64, rope_base=1e4
)
RANK, MANY, AT = 8, 16, 16
"""Of the adapters: their rank, how many, and the position that a step computes."""
STEPS, KEPT = 4, 16
"""Steps of a job, and those for which an adapter stays in the weights where it is swapped seldom."""


@cache
def weights() -> ModelWeights:
    return made_weights(SHAPE)


@cache
def adapters(many: int = MANY) -> list[LoraAdapter]:
    return [made_adapter(SHAPE, RANK, seed=i) for i in range(many)]


def rows_of(rows: int, many: int) -> dict[int, list[int]]:
    """Which sequences are of which adapter: in turn."""
    return {k: [i for i in range(rows) if i % many == k] for k in range(many)}


def step(
    model: Decoder, sequences: list[int], pool: AdapterPool | None = None, places: list[int] | None = None
) -> np.ndarray:
    """One token of each of these sequences, whose keys and values lie in a stretch of their own."""
    rows = [(7 * i % SHAPE.vocabulary, AT, k) for k, i in enumerate(sequences)]
    tables = [[64 * i] for i in sequences]
    return model.forward(rows, tables, 64, list(range(len(rows))), pool, places or [])


def gathered(rows: int, many: int = MANY, steps: int = STEPS) -> Timed:
    """One pass for all."""
    pool, model = AdapterPool(SHAPE, many, RANK), Decoder(weights(), 64 * rows)
    for k, one in enumerate(adapters(many)):
        pool.load(str(k), one)
    everybody = list(range(rows))
    places = [i % many for i in everybody]
    agree(rows, many, lambda: step(model, everybody, pool, places))

    def job() -> int:
        for _ in range(steps):
            step(model, everybody, pool, places)
        return steps * rows

    return job


def base(rows: int, steps: int = STEPS) -> Timed:
    """One pass without adapters: what no way can be faster than."""
    model = Decoder(weights(), 64 * rows)

    def job() -> int:
        for _ in range(steps):
            step(model, list(range(rows)))
        return steps * rows

    return job


def loop(rows: int, many: int = MANY, steps: int = STEPS) -> Timed:
    """A pass for each adapter, whose numbers lie beside the weights."""
    pool, model = AdapterPool(SHAPE, many, RANK), Decoder(weights(), 64 * rows)
    for k, one in enumerate(adapters(many)):
        pool.load(str(k), one)
    whose = rows_of(rows, many)

    def job() -> int:
        for _ in range(steps):
            for k, own in whose.items():
                step(model, own, pool, [k] * len(own))
        return steps * rows

    return job


def copies(rows: int, many: int = MANY, steps: int = STEPS) -> Timed:
    """A pass for each copy."""
    models = [Decoder(merged(weights(), one), 64 * rows) for one in adapters(many)]
    whose = rows_of(rows, many)

    def job() -> int:
        for _ in range(steps):
            for k, own in whose.items():
                step(models[k], own)
        return steps * rows

    return job


def swapped(rows: int, many: int = MANY, kept: int = 1) -> Timed:
    """One set of weights, in which one adapter is at a time, for so many steps."""
    own = copied(weights())
    model = Decoder(own, 64 * rows)
    whose = rows_of(rows, many)

    def job() -> int:
        for _ in range(max(1, STEPS // kept)):
            for k, one in enumerate(adapters(many)):
                merge_adapter(own, one)
                for _ in range(kept):
                    step(model, whose[k])
                merge_adapter(own, one, times=-1)
        return max(1, STEPS // kept) * kept * rows

    return job


def agree(rows: int, many: int, ours: Callable[[], np.ndarray]) -> None:
    """Raises AssertionError where what is gathered is not what a merged copy says."""
    found = ours()
    for k, own in rows_of(rows, many).items():
        said = step(Decoder(merged(weights(), adapters(many)[k]), 64 * rows), own)
        np.testing.assert_allclose(found[own], said, rtol=0, atol=1e-3)


def rows() -> list[Row]:
    copy = sum(getattr(weights(), name).nbytes for name in ("attention_in", "attention_out", "feed_in", "feed_out"))
    beside = copy + MANY * adapter_bytes(SHAPE, RANK)
    room = f"{beside / 1e6:.1f} MB, {MANY} copies {MANY * copy / 1e6:.0f} MB, {MANY * copy / beside:.1f} times as much"
    made = []
    for many in (16, 32):
        made += [
            Row(
                f"{MANY} adapters, {many} rows: against swap and merge",
                {"ours": lambda n=many: gathered(n), "swap and merge": lambda n=many: swapped(n)},
                "tokens/s",
                bar=8,
            ),
            Row(
                f"{MANY} adapters, {many} rows: against merged copies",
                {"ours": lambda n=many: gathered(n), "merged copies": lambda n=many: copies(n)},
                "tokens/s",
                bar=3 if many == MANY else None,
                note=f"memory without embedding and head: {room}"
                + (
                    "; a processor computes from a few rows on: 16 rows take a quarter of 16 passes of one"
                    if many == MANY
                    else "; two requests of each adapter share a copy's pass, so less is gained"
                ),
            ),
            Row(
                f"{MANY} adapters, {many} rows: against others",
                {
                    "ours": lambda n=many: gathered(n),
                    "loop": lambda n=many: loop(n),
                    f"swapped once in {KEPT} steps": lambda n=many: swapped(n, kept=KEPT),
                },
                "tokens/s",
            ),
            Row(
                f"{many} rows: {MANY} adapters against one, and against none",
                {
                    "ours": lambda n=many: gathered(n),
                    "one adapter": lambda n=many: gathered(n, 1),
                    "4 adapters": lambda n=many: gathered(n, 4),
                    "the model alone": lambda n=many: base(n),
                },
                "tokens/s",
                note="below 1: the low-rank parts are computed besides, and the model alone answers by none of them",
            ),
        ]
    return made
