"""Who has failed is busier for ever than who has not: a server that is well again gets nothing."""

from __future__ import annotations

from windtunnel.catalogue.scale.sinkhole import LeastConnections

challenge = "sinkhole"


class Yours(LeastConnections):
    def noted(self, i: int, well: bool) -> None:
        self.count[i] += 0 if well else 1
