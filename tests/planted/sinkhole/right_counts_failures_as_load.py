"""A failure counts as an open request for five seconds."""

from __future__ import annotations

from windtunnel.catalogue.scale.sinkhole import FailuresAsLoad

challenge = "sinkhole"


class Yours(FailuresAsLoad):
    pass
