"""Ordered sets with ranks: what a leaderboard stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.ordered.counted_blocks import PlainCountedBlocks as PlainCountedBlocks
    from windtunnel.blocks.ordered.skip_list import PlainSkipList as PlainSkipList
    from windtunnel.blocks.ordered.sorted_set import SortedSet as SortedSet
    from windtunnel.blocks.ordered.sorted_set_plain import PlainSortedSet as PlainSortedSet

__getattr__, __dir__ = lend(__name__)
