"""A quadtree, asked for the box that holds the circle."""

from __future__ import annotations

from windtunnel.catalogue.scale.quadtree.designs import RoundBox

challenge = "quadtree"


class Yours(RoundBox):
    pass
