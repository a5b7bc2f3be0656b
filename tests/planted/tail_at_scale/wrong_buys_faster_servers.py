"""Servers of twice the speed have no tail to speak of, and are not those that there are."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.tail_at_scale import Wait
from windtunnel.sim import Server

challenge = "tail-at-scale"


class Yours(Wait):
    def serving(self, stage: Stage, name: str) -> Server:
        return stage.server(name, speed=2.0)
