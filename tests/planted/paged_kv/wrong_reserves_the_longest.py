"""Room for the longest answer, so that no sequence can ever run out of it."""

from __future__ import annotations

from windtunnel.catalogue.ai.paged_kv import ReserveMax

challenge = "paged-kv"


class Yours(ReserveMax):
    pass
