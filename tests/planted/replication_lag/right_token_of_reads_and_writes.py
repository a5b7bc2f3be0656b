"""A token of what was written and read, and a commit that any one of the standbys has written down."""

from __future__ import annotations

from windtunnel.catalogue.scale.replication_lag import DurableToken

challenge = "replication-lag"


class Yours(DurableToken):
    pass
