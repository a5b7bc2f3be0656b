"""The bulkhead of `bulkhead` with its state in Redis: so many calls at a time over all processes together.

Ten servers with a bulkhead of five each may ask fifty things at once, and an eleventh makes it fifty-five; where a
dependency can bear twenty, whoever asks it, the count has to be shared. Whoever shares it may die with a place in hand,
so that each place is lent for a time only (a lease: Gray and Cheriton, SOSP 1989).

>>> bulkhead = RedisBulkhead(redis.asyncio.Redis(), "payments", 20, lease_s=30)           # doctest: +SKIP
>>> async with bulkhead:                                                                 # doctest: +SKIP
...     await pay()
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.resilience.bulkhead import BulkheadFull
from windtunnel.blocks.resilience.guard_redis import OnError, Question, RedisClient, RedisGuard

SCRIPT = """
local key, now, limit, lease, token = KEYS[1], clock(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
for i = 5, #ARGV do redis.call('ZREM', key, ARGV[i]) end
redis.call('ZREMRANGEBYSCORE', key, '-inf', exact(now))
local held = redis.call('ZCARD', key)
if token == '' then return {1, held} end
if not redis.call('ZSCORE', key, token) then
  if held >= limit then return {0, held} end
  held = held + 1
end
redis.call('ZADD', key, exact(now + lease), token)
keep(key, ARGV[1], lease)
return {1, held}
"""
"""Come in with a token, or (without one) go out; either way, what is listed behind goes out first."""


class RedisBulkhead(RedisGuard):
    """At most `limit` calls at a time with this `name`, over all that share the server; nobody waits.

    A place is given back at the end of its call, and after `lease_s` by itself: let that be more than the longest call
    (a `Deadline` sees to it), since one that goes on longer is counted no more. A server that loses its memory, or a
    replica that had not heard of all, lets up to `limit` more in until the leases of the lost ones would have ended.

    `on_error` says what happens where Redis does not answer (`OnError`), `on_reject` is told of each refusal.
    `in_flight` is what the last answer said. `clock` in place of the server's is for tests and replays. See
    `guard_redis` for the forms that there are.
    """

    def __init__(
        self,
        client: RedisClient,
        name: str,
        limit: int,
        *,
        lease_s: float,
        prefix: str = "bulkhead:",
        on_error: OnError = "raise",
        on_reject: Callable[[Refused], object] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        if limit < 1 or not 0.001 <= lease_s <= 1e9:
            raise ValueError(f"limit must be at least 1, lease_s from 0.001 to 1e9; got {limit} and {lease_s}.")
        super().__init__(client, SCRIPT, on_error)
        self.limit = limit
        self.in_flight = 0
        self._lease_s = lease_s
        self._key = prefix + name
        self._on_reject = on_reject
        self._clock = clock
        self._owed: deque[str] = deque(maxlen=1000)
        """Tokens of which nobody knows whether they were given back: the next question does it."""

    def _told(self) -> dict[str, object]:
        return {"key": self._key, "limit": self.limit, "in_flight": self.in_flight}

    def _asked(self, token: str, *back: str) -> Question:
        now = "" if self._clock is None else repr(float(self._clock()))
        owed = list(back)
        with suppress(IndexError):  # another thread may have taken the last one
            while True:
                owed.append(self._owed.popleft())
        return Question([self._key], [now, str(self.limit), repr(float(self._lease_s)), token, *owed])

    def _coming(self) -> Question:
        return self._asked(secrets.token_hex(8))

    def _admitted(self, question: Question, answer: Any) -> str:
        self.in_flight = int(answer[1])
        if int(answer[0]) != 1:
            raise BulkheadFull(f"{self.limit} calls are in progress.")
        return question.args[3]

    def _denied(self) -> Refused:
        return BulkheadFull("The server that counts the calls in progress does not answer.")

    def _in_doubt(self, question: Question) -> None:
        self._owed.extend(token for token in question.args[3:] if token)

    def _going(self, entry: str, error: BaseException | None) -> Question:
        return self._asked("", entry)

    def _gone(self, question: Question, answer: Any) -> None:
        self.in_flight = int(answer[1])
