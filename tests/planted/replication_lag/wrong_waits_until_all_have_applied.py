"""Every commit waits until all standbys have applied it, so any of them may be read."""

from __future__ import annotations

from windtunnel.catalogue.scale.replication_lag import SynchronousApply

challenge = "replication-lag"


class Yours(SynchronousApply):
    pass
