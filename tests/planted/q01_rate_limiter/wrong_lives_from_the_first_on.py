"""The count lives for a window from the first request on, and is then forgotten all at once."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.interview.q01_rate_limiter import SmallWindows
from windtunnel.engines import Script, Store

challenge = "q01-rate-limiter"


def take(store: Store, keys: Sequence[str], args: Sequence[str]) -> int:
    count = store.increment(keys[0])
    if count == 1:
        store.delete(keys[0])
        store.set(keys[0], 1, ttl_s=10 * float(args[1]))
    return int(count <= int(args[0]))


COUNT = Script(
    """
    local count = redis.call('INCR', KEYS[1])
    if count == 1 then redis.call('PEXPIRE', KEYS[1], 10000 * ARGV[2]) end
    return count <= tonumber(ARGV[1]) and 1 or 0
    """,
    take,
)


class Yours(SmallWindows):
    script = COUNT
