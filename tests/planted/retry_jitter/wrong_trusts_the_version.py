"""A version makes a write safe, so it needs no name."""

from __future__ import annotations

from windtunnel.catalogue.scale.retry_jitter import FullJitter

challenge = "retry-jitter"


class Yours(FullJitter):
    pass
