"""Replication takes milliseconds: any standby will do."""

from __future__ import annotations

from windtunnel.catalogue.scale.replication_lag import AnyReplica

challenge = "replication-lag"


class Yours(AnyReplica):
    acknowledge = "written"
    quorum = 1
