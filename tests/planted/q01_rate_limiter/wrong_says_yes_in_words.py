"""It says what it thinks, in words."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import SmallWindows

challenge = "q01-rate-limiter"


class Yours(SmallWindows):
    async def ask(self, client: int, node: int) -> bool:
        may = await super().ask(client, node)
        return "yes" if may else "no"  # type: ignore[return-value]  # which is the mistake
