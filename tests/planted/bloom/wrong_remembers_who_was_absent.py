"""Remembers who was asked for and not there, so that everybody is read for once."""

from __future__ import annotations

from windtunnel.catalogue.scale.bloom.designs import KnownAbsent

challenge = "bloom"


class Yours(KnownAbsent):
    pass
