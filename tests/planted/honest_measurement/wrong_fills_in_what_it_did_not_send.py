"""While a connection is busy nothing is sent; the latencies that were to be expected are added afterwards."""

from __future__ import annotations

from windtunnel.catalogue.honest_measurement import FilledIn

challenge = "honest-measurement"


class Yours(FilledIn):
    pass
