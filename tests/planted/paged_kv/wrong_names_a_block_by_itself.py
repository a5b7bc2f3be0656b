"""Names a block by its own tokens: who has the same words behind another beginning reads what was meant otherwise."""

from __future__ import annotations

from array import array
from hashlib import sha256

from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.paged_kv import PagedShared

challenge = "paged-kv"


class Yours(PagedShared):
    def _chain(self, sequence: Sequence, full: int) -> None:
        size = self.block_size
        for i in range(len(sequence.keys), full):
            sequence.keys.append(sha256(array("q", sequence.tokens[i * size : (i + 1) * size]).tobytes()).digest())
