"""Who finds nothing joins the computation that is under way in the same process, of which there are several."""

from __future__ import annotations

from windtunnel.catalogue.scale.cache_stampede import JoinInFlight

challenge = "cache-stampede"


class Yours(JoinInFlight):
    pass
