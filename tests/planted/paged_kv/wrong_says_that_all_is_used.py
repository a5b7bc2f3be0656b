"""Doubles a stretch, and says of each that all of it holds tokens."""

from __future__ import annotations

from collections.abc import Iterable

from windtunnel.blocks.serving import KVUsage, Sequence
from windtunnel.catalogue.ai.paged_kv import Doubling

challenge = "paged-kv"


class Yours(Doubling):
    def usage(self, sequences: Iterable[Sequence]) -> KVUsage:
        tokens = sum(one.computed for one in sequences)
        return KVUsage(self.slots, tokens, 0, 0, self.slots - tokens)
