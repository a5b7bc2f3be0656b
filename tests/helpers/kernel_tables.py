"""The measured kernels of a card and the log of a server on it, where they lie beside the project; and their fit."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from windtunnel.parts.kernel_cost import LLAMA_8B_KERNELS as SHIPPED

PLACES = [up / "shared" / "data" / "serving" for up in Path(__file__).parents]
HERE = next(filter(Path.exists, PLACES), None)
WORD = "the measured kernels and the log are not here: they are no part of the project"
SMALL, READ = (16, 32, 64), (0, 16, 32, 64, 128, 256, 512, 1024)
"""Small pieces of prompts beside which answers are read, and how much was read of them: the mean is taken over them."""


class Logged(NamedTuple):
    """A request of the log, in seconds since the first one came."""

    came_s: float
    first_s: float
    last_s: float
    prompt: int
    answer: int


def rows(name: str) -> Iterator[dict[str, str]]:
    assert HERE is not None
    with (HERE / name).open() as file:
        yield from csv.DictReader(file)


@cache
def attention() -> dict[tuple[int, int, int, int], float]:
    """Microseconds of one layer by (tokens of a prompt, read before, answers, tokens of each)."""
    names = ("prefill_chunk", "kv_prefill", "n_decode", "kv_decode")
    return {tuple(int(row[name]) for name in names): float(row["time_us"]) for row in rows("attention.csv")}  # type: ignore[misc]


@cache
def dense() -> dict[int, float]:
    """Milliseconds of all that goes by the tokens of a step, 32 layers and what is there once."""
    times = {"layernorm": 64, "embedding": 1, "final_layernorm": 1}
    found = dict[int, float]()
    for row in rows("dense.csv"):
        took_ms = times.get(row["layer"], 32) * float(row["time_us"]) / 1e3
        found[int(row["tokens"])] = found.get(int(row["tokens"]), 0.0) + took_ms
    return found


@cache
def per_sequence() -> dict[int, float]:
    """Milliseconds of head and sampler."""
    found = dict[int, float]()
    for row in rows("per_sequence.csv"):
        found[int(row["sequences"])] = found.get(int(row["sequences"]), 0.0) + float(row["time_us"]) / 1e3
    return found


def reading() -> list[float]:
    """What reading a piece of a prompt takes, in microseconds a layer: least squares of shares, from 64 tokens on."""
    alone = [(c, k, us) for (c, k, n, _), us in attention().items() if not n and c >= 64]
    terms = np.array([[1.0, c, c * k, c * c, k] for c, k, _ in alone])
    took = np.array([us for *_, us in alone])
    return [float(one) for one in np.linalg.lstsq(terms / took[:, None], np.ones(len(took)), rcond=None)[0]]


def answering() -> dict[tuple[int, int], float]:
    """Of so many answers of so many tokens each, alone in a step."""
    return {(n, kv): attention()[0, 0, n, kv] for n in SHIPPED.answers for kv in SHIPPED.lengths}


def beside() -> dict[tuple[int, int], float]:
    """What they add where a small piece of a prompt is read in the same step, on average."""
    us = attention()
    return {
        (n, kv): float(np.mean([us[c, k, n, kv] - us[c, k, 0, 0] for c in SMALL for k in READ]))
        for n in SHIPPED.answers_beside
        for kv in SHIPPED.lengths
    }


def together() -> float:
    """And what they add besides for each token of a large piece, by least squares."""
    us, small = attention(), beside()
    pairs = list[tuple[float, float]]()
    for (n, kv), before_us in small.items():
        pieces = [(c, np.mean([us[c, k, n, kv] - us[c, k, 0, 0] for k in READ])) for c in (256, 512, 1024, 2048)]
        pairs += [(n * c / before_us, float(added) / before_us - 1) for c, added in pieces if n >= 8 and kv <= 2048]
    return sum(x * y for x, y in pairs) / sum(x * x for x, _ in pairs)


def knots(of: Callable[[], dict[int, float]], at: tuple[int, ...]) -> list[float]:
    found = of()
    return [float(np.interp(one, sorted(found), [found[k] for k in sorted(found)])) for one in at]


@cache
def log() -> list[Logged]:
    assert HERE is not None
    with (HERE / "requests.jsonl").open() as file:
        read = sorted((json.loads(line) for line in file), key=lambda one: float(one["queued_ts"]))
    begin = read[0]["queued_ts"]
    return [
        Logged(
            *(one[name] - begin for name in ("queued_ts", "first_token_ts", "last_token_ts")),
            one["input_toks"],
            one["output_toks"],
        )
        for one in read
    ]
