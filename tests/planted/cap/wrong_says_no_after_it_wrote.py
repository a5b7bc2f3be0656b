"""Three did not say in time that they have it, so the client is told that nothing was written."""

from __future__ import annotations

from typing import Any

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import Replica

challenge = "cap"


class Yours(EachItsOwn):
    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        try:
            await super().write_at(me, page, text)
        except TimeoutError as error:
            raise Refused(str(error)) from None
