"""A scheduler and its memory under the made model, with every cell compared with the oracle after every step."""

from __future__ import annotations

from windtunnel.blocks.serving import Batch, BlockManager, ContiguousMemory, KVMemory, Scheduler, Sequence
from windtunnel.parts import MadeModel
from windtunnel.parts.made_model import states

VOCABULARY = 7
"""Few words, so that answers agree for a while and blocks of answers are shared too."""


def slots_of(memory: KVMemory) -> int:
    return memory.usage([]).slots


class Served:
    """Serve step by step."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler, self.memory = scheduler, scheduler.memory
        self.model = MadeModel(slots_of(self.memory), VOCABULARY)
        self.steps = 0

    def step(self) -> list[Sequence]:
        """One step; who is done with it."""
        batch = self.scheduler.schedule()
        assert batch.work or not self.scheduler.busy, "a busy scheduler has something to compute"
        self.check_batch(batch)
        done = self.scheduler.finish_step(batch, self.model.compute(batch, self.memory.slot))
        self.steps += 1
        self.check()
        return done

    def run(self, most: int = 100_000) -> None:
        """Until nobody waits for anything."""
        while self.scheduler.busy:
            self.step()
            assert self.steps <= most, "it does not end"

    def check_batch(self, batch: Batch) -> None:
        """Nobody writes where another one has something, and nobody is asked for more than is owed."""
        owner = dict[int, object]()
        assert len(batch.work) <= self.scheduler.max_sequences
        if self.scheduler.policy == "chunked":
            assert batch.tokens <= self.scheduler.max_step_tokens
        for sequence, count in batch.work:
            assert 0 < count <= sequence.owed
            for position in range(len(sequence.tokens) if count == sequence.owed else sequence.computed + count):
                slot = self.memory.slot(sequence, position)
                if position >= sequence.computed:
                    assert owner.setdefault(slot, sequence.name) == sequence.name, "two write to one slot"
        for sequence in self.scheduler.running:
            if sequence.blocks:
                read = {self.memory.slot(sequence, position) for position in range(sequence.computed)}
                assert not {slot for slot in read if owner.get(slot, sequence.name) != sequence.name}, (
                    "a sibling reads it"
                )

    def check(self) -> None:
        """Every cell of everybody holds what the oracle says, and what is used adds up."""
        running = self.scheduler.running
        for sequence in running:
            found = [self.model.cells[self.memory.slot(sequence, i)] for i in range(sequence.computed)]
            assert found == states(sequence.tokens[: sequence.computed]), sequence
        used = self.memory.usage(running)
        assert min(used) >= 0
        assert used.tokens + used.reserved + used.internal + used.external == used.slots
        if isinstance(self.memory, BlockManager):
            self.check_blocks(self.memory)
        elif isinstance(self.memory, ContiguousMemory):
            assert used.tokens == sum(one.computed for one in running)

    def check_blocks(self, manager: BlockManager) -> None:
        """All blocks are free, or counted as often as tables name them."""
        named = [block for one in self.scheduler.running for block in one.blocks]
        for block in range(manager.blocks):
            assert manager.owners(block) == named.count(block)
        assert manager.free_blocks == manager.blocks - len(set(named))
        assert 0 <= manager.cached_blocks <= manager.free_blocks
        of_salt = dict[bytes, set[int]]()
        for one in self.scheduler.running:
            assert len(one.blocks) == len(set(one.blocks)), "a table names a block twice"
            of_salt.setdefault(one.salt, set()).update(one.blocks)
        assert sum(map(len, of_salt.values())) == len(set(named)), "two salts share a block"
