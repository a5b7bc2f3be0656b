"""What a step takes by the kernels that it consists of, each measured alone: no number of it is fitted on a server.

A step computes layers over all its tokens, attention of each sequence over what was read before, and a head for those
that are given a token. `StepCost` is a line through that; this follows the kernels, whose time has steps, and in which
answers cost more where a prompt is read beside them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from windtunnel.blocks.ground.numbers import number, whole
from windtunnel.blocks.serving import Batch


@dataclass(frozen=True)
class KernelCost:
    """How long a step takes; between knots it is a line.

    Below the first knot it takes what it takes there, and behind the last it goes on as between the last two: nobody
    measured there. So a line of knots must not fall at its end, or much would take less than nothing. Raises ValueError
    for lines that do, for less than two knots, knots that do not rise, and times that are none.

    Args:
        dense_ms: of all layers, by the tokens of the step.
        head_ms: of head and sampler, by how many sequences are given a token, and guesses are verified.
        layers: how many there are; what follows is of the attention of one, in microseconds.
        reading_us: of pieces of prompts: once, a token, a token times what was read before, a token squared, and what
            was read before.
        answering_us: of answers alone in a step, by how many there are and how long they are on average.
        beside_us: what they add to small pieces of prompts.
        together_us: and besides for each answer and each token of the pieces.
    """

    dense_ms: Mapping[int, float]
    head_ms: Mapping[int, float]
    layers: int
    reading_us: tuple[float, float, float, float, float]
    answering_us: Mapping[int, Mapping[int, float]]
    beside_us: Mapping[int, Mapping[int, float]]
    together_us: float

    def __post_init__(self) -> None:
        whole(self.layers, "The number of layers", 1)
        if len(self.reading_us) != 5:
            raise ValueError(f"There are 5 numbers in reading_us, not {len(self.reading_us)}.")
        for one in (*self.reading_us, self.together_us):
            number(one, "A time of what is read", 0)
        _check_line("dense_ms", self.dense_ms)
        _check_line("head_ms", self.head_ms)
        _check_grid("answering_us", self.answering_us)
        _check_grid("beside_us", self.beside_us, -self.reading_us[0])  # together with a piece it takes what is above 0
        if self.lengths != tuple(next(iter(self.beside_us.values()))):
            raise ValueError("The grids answering_us and beside_us have the same lengths of answers as knots.")

    @property
    def answers(self) -> tuple[int, ...]:
        """The knots of `answering_us`: how many answers."""
        return tuple(self.answering_us)

    @property
    def answers_beside(self) -> tuple[int, ...]:
        """The knots of `beside_us`: how many answers."""
        return tuple(self.beside_us)

    @property
    def lengths(self) -> tuple[int, ...]:
        """The knots of both: how many tokens an answer has read."""
        return tuple(next(iter(self.answering_us.values())))

    def seconds(self, batch: Batch) -> float:
        """How long this batch takes. A sequence that computes one token behind its prompt is an answer."""
        pieces, given, answers, read = list[tuple[int, int]](), 0, 0, 0
        for sequence, count in batch.work:
            if sequence.computed + count == len(sequence.tokens):
                given += 1 + sequence.guessed
            if count == 1 and sequence.computed >= sequence.prompt_length:
                answers += 1
                read += sequence.computed
            else:
                pieces.append((count, sequence.computed))
        took_ms = between(self.dense_ms, batch.tokens + batch.padding)
        if given:
            took_ms += between(self.head_ms, given)
        return 1e-3 * took_ms + 1e-6 * self.layers * self._attention_us(pieces, answers, read / max(1, answers))

    def _attention_us(self, pieces: list[tuple[int, int]], answers: int, length: float) -> float:
        if not pieces:
            return within(self.answering_us, answers, length) if answers else 0.0
        once, token, pair, square, before = self.reading_us
        took_us = once + sum(c * (token + pair * k + square * c) + before * k for c, k in pieces)
        if answers:
            took_us += within(self.beside_us, answers, length) + self.together_us * answers * sum(c for c, _ in pieces)
        return took_us


def _check_knots(name: str, knots: Mapping[int, object]) -> None:
    for knot in knots:
        whole(knot, f"A knot of {name}")
    if len(knots) < 2 or any(after <= before for before, after in pairwise(knots)):
        raise ValueError(f"{name} has two knots at least, each larger than the one before, not {list(knots)}.")


def _check_line(name: str, knots: Mapping[int, float], least: float = 0) -> None:
    _check_knots(name, knots)
    for took in knots.values():
        number(took, f"A time of {name}", least)
    *_, before, last = knots.values()
    if last < before:
        raise ValueError(f"{name} falls from {before:g} to {last:g} at its end: behind it, it would fall below 0.")


def _check_grid(name: str, grid: Mapping[int, Mapping[int, float]], least: float = 0) -> None:
    _check_knots(name, grid)
    for knot, line in grid.items():
        _check_line(f"{name}[{knot}]", line, least)
        if list(line) != list(next(iter(grid.values()))):
            raise ValueError(f"{name}[{knot}] has other knots than the line before it: measure all at the same.")
    *_, before, last = grid.values()
    more = {knot: last[knot] - before[knot] for knot in last}
    if min(more.values()) < 0:
        raise ValueError(f"{name} falls from its last line but one to its last: behind them it would fall below 0.")
    _check_line(f"What {name} grows by at its end", more, -inf)


def around(knots: Mapping[int, object], at: float) -> tuple[int, int]:
    """The two knots between which it is; the last two where it is more, the first two where it is less."""
    keys = list(knots)
    i = min(max(bisect_right(keys, at), 1), len(keys) - 1)
    return keys[i - 1], keys[i]


def between(knots: Mapping[int, float], at: float) -> float:
    """On the line between two knots; on from the last two, and at the first where it is less."""
    low, high = around(knots, at)
    return knots[low] + (knots[high] - knots[low]) * (max(at, low) - low) / (high - low)


def within(grid: Mapping[int, Mapping[int, float]], row: float, column: float) -> float:
    """The same of rows, each of which is a line of knots."""
    return between({knot: between(grid[knot], column) for knot in around(grid, row)}, row)


LLAMA_8B_KERNELS = KernelCost(
    dense_ms={
        1: 10.14, 16: 10.11, 64: 10.98, 128: 11.58, 192: 12.95, 256: 13.9, 384: 17.15, 400: 21.55, 512:
        22.21, 768: 31.45, 1024: 39.74, 1280: 46.92, 1536: 61.61, 2048: 76.68,
    },
    head_ms={1: 0.7388, 32: 0.7373, 64: 0.756, 128: 0.7981, 144: 0.8189, 160: 0.8933, 256: 0.9956},
    layers=32,
    reading_us=(6.785, 0.01331, 4.622e-05, 3.799e-05, 0.01448),
    answering_us={
        1: {
            16: 8.352, 64: 8.437, 128: 11.94, 256: 12.23, 512: 12.65, 1024: 14.59, 2048: 18.8, 4096: 27.16,
            16384: 62.38,
        },
        8: {
            16: 13.21, 64: 13.64, 128: 16.61, 256: 20.54, 512: 25.21, 1024: 36.93, 2048: 60.4, 4096: 108.2,
            16384: 373.7,
        },
        16: {
            16: 13.15, 64: 14.35, 128: 20.07, 256: 26.03, 512: 36.17, 1024: 60.29, 2048: 110.3, 4096: 205,
            16384: 729.3,
        },
        32: {
            16: 17.89, 64: 19.8, 128: 26.13, 256: 37.29, 512: 63.19, 1024: 119.3, 2048: 212.3, 4096: 390.3,
            16384: 1442,
        },
        64: {
            16: 22.8, 64: 26.55, 128: 39.09, 256: 68.53, 512: 127.4, 1024: 221.2, 2048: 397.7, 4096: 753.5,
            16384: 2855,
        },
        128: {
            16: 35.8, 64: 44.23, 128: 74.3, 256: 134.8, 512: 229.1, 1024: 404.9, 2048: 760.1, 4096: 1461,
            16384: 5654,
        },
        256: {
            16: 62.26, 64: 76.21, 128: 125, 256: 220.7, 512: 397.3, 1024: 754.8, 2048: 1453, 4096: 2856,
            16384: 1.124e+04,
        },
    },
    beside_us={
        1: {
            16: -0.3845, 64: -0.339, 128: 0.4648, 256: 2.035, 512: 5.72, 1024: 15.17, 2048: 37.42, 4096:
            81.95, 16384: 351.9,
        },
        8: {16: 4.278, 64: 4.574, 128: 7.687, 256: 12.06, 512: 21.3, 1024: 42.41, 2048: 86.76, 4096: 176.4, 16384: 724},
        16: {
            16: 8.731, 64: 9.211, 128: 14.92, 256: 22.24, 512: 37.34, 1024: 69.74, 2048: 135.8, 4096: 268.4,
            16384: 1090,
        },
        32: {
            16: 20.91, 64: 21.86, 128: 35.17, 256: 51.06, 512: 83.42, 1024: 153.3, 2048: 283.6, 4096: 562.9,
            16384: 2303,
        },
        64: {
            16: 43.93, 64: 45.71, 128: 73.14, 256: 106.5, 512: 170.7, 1024: 298.4, 2048: 543.7, 4096: 1431,
            16384: 5905,
        },
        128: {
            16: 87.3, 64: 92.59, 128: 153.8, 256: 230.3, 512: 377.6, 1024: 660.5, 2048: 1529, 4096: 4290,
            16384: 2.136e+04,
        },
    },
    together_us=0.0009305,
)  # fmt: skip
"""Llama-3.1-8B in bfloat16 on one RTX PRO 6000: knots of the measured kernels of casys-kaist/LLMServingSim, commit
5daddb2, profiler/perf/RTXPRO6000 (MIT licence, CASYS Lab at KAIST), and least squares for what reads prompts. Of a step
besides the kernels, of the scheduler and of the network nothing is in it."""
