"""Critical requests first, short waits, and clients that send twice what was accepted."""

from __future__ import annotations

from windtunnel.catalogue.scale.overload import ThrottledClients

challenge = "overload"


class Yours(ThrottledClients):
    pass
