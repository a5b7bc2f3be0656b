"""Each session keeps to one standby, so it sees its own writes."""

from __future__ import annotations

from windtunnel.catalogue.scale.replication_lag import Sticky

challenge = "replication-lag"


class Yours(Sticky):
    acknowledge = "written"
    quorum = 1
