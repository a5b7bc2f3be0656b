"""The proxy's defaults: of five sick servers one is ejected."""

from __future__ import annotations

from windtunnel.catalogue.scale.sinkhole import EjectionFloor

challenge = "sinkhole"


class Yours(EjectionFloor):
    pass
