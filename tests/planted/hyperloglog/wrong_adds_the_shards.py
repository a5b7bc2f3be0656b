"""Adds what shards have counted, as if nobody met two of them."""

from __future__ import annotations

from windtunnel.catalogue.scale.hyperloglog.designs import SumOfShards

challenge = "hyperloglog"


class Yours(SumOfShards):
    pass
