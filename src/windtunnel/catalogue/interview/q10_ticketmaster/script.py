"""The script that counts in the cache."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.engines import Script, Store


def take(store: Store, keys: Sequence[str], args: Sequence[str]) -> str | int | None:
    """What `TAKE` does, for the model."""
    before = store.get(keys[1])
    if before is not None:  # unclaimed: a test loses answers, and counts
        return before  # unclaimed: the same test
    left = int(store.get(keys[0]) or 0)
    if left < 1:
        return None
    store.set(keys[0], left - 1)
    store.set(keys[1], left)  # unclaimed: a test loses answers, and counts
    return left


TAKE = Script(
    """
    local before = redis.call('GET', KEYS[2])
    if before then return before end
    local left = tonumber(redis.call('GET', KEYS[1]) or '0')
    if left < 1 then return false end
    redis.call('SET', KEYS[1], left - 1)
    redis.call('SET', KEYS[2], left)
    return left
    """,
    take,
)
"""The next number for a buyer's try: KEYS are the stock and the try. Asked again, it gives the same number again."""
