"""A language model keeps keys and values of every token that it has read. Who gives how much of the memory to whom?

**Clarify.** How long may an answer be, and who knows how long it will be? (Nobody.) Do prompts begin alike? Must keys
and values of a sequence lie side by side? (A kernel that reads a table needs no neighbours.) May a sequence lose its
place, and compute again what it had?

**Estimate.** A token of OPT-13B takes 2 (key and value) x 5,120 x 40 layers x 2 bytes = {token_kib:.0f} KiB, the
longest sequence, {most:,} tokens, {longest_gb:.1f} GB; 12 GB hold {slots:,} tokens. A running sequence has its prompt
and half of an answer: {context:.0f} tokens on average over time, since long answers run longer. Whoever reserves
{most:,} for each has room for seven, who fill {max_share:.0%} of the memory. With nothing wasted {best:.0f} would run
at once.

**Design.** The first proposal reserves the longest. Most answers end long before, so most of it is never used. Knowing
the length does not save it: an oracle reserves nothing in vain, and yet a sequence holds from its first token what it
needs with its last one, and stretches of many lengths leave pieces between them that nothing fits into. What is lost
moves from inside of the stretches to between them.

**Deep dive: a list that grows.** What one would say next is that a stretch doubles when it is full, as lists do, and
that all are pushed together where no hole is long enough. It needs no oracle, and it answers more than those who
reserve. A third of what it holds is empty, and for want of room sequences are thrown out and computed anew. Stretches
that grow by little hold less in vain and are moved more often.

**Deep dive: blocks.** If a kernel reads a table, any free block will do, and nothing is ever moved. A sequence takes
one when it needs one, and what it wastes is the end of its last block: at 256 tokens a block the ends are as empty as
those of stretches that double.

**Deep dive: sharing.** A block whose name says what stands in it and in all before it can be read by whoever begins
alike. It is named when it has been computed, and loses its name when it is used for something else; two tenants with
the same words behind different beginnings share nothing. The last two were bugs elsewhere, and are wrong designs here.

**Scale.** A step reads all weights, whoever is in it: more sequences at once are more answers a second. Where few come
nobody waits, and the first proposal is as good.

**What real systems do.** vLLM keeps blocks of 16 and names them by a chain of hashes; who does not fit is computed
again. Scheduler and block manager here are those of `windtunnel.blocks.serving`. The device is modelled: how long a
step takes (weights over the bandwidth that Punica's measured step reaches), and a model without language, whose
answers are wrong where its memory is mixed up.

**Left open.** What reading through a table costs a kernel; swapping to the host; several answers to one prompt, which
share until they differ; virtual memory that makes stretches of pages (vAttention).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from windtunnel import Ask, Chart, Experiment, Op, Stage, Why, param
from windtunnel.blocks.serving import (
    BlockManager,
    ContiguousMemory,
    reserve_doubling,
    reserve_foretold,
    reserve_longest,
    reserve_power_of_two,
)
from windtunnel.catalogue.ai.paged_kv.claims import (
    CLAIMS,
    DEMANDS,
    FIGURES,
    MOVES,
    ORACLE,
    PAGES,
    SHARES,
    SLOTS,
    SOURCES,
    WAITS,
    WASTE,
    share_of_max,
)
from windtunnel.catalogue.ai.paged_kv.judging import block_map, figure_2, measure, over_time
from windtunnel.catalogue.ai.paged_kv.prompts import (
    ANSWER,
    ANSWER_SPREAD,
    CAP,
    MOST,
    PROMPT,
    PROMPT_SPREAD,
    context,
    lengths,
)
from windtunnel.catalogue.ai.paged_kv.rig import Rig
from windtunnel.workload import poisson


@dataclass(frozen=True)
class Params:
    """Who asks how much, and the device."""

    rate: float = param(2.0, "requests per second", 0.2, 8.0)
    run_s: float = param(30.0, "seconds in which requests come", 20.0, 200.0)
    slots: int = param(15_700, "tokens whose keys and values the memory holds", 2304, 60_000)
    block_size: int = param(16, "tokens in a block of those designs that have blocks", 1, 256)
    shared: int = param(0, "tokens with which all prompts of a tenant begin", 0, 512)
    spread: float = param(1.0, "how far lengths differ: 0 not at all, 1 as in ShareGPT", 0.0, 1.5)
    slowness: float = param(1.0, "how many times as long a step takes", 0.5, 4.0)
    leave: float = param(0.0, "share of the clients who hang up in the middle", 0.0, 0.5)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`generate(number, own, many, leaves)`: a prompt of `own` tokens behind the common ones, an answer of `many`."""
    prompts, answers = lengths(PROMPT, PROMPT_SPREAD * p.spread, luck), lengths(ANSWER, ANSWER_SPREAD * p.spread, luck)
    for number, at in enumerate(poisson(p.rate, luck, until_s=p.run_s)):
        own, many = min(next(prompts), CAP - p.shared), next(answers)
        yield Op(at, f"client {number}", "generate", (number, own, many, luck.random() < p.leave))


class ReserveMax(ContiguousMemory):
    """One stretch for each sequence, as long as the longest that the model takes."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(p.slots, reserve_longest)


class ReservePow2(ContiguousMemory):
    """One stretch for the prompt and for the power of two above the answer, whose length it is told."""

    oracle = True

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(p.slots, reserve_power_of_two)


class ReserveExactly(ContiguousMemory):
    """One stretch for the prompt and the answer, whose length it is told: an oracle."""

    oracle = True

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(p.slots, reserve_foretold)


class Doubling(ContiguousMemory):
    """One stretch, copied to one twice as long when it is full; for want of a hole all are pushed together."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(p.slots, reserve_doubling, placement="pushed together")


class Paged(BlockManager):
    """Blocks of a few tokens, taken one at a time and found by a table."""

    share_prefixes = False

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(p.slots // p.block_size, p.block_size, share=self.share_prefixes)


class PagedShared(Paged):
    """The same, and who begins with the same tokens reads the same blocks."""

    share_prefixes = True


__doc__ = (__doc__ or "").format(
    token_kib=2 * 5120 * 40 * 2 / 1024,
    most=MOST,
    longest_gb=MOST * 2 * 5120 * 40 * 2 / 1e9,
    slots=SLOTS,
    context=context(),
    max_share=share_of_max(),
    best=SLOTS / context(),
)

experiment = Experiment(
    title="Paged KV cache",
    question="Where do two thirds of the memory of a language model's server go?",
    params=Params,
    workload=workload,
    designs={
        "reserve_max": ReserveMax,
        "reserve_pow2": ReservePow2,
        "reserve_exactly": ReserveExactly,
        "doubling": Doubling,
        "paged": Paged,
        "paged_shared": PagedShared,
    },
    measure=measure,
    rig=Rig,
    ends_s=lambda p: p.run_s,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("What the memory is used for", "slots", "% of all", figure_2, kind="bars"),
        Chart("The memory from end to end", "second", "slot", block_map, kind="heat"),
        Chart("Slots that hold tokens", "second", "% of all", over_time),
    ),
    asks=(
        Ask(
            "Each sequence has room reserved for 2,048 tokens. Which part of the memory holds the keys and values of "
            "tokens?",
            "100 * reserve_max.tokens",
            "% of the slots",
            0,
            100,
        ),
        Ask(
            "And if an oracle says how long each answer will be?",
            "100 * reserve_exactly.tokens",
            "% of the slots",
            0,
            100,
        ),
        Ask("And of what sequences hold in blocks of 16 tokens?", "100 * paged.useful", "% of it", 0, 100),
    ),
    why=(
        Why("Room is held for what never comes.", WASTE),
        Why("So few run at once, and the others wait.", WAITS),
        Why("An oracle holds from the beginning what is needed in the end.", ORACLE),
        Why("A list that grows is copied, and a third of it is empty.", MOVES),
        Why("A block is taken when it is needed.", PAGES),
        Why("Who begins alike reads the same blocks.", SHARES),
    ),
    shows=(),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "How much of what a sequence holds will it never use, and who could use it meanwhile?",
        "Must a sequence know how long it becomes before it begins? Take what it needs when it needs it.",
        "Cut the memory into blocks of a few tokens, give each sequence a table of those that it has, and count how "
        "many tables name a block before it is free.",
    ),
    sources=SOURCES,
    quick={"run_s": 20.0, "slots": 8192, "rate": 1.2},
    seeds=4,
)
