"""A commit waits until both standbys have written it down, also while one is dead."""

from __future__ import annotations

from windtunnel.catalogue.scale.replication_lag import DurableToken

challenge = "replication-lag"


class Yours(DurableToken):
    quorum = 0
