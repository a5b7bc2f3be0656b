"""Two counts, the last in proportion, since they are wrong of three in a hundred thousand."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import SharedCounter

challenge = "q01-rate-limiter"


class Yours(SharedCounter):
    pass
