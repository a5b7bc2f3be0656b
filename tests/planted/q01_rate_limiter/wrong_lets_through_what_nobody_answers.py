"""A limiter that is down shall not take the service down: it lets everybody through."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import SmallWindows

challenge = "q01-rate-limiter"


class Yours(SmallWindows):
    def alone(self, key: str) -> bool:
        return True
