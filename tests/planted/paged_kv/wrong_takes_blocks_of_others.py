"""Where no block is free it takes one of somebody else, and puts nobody out."""

from __future__ import annotations

from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.paged_kv import Paged

challenge = "paged-kv"


class Yours(Paged):
    def grow(self, sequence: Sequence, length: int) -> list[tuple[int, int]] | None:
        copies = super().grow(sequence, length)
        if copies is None:
            wanted = -(-length // self.block_size) - len(sequence.blocks)
            taken = [block for block in range(self.blocks) if block not in sequence.blocks][:wanted]
            for block in taken:
                self._owners[block] += 1
            sequence.blocks += taken
            return []
        return copies
