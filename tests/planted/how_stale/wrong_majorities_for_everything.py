"""Stale is stale: more than half on both sides, whatever was asked. It costs twice as much."""

from __future__ import annotations

from windtunnel.catalogue.scale.how_stale import OneOne

challenge = "how-stale"


class Yours(OneOne):
    def quorums(self) -> tuple[int, int]:
        most = self.p.copies // 2 + 1
        return most, most
