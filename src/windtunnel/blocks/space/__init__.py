"""Space: places as short codes, and trees that find what is near."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.space.geohash import (
        cover as cover,
        decode as decode,
        decode_many as decode_many,
        encode as encode,
        encode_many as encode_many,
        morton_key as morton_key,
        morton_keys as morton_keys,
        neighbours as neighbours,
    )
    from windtunnel.blocks.space.quadtree import Quadtree as Quadtree
    from windtunnel.blocks.space.quadtree_linear import LinearQuadtree as LinearQuadtree
    from windtunnel.blocks.space.quadtree_plain import Near as Near, PlainQuadtree as PlainQuadtree
    from windtunnel.blocks.space.quadtree_sphere import (
        EARTH_RADIUS_M as EARTH_RADIUS_M,
        distance_m as distance_m,
        distance_to_box_m as distance_to_box_m,
    )

__getattr__, __dir__ = lend(__name__)
