"""Half a bucket at half the rate, since together they are never more than the limit."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import SharedGcra

challenge = "q01-rate-limiter"


class Yours(SharedGcra):
    pass
