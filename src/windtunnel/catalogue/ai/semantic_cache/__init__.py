"""A model answers questions for money. Many were asked before, in other words. From which likeness on is it the same?

**Clarify.** What does a wrong answer cost, and an answer of the model? Who may be told whose answer? In what do two
questions differ that have different answers? Do people ask, or programs, who use the same text each time?

**Estimate.** An answer of 150 words takes the model some {tokens:,} tokens and {seconds:.1f} s. Where one hit in
{even:g} is wrong, and a wrong one costs {wrong:g} answers, nothing is gained. To say with 99 % that fewer than
{delta:.0%} are wrong, {labels:.0f} comparisons without a wrong one are needed.

**Design.** The first proposal takes vectors of the questions, tells the answer of the nearest from a cosine of .8 on,
and shows its hit rate: two thirds. Two thirds of those are wrong. Where two companies share the service the nearest
question is often the other's, and has another answer. Give each a shelf of its own, and a third is wrong still: "on
Linux" and "on Windows", 2023 and 2024, "can" and "can not" are nearer than other words for the same.

The same text is safe, and people use it in one of twenty questions. For programs it is all that is needed.

**Deep dive: the threshold.** Raise it to .95: of ten hits three are left, and some of the lies: a small word more is
nearer than other words. No cosine from .6 to .99 keeps a bound of one wrong in twenty and has half of the hits of who
learns it.

**Deep dive: knowing what is wrong.** Each time the model is asked, its answer says for nothing whether the nearest
one would have been right. Of the hits nobody knows, so that a tenth of them is asked all the same. From pairs of
cosine and right or wrong follows the lowest cosine at which few enough are wrong, by an exact binomial test. Alone
that is honest and of no use here: at no cosine are the nearest right often enough.

**Deep dive: rules.** Numbers, nots and names have to be equal, names in their order. With those the nearest that pass
are right, and the same bound lets a third of the questions pass, and nearly half where there are more of them to
learn from. Rules alone, with a cosine that happens to fit, have more; where questions differ in what no rule knows
("enable" and "disable"), every eighth of their hits is wrong, and nothing tells them so. An answer that turned out
wrong at a high cosine is told to equal texts alone: else one popular opposite was told 49 times in a stream of two
thousand.

**Scale.** What is popular changes, and labels are of yesterday: the bound holds in the mean over streams, and a
single stream may pass it. In the beginning everything is asked. Among some hundred texts all are compared; among many
thousands use an index.

**What real systems do.** GPTCache passes a cosine of .8 unless told otherwise; vLLM's router has an accepted bug of
opposites above its thresholds ("turn on", "turn off"); vCache learns a threshold for each question it keeps, with a
bound on errors.

**Left open.** A trained model's vectors, which know other words for the same; a second model that reads both
questions; answers that get old; two answers that say the same in other words: here they are compared letter by
letter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from random import Random

from windtunnel import Ask, Chart, Experiment, Op, Why, param
from windtunnel.catalogue.ai.semantic_cache.bound import Bound as Bound
from windtunnel.catalogue.ai.semantic_cache.claims import (
    BOUND,
    CLAIMS,
    DEMANDS,
    EXACT,
    FIGURES,
    HIGHER,
    HONEST,
    LIES,
    NEAR_MISSES,
    NO_NEAR,
    NONE_FITS,
    QUICK,
    SOURCES,
    TENANTS,
    UNKNOWN,
)
from windtunnel.catalogue.ai.semantic_cache.designs import (
    Calibrated,
    CalibratedWithRules,
    ExactMatch,
    FixedCosine,
    Rules as Rules,
    RulesAlone,
    Setting as Setting,
    StrictCosine,
)
from windtunnel.catalogue.ai.semantic_cache.desk import Desk as Desk, Found as Found, Shelf as Shelf
from windtunnel.catalogue.ai.semantic_cache.judging import costs, lately, measure, roc
from windtunnel.catalogue.ai.semantic_cache.rig import FIRST_S, TOKEN_S, Rig
from windtunnel.catalogue.ai.semantic_cache.world import INSTRUCTIONS, TOKENS_A_WORD

LOWEST, HIGHEST = 0.6, 0.99
"""Cosines that a fixed design is tried at besides."""
LONGEST_S = 10.0
"""Longer than any answer takes."""


@dataclass(frozen=True)
class Params:
    """Who asks what, and what a cache may get wrong."""

    questions: int = param(2000, "questions, of which the second half is judged", 20, 4000)
    topics: int = param(40, "things that are asked for; a quarter of them from the middle on", 4, 40)
    variants: int = param(4, "questions of a topic that differ in one thing: a name, a year, a not, an opposite", 1, 6)
    unlisted: float = param(0.1, "share of the topics whose questions differ in what no rule knows", 0.0, 1.0)
    phrasings: int = param(7, "ways to ask for the same; 1 is always the same text", 1, 7)
    tenants: int = param(2, "companies that share the service; each has answers of its own", 1, 8)
    zipf: float = param(0.8, "how much more often the popular is asked", 0.0, 1.5)
    words: str = param("english", "of topics: English, or made up by luck", choices=("english", "invented"))
    threshold: float = param(0.8, "cosine from which on two questions count as the same, where that is fixed", 0.3, 1.0)
    delta: float = param(0.05, "share of the hits that may be wrong", 0.01, 0.2)
    verify: float = param(0.1, "share of the hits that the model is asked all the same", 0.0, 1.0)
    wrong_cost: float = param(20.0, "answers of the model that one wrong answer costs", 0.0, 100.0)
    sweep: int = param(9, "further cosines at which the fixed designs are tried, for a chart", 0, 14)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`ask(seed, number)`: the question of this number; `sweep(seed, cosine)`. The seed is that of the questions, which
    are made where they are needed: a design sees the text and the tenant."""
    seed = luck.getrandbits(31)
    for number in range(p.questions):
        yield Op(0.0, "client", "ask", (seed, number), think_s=0.0)
    for at in range(p.sweep):
        cosine = LOWEST + (HIGHEST - LOWEST) * at / max(1, p.sweep - 1)
        yield Op(0.0, "client", "sweep", (seed, round(cosine, 4)), think_s=0.0)


__doc__ = (__doc__ or "").format(
    tokens=INSTRUCTIONS + round(TOKENS_A_WORD * 160),
    seconds=FIRST_S + TOKEN_S * TOKENS_A_WORD * 150,
    even=Params.wrong_cost,
    wrong=Params.wrong_cost,
    delta=Params.delta,
    labels=log(0.01) / log(1 - Params.delta),
)

experiment = Experiment(
    title="Semantic cache",
    question="Where is the threshold at which a cache of answers starts to lie?",
    params=Params,
    workload=workload,
    designs={
        "fixed_cosine": FixedCosine,
        "exact_match": ExactMatch,
        "strict_cosine": StrictCosine,
        "rules_alone": RulesAlone,
        "calibrated": Calibrated,
        "calibrated_with_rules": CalibratedWithRules,
    },
    rig=Rig,
    measure=measure,
    seeds=6,
    ends_s=lambda params: LONGEST_S * params.questions,
    charts=(
        Chart("Hits against false hits", "share of the hits that is wrong", "hits", roc),
        Chart("As the stream goes on", "question", "share of the last 200", lately),
        Chart("What it spares and costs", "what", "share of the questions", costs, kind="bars"),
    ),
    asks=(
        Ask(
            "Of what a cosine of .8 lets pass for all companies, how much is wrong?",
            "100 * fixed_cosine.false",
            "%",
            0,
            100,
        ),
        Ask(
            "And of what a cosine of .95 lets pass for each company alone?",
            "100 * strict_cosine.false",
            "%",
            0,
            100,
        ),
        Ask(
            "How many hits has a bound of one wrong in twenty, with rules, for each that the same text has?",
            "calibrated_with_rules.hits / exact_match.hits",
            "times",
            0,
            30,
        ),
    ),
    why=(
        Why("The nearest question is often one that means something else.", LIES),
        Why("The nearest of all is the same question, asked by another company.", TENANTS),
        Why("One word more or less is nearer than other words for the same.", NEAR_MISSES),
        Why("People do not say the same thing in the same words.", EXACT),
        Why("A higher cosine loses most hits, and keeps some of the lies.", HIGHER),
        Why("No fixed cosine has hits and keeps the bound.", NONE_FITS),
        Why("Who compares answers now and then knows what is wrong.", BOUND),
        Why("A bound does not make hits: rules take the near-misses away first.", HONEST),
        Why("What no rule knows is noticed by comparing.", UNKNOWN),
        Why("Without near-misses a fixed cosine will do.", NO_NEAR),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "Whose answer is it, and in what may two questions differ that mean the same?",
        "Each time the model is asked you learn for nothing whether the nearest answer would have been right. And of "
        "those that you told, how would you ever know?",
        "A shelf for each tenant. Let pass only what has the same numbers, names and nots; of that note the cosine, "
        "and whether the answer was the same; tell from the lowest cosine on at which a binomial test says that few "
        "enough are wrong; have a tenth of the hits answered all the same, and tell an answer that was wrong once to "
        "equal texts alone.",
    ),
    sources=SOURCES,
    quick=QUICK,
)
