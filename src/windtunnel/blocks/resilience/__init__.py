"""Resilience: who may ask, how often, for how long, and who is told no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.resilience.adaptive_limit import (
        AdaptiveLimiter as AdaptiveLimiter,
        Aimd as Aimd,
        FixedLimit as FixedLimit,
        Gradient2 as Gradient2,
        LimitExceeded as LimitExceeded,
        LimitLaw as LimitLaw,
        Vegas as Vegas,
    )
    from windtunnel.blocks.resilience.bulkhead import Bulkhead as Bulkhead, BulkheadFull as BulkheadFull
    from windtunnel.blocks.resilience.bulkhead_redis import RedisBulkhead as RedisBulkhead
    from windtunnel.blocks.resilience.circuit_breaker import (
        CircuitBreaker as CircuitBreaker,
        CircuitOpen as CircuitOpen,
        RollingCounts as RollingCounts,
        State as State,
    )
    from windtunnel.blocks.resilience.circuit_breaker_redis import RedisCircuitBreaker as RedisCircuitBreaker
    from windtunnel.blocks.resilience.codel import CoDel as CoDel, CoDelQueue as CoDelQueue
    from windtunnel.blocks.resilience.deadline import (
        Deadline as Deadline,
        DeadlineExceeded as DeadlineExceeded,
        check_deadline as check_deadline,
        grpc_timeout as grpc_timeout,
        remaining_s as remaining_s,
    )
    from windtunnel.blocks.resilience.guard_redis import RedisClient as RedisClient, RedisGuard as RedisGuard
    from windtunnel.blocks.resilience.hedge import Hedge as Hedge, Quantile as Quantile
    from windtunnel.blocks.resilience.load_shedder import (
        ClientThrottle as ClientThrottle,
        ControlledDelay as ControlledDelay,
        LoadShedder as LoadShedder,
        Shed as Shed,
        Throttled as Throttled,
    )
    from windtunnel.blocks.resilience.rate_limit import (
        Decision as Decision,
        FixedWindow as FixedWindow,
        Gcra as Gcra,
        RateLimited as RateLimited,
        RateLimiter as RateLimiter,
        SlidingCounter as SlidingCounter,
        SlidingLog as SlidingLog,
        TokenBucket as TokenBucket,
    )
    from windtunnel.blocks.resilience.rate_limit_batch import (
        BatchGcra as BatchGcra,
        BatchTokenBucket as BatchTokenBucket,
    )
    from windtunnel.blocks.resilience.rate_limit_redis import RedisRateLimiter as RedisRateLimiter
    from windtunnel.blocks.resilience.retry import (
        Attempt as Attempt,
        Backoff as Backoff,
        Budget as Budget,
        Retry as Retry,
        decorrelated_jitter as decorrelated_jitter,
        equal_jitter as equal_jitter,
        exponential as exponential,
        full_jitter as full_jitter,
        no_wait as no_wait,
    )

__getattr__, __dir__ = lend(__name__)
