"""The circuit breaker of `circuit_breaker` with its state in Redis: what one process learns, all know.

Forty processes with a breaker each need forty times the calls to find out that a dependency is down, and send forty
probes when they find out whether it is back. Sharing costs two round trips to Redis a call, and makes a fault of one
process's own (a wrong password, a broken route) a fault of all: share among those that see the dependency alike.

>>> breaker = RedisCircuitBreaker(redis.asyncio.Redis(), "payments", failures=ConnectionError)   # doctest: +SKIP
>>> await breaker.call(ask)                                                                     # doctest: +SKIP

The script says the same as the plain Python, in the same order; the tests compare them call by call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.ground.hooks import tell
from windtunnel.blocks.resilience.circuit_breaker import CLOSED, CircuitOpen, State, check_settings
from windtunnel.blocks.resilience.guard_redis import OnError, Question, RedisClient, RedisGuard, text
from windtunnel.blocks.resilience.retry import Which, matches

KEPT_S = 86_400
"""How long the state of a circuit that is not closed outlives the last call."""
MOST_S = 1e9
"""The longest time that a setting may ask for, 32 years: a key of Redis has a time to live, and not for ever."""

SCRIPT = """
local key, what, epoch, now = KEYS[1], ARGV[1], ARGV[2], clock(ARGV[3])
local buckets, width, volume = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local rate, sleep, probe, kept = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local known = redis.call('HMGET', key, 'state', 'epoch', 'probe_at', 'newest')
local state, current, probe_at = known[1] or 'closed', known[2], tonumber(known[3]) or 0
local was = state
if not current then
  current = string.format('%.0f', now * 1000)
  redis.call('HSET', key, 'epoch', current)
end
local function change(new)
  state, current = new, string.format('%.0f', tonumber(current) + 1)
  redis.call('HSET', key, 'state', state, 'epoch', current)
end
local function open(at)
  redis.call('HSET', key, 'probe_at', exact(at))
  change('open')
end
local function forget()
  for slot = 0, buckets - 1 do redis.call('HDEL', key, 't' .. slot, 'f' .. slot) end
end
local function answer(allowed, wait)
  keep(key, ARGV[3], state == 'closed' and buckets * width or math.max(kept, sleep + probe))
  return {allowed, was, state, current, exact(wait)}
end
if what == 'enter' then
  if state ~= 'closed' then
    if probe_at - now > 1e-6 then return answer(0, probe_at - now) end
    redis.call('HSET', key, 'probe_at', exact(now + probe))
    if state == 'open' then change('half-open') end
  end
  return answer(1, 0)
end
if epoch ~= current then return answer(1, 0) end
if state == 'half-open' then
  if what == 'nothing' then open(now)
  elseif what == 'failed' then open(now + sleep)
  else
    forget()
    change('closed')
  end
elseif what ~= 'nothing' then
  local bucket, newest = math.floor(now / width), tonumber(known[4]) or 0
  if bucket > newest then
    for passed = math.max(newest, bucket - buckets) + 1, bucket do
      redis.call('HDEL', key, 't' .. passed % buckets, 'f' .. passed % buckets)
    end
    newest = bucket
    redis.call('HSET', key, 'newest', string.format('%.0f', newest))
  end
  redis.call('HINCRBY', key, 't' .. newest % buckets, 1)
  if what == 'failed' then redis.call('HINCRBY', key, 'f' .. newest % buckets, 1) end
  local total, failed = 0, 0
  for slot = 0, buckets - 1 do
    local counts = redis.call('HMGET', key, 't' .. slot, 'f' .. slot)
    total, failed = total + (tonumber(counts[1]) or 0), failed + (tonumber(counts[2]) or 0)
  end
  if total >= volume and failed >= rate * total then open(now + sleep) end
end
return answer(1, 0)
"""


class RedisCircuitBreaker(RedisGuard):
    """A `CircuitBreaker` that all share who give the same `name` and the same settings, which are those of that one.

    `on_change(old, new)` is told of the changes that calls of this object made, `on_reject` of its refusals. `state` is
    that of the last answer. A server that lost its memory has a closed circuit, and so has one that nobody asked about
    for a day. `on_error` says what happens where Redis does not answer (`OnError`; `"allow"` keeps a Redis that is down
    from taking the service down). `clock` in place of the server's is for tests and replays. See `guard_redis` for the
    forms that there are.
    """

    def __init__(
        self,
        client: RedisClient,
        name: str,
        *,
        window_s: float = 10.0,
        buckets: int = 10,
        volume_threshold: int = 20,
        error_rate: float = 0.5,
        sleep_window_s: float = 5.0,
        failures: Which = Exception,
        probe_s: float | None = None,
        prefix: str = "breaker:",
        on_error: OnError = "raise",
        on_change: Callable[[State, State], object] | None = None,
        on_reject: Callable[[Refused], object] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        check_settings(window_s, buckets, volume_threshold, error_rate, sleep_window_s, probe_s)
        if not all(0 <= one <= MOST_S for one in (window_s, sleep_window_s, probe_s or 0)):
            raise ValueError(f"Redis keeps a circuit for at most {MOST_S:g} s: window_s, sleep_window_s and probe_s.")
        super().__init__(client, SCRIPT, on_error)
        probe_s = (sleep_window_s or window_s) if probe_s is None else probe_s
        numbers = (window_s / buckets, volume_threshold, error_rate, sleep_window_s, probe_s, KEPT_S)
        self._settings = [str(buckets), *(repr(float(one)) for one in numbers)]
        self._sleep_window_s = sleep_window_s
        self._key = prefix + name
        self._failures = failures
        self._on_change, self._on_reject = on_change, on_reject
        self._clock = clock
        self.state = CLOSED

    def _told(self) -> dict[str, object]:
        return {"key": self._key, "state": self.state.value}

    def _asked(self, what: str, epoch: str) -> Question:
        now = "" if self._clock is None else repr(float(self._clock()))
        return Question([self._key], [what, epoch, now, *self._settings])

    def _coming(self) -> Question:
        return self._asked("enter", "")

    def _admitted(self, question: Question, answer: Any) -> str:
        self._gone(question, answer)
        if int(answer[0]) != 1:
            raise CircuitOpen(float(answer[4]))
        return text(answer[3])

    def _denied(self) -> Refused:
        return CircuitOpen(self._sleep_window_s)

    def _going(self, entry: str, error: BaseException | None) -> Question:
        if error is None:
            return self._asked("ok", entry)
        counted = isinstance(error, Exception) and matches(error, self._failures)
        return self._asked("failed" if counted else "nothing", entry)

    def _gone(self, question: Question, answer: Any) -> None:
        old, self.state = State(text(answer[1])), State(text(answer[2]))
        if old is not self.state:
            tell(self._on_change, old, self.state)
