"""Three of five have each write; so the own copy will have it, or it is hardly behind."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import Replica

challenge = "cap"


class Yours(EachItsOwn):
    async def read_at(self, me: Replica, page: str) -> Any:
        return me.cell(page)[1]
