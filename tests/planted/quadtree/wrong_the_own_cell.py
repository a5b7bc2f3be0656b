"""Looks into the cell that the rider is in."""

from __future__ import annotations

from windtunnel.catalogue.scale.quadtree.designs import OwnCell

challenge = "quadtree"


class Yours(OwnCell):
    pass
