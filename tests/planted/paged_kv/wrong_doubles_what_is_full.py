"""A list that doubles, pushed together where there is no hole: a third of what it holds is empty."""

from __future__ import annotations

from windtunnel.catalogue.ai.paged_kv import Doubling

challenge = "paged-kv"


class Yours(Doubling):
    pass
