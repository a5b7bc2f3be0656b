"""What is claimed, what a challenger's design has to do, and what the sources say."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source
from windtunnel.catalogue.ai.lora.device import PASS_S

PUNICA, SLORA, HU = "Punica 2024", "S-LoRA 2024", "LoRA 2021"
TENANTS = {
    "requests": 96, "rate": 0.0, "adapters": 16, "skew": 0.0, "in_turn": False, "places": 16, "batch": 32, "answer": 8,
    "turn": 16
}  # fmt: skip
"""All there at once."""
ALIKE = {**TENANTS, "adapters": 1}
DISTINCT = {**TENANTS, "adapters": 32, "places": 32, "in_turn": True}
SKEWED = {**TENANTS, "skew": 1.5}
EVERY_STEP = {**TENANTS, "turn": 1}
FOUR_STEPS = {**TENANTS, "turn": 4}
PHONE = {**TENANTS, "requests": 100, "rate": 0.05, "adapters": 20, "skew": 1.0, "places": 3, "answer": 4}
"""Memory for 3 of 20, and hardly ever two at once."""
CROWD = {**TENANTS, "adapters": 20, "places": 3}
STREAM = {**CROWD, "requests": 200, "rate": 80.0, "skew": 1.5}

COPIES = "merged_copies.memory > 8 * gathered.memory and gathered.tokens_per_s > 3 * merged_copies.tokens_per_s"
SWAP = "gathered.tokens_per_s > 8 * swap_and_merge.tokens_per_s"
LOOP = "loop.memory < 1.2 and 0.9 < loop.tokens_per_s / merged_copies.tokens_per_s < 1.05"
FLAT = "gathered.slower < 1.25 and gathered.share > 16"
ONE = "1 < merged_copies.tokens_per_s / gathered.tokens_per_s < 1.02 and merged_copies.memory < gathered.memory"
DELAY = "2 < gathered.swapped_ms - gathered.there_ms < 4"
MERGE_DELAY = "swap_and_merge.swapped_ms > gathered.swapped_ms + 15"
FEW = "3 * loop.tokens_per_s < gathered.tokens_per_s < 2000"

BEST = "gathered.tokens_per_s > 0.8 * max(merged_copies.tokens_per_s, swap_and_merge.tokens_per_s, loop.tokens_per_s)"

CLAIMS = (
    Claim(
        COPIES,
        "Copies take memory for each tenant, and tenants share no pass: each reads all weights for two requests.",
        PUNICA,
        breaks="merged_copies",
        given=TENANTS,
    ),
    Claim(
        SWAP,
        "So does who has one adapter at a time in the weights, and changing it is a pass too.",
        SLORA,
        given=TENANTS,
    ),
    Claim(
        "swap_and_merge.tokens_per_s < 0.6 * merged_copies.tokens_per_s and swap_and_merge.moving > 0.6",
        "Changed at every step, it costs two passes for each one that computes.",
        given=EVERY_STEP,
    ),
    Claim(
        "0.2 < swap_and_merge.moving < 0.42",
        "Kept for four steps, a third of the time.",
        given=FOUR_STEPS,
    ),
    Claim(
        "swap_and_merge.first_ms > 8 * gathered.first_ms",
        "Changed seldom, it lets all others wait for their first word.",
        given=TENANTS,
    ),
    Claim(
        LOOP,
        "Adapters beside the weights save the memory; computed one after another they save no pass.",
        given=TENANTS,
    ),
    Claim(
        FLAT,
        "A pass for all reads the weights once, and of each adapter half a percent of that.",
        PUNICA,
        given=DISTINCT,
    ),
    Claim(
        "gathered.slower < 1.15 and gathered.share > 16",
        "It does not matter how popular they are.",
        PUNICA,
        given=SKEWED,
    ),
    Claim(
        ONE,
        "One tenant needs nothing beside the weights: merged in, its adapter costs nothing.",
        HU,
        given=ALIKE,
        spares="merged_copies",
    ),
    Claim(
        DELAY,
        "Who asks for an adapter that is not there waits until it came over the bus, a quarter of a pass.",
        given=PHONE,
    ),
    Claim(MERGE_DELAY, "Merging waits for the weights to be read and written besides.", given=PHONE),
    Claim(
        "gathered.found > 1.2 * swap_and_merge.found",
        "Room for three finds more of them there than room for one.",
        over="mean",
        given=PHONE,
    ),
    Claim(FEW, "With room for 3 of 20 only three share a pass, and each adapter is brought once.", given=CROWD),
    Claim(
        "loop.loads > 3 * gathered.loads and gathered.loads < 1",
        "Who goes round all of them in each step brings each again and again.",
        given=CROWD,
    ),
    Claim(
        "gathered.first_most_ms < 8 * gathered.first_ms",
        "Those who have been there longest say whose adapters are computed, so nobody waits for many who came later.",
        given=STREAM,
    ),
    Claim(
        BEST,
        "With room for all adapters nothing else answers much more, whoever asks how often for what.",
        where="places >= adapters",
    ),
    Claim(
        "max(merged_copies.wrong, swap_and_merge.wrong, loop.wrong, gathered.wrong) == 0"
        " and max(merged_copies.left, swap_and_merge.left, loop.left, gathered.left) == 0"
        " and max(merged_copies.unmade, swap_and_merge.unmade, loop.unmade, gathered.unmade) == 0",
        "Merged or beside the weights, every client is told what its tenant's model says.",
    ),
)

DEMANDS = (
    Claim("yours.wrong == 0", "What was told to a client is what its tenant's model says.", always=True),
    Claim("yours.unmade == 0", "And the device has computed each token of it.", always=True),
    Claim("yours.left == 0", "Everybody is answered.", given=TENANTS),
    Claim("yours.memory < 2", "By weights that are there once.", given=TENANTS),
    Claim("yours.tokens_per_s > 1200", "Tenants share passes.", given=TENANTS),
    Claim("yours.tokens_per_s > 1100", "Also where no two ask for the same.", given=DISTINCT),
    Claim("yours.left == 0 and yours.tokens_per_s > 300", "And with room for 3 of 20.", given=CROWD),
    Claim("yours.wrong == 0", "Where a place is given away, its new owner answers nobody else's clients.", given=CROWD),
    Claim("yours.wrong == 0", "Nor does who came before, where they come one by one.", given=PHONE),
    Claim("yours.loads < 1", "What was used last is still there.", given=PHONE),
    Claim("yours.left == 0 and yours.first_most_ms < 1000", "Nobody waits for many who came later.", given=STREAM),
)


def lru_finds(skew: float, many: int, places: int) -> float:
    """The part of independent requests that finds its adapter among the last three used (King 1971)."""
    total = sum(1 / (1 + k) ** skew for k in range(many))
    shares = [1 / (1 + k) ** skew / total for k in range(many)]

    def beyond(left: list[float], likely: float, held: float, room: int) -> float:
        if not room:
            return likely * held
        rest = sum(left)
        return sum(
            beyond(left[:i] + left[i + 1 :], likely * one / rest, held + one, room - 1) for i, one in enumerate(left)
        )

    return beyond(shares, 1.0, 0.0, places)


FIGURES = (
    Figure(
        "least recently used, 3 of 20, found there",
        lru_finds(1.0, 20, 3),
        "gathered.found",
        0.2,
        "D",
        "independent requests with popularity 1/k, one at a time: which three were used last (King 1971)",
        given={**PHONE, "requests": 400, "answer": 2},
    ),
    Figure(
        "Punica: milliseconds that adapters add to a token",
        2.0,
        f"{1e3 * PASS_S:g} * (gathered.slower - 1)",
        0.25,
        "V",
        "Llama-2 on A100s, up to 32 requests a step; ours counts the bytes of 32 adapters of rank 16 on all matrices",
        PUNICA,
        given={**DISTINCT, "requests": 256},
    ),
    Figure(
        "Punica: times the throughput of other servers, no two requests of one adapter",
        12.0,
        "gathered.tokens_per_s / merged_copies.tokens_per_s",
        0.25,
        "V",
        "against servers that batch requests of one model alone, prompts and answers as in ShareGPT; ours has prompts"
        " of four tokens, and charges neither keys and values nor what kernels cost besides",
        PUNICA,
        given={**DISTINCT, "requests": 256},
    ),
    Figure(
        "S-LoRA: times the throughput of PEFT and of vLLM with merged copies",
        4.0,
        "gathered.tokens_per_s / max(merged_copies.tokens_per_s, swap_and_merge.tokens_per_s)",
        0.25,
        "V",
        "up to so many, with many adapters and arrivals by a power law, where keys and values fill the memory; ours"
        " charges none",
        SLORA,
        given=TENANTS,
    ),
)

SOURCES = (
    Source(
        "Hu and others, LoRA: Low-Rank Adaptation of Large Language Models", 2021, "https://arxiv.org/abs/2106.09685"
    ),
    Source("Chen and others, Punica: Multi-Tenant LoRA Serving, MLSys", 2024, "https://arxiv.org/abs/2310.18547"),
    Source(
        "Sheng and others, S-LoRA: Serving Thousands of Concurrent LoRA Adapters, MLSys",
        2024,
        "https://arxiv.org/abs/2311.03285",
    ),
)
