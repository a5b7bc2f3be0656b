"""Gives back the blocks that are full, and forgets the one that is not."""

from __future__ import annotations

from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.paged_kv import Paged

challenge = "paged-kv"


class Yours(Paged):
    def free(self, sequence: Sequence) -> None:
        if len(sequence.blocks) > 1 and sequence.computed % self.block_size:
            sequence.blocks.pop()
        super().free(sequence)
