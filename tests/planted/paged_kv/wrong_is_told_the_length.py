"""Reserves what the answer will need, as if a server knew."""

from __future__ import annotations

from windtunnel.catalogue.ai.paged_kv import ReserveExactly

challenge = "paged-kv"


class Yours(ReserveExactly):
    pass
