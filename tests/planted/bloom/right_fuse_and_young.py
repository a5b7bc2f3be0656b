"""A binary fuse filter of all keys, and a filter that grows for those that come later."""

from __future__ import annotations

from windtunnel.catalogue.scale.bloom.designs import Fuse

challenge = "bloom"


class Yours(Fuse):
    pass
