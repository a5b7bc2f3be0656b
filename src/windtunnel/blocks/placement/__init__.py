"""Placement: which node keeps a key, and how little moves when nodes come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.placement.placement import (
        MAGLEV_SIZE as MAGLEV_SIZE,
        MaglevTable as MaglevTable,
        Rendezvous as Rendezvous,
        jump as jump,
        jump_hash as jump_hash,
        jump_hash_many as jump_hash_many,
        maglev_reference as maglev_reference,
        weighted as weighted,
    )
    from windtunnel.blocks.placement.range_map import (
        Move as Move,
        Range as Range,
        RangeMap as RangeMap,
        StaleRange as StaleRange,
    )
    from windtunnel.blocks.placement.ring import BoundedLoads as BoundedLoads, HashRing as HashRing

__getattr__, __dir__ = lend(__name__)
