"""Nearest neighbours of vectors: exactly, through a graph, and with vectors of a few bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.vectors.brute_force import BruteForce as BruteForce
    from windtunnel.blocks.vectors.hnsw import HNSW as HNSW
    from windtunnel.blocks.vectors.hnsw_plain import PlainHNSW as PlainHNSW
    from windtunnel.blocks.vectors.link_walk import walk_links as walk_links
    from windtunnel.blocks.vectors.product_quantisation import ProductQuantiser as ProductQuantiser

__getattr__, __dir__ = lend(__name__)
