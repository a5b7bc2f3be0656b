"""A list of free slots, and for each sequence a list of those that it has: blocks of one token, in forty lines."""

from __future__ import annotations

from collections.abc import Iterable

from windtunnel import Stage
from windtunnel.blocks.serving import KVUsage, Sequence
from windtunnel.catalogue.ai.paged_kv import Params

challenge = "paged-kv"


class Yours:
    def __init__(self, stage: Stage, p: Params) -> None:
        self.slots = p.slots
        self.free_slots = list(range(p.slots))

    def check(self, sequence: Sequence) -> None:
        if sequence.longest > self.slots:
            raise ValueError("It is too long for this memory: let its answer be shorter.")

    def allocate(self, sequence: Sequence) -> bool:
        if len(sequence.tokens) + 100 * (len(self.free_slots) < self.slots) > len(self.free_slots):
            return False
        sequence.computed = 0
        self.grow(sequence, len(sequence.tokens))
        return True

    def grow(self, sequence: Sequence, length: int) -> list[tuple[int, int]] | None:
        if length - len(sequence.blocks) > len(self.free_slots):
            return None
        while len(sequence.blocks) < length:
            sequence.blocks.append(self.free_slots.pop())
        return []

    def publish(self, sequence: Sequence) -> None:
        pass

    def free(self, sequence: Sequence) -> None:
        self.free_slots += sequence.blocks
        sequence.blocks, sequence.computed = [], 0

    def slot(self, sequence: Sequence, position: int) -> int:
        return sequence.blocks[position]

    def usage(self, sequences: Iterable[Sequence]) -> KVUsage:
        held = self.slots - len(self.free_slots)
        tokens = sum(one.computed for one in sequences)
        return KVUsage(self.slots, tokens, 0, held - tokens, self.slots - held)
