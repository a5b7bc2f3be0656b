"""A language model gives a word a step, and a step costs nearly the same for one client as for many. Who shares it?

**Clarify.** How far do answers differ in length, and does anybody know before? (Nobody.) Is the measure words a
second, or how long somebody who reads along waits for the next? How long are prompts?

**Estimate.** A step of an 8B model reads 16 GB of weights, {step_ms:.0f} ms here for whoever is in it; computing takes
as long only from {knee:.0f} tokens on. One at a time that is {one:.0f} words a second; 32 at a time {all:,.0f} at most.
A batch that stays together takes as many steps as its longest answer: with answers cut at {cap}, of {mean:.0f} tokens
on average, {tail:.1f} times as many as needed ({eight:.1f} with 8 at a time); cut at 128, {short:.1f}; all alike, 1.

**Design.** The first proposal gathers a batch and computes it to its end; that places stand empty behind short answers
nobody sees, since the device is busy. Who comes meanwhile waits. Without any batch it would be one after the other,
and each step would read all weights for one word.

**Deep dive: between steps.** Nothing ties a sequence to those beside it. Between any two steps the finished leave and
the waiting join: Orca's iteration-level scheduling. A prompt then joins beside others that are getting words, and its
step takes as long as its tokens need: {long_ms:.0f} ms for one of {long:,}.

**Deep dive: pieces.** A step has so many tokens at most; those that decode go first, and what is left goes to prompts,
a piece at a time. Nobody's next word waits for a whole prompt; the prompt's own first word comes later.

**Scale.** How many words a second are gained depends on the tail of the lengths and on how many share a step. Measured
with answers that are alike or cut short, and with all requests there from the start, continuous batching is no
discovery. Where they come one by one, it is one even then: who comes need not wait for those who are being served.

**What real systems do.** vLLM mixes pieces of prompts with words by default. Scheduler and memory here are those of
`windtunnel.blocks.serving`; the step's cost is fitted to measured kernels of one card (LLMServingSim's tables).

**Left open.** Prefill on a device of its own (DistServe, Splitwise); priorities by deadline; a memory that is too
small for a full batch (paged-kv); padding of prompts in a static batch, which costs it nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from windtunnel import Ask, Chart, Experiment, Op, Stage, Why, param
from windtunnel.blocks.serving import BlockManager, Scheduler
from windtunnel.catalogue.ai.continuous_batching.claims import (
    ALL,
    BATCH,
    CAP,
    CLAIMS,
    COMES,
    DEMANDS,
    EQUAL,
    FIGURES,
    MEDIAN,
    PRICE,
    SOURCES,
    SPREAD,
    STALL,
    TAIL,
    capped_mean,
    longest_over_mean,
)
from windtunnel.catalogue.ai.continuous_batching.judging import LONG, gaps, measure, places
from windtunnel.catalogue.ai.continuous_batching.rig import BLOCKS, Rig
from windtunnel.parts import LLAMA_8B
from windtunnel.workload import at_once, poisson

SHORT_PROMPT = 64


@dataclass(frozen=True)
class Params:
    """Who asks how much, and how many share a step."""

    requests: int = param(128, "requests in all", 8, 512)
    rate: float = param(0.0, "requests per second; 0: all at once", 0.0, 20.0)
    batch: int = param(BATCH, "sequences that a step has places for", 1, 128)
    cap: int = param(CAP, "the longest answer, in tokens", 16, 512)
    spread: float = param(1.0, "how far the lengths of answers differ; 0: all alike", 0.0, 1.5)
    long: float = param(0.0, "share of prompts of 4,000 tokens; the others have 64", 0.0, 0.3)
    step_tokens: int = param(512, "tokens of a step of `chunked`", 128, 8192)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`generate(number, own, many)`: a prompt of `own` tokens, an answer of `many`."""
    times = poisson(p.rate, luck, count=p.requests) if p.rate else at_once(p.requests)
    for number, at_s in enumerate(times):
        own = LONG if luck.random() < p.long else SHORT_PROMPT
        drawn = MEDIAN * luck.lognormvariate(0.0, SPREAD * p.spread) if p.spread else MEDIAN
        yield Op(at_s, f"client {number}", "generate", (number, own, max(2, min(p.cap, round(drawn)))))


class Static(Scheduler):
    """A batch is formed when none runs, and is computed until its longest answer is done."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(BlockManager(BLOCKS), p.batch, "static")


class OneByOne(Scheduler):
    """One request after the other."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(BlockManager(BLOCKS), 1)


class Continuous(Scheduler):
    """Between any two steps the finished leave and the waiting join, each with its whole prompt."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(BlockManager(BLOCKS), p.batch, "continuous")


class Chunked(Scheduler):
    """The same, with so many tokens a step at most: prompts are computed in pieces, behind those that decode."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(BlockManager(BLOCKS), p.batch, "chunked", p.step_tokens)


__doc__ = (__doc__ or "").format(
    step_ms=1e3 * (LLAMA_8B.weights_s + LLAMA_8B.fixed_s),
    knee=LLAMA_8B.weights_s / LLAMA_8B.token_s,
    one=1 / (LLAMA_8B.weights_s + LLAMA_8B.fixed_s),
    all=BATCH / (LLAMA_8B.weights_s + LLAMA_8B.fixed_s),
    cap=CAP,
    mean=capped_mean(CAP),
    tail=longest_over_mean(BATCH, CAP),
    eight=longest_over_mean(8, CAP),
    short=longest_over_mean(BATCH, 128),
    long=LONG,
    long_ms=1e3 * (LONG * LLAMA_8B.token_s + LLAMA_8B.fixed_s),
)

experiment = Experiment(
    title="Continuous batching",
    question="A batch of answers takes as long as its longest. What if anybody may join and leave between two words?",
    params=Params,
    workload=workload,
    designs={"static": Static, "one_by_one": OneByOne, "continuous": Continuous, "chunked": Chunked},
    measure=measure,
    rig=Rig,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Places that compute for somebody", "second", "of the batch", places),
        Chart("Time between two words", "1 / (1 - percentile)", "ms", gaps, log="xy"),
    ),
    asks=(
        Ask(
            "Answers of 140 tokens on average, 384 at most, 32 at a time. How many times the words a second, if "
            "between two steps the finished leave and the waiting join?",
            "continuous.tokens_per_s / static.tokens_per_s",
            "times",
            1,
            32,
            log=True,
        ),
        Ask(
            "In a batch that stays together, which part of the places computes for somebody?",
            "100 * static.filled",
            "%",
            0,
            100,
        ),
    ),
    why=(
        Why("A step reads all weights, whoever is in it.", ALL),
        Why("A batch waits for its longest answer.", TAIL),
        Why("Where all are alike it waits for nothing.", EQUAL),
        Why("But who comes later waits for it.", COMES),
        Why("A whole prompt holds up all others.", STALL),
        Why("In pieces it comes later itself.", PRICE),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "Look at a batch near its end: how many of its places compute for somebody?",
        "Nothing ties a sequence to those beside it. When may one leave, and another join?",
        "Give each step so many tokens at most: one to each that decodes, and what is left to prompts, piece by piece.",
    ),
    sources=SOURCES,
    quick={},
    seeds=3,
)
