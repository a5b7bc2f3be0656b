"""A write takes its number from the clock, in one round: all clocks here are the same, as with atomic clocks."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import Replica, majority

challenge = "cap"


class Yours(EachItsOwn):
    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        await majority(me, self.replicas, "keep", page, (me.tag(me.sim.now), text))
