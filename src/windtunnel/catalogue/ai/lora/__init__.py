"""Sixteen tenants have a fine-tuned model each, and these differ from one another by little. Who shares a pass?

**Clarify.** By how much do they differ: by other weights, or by an adapter of low rank (LoRA)? How many tenants are
there, and how many ask at once? Is there memory for all adapters? How long may one wait for its first word?

**Estimate.** Llama-2-7B has {weights_gb:.1f} GB of weights of 16 bits. An adapter of rank 16 on all matrices of its
layers has {adapter_mb:.0f} MB, {part:.1%} of that. A pass reads all weights, {pass_ms:.0f} ms for one row as for a
hundred. Copies for 16 tenants are {copies_gb:.0f} GB, and 16 passes a word, {copies_ms:.0f} ms. One set of weights
with 16 adapters beside it is {beside_gb:.1f} GB, and one pass of {beside_ms:.1f} ms.

**Design.** The first proposal merges each adapter into weights of its own. It is the fastest for one tenant, and for
many it pays memory and passes for each. With one set of weights, into which one adapter at a time is merged, the memory
is there once. To change it the matrices are read and written, {merge_ms:.0f} ms, two passes: changed at every step that
is most of the time, changed seldom all others wait.

**Deep dive: beside the weights.** x (W + A B) is x W + (x A) B. Whoever keeps A and B beside W need not merge. The
half-measure computes one tenant's requests that way, then the next one's: an adapter's memory, and as many passes as
copies need.

**Deep dive: gathered.** x W is the same product for all rows, so one pass reads the weights once; what each row's own
adapter adds is gathered from where it lies. Of 32 different ones that is {added_ms:.1f} ms besides. What a row becomes
does not depend on the rows beside it, so every client is told what its tenant's merged model says (but for ties within
rounding).

**Scale.** With room for 3 of 20 adapters the least recently used one's place is given away. Who asks for one that is
not there waits {load_ms:.1f} ms more for its first word, as long as it takes over the bus, if nobody else is there. In
a crowd only three adapters share a pass: those of who has been there longest, so that nobody starves.

**Real systems.** Punica gathers (its kernel is called SGMV), S-LoRA keeps adapters and keys and values in one paged
memory, vLLM has kernels that are named after Punica. Apple's devices bring an adapter for each kind of task (said from
memory). Here tokens are those of a small model with made weights, and times are bytes and operations of Llama-2-7B on
a modelled A100. `python -m bench lora` measures the small model in processor time.

**Left open.** Keys and values, long prompts and what kernels cost besides are not charged, and all ways pay them: the
counts give more than Punica's 12 times and S-LoRA's 4. Adapters fetched before they are needed, ranks that differ,
weights of 4 bits, and merging for the most popular tenant while others gather (dLoRA).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from windtunnel import Ask, Chart, Experiment, Op, Stage, Why, param
from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.lora.claims import (
    CLAIMS,
    COPIES,
    DELAY,
    DEMANDS,
    FEW,
    FIGURES,
    FLAT,
    LOOP,
    ONE,
    SOURCES,
    SWAP,
)
from windtunnel.catalogue.ai.lora.device import ADAPTER, ADDED_S, ALL, LINEAR, LOAD_S, MERGE_S, MOST, PASS_S, Device
from windtunnel.catalogue.ai.lora.judging import measure, shares, spent
from windtunnel.catalogue.ai.lora.rig import Rig
from windtunnel.workload import at_once, poisson


@dataclass(frozen=True)
class Params:
    """Who asks whose model, and what the device has room for."""

    requests: int = param(96, "requests in all", 8, 400)
    rate: float = param(0.0, "requests per second; 0: all at once", 0.0, 100.0)
    adapters: int = param(16, "adapters, each of another tenant", 1, MOST)
    skew: float = param(0.0, "how much more often the first are asked for: 0 all alike, 1 as 1, 1/2, 1/3", 0.0, 2.0)
    in_turn: bool = param(False, "adapters are asked for in turn, so that those of a pass differ as far as they can")
    places: int = param(16, "adapters that the pool has room for", 1, MOST)
    batch: int = param(32, "requests that have places on the device", 1, 64)
    answer: int = param(16, "tokens of an answer, on average", 2, 32)
    turn: int = param(16, "steps of `swap_and_merge` before others have their turn", 1, 64)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`generate(number, tenant, many)`: an answer of `many` tokens by the model of a tenant."""
    weights = [1 / (1 + k) ** p.skew for k in range(p.adapters)]
    times = poisson(p.rate, luck, count=p.requests) if p.rate else at_once(p.requests)
    for number, at_s in enumerate(times):
        tenant = number % p.adapters if p.in_turn else luck.choices(range(p.adapters), weights)[0]
        yield Op(at_s, f"client {number}", "generate", (number, tenant, luck.randint(p.answer // 2, p.answer * 3 // 2)))


def by_adapter(running: list[Sequence]) -> dict[str, list[Sequence]]:
    """Who asks for which adapter, that of the longest there first."""
    found = dict[str, list[Sequence]]()
    for one in running:
        found.setdefault(one.adapter, []).append(one)
    return found


class MergedCopies:
    """A copy of the weights for each adapter, in which it is merged; one after another computes its requests."""

    def __init__(self, stage: Stage, p: Params) -> None: ...

    async def begin(self, device: Device, names: list[str]) -> None:
        for name in names:
            device.copy(name)

    async def step(self, device: Device, running: list[Sequence]) -> None:
        for name, own in by_adapter(running).items():
            await device.forward(own, copy=name)


class SwapAndMerge:
    """One set of weights, in which one adapter is merged: its requests have their turn, then the next one's."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.turn, self.steps, self.merged = p.turn, 0, ""

    async def begin(self, device: Device, names: list[str]) -> None: ...

    async def step(self, device: Device, running: list[Sequence]) -> None:
        whose = by_adapter(running)
        others = [name for name in whose if name != self.merged]
        if self.merged not in whose or (others and self.steps >= self.turn):
            await device.merge(others[0], self.merged)
            self.merged, self.steps = others[0], 0
        self.steps += 1
        await device.forward(whose[self.merged])


class Loop:
    """Adapters lie beside the weights: a pass for those of one, a pass for those of the next."""

    def __init__(self, stage: Stage, p: Params) -> None: ...

    async def begin(self, device: Device, names: list[str]) -> None: ...

    async def step(self, device: Device, running: list[Sequence]) -> None:
        for name, own in by_adapter(running).items():
            place = await device.load(name)
            await device.forward(own, [place] * len(own))


class Gathered:
    """One pass for as many adapters as there is room for, and to each row is added what its own one says."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.places = p.places

    async def begin(self, device: Device, names: list[str]) -> None: ...

    async def step(self, device: Device, running: list[Sequence]) -> None:
        whose = by_adapter(running)
        now = list(whose)[: self.places]
        places = {name: await device.load(name, needed=now) for name in now}
        chosen = [one for one in running if one.adapter in places]
        await device.forward(chosen, [places[one.adapter] for one in chosen])


__doc__ = (__doc__ or "").format(
    weights_gb=2 * ALL / 1e9,
    adapter_mb=2 * ADAPTER / 1e6,
    part=ADAPTER / ALL,
    pass_ms=1e3 * PASS_S,
    copies_gb=2 * (ALL + 15 * LINEAR) / 1e9,
    copies_ms=16e3 * PASS_S,
    beside_gb=2 * (ALL + 16 * ADAPTER) / 1e9,
    beside_ms=1e3 * (PASS_S + 16 * ADDED_S),
    merge_ms=1e3 * MERGE_S,
    added_ms=32e3 * ADDED_S,
    load_ms=1e3 * LOAD_S,
)

experiment = Experiment(
    title="LoRA adapters",
    question="Sixteen tenants have a fine-tuned model each, and these differ by little. Who shares a pass with whom?",
    params=Params,
    workload=workload,
    designs={"merged_copies": MergedCopies, "swap_and_merge": SwapAndMerge, "loop": Loop, "gathered": Gathered},
    measure=measure,
    rig=Rig,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Requests that share a pass", "second", "requests", shares),
        Chart("What the device's time goes to", "what", "seconds", spent, kind="bars"),
    ),
    asks=(
        Ask(
            "16 tenants have a copy of the weights each, and 32 requests are there. How many times the words a second, "
            "if one pass computes all of them?",
            "gathered.tokens_per_s / merged_copies.tokens_per_s",
            "times",
            1,
            100,
            log=True,
        ),
        Ask(
            "And how much memory do the copies take, in weights of one model?",
            "merged_copies.memory",
            "times",
            1,
            32,
        ),
    ),
    why=(
        Why("A copy for each tenant: each pass reads all weights, for two.", COPIES),
        Why("One adapter at a time in the weights: to change it is two passes.", SWAP),
        Why("Beside the weights it takes little memory, and one after another as many passes.", LOOP),
        Why("The product with the weights is the same for all: one pass.", FLAT),
        Why("Room for three of twenty: who is not there comes over the bus.", DELAY),
        Why("In a crowd three share a pass.", FEW),
        Why("For one tenant merged weights are best.", ONE),
    ),
    hints=(
        "How many times are all weights read for one word of each tenant?",
        "x (W + A B) is x W + (x A) B: which of the two products is the same for all tenants?",
        "Compute all rows in one pass, and tell it for each row where in the pool its own adapter is. Where there is "
        "room for few, take those of who has been there longest.",
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    sources=SOURCES,
    quick={"requests": 32, "answer": 4},
    seeds=4,
)
