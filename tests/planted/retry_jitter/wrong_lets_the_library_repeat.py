"""One increment a client; the library sees to what is not answered."""

from __future__ import annotations

from windtunnel.catalogue.scale.retry_jitter import Library

challenge = "retry-jitter"


class Yours(Library):
    pass
