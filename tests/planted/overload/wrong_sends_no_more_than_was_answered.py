"""Clients send what was answered and no more: answers that are on their way count as refusals, also in calm."""

from __future__ import annotations

from dataclasses import replace

from windtunnel import Stage
from windtunnel.catalogue.scale.overload import Params, ThrottledClients

challenge = "overload"


class Yours(ThrottledClients):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, replace(p, k=1.0))
