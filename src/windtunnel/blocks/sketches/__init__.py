"""Sketches: much counted in little memory, with an error that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.sketches.bloom import BloomFilter as BloomFilter
    from windtunnel.blocks.sketches.bloom_blocked import BlockedBloomFilter as BlockedBloomFilter
    from windtunnel.blocks.sketches.bloom_counting import CountingBloomFilter as CountingBloomFilter
    from windtunnel.blocks.sketches.bloom_scalable import ScalableBloomFilter as ScalableBloomFilter
    from windtunnel.blocks.sketches.count_min import CountMin as CountMin
    from windtunnel.blocks.sketches.fuse import BinaryFuseFilter as BinaryFuseFilter
    from windtunnel.blocks.sketches.heavy_hitters import (
        CountMinTopK as CountMinTopK,
        Hitter as Hitter,
        SpaceSaving as SpaceSaving,
    )
    from windtunnel.blocks.sketches.hyperloglog import HyperLogLog as HyperLogLog
    from windtunnel.blocks.sketches.quantiles import DDSketch as DDSketch

__getattr__, __dir__ = lend(__name__)
