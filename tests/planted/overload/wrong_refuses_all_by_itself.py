"""Critical requests first and short waits; at eight times the capacity the server does nothing but refuse."""

from __future__ import annotations

from windtunnel.catalogue.scale.overload import CriticalFirst

challenge = "overload"


class Yours(CriticalFirst):
    pass
