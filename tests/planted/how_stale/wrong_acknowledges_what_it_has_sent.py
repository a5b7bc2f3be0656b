"""It has been sent to three copies, so it is acknowledged; none of them need have it."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.how_stale import TwoReads

challenge = "how-stale"


class Yours(TwoReads):
    @process
    async def put(self, key: int) -> None:
        for copy in self.copies:
            self.writer.ask(copy, "store", key)
