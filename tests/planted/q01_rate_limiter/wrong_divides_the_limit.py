"""The limit divided by the nodes, in the memory of each, since a balancer spreads requests evenly."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import Divided

challenge = "q01-rate-limiter"


class Yours(Divided):
    pass
