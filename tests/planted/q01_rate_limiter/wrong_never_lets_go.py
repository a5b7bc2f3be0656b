"""The counts of who comes no more stay where they are, since a cache throws out what it has no room for."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.interview.q01_rate_limiter import TAKE, SmallWindows
from windtunnel.engines import Script, Store

challenge = "q01-rate-limiter"


def take(store: Store, keys: Sequence[str], args: Sequence[str]) -> int:
    may = int(TAKE.model(store, keys, args))
    store.set(keys[0], store.get(keys[0]) or "")
    return may


class Yours(SmallWindows):
    script = Script(TAKE.lua.replace("return may", "redis.call('PERSIST', KEYS[1]) return may"), take)
