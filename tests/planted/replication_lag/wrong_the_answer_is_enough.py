"""What the primary has answered is safe: a commit waits for no standby."""

from __future__ import annotations

from windtunnel.catalogue.scale.replication_lag import SessionToken

challenge = "replication-lag"


class Yours(SessionToken):
    pass
