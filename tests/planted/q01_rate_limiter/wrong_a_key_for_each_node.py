"""The node's name is in the key, as it is in that of each metric."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import SmallWindows

challenge = "q01-rate-limiter"


class Yours(SmallWindows):
    async def ask(self, client: int, node: int) -> bool:
        return await super().ask(1000 * node + client, node)
