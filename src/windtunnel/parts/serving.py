"""A device that serves a language model: steps that take their time, a memory that is really written, and who waits.

The scheduler and the memory manager are those of `windtunnel.blocks.serving`, which a real engine runs too. What is
modelled is the device: how long a step takes (`StepCost`), and the model that runs on it (`MadeModel`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import hypot
from typing import Generic, Protocol, TypeVar

from windtunnel.blocks.serving import Batch, Scheduler, Sequence
from windtunnel.parts.made_model import STOP, MadeModel
from windtunnel.parts.places import Places
from windtunnel.sim import Signal, Simulator


@dataclass(frozen=True)
class StepCost:
    """How long a step takes: it reads all weights once, or computes for longer than that; and it reads keys and values.

    Args:
        weights_s: seconds to read all weights.
        token_s: seconds to compute one token, where the weights are there.
        context_s: seconds to read the keys and values of one token.
        fixed_s: seconds that every step takes besides.
        smooth: reading and computing overlap in part, as measured kernels do: the root of the sum of their squares, in
            the place of the longer of the two.
    """

    weights_s: float
    token_s: float
    context_s: float
    fixed_s: float = 0.0
    smooth: bool = False

    def seconds(self, batch: Batch) -> float:
        """How long this batch takes; rows for nobody compute as others do, and a copy reads and writes."""
        tokens = batch.tokens
        context = tokens + sum([sequence.computed for sequence, _ in batch.work]) + 2 * len(batch.copies)
        compute_s = self.token_s * (tokens + batch.padding)
        both_s = hypot(self.weights_s, compute_s) if self.smooth else max(self.weights_s, compute_s)
        return self.fixed_s + both_s + self.context_s * context

    def times(self, factor: float) -> StepCost:
        """The same, so many times as slow."""
        return replace(
            self,
            weights_s=factor * self.weights_s,
            token_s=factor * self.token_s,
            context_s=factor * self.context_s,
            fixed_s=factor * self.fixed_s,
        )


READ_SHARE = 11.0 / 6.62
"""A step of a 7B model takes 11 ms on an A100 of 80 GB at batch 1 and short sequences (Punica, section 2.1); to read
its 13.5 GB at 2,039 GB/s takes 6.62: so many times as long as the bandwidth of the data sheet says."""
COMPUTE_SHARE = 0.5
"""The part of the data sheet's operations that prefill reaches: assumed."""
OPT_13B = StepCost(
    weights_s=READ_SHARE * 26e9 / 1555e9,
    token_s=2 * 13e9 / (COMPUTE_SHARE * 312e12),
    context_s=READ_SHARE * 2 * 5120 * 40 * 2 / 1555e9,
)
"""OPT-13B on an A100 of 40 GB: 26 GB of weights and 800 KiB a token (the PagedAttention paper, table 1 and section 3);
1,555 GB/s and 312 Tflop/s of the data sheet, and the two shares above."""


LLAMA_8B = StepCost(weights_s=10.1e-3, token_s=37.4e-6, context_s=0.105e-6, fixed_s=1.0e-3, smooth=True)
"""Llama-3.1-8B in bfloat16 on one RTX PRO 6000, fitted by eye to measured kernels (casys-kaist/LLMServingSim, commit
5daddb2, profiler/perf/RTXPRO6000, MIT licence, CASYS Lab at KAIST): 32 layers take 10.1 ms for one token and 76.7 ms
for 2,048; their attention reads 3.0 to 3.6 ns a token, and costs 8 us besides; the head 0.71 ms. The
layers are met within 20 % from 1 to 2,048 tokens."""


class TakesTime(Protocol):
    """How long steps take: a `StepCost`, a `KernelCost`, or one of your own."""

    def seconds(self, batch: Batch) -> float: ...


CostT = TypeVar("CostT", bound=TakesTime)


class ServedModel(Generic[CostT]):
    """Runs a scheduler's batches one after the other, as long as there is anything to compute.

    Args:
        sim: the tunnel.
        scheduler: whose batches they are.
        model: what computes them.
        cost: how long they take.
        watch: told of each step, before its time passes: (batch, seconds).

    Attributes:
        lengths: of each answer in tokens, by the sequence's name.
    """

    def __init__(
        self,
        sim: Simulator,
        scheduler: Scheduler,
        model: MadeModel,
        cost: CostT,
        *,
        watch: Callable[[Batch, float], object] = lambda *_: None,
    ) -> None:
        self.sim, self.scheduler, self.model, self.cost = sim, scheduler, model, cost
        self._watch = watch
        self.lengths: dict[object, int] = {}
        self._over: dict[object, Signal[float]] = {}
        self._first: dict[Sequence, Signal[float]] = {}  # a name may be asked again where its client has hung up
        self._runs = False
        self._places = Places(sim, "device", scheduler.max_sequences)

    def ask(self, sequence: Sequence, length: int) -> tuple[Signal[float], Signal[float]]:
        """Let it be served; signals of its first token and of its last one, with the second at which it came.

        Args:
            length: of its answer in tokens, the last of which is `STOP`.
        """
        self.scheduler.add(sequence)
        self.lengths[sequence.name] = length
        first = self._first[sequence] = Signal[float](self.sim, "the first token")
        over = self._over[sequence.name] = Signal[float](self.sim, "the last token")
        self._places.wait(over)
        if not self._runs:
            self._runs = True
            self.sim.spawn(self._serve(), "the model", daemon=True)
        return first, over

    def hang_up(self, sequence: Sequence) -> None:
        """Nobody waits for the rest of the answer."""
        self.scheduler.abort(sequence)
        over = self._over.pop(sequence.name, None)
        if over is not None:
            self._places.leave(over, "withdrawn")
        self._first.pop(sequence, None)

    def _told(self, batch: Batch, given: Mapping[object, int]) -> dict[object, int]:
        """The model's tokens, or the end of the answer, by the sequences' names."""
        told, lengths = dict[object, int](), self.lengths
        for sequence, _ in batch.work:
            name = sequence.name
            if name in given:
                last = len(sequence.tokens) - sequence.prompt_length + 1 >= lengths[name]
                told[name] = STOP if last else given[name]
        return told

    async def _serve(self) -> None:
        while self.scheduler.busy:
            batch = self.scheduler.schedule()
            for sequence, _ in batch.work if self.sim.trace is not None else ():
                self._places.begin(self._over[sequence.name])
            told = self._told(batch, self.model.compute(batch, self.scheduler.memory.slot))
            step_s = self.cost.seconds(batch)
            self._watch(batch, step_s)
            await self.sim.sleep(step_s)
            for sequence in self.scheduler.finish_step(batch, told):
                over = self._over.pop(sequence.name)
                self._places.leave(over)
                over.set(self.sim.now)
            if self._first:
                for sequence, _ in batch.work:
                    if sequence in self._first and sequence.name in told:
                        self._first.pop(sequence).set(self.sim.now)
        self._runs = False
