"""Puts a prompt into the index when it is admitted: who comes in the same step reads what is not there yet."""

from __future__ import annotations

from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.paged_kv import PagedShared

challenge = "paged-kv"


class Yours(PagedShared):
    def allocate(self, sequence: Sequence) -> bool:
        done = super().allocate(sequence)
        if done:
            computed, sequence.computed = sequence.computed, len(sequence.tokens)
            self.publish(sequence)
            sequence.computed = computed
        return done
