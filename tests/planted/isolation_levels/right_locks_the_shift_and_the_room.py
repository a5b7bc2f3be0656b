"""Lock the row that the rule is about; a sum is read in one statement."""

from __future__ import annotations

from windtunnel.catalogue.scale.isolation_levels import Constraint, ParentLock

challenge = "isolation-levels"


class Yours(ParentLock):
    total = Constraint.total
