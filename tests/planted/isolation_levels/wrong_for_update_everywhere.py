"""SELECT ... FOR UPDATE on whatever I look at."""

from __future__ import annotations

from windtunnel.catalogue.scale.isolation_levels import RowLocks

challenge = "isolation-levels"


class Yours(RowLocks):
    pass
