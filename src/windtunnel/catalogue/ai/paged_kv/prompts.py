"""What is asked: prompts and answers of the lengths of ShareGPT, and what the model answers to them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import exp, log
from random import Random
from statistics import NormalDist
from typing import Protocol

from windtunnel.parts import STOP, VOCABULARY, made_answer, made_prompt

MOST = 2048
"""The longest sequence that OPT takes, in tokens."""
CAP = 1024
"""The longest prompt, and the longest answer."""
PROMPT, PROMPT_SPREAD = 161.31, 1.2
ANSWER, ANSWER_SPREAD = 337.99, 0.9
"""Mean lengths of ShareGPT in the PagedAttention paper; the spreads, of the logarithms, are assumed: of six pairs that
were tried (1.0 to 1.5, 0.8 to 1.0) all give the paper's order, and none moves a share by more than three points."""
TENANTS = 2
"""Their common beginnings differ in the first token alone."""
LOT = 32
AGAIN = 10
"""Where there is a common beginning, each request of this number is the one before, asked again."""


class Setting(Protocol):
    """What the parameters have."""

    @property
    def rate(self) -> float: ...

    @property
    def run_s(self) -> float: ...

    @property
    def slots(self) -> int: ...

    @property
    def block_size(self) -> int: ...

    @property
    def shared(self) -> int: ...

    @property
    def spread(self) -> float: ...

    @property
    def slowness(self) -> float: ...

    @property
    def leave(self) -> float: ...


def capped_mean(middle: float, spread: float, cap: float) -> float:
    """The mean of a lognormal length, by the mean and spread of its logarithm, where longer ones are cut to the cap."""
    normal, z = NormalDist(), (log(cap) - middle) / spread
    return exp(middle + spread**2 / 2) * normal.cdf(z - spread) + cap * (1 - normal.cdf(z))


def capped_square(middle: float, spread: float, cap: float) -> float:
    """The mean of its square."""
    normal, z = NormalDist(), (log(cap) - middle) / spread
    return exp(2 * middle + 2 * spread**2) * normal.cdf(z - 2 * spread) + cap**2 * (1 - normal.cdf(z))


def context() -> float:
    """How many tokens a running sequence has, on average over time: its prompt, and half of an answer.

    Long answers run longer, so they are met more often: the half is that of E[answer squared] / E[answer].
    """
    square = capped_square(middle_of(ANSWER, ANSWER_SPREAD, CAP), ANSWER_SPREAD, CAP)
    return PROMPT + square / (2 * ANSWER)


@lru_cache(maxsize=64)
def middle_of(mean: float, spread: float, cap: float) -> float:
    """The mean of the logarithms with which the capped lengths have this mean."""
    low, high = 0.0, log(cap) + 4.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if capped_mean(middle, spread, cap) > mean else (middle, high)
    return low


def lengths(mean: float, spread: float, luck: Random) -> Iterator[int]:
    """Lengths in tokens without end; all are alike where the spread is 0.

    Each lot of `LOT` has one of every part of the law, in an order of its own, as a deck of cards has: their mean
    scatters less than if each were drawn for itself, and so do figures.
    """
    normal = NormalDist(middle_of(mean, spread, CAP), spread) if spread else None
    while True:
        for part in luck.sample(range(LOT), LOT):
            share = (part + luck.random()) / LOT
            drawn = exp(normal.inv_cdf(min(max(share, 1e-12), 1 - 1e-12))) if normal else mean
            yield max(1, min(CAP, round(drawn)))


@lru_cache(maxsize=4096)
def prompt_of(number: int, own: int, shared: int) -> tuple[int, ...]:
    """The tokens of a prompt: `shared` that all requests of a tenant begin with, and `own` that nobody else has."""
    if shared and number % AGAIN == AGAIN - 1:
        number -= 1
    common = [number % TENANTS, *(31 * i % VOCABULARY for i in range(2, shared + 1))] if shared else []
    return (*common, *made_prompt(number, own))


@lru_cache(maxsize=4096)
def right_answer(number: int, own: int, shared: int, many: int) -> int:
    """What the client of this request has to be told, as one number."""
    return told([*made_answer(prompt_of(number, own, shared), many - 1), STOP])


def told(tokens: list[int]) -> int:
    """An answer as one number, the same on every machine."""
    number = 0
    for token in tokens:
        number = (number * 1_000_003 + token + 1) % (1 << 61)
    return number
