"""HyperLogLog for each shard, merged."""

from __future__ import annotations

from windtunnel.catalogue.scale.hyperloglog.designs import MergedHyperLogLog

challenge = "hyperloglog"


class Yours(MergedHyperLogLog):
    pass
