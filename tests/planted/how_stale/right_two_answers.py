"""Two answers are read, the first acknowledgement is waited for: enough for this bound."""

from __future__ import annotations

from windtunnel.catalogue.scale.how_stale import OneOne

challenge = "how-stale"


class Yours(OneOne):
    def quorums(self) -> tuple[int, int]:
        return 2, 1
