"""A count that begins anew with each window, since that is what so many in a window says."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import SharedWindow

challenge = "q01-rate-limiter"


class Yours(SharedWindow):
    pass
