"""One stretch each, with nothing reserved: who meets its neighbour has all laid out anew, with equal gaps between."""

from __future__ import annotations

from collections.abc import Iterable

from windtunnel import Stage
from windtunnel.blocks.serving import KVUsage, Sequence
from windtunnel.catalogue.ai.paged_kv import Params

challenge = "paged-kv"


class Yours:
    def __init__(self, stage: Stage, p: Params) -> None:
        self.slots = p.slots
        self.row: list[Sequence] = []  # as they lie
        self.ends: dict[int, int] = {}
        self.copies: list[tuple[int, int]] = []

    def check(self, sequence: Sequence) -> None:
        if sequence.longest > self.slots:
            raise ValueError("It is too long for this memory: let its answer be shorter.")

    def allocate(self, sequence: Sequence) -> bool:
        room = self.slots - sum(self.ends[id(one)] for one in self.row)
        if len(sequence.tokens) + 100 * bool(self.row) > room:
            return False
        last = self.row[-1].blocks[0] + self.ends[id(self.row[-1])] + 16 if self.row else 0
        self.row.append(sequence)
        self.ends[id(sequence)] = len(sequence.tokens)
        sequence.blocks, sequence.computed = [last], 0
        if last + len(sequence.tokens) > self.slots:
            self.lay_out()
        return True

    def grow(self, sequence: Sequence, length: int) -> list[tuple[int, int]] | None:
        if length > self.ends[id(sequence)]:
            if sum(self.ends[id(one)] for one in self.row) + length - self.ends[id(sequence)] > self.slots:
                return None
            self.ends[id(sequence)] = length
            i = self.row.index(sequence)
            beside = self.row[i + 1].blocks[0] if i + 1 < len(self.row) else self.slots
            if sequence.blocks[0] + length > beside:
                self.lay_out()
        copies, self.copies = self.copies, []
        return copies

    def lay_out(self) -> None:
        gap = (self.slots - sum(self.ends[id(one)] for one in self.row)) // len(self.row)
        to, moves = 0, []
        for one in self.row:
            moves.append((one, one.blocks[0], to))
            to += self.ends[id(one)] + gap
        left = [(old + k, new + k) for one, old, new in moves if new < old for k in range(one.computed)]
        right = [(old + k, new + k) for one, old, new in moves if new > old for k in range(one.computed)]
        self.copies += left + right[::-1]
        for one, _, new in moves:
            one.blocks = [new]

    def publish(self, sequence: Sequence) -> None:
        pass

    def free(self, sequence: Sequence) -> None:
        self.row.remove(sequence)
        del self.ends[id(sequence)]
        sequence.blocks, sequence.computed = [], 0

    def slot(self, sequence: Sequence, position: int) -> int:
        return sequence.blocks[0] + position

    def usage(self, sequences: Iterable[Sequence]) -> KVUsage:
        held, tokens = sum(self.ends.values()), sum(one.computed for one in sequences)
        return KVUsage(self.slots, tokens, 0, held - tokens, self.slots - held)
