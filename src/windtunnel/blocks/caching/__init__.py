"""Caches: what to keep, what to throw out, and who loads what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.caching.cache import Cache as Cache, CacheStats as CacheStats, Gone as Gone
    from windtunnel.blocks.caching.cache_decorator import (
        cached as cached,
        call_key as call_key,
        forget_call as forget_call,
    )
    from windtunnel.blocks.caching.cache_loading import (
        LoadingCache as LoadingCache,
        SingleFlight as SingleFlight,
        WaitsForItself as WaitsForItself,
        due_early as due_early,
    )
    from windtunnel.blocks.caching.cache_policies import (
        Clock as Clock,
        Fifo as Fifo,
        Lfu as Lfu,
        Lru as Lru,
        Policy as Policy,
        Sieve as Sieve,
    )
    from windtunnel.blocks.caching.cache_s3_fifo import S3Fifo as S3Fifo
    from windtunnel.blocks.caching.cache_tiny_lfu import FrequencySketch as FrequencySketch, WTinyLfu as WTinyLfu
    from windtunnel.blocks.caching.cache_trace import (
        CacheTrace as CacheTrace,
        plain_belady as plain_belady,
        plain_misses as plain_misses,
    )

__getattr__, __dir__ = lend(__name__)
