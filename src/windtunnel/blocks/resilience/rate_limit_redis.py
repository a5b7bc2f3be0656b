"""The rate limiters of `rate_limit` with their state in Redis, shared by many processes.

Reading a counter and writing it back are two steps, and between them another process reads the same number: eight
processes that do so let far more through than the limit. A Lua script runs alone, so the whole decision is one step.
Time is the server's own (`TIME`), so the clocks of the clients do not matter.

>>> limiter = RedisRateLimiter(redis.asyncio.Redis(), Gcra(rate_per_s=10, burst=20))     # doctest: +SKIP
>>> (await limiter.take("alice")).allowed                                               # doctest: +SKIP
True

The scripts say the same as the plain Python, in the same order and the same doubles; the tests compare them decision by
decision. State expires when it is as good as new.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.resilience.guard_redis import Among, OnError, Question, RedisClient, RedisGuard
from windtunnel.blocks.resilience.rate_limit import (
    SLACK_S,
    Decision,
    FixedWindow,
    Gcra,
    RateLimited,
    RateLimiter,
    SlidingCounter,
    SlidingLog,
    TokenBucket,
)

SETTINGS = """
local key, cost, now = KEYS[1], tonumber(ARGV[1]), clock(ARGV[2])
local a, b, slack = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local function answer(allowed, remaining, wait) return {allowed, exact(remaining), exact(wait)} end
"""

TOKEN_BUCKET = """
local rate, burst = a, b
local state = redis.call('HMGET', key, 't', 'at')
local tokens, at = tonumber(state[1]) or burst, tonumber(state[2]) or now
now = math.max(now, at)
tokens = math.min(burst, tokens + (now - at) * rate)
local allowed = cost - tokens <= slack * rate
local left = allowed and tokens - cost or tokens
redis.call('HSET', key, 't', exact(left), 'at', exact(now))
keep(key, ARGV[2], (burst - left) / rate)
if allowed then return answer(1, math.max(0, left), 0) end
return answer(0, math.max(0, left), (cost - tokens) / rate)
"""

GCRA = """
local rate, burst = a, b
local ahead, at = string.match(redis.call('GET', key) or '', '^(%S+) (%S+)$')
ahead, at = tonumber(ahead) or 0, tonumber(at) or now
now = math.max(now, at)
ahead = math.max(0, ahead - (now - at) * rate)
local beyond = ahead + cost - burst
local allowed = beyond <= slack * rate
local left = allowed and ahead + cost or ahead
redis.call('SET', key, exact(left) .. ' ' .. exact(now))
keep(key, ARGV[2], left / rate)
if allowed then return answer(1, math.max(0, -beyond), 0) end
return answer(0, math.max(0, burst - ahead), beyond / rate)
"""

SLIDING_LOG = """
local limit, window = a, b
local last = redis.call('LINDEX', key, -1)
if last then now = math.max(now, tonumber(last)) end
local first = redis.call('LINDEX', key, 0)
while first and tonumber(first) + window <= now + slack do
  redis.call('LPOP', key)
  first = redis.call('LINDEX', key, 0)
end
local free = limit - redis.call('LLEN', key)
if cost <= free then
  for _ = 1, cost do redis.call('RPUSH', key, exact(now)) end
  keep(key, ARGV[2], window)
  return answer(1, free - cost, 0)
end
return answer(0, free, tonumber(redis.call('LINDEX', key, cost - free - 1)) + window - now)
"""

SLIDING_COUNTER = """
local limit, width = a, b
local state = redis.call('HMGET', key, 'w', 'n', 'b')
local window = math.floor(now / width)
local at, count, before = tonumber(state[1]) or window, tonumber(state[2]) or 0, tonumber(state[3]) or 0
if at > window then window = at; now = at * width end
if at < window then
  before = at == window - 1 and count or 0
  count = 0
end
local passed = now / width - window
local seen = before * (1 - passed) + count
if seen + cost <= limit + 1e-9 then
  redis.call('HSET', key, 'w', exact(window), 'n', exact(count + cost), 'b', exact(before))
  keep(key, ARGV[2], 2 * width)
  return answer(1, math.max(0, limit - seen - cost), 0)
end
local wait
if count + cost <= limit then wait = (1 - (limit - cost - count) / before - passed) * width
else wait = (2 - (limit - cost) / count - passed) * width end
return answer(0, math.max(0, limit - seen), wait)
"""

FIXED_WINDOW = """
local limit, width = a, b
local state = redis.call('HMGET', key, 'w', 'n')
local window = math.floor(now / width)
local at, count = tonumber(state[1]) or window, tonumber(state[2]) or 0
if at > window then window = at; now = at * width end
if at < window then count = 0 end
if count + cost <= limit + 1e-9 then
  redis.call('HSET', key, 'w', exact(window), 'n', exact(count + cost))
  keep(key, ARGV[2], (window + 1) * width - now)
  return answer(1, math.max(0, limit - count - cost), 0)
end
return answer(0, math.max(0, limit - count), (window + 1) * width - now)
"""


class RedisRateLimiter(RedisGuard):
    """`algorithm` (its settings, not its state) run in Redis; keys are `prefix` + key.

    `await limiter.take(key)` with a client of asyncio, `limiter.take_now(key)` with a plain one. As a guard all calls
    together are one key, and `limiter.on(key)` is a guard for one. `on_error` says what happens where Redis does not
    answer: `raise` the client's error, `allow` (a limiter that is down shall not take the service down) or `deny`.
    `on_reject` is told of each refusal of a guard. See `guard_redis` for the forms that there are.
    """

    def __init__(
        self,
        client: RedisClient,
        algorithm: RateLimiter[Any],
        *,
        prefix: str = "rate:",
        on_error: OnError = "raise",
        on_reject: Callable[[Refused], object] | None = None,
    ) -> None:
        script, self._arguments = script_of(algorithm)
        super().__init__(client, script, on_error)
        self._algorithm = algorithm
        self._prefix = prefix
        self._on_reject = on_reject

    def _told(self) -> dict[str, object]:
        return {"prefix": self._prefix, "algorithm": self._algorithm}

    async def take(self, key: str = "", cost: float = 1, *, at_s: float | None = None) -> Decision:
        """As `RateLimiter.take`. `at_s` in place of the server's time is for tests and replays."""
        self._require(asyncio=True)
        question = self._asked(key, cost, at_s)
        try:
            answer = await self._ask(question)
        except Exception as error:
            return self._decided_alone(error)
        return decision_of(answer)

    def take_now(self, key: str = "", cost: float = 1, *, at_s: float | None = None) -> Decision:
        """As `take`, with a plain client."""
        self._require(asyncio=False)
        question = self._asked(key, cost, at_s)
        try:
            answer = self._ask_plain(question)
        except Exception as error:
            return self._decided_alone(error)
        return decision_of(answer)

    async def check(self, key: str = "", cost: float = 1) -> None:
        """`RateLimited` unless `cost` could be taken."""
        decision = await self.take(key, cost)
        if not decision.allowed:
            raise RateLimited(decision.retry_after_s)

    def on(self, key: str, cost: float = 1) -> RedisGuard:
        """A guard that takes `cost` for `key`: `async with limiter.on("alice"): ...`, or `with` of a plain client."""
        return _Keyed(self, key, cost)

    def _asked(self, key: str, cost: float, at_s: float | None) -> Question:
        self._algorithm.check_cost(cost)
        now = "" if at_s is None else repr(float(at_s))
        return Question([self._prefix + key], [repr(float(cost)), now, *self._arguments])

    def _decided_alone(self, error: Exception) -> Decision:
        """The decision where Redis has none."""
        if self._on_error == "raise":
            raise error
        return Decision(self._on_error == "allow", 0.0, 0.0)

    def _coming(self) -> Question:
        return self._asked("", 1, None)

    def _admitted(self, question: Question, answer: Any) -> None:
        decision = decision_of(answer)
        if not decision.allowed:
            raise RateLimited(decision.retry_after_s)

    def _denied(self) -> Refused:
        return RateLimited(0.0)


class _Keyed(RedisGuard):
    """One key of a limiter, as a guard."""

    def __init__(self, limiter: RedisRateLimiter, key: str, cost: float) -> None:
        vars(self).update(vars(limiter), _inside=Among())
        self._limiter, self._key, self._cost = limiter, key, cost

    def _told(self) -> dict[str, object]:
        return {"key": self._key, "cost": self._cost}

    def _coming(self) -> Question:
        return self._limiter._asked(self._key, self._cost, None)

    def _admitted(self, question: Question, answer: Any) -> None:
        return self._limiter._admitted(question, answer)

    def _denied(self) -> Refused:
        return self._limiter._denied()


def decision_of(answer: Any) -> Decision:
    """What a script's answer says."""
    allowed, remaining, wait_s = answer
    return Decision(int(allowed) == 1, float(remaining), float(wait_s))


def script_of(algorithm: RateLimiter[Any]) -> tuple[str, list[str]]:
    """The script that decides as this one does, to stand behind `PRELUDE`; and what it is told after cost and time."""
    script, *settings = _with_settings(algorithm)
    return SETTINGS + script, [*map(repr, settings), repr(SLACK_S)]


def _with_settings(algorithm: RateLimiter[Any]) -> tuple[str, float, float]:
    match algorithm:
        case TokenBucket():
            return TOKEN_BUCKET, algorithm.rate_per_s, algorithm.burst
        case Gcra():
            return GCRA, algorithm.rate_per_s, algorithm.burst
        case SlidingLog():
            return SLIDING_LOG, algorithm.limit, algorithm.window_s
        case SlidingCounter():
            return SLIDING_COUNTER, algorithm.limit, algorithm.window_s
        case FixedWindow():
            return FIXED_WINDOW, algorithm.limit, algorithm.window_s
    raise ValueError(f"There is no script for {type(algorithm).__name__}.")
