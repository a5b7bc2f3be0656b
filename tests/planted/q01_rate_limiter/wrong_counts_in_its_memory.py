"""Each node counts in its memory, since a dictionary is fast."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import InProcess

challenge = "q01-rate-limiter"


class Yours(InProcess):
    pass
