"""The time counts from the moment that the schedule says."""

from __future__ import annotations

from windtunnel.catalogue.honest_measurement import FromTheDueTime

challenge = "honest-measurement"


class Yours(FromTheDueTime):
    pass
