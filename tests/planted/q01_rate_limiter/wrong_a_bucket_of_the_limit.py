"""A bucket as large as the limit that fills in a window, since both are the limit."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import SharedBucket

challenge = "q01-rate-limiter"


class Yours(SharedBucket):
    pass
