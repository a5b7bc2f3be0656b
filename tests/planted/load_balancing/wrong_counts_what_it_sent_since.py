"""The report and what this balancer has sent since: right for one balancer, and a thousand of them herd."""

from __future__ import annotations

from windtunnel.catalogue.scale.load_balancing import OwnSends

challenge = "load-balancing"


class Yours(OwnSends):
    pass
