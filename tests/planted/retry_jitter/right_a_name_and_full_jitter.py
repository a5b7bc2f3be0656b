"""The server adds one under a name, and who is not answered asks again after full jitter."""

from __future__ import annotations

from windtunnel.catalogue.scale.retry_jitter import Named

challenge = "retry-jitter"


class Yours(Named):
    pass
