"""Lets Python's own hash choose the bits, which another process hashes to others."""

from __future__ import annotations

from windtunnel.catalogue.scale.bloom.designs import Salted

challenge = "bloom"


class Yours(Salted):
    pass
