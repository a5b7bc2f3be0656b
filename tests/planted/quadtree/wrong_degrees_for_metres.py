"""Takes a degree for as many metres everywhere."""

from __future__ import annotations

from windtunnel.catalogue.scale.quadtree.designs import FlatBox

challenge = "quadtree"


class Yours(FlatBox):
    pass
