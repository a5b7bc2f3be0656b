"""Five failures in a row open the circuit: between the hanging calls others succeed, and then all are let through."""

from __future__ import annotations

from windtunnel.catalogue.scale.circuit_breaker import InARow

challenge = "circuit-breaker"


class Yours(InARow):
    pass
