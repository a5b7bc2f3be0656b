"""Makes the filter for the keys that are expected, and fills it with all that come."""

from __future__ import annotations

from windtunnel.catalogue.scale.bloom.designs import Bloom

challenge = "bloom"


class Yours(Bloom):
    pass
