"""One Bloom filter after the other, each twice as large."""

from __future__ import annotations

from windtunnel.catalogue.scale.bloom.designs import Growing

challenge = "bloom"


class Yours(Growing):
    pass
