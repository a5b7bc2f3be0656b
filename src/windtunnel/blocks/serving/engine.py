"""A language model that is served: a scheduler, a memory and a decoder, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import TYPE_CHECKING

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.serving.contiguous import ContiguousMemory
from windtunnel.blocks.serving.decoder import Decoder, Row
from windtunnel.blocks.serving.lora import AdapterPool, LoraAdapter, Part
from windtunnel.blocks.serving.memory import KVMemory
from windtunnel.blocks.serving.paged import BlockManager
from windtunnel.blocks.serving.sampling import Sampling, unreadable
from windtunnel.blocks.serving.scheduler import Batch, Scheduler
from windtunnel.blocks.serving.sequence import Sequence
from windtunnel.blocks.serving.speculation import Guess, Speculation, accept

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GREEDY = Sampling()


class LLMEngine(Block):
    """Answers sequences with the tokens of a model.

    Args:
        decoder: the model, with at least as many slots as the scheduler's memory has.
        scheduler: who computes what next, over a `BlockManager` or a `ContiguousMemory`.
        adapters: by their names, those that sequences may ask for. They lie in a large and slow memory.
        pool: the room that a pass finds them in: what a step needs is loaded into it. Where a step needs more than it
            has places for, it is several passes.
        speculation: who guesses tokens of those that decode, and how many: a pass then verifies them. Answers have the
            same law, and without temperature they are the same.

    Raises:
        ValueError: where the decoder has less slots than the memory, or the adapters have no pool of their shape.

    >>> from windtunnel.blocks.serving import BlockManager, ModelShape, Scheduler, made_weights
    >>> tiny = ModelShape(vocabulary=10, width=64, layers=2, heads=4, kv_heads=2, head_width=16, hidden=64)
    >>> engine = LLMEngine(Decoder(made_weights(tiny), 64), Scheduler(BlockManager(4)))
    >>> one = Sequence("one", [1, 2, 3], max_tokens=5)
    >>> engine.add(one), engine.run(), len(one.answer)
    (None, [<Sequence: name 'one', state 'finished', prompt 3, answer 5, computed 0>], 5)
    """

    def __init__(
        self,
        decoder: Decoder,
        scheduler: Scheduler,
        adapters: Mapping[str, LoraAdapter] | None = None,
        pool: AdapterPool | None = None,
        speculation: Speculation | None = None,
    ) -> None:
        self.adapters, self.pool = dict(adapters or {}), pool
        if self.adapters and (pool is None or pool.shape != decoder.weights.shape):
            raise ValueError("Adapters need a pool for a model of this shape: give an AdapterPool with them.")
        if (needed := scheduler.memory.usage(()).slots) > decoder.slots:
            raise ValueError(f"The memory has {needed} slots, and the decoder {decoder.slots}: make it larger.")
        known = getattr(speculation and speculation.drafter, "vocabulary", decoder.weights.shape.vocabulary)
        if known != decoder.weights.shape.vocabulary:
            raise ValueError(f"Who guesses knows {known} tokens, and the model {decoder.weights.shape.vocabulary}.")
        self.decoder, self.scheduler, self.speculation = decoder, scheduler, speculation
        self.steps = 0
        """Passes of the model so far."""
        self.rows = 0
        """Tokens that were computed in them, for somebody or for nobody."""
        self.logits: dict[object, NDArray[np.float32]] = {}
        """Of the last step, (vocabulary,) for each name that was given a token: what the last one was chosen by."""
        self.guessed = self.accepted = 0
        """Guesses that were verified, and those of them that were told."""
        self._sampling: dict[object, Sampling] = {}

    def add(self, sequence: Sequence, sampling: Sampling = GREEDY) -> None:
        """Let it wait for its turn. Raises ValueError as `Scheduler.add` does, where the model cannot read it, and
        where its adapter is none of ours.
        """
        shape = self.decoder.weights.shape
        if sequence.longest > shape.positions:
            raise ValueError(
                f"{sequence.name!r} may become {sequence.longest} tokens, and the model reads {shape.positions}."
            )
        if max(sequence.tokens) >= shape.vocabulary or min(sequence.tokens) < 0:
            raise ValueError(f"{sequence.name!r} has a token that the model does not know: there are "
                             f"{shape.vocabulary}, from 0 on.")  # fmt: skip
        if sequence.adapter and sequence.adapter not in self.adapters:
            raise ValueError(f"{sequence.name!r} asks for the adapter {sequence.adapter!r}, which is not here.")
        self.scheduler.add(sequence)
        self._sampling[sequence.name] = sampling

    def abort(self, sequence: Sequence) -> None:
        """Nobody waits for its answer any more. One that is done stays so, whoever has its name by now."""
        if sequence.state != "finished":
            self.scheduler.abort(sequence)
            self._forget(sequence)

    def step(self) -> list[Sequence]:
        """One pass of the model, or several where adapters have too little room; who is done with it.

        Where the model says of what follows nothing that is a number, the sequence ends, with a `fault`, and no other.
        """
        guesses = self._guess() if self.speculation else {}
        batch = self.scheduler.schedule()
        self.decoder.copy(batch.copies)
        self.logits = {}
        if not batch.work:
            return self.scheduler.finish_step(batch, {})
        given, failed = self._compute(batch, guesses)
        for sequence in failed:
            sequence.withdraw()
            sequence.fault = "The model's numbers became too large, or were none in its file."
            self.scheduler.abort(sequence)
        done = failed + self.scheduler.finish_step(batch, given)
        for sequence in done:
            self._forget(sequence)
        return done

    def run(self) -> list[Sequence]:
        """Step until nobody waits; who was answered, in the order in which they were done."""
        done = list[Sequence]()
        while self.scheduler.busy:
            done += self.step()
        return done

    def _forget(self, sequence: Sequence) -> None:
        self._sampling.pop(sequence.name, None)  # a fork of one that is served has none
        if self.speculation:
            self.speculation.drafter.forget(sequence)

    def _guess(self) -> dict[object, list[Guess]]:
        """Guesses for those that decode, which the step is to verify."""
        decoding = [one for one in self.scheduler.running if one.state == "running" and one.owed == 1]
        assert self.speculation is not None
        many = self.speculation.many(len(decoding))
        room = [(one, min(many, one.longest - len(one.tokens) - 1)) for one in decoding]  # the last is given by itself
        asked = [(one, count, self._sampling.get(one.name, GREEDY)) for one, count in room if count > 0]
        guesses = self.speculation.propose(asked, self.decoder.weights.shape.vocabulary)
        for (one, _, _), guessed in zip(asked, guesses, strict=True):
            one.guess([guess.token for guess in guessed])
        return {one.name: guessed for (one, _, _), guessed in zip(asked, guesses, strict=True)}

    def _compute(self, batch: Batch, guesses: Mapping[object, list[Guess]]) -> tuple[dict[object, int], list[Sequence]]:
        """The tokens that this step gives, by names, and who was given none."""
        parts: list[Part] = [(one, one.computed, one.computed + count) for one, count in batch.work]
        idle = [one for one in self.scheduler.running if one.state == "finished"]
        parts += [(one, one.computed - 1, one.computed) for one in idle]  # of a static batch: computed for nobody
        picked, failed = dict[object, int](), list[Sequence]()
        for some in self.pool.passes(parts) if self.pool else [parts]:
            for one, logits in self._pass(some):
                sampling = self._sampling.get(one.name, GREEDY)
                readable = next((i for i, law in enumerate(logits) if unreadable(law)), len(logits))
                if not readable:
                    failed.append(one)
                    continue
                kept = list[int]()
                if one.guessed:
                    luck = Random(f"{sampling.seed} {len(one.tokens) - one.guessed} verified")
                    laws = [sampling.law(law) for law in logits[:readable]]
                    *kept, last = accept(guesses[one.name][: min(readable - 1, one.guessed)], laws, luck)
                    self.guessed += one.guessed
                    self.accepted += len(kept)
                    if one.stop in kept:  # what was kept behind it is told to nobody
                        self.accepted -= len(kept) - 1 - kept.index(one.stop)
                        *kept, last = kept[: kept.index(one.stop) + 1]
                    batch.accepted[one.name], picked[one.name] = kept, last
                else:
                    picked[one.name] = sampling.pick(logits[0], len(one.tokens))
                self.logits[one.name] = logits[len(kept)]
        return picked, failed

    def _pass(self, parts: list[Part]) -> Iterable[tuple[Sequence, NDArray[np.float32]]]:
        """One pass of the model: who is to be given a token, and the logits for it, and for what guesses say."""
        rows, tables, wanted, given = list[Row](), list[list[int]](), list[int](), list[Sequence]()
        for sequence, begin, end in parts:
            rows += [(sequence.tokens[at], at, len(tables)) for at in range(begin, end)]
            tables.append(table_of(self.scheduler.memory, sequence, end))
            if end == len(sequence.tokens):
                wanted += range(len(rows) - 1 - sequence.guessed, len(rows))
                given.append(sequence)
        places = self._places([sequence for sequence, _, _ in parts])
        self.steps += 1
        self.rows += len(rows)
        stretch = stretch_of(self.scheduler.memory)
        logits, at = self.decoder.forward(rows, tables, stretch, wanted, self.pool, places), 0
        for sequence in given:
            yield sequence, logits[at : at + 1 + sequence.guessed]
            at += 1 + sequence.guessed

    def _places(self, sequences: list[Sequence]) -> list[int]:
        """Where the adapters of these are, loaded where they were not."""
        pool, needed, found = self.pool, {one.adapter for one in sequences} - {""}, {"": -1}
        if pool is None:
            return []
        for name in sorted(needed, key=lambda name: name not in pool.names):  # who is there is used before one goes
            at = pool.place(name)
            found[name] = pool.load(name, self.adapters[name], needed) if at is None else at
        return [found[one.adapter] for one in sequences]

    def _told(self) -> dict[str, object]:
        return {"steps": self.steps, "rows": self.rows}


def stretch_of(memory: KVMemory) -> int:
    """How many slots lie side by side for certain: a block, or all where a sequence has one stretch."""
    if isinstance(memory, BlockManager):
        return memory.block_size
    return memory.slots if isinstance(memory, ContiguousMemory) else 1


def table_of(memory: KVMemory, sequence: Sequence, length: int) -> list[int]:
    """The first slot of each of its stretches, up to this length."""
    return [memory.slot(sequence, at) for at in range(0, length, stretch_of(memory))]


def answer_alone(decoder: Decoder, prompt: Iterable[int], max_tokens: int, stop: int | None = None) -> list[int]:
    """The likeliest answer without a cache: all is computed again for every token. What every other way must give."""
    sequence = Sequence("alone", prompt, max_tokens, stop=stop)
    while sequence.state != "finished":
        rows = [(token, at, 0) for at, token in enumerate(sequence.tokens)]
        (law,) = decoder.forward(rows, [[0]], decoder.slots, [len(rows) - 1])
        sequence.give(GREEDY.pick(law, len(rows)))
    return sequence.answer
