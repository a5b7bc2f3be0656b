"""Where fewer than half are left all are used, also the six that fail."""

from __future__ import annotations

from windtunnel.catalogue.scale.sinkhole import EjectionPanic

challenge = "sinkhole"


class Yours(EjectionPanic):
    pass
