"""A count for each tenth of a window in a script, and without an answer the node's own share."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import SmallWindows

challenge = "q01-rate-limiter"


class Yours(SmallWindows):
    pass
