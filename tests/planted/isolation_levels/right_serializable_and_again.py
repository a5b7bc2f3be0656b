"""Everything at the highest level, and again where it is rolled back."""

from __future__ import annotations

from windtunnel.catalogue.scale.isolation_levels import Serializable

challenge = "isolation-levels"


class Yours(Serializable):
    pass
