"""A quadtree, asked for the box that holds the circle."""

from __future__ import annotations

from windtunnel.catalogue.scale.quadtree.designs import Quadtree

challenge = "quadtree"


class Yours(Quadtree):
    pass
