"""The fewest requests that the balancer itself has open: never old, and a coin where there are a thousand of it."""

from __future__ import annotations

from windtunnel.catalogue.scale.load_balancing import OwnConnections

challenge = "load-balancing"


class Yours(OwnConnections):
    pass
