"""Looks into nine cells, however wide the circle is."""

from __future__ import annotations

from windtunnel.catalogue.scale.quadtree.designs import Neighbours

challenge = "quadtree"


class Yours(Neighbours):
    pass
