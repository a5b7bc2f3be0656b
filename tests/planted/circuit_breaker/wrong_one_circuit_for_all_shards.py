"""The dependency has one name, so it has one circuit: a sick shard takes the healthy ones along."""

from __future__ import annotations

from windtunnel.catalogue.scale.circuit_breaker import Hystrix

challenge = "circuit-breaker"


class Yours(Hystrix):
    pass
