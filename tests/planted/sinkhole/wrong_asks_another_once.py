"""What failed is sent once more, to another server: with five sick ones that is one of the other four."""

from __future__ import annotations

from windtunnel.catalogue.scale.sinkhole import RetryElsewhere

challenge = "sinkhole"


class Yours(RetryElsewhere):
    pass
