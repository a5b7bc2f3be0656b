"""Counts by tenths of a window, and the tenth that goes out in proportion: a burst at its end is half out too early."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.interview.q01_rate_limiter import SmallWindows
from windtunnel.engines import Script, Store

challenge = "q01-rate-limiter"


def take(store: Store, keys: Sequence[str], args: Sequence[str]) -> int:
    limit, width_s, parts = int(args[0]), float(args[1]), int(args[2])
    at = int(store.time_s() // width_s)
    newest, *counts = map(int, (store.get(keys[0]) or f"{at} 0").split())
    counts = ([0] * (at - newest) + counts)[: parts + 1]
    seen = sum(counts) - sum(counts[parts:]) * (store.time_s() / width_s - at)
    may = seen + 1 <= limit
    counts[0] += may
    store.set(keys[0], " ".join(map(str, (at, *counts))), ttl_s=(parts + 1) * width_s)
    return int(may)


class Yours(SmallWindows):
    script = Script("-- as the model", take)
