"""The count is got, compared and set, since the cache does one command after the other."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import ReadThenWrite

challenge = "q01-rate-limiter"


class Yours(ReadThenWrite):
    pass
