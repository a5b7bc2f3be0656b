"""Pools, and for each shard a circuit, behind it two calls at a time."""

from __future__ import annotations

from windtunnel.catalogue.scale.circuit_breaker import BreakersAndLimits

challenge = "circuit-breaker"


class Yours(BreakersAndLimits):
    pass
