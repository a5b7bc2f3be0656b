"""Leaves a block in the index when it is used for something else: the old name finds the new tokens."""

from __future__ import annotations

from windtunnel.catalogue.ai.paged_kv import PagedShared

challenge = "paged-kv"


class Yours(PagedShared):
    def _take(self) -> int:
        block, _ = self._free.popitem(last=False)
        self._name[block] = None
        self._owners[block] = 1
        return block
