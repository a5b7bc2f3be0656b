"""What is claimed, what a challenger's manager has to do, and what the sources say."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source
from windtunnel.catalogue.ai.paged_kv.prompts import MOST, context

KWON, PUNICA, ORCA = "PagedAttention 2023", "Punica 2024", "Orca 2022"
SLOTS, PLACES = 15_700, 7
"""Of table 1 of the paper; and stretches of 2,048 that the halves of a memory of so many slots have room for."""
PLAIN = {"rate": 2.0, "slots": SLOTS, "shared": 0, "spread": 1.0, "slowness": 1.0, "leave": 0.0, "block_size": 16}
SMALL = {**PLAIN, "slots": 8192, "run_s": 20.0}
"""Half of the memory, so that it fills soon."""
QUIET = {**SMALL, "rate": 0.3, "slots": 32_768, "run_s": 60.0}
CROWD = {**SMALL, "rate": 4.0}
RUSH = {**CROWD, "run_s": 30.0}
COMMON = {**SMALL, "rate": 1.5, "shared": 256, "leave": 0.2}
TENANTS = {**CROWD, "rate": 6.0, "shared": 120, "leave": 0.2}
"""What they have in common ends within a block of 16."""
COARSE = {**SMALL, "rate": 1.2, "block_size": 256}
OWN = "shared <= 256"
"""What prompts have in common makes them longer than those of ShareGPT."""

WASTE = "reserve_max.useful < 0.4"
WAITS = "reserve_max.rate < 0.7 * paged.rate and reserve_max.batch < 0.5 * paged.batch"
ORACLE = "reserve_exactly.useful < 0.8 and reserve_exactly.internal < 0.01"
PAGES = "paged.useful > 0.975 - params.block_size / 400"
MOVES = "doubling.useful < 0.8 and doubling.copied > 0.5 and doubling.again > 0.1"
SHARES = "paged_shared.found > 0.3 and paged_shared.tokens < 0.9 * paged.tokens"

CLAIMS = (
    Claim(
        WASTE,
        "Room for the longest that an answer may be is held, and most answers end long before.",
        KWON,
        breaks="reserve_max",
        where=OWN,
    ),
    Claim(WAITS, "So few sequences run at once, and the others wait.", KWON, over="mean", given=RUSH),
    Claim(
        "reserve_max.per_token_ms < 1.02 * paged.per_token_ms",
        "Where there is room for all who come nobody waits, and what is reserved costs nothing.",
        given=QUIET,
        spares="reserve_max",
    ),
    Claim(
        "reserve_max.useful < reserve_pow2.useful < reserve_exactly.useful < paged.useful",
        "The better the length of an answer is foretold, the less is held in vain; blocks need no foretelling.",
        KWON,
        where=f"{OWN} and block_size <= 64",
    ),
    Claim(
        ORACLE,
        "Who is told the length reserves nothing in vain, and yet from the beginning what is needed in the end.",
        KWON,
        where=OWN,
    ),
    Claim(
        "reserve_exactly.external > 0.2",
        "Stretches of many lengths, rounded up to powers of two, leave pieces between them.",
        KWON,
        given=RUSH,
    ),
    Claim(
        PAGES,
        "Of what a sequence holds half of its last block is empty, and what the step is about to write: 6.5 % at"
        " most in blocks of 16.",
        KWON,
        where="rate >= 1 and slowness <= 1.5",
    ),
    Claim(
        MOVES,
        "A list that doubles needs no oracle: a third of it is empty, it is copied, and some is computed anew.",
        over="mean",
        given=RUSH,
    ),
    Claim(
        "max(reserve_max.rate, reserve_pow2.rate, reserve_exactly.rate) < doubling.rate < paged.rate",
        "It answers more than all who reserve, and less than blocks do.",
        given=RUSH,
    ),
    Claim(
        "paged.rate > 1.15 * reserve_exactly.rate and paged.rate > 1.6 * reserve_max.rate",
        "More sequences at once are more answers a second, since a step reads all weights, whoever is in it.",
        KWON,
        given=RUSH,
    ),
    Claim(
        "paged.useful < 0.9 and paged.useful < 1.2 * doubling.useful",
        "Blocks of 256 tokens are half-measures: their ends are empty as those of stretches that double are.",
        KWON,
        given=COARSE,
    ),
    Claim(SHARES, "Common beginnings are written once, and computed once.", KWON, over="mean", given=COMMON),
    Claim(
        "paged_shared.per_token_ms <= 1.25 * paged.per_token_ms",
        "Looking for them costs nothing where there are none: here looking takes no time.",
    ),
    Claim(
        "max(reserve_max.wrong, reserve_pow2.wrong, reserve_exactly.wrong, doubling.wrong, paged.wrong) == 0"
        " and paged_shared.wrong == 0",
        "Wherever keys and values lie, every client is told what a list in memory would say.",
    ),
    Claim(
        "max(paged.wrong, paged_shared.wrong) == 0 and max(paged.lost, paged_shared.lost) == 0",
        "Also where beginnings are shared and clients hang up; and all memory comes back.",
        given=COMMON,
    ),
)

DEMANDS = (
    Claim("yours.wrong == 0", "What was told to a client is what the model answers to it.", always=True),
    Claim("yours.lost == 0", "All memory comes back.", always=True),
    Claim("yours.oracle == 0", "No server is told how long an answer will be.", always=True),
    Claim("yours.packed > 0.9", "Where somebody waits for room, slots hold tokens.", given=CROWD),
    Claim("yours.batch > 12", "So that many run at once.", given=CROWD),
    Claim("yours.again < 0.6", "Not by computing everything twice.", given=CROWD),
    Claim(
        "yours.wrong == 0 and yours.lost == 0",
        "Two tenants whose beginnings differ in one token are not confused, nor are those who hang up.",
        given=TENANTS,
    ),
)


def share_of_max() -> float:
    """Tokens of seven running sequences, as a part of all slots."""
    return PLACES * context() / SLOTS


BARS = "OPT-13B, A100 of 40 GB, ShareGPT, 2 requests a second; here lengths with the same means, and spreads assumed"
LONG = {**PLAIN, "run_s": 100.0}
LONGER = {**LONG, "run_s": 200.0}
"""Where four seeds of 100 s do not decide."""
FIGURES = (
    Figure("slots that hold tokens, Orca (Max)", 0.204, "reserve_max.tokens", 0.2, "V", BARS, KWON, given=LONG),
    Figure("slots that hold tokens, Orca (Pow2)", 0.268, "reserve_pow2.tokens", 0.15, "V", BARS, KWON, given=LONG),
    Figure(
        "slots that hold tokens, Orca (Oracle)", 0.382, "reserve_exactly.tokens", 0.15, "V", BARS, KWON, given=LONGER
    ),
    Figure("slots in use that hold tokens, vLLM", 0.963, "paged.useful", 0.04, "V", BARS + "; of slots in use", KWON),
    Figure("sequences at once, Orca (Max)", 7.0, "reserve_max.batch", 0.02, "V", BARS, KWON, given=LONG),
    Figure("sequences at once, Orca (Pow2)", 9.81, "reserve_pow2.batch", 0.1, "V", BARS, KWON, given=LONG),
    Figure("sequences at once, Orca (Oracle)", 13.62, "reserve_exactly.batch", 0.15, "V", BARS, KWON, given=LONGER),
    Figure("sequences at once, vLLM", 30.42, "paged.batch", 0.1, "V", BARS, KWON, given=LONG),
    Figure(
        "slots that hold tokens, seven sequences",
        share_of_max(),
        "reserve_max.tokens",
        0.1,
        "D",
        f"7 stretches of {MOST} fit into {SLOTS} slots by halves; E[prompt] + E[answer^2] / 2 E[answer] tokens in each",
        given=LONGER,
    ),
)

SOURCES = (
    Source(
        "Kwon, Li, Zhuang, Sheng, Zheng, Yu, Gonzalez, Zhang and Stoica, Efficient Memory Management for Large "
        "Language Model Serving with PagedAttention, SOSP",
        2023,
        "https://arxiv.org/abs/2309.06180",
    ),
    Source(
        "Yu, Jeong, Kim, Kim and Chun, Orca: A Distributed Serving System for Transformer-Based Generative Models,"
        " OSDI",
        2022,
        "https://www.usenix.org/conference/osdi22/presentation/yu",
    ),
    Source(
        "Chen, Ye, Wu, Zhuo, Ceze and Krishnamurthy, Punica: Multi-Tenant LoRA Serving, MLSys",
        2024,
        "https://arxiv.org/abs/2310.18547",
    ),
)
