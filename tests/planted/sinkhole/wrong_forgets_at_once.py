"""A failure counts for a tenth of a second, as long as an answer takes: the sick server gets its fair share."""

from __future__ import annotations

from dataclasses import replace

from windtunnel import Stage
from windtunnel.catalogue.scale.sinkhole import FailuresAsLoad, Params

challenge = "sinkhole"


class Yours(FailuresAsLoad):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, replace(p, memory_s=0.1))
