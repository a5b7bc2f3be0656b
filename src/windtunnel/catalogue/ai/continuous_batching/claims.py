"""What is claimed, what a challenger's scheduler has to do, and what the sources say."""

from __future__ import annotations

from functools import cache
from math import exp, log
from statistics import NormalDist

from windtunnel import Claim, Figure, Source

ORCA, SARATHI, SIMULATOR = "Orca", "Sarathi-Serve 2024", "LLMServingSim 2026"
MEDIAN, SPREAD = 110.0, 0.8
"""Of the lengths of answers, before they are cut: lognormal, assumed."""
BATCH, CAP = 32, 384
OFFLINE = {"requests": 128, "rate": 0.0, "batch": BATCH, "cap": CAP, "spread": 1.0, "long": 0.0, "step_tokens": 512}
SHORT = {**OFFLINE, "cap": 128}
ALIKE = {**OFFLINE, "requests": 64, "spread": 0.0}
COMING = {**ALIKE, "rate": 6.0}
ALONE = {**OFFLINE, "requests": 8, "rate": 1e-5}
"""So seldom that no two meet, on hardly any seed."""
BUSY = {**OFFLINE, "requests": 200, "rate": 20.0}
MIXED = {**OFFLINE, "requests": 60, "rate": 6.0, "long": 0.15}


def below(length: float, cap: int) -> float:
    """The share of answers that are at most so long."""
    return 1.0 if length >= cap else NormalDist().cdf(log((length + 0.5) / MEDIAN) / SPREAD)


@cache
def longest_over_mean(batch: int, cap: int) -> float:
    """E[the longest of a batch] / E[length]: steps of a static batch over those that would do."""
    longest = sum(1 - below(length, cap) ** batch for length in range(cap))
    return longest / sum(1 - below(length, cap) for length in range(cap))


def capped_mean(cap: int) -> float:
    """The mean of the lognormal lengths that are cut there."""
    normal, z = NormalDist(), log(cap / MEDIAN) / SPREAD
    return MEDIAN * exp(SPREAD**2 / 2) * normal.cdf(z - SPREAD) + cap * (1 - normal.cdf(z))


ALL = "continuous.tokens_per_s > 10 * one_by_one.tokens_per_s"
TAIL = "continuous.tokens_per_s > 1.4 * static.tokens_per_s and static.filled < 0.5 < continuous.filled"
COMES = "static.first_ms > 10 * continuous.first_ms"
EQUAL = "0.99 < continuous.tokens_per_s / static.tokens_per_s < 1.01"
STALL = "continuous.stalled > 0.1 and chunked.stalled < 0.01"
PRICE = "chunked.long_first_ms > continuous.long_first_ms"

CLAIMS = (
    Claim(
        TAIL,
        "A batch that nobody may join or leave waits for its longest answer.",
        ORCA,
        breaks="static",
        given=OFFLINE,
    ),
    Claim(
        EQUAL,
        "Where all answers are alike and all requests there, a static batch is as good: no word a second is gained.",
        given=ALIKE,
        spares="static",
    ),
    Claim(
        COMES,
        "Where requests come one by one, who comes while a batch runs waits for its end, alike as answers may be.",
        ORCA,
        given=COMING,
    ),
    Claim(
        "1.1 < continuous.steady_per_s / static.steady_per_s < 1.6",
        "Cut at 128, many answers are as long as the longest, and little is gained.",
        given=SHORT,
    ),
    Claim(ALL, "A step reads all weights; for one token or for 32 it takes nearly the same.", ORCA, given=OFFLINE),
    Claim("one_by_one.answer_ms < 1.05 * continuous.answer_ms", "Who is alone needs no batch.", given=ALONE),
    Claim(
        STALL,
        "A long prompt is computed in one step, and all who were getting words wait for it.",
        SARATHI,
        given=MIXED,
    ),
    Claim(PRICE, "In pieces its own first word comes later.", SARATHI, over="mean", given=MIXED),
    Claim(
        "chunked.tokens_per_s > 0.97 * continuous.tokens_per_s",
        "Where there are no long prompts, pieces cost next to nothing.",
        given=OFFLINE,
    ),
    Claim(
        "max(one_by_one.wrong, static.wrong, continuous.wrong, chunked.wrong) == 0"
        " and max(one_by_one.left, static.left, continuous.left, chunked.left) == 0"
        " and max(one_by_one.unmade, static.unmade, continuous.unmade, chunked.unmade) == 0",
        "Whoever computes beside whom, every client is told the same, to the end.",
    ),
)

DEMANDS = (
    Claim("yours.wrong == 0", "What was told to a client is what the model answers to it.", always=True),
    Claim("yours.most <= params.batch", "The device has so many places.", always=True),
    Claim("yours.unmade == 0", "And the model has computed each token of it.", always=True),
    Claim("yours.left == 0", "Everybody is answered.", given=OFFLINE),
    Claim("yours.steady_per_s > 2000", "Places are not left empty, nor to those who are done.", given=OFFLINE),
    Claim(
        "yours.left == 0 and yours.first_most_ms < 9 * yours.first_ms",
        "Where more come than can be served, nobody waits for many who came later.",
        given=BUSY,
    ),
    Claim("yours.stalled < 0.05", "A long prompt does not hold up those who are getting words.", given=MIXED),
    Claim("yours.left == 0 and yours.long_first_ms < 5000", "And it is answered too.", given=MIXED),
)

RUN = (
    "Llama-3.1-8B on a modelled RTX PRO 6000, all requests at once, lognormal answers (median 110, sigma 0.8), until"
    " the last one begins; E[longest of 32] / E[length], of steps of equal time"
)
FIGURES = (
    Figure(
        "continuous over static, answers cut at 384",
        longest_over_mean(BATCH, CAP),
        "continuous.steady_per_s / static.steady_per_s",
        0.15,
        "D",
        RUN,
        given={**OFFLINE, "requests": 512},
    ),
    Figure(
        "continuous over static, answers cut at 128",
        longest_over_mean(BATCH, 128),
        "continuous.steady_per_s / static.steady_per_s",
        0.15,
        "D",
        RUN,
        given={**OFFLINE, "requests": 256, "cap": 128},
    ),
)

SOURCES = (
    Source(
        "Yu, Jeong, Kim, Kim and Chun, Orca: A Distributed Serving System for Transformer-Based Generative Models,"
        " OSDI",
        2022,
        "https://www.usenix.org/conference/osdi22/presentation/yu",
    ),
    Source(
        "Agrawal, Kedia, Panwar, Mohan, Kwatra, Gulavani, Tumanov and Ramjee, Taming Throughput-Latency Tradeoff in LLM"
        " Inference with Sarathi-Serve, OSDI",
        2024,
        "https://arxiv.org/abs/2403.02310",
    ),
    Source(
        "casys-kaist/LLMServingSim, measured kernels of Llama-3.1-8B on an RTX PRO 6000",
        2026,
        "https://github.com/casys-kaist/LLMServingSim",
    ),
)
