"""For two seconds after a write its author reads at the primary, as the framework does."""

from __future__ import annotations

from windtunnel.catalogue.scale.replication_lag import OwnWrites

challenge = "replication-lag"


class Yours(OwnWrites):
    acknowledge = "written"
    quorum = 1
