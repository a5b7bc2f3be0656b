"""The session keeps the place of its last write; reading needs no place."""

from __future__ import annotations

from windtunnel.catalogue.scale.replication_lag import WriteToken

challenge = "replication-lag"


class Yours(WriteToken):
    acknowledge = "written"
    quorum = 1
