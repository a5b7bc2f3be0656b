"""Numbers from a server that has a disk, shown with each text: who read before an old one's text came still writes."""

from __future__ import annotations

from dataclasses import replace

from windtunnel import Stage
from windtunnel.catalogue.scale.distributed_lock import Numbered, Params

challenge = "distributed-lock"


class Yours(Numbered):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, replace(p, durable=1))
