"""What the blocks with their state in Redis share: a question on coming in, and for some one on going out.

The forms are those of `guard`. Which of them there are is decided by the client: one of `redis.asyncio` serves
`async def` (`call`, `async with`), a plain one plain functions and threads (`run`, `with`); a plain client would hold
up a whole loop. Both speak as Redis does, Valkey's too.

A script runs alone in the server, so that what many processes ask is decided one after the other; its `TIME` is the
clock, so theirs do not matter. Give the client a timeout (or wrap the call in a `Deadline`), and no retries of its own:
what went out once is decided once. What the call gave or raised is never lost to a server that did not answer on the
way out: that is logged (`windtunnel.blocks`).
"""

from __future__ import annotations

import logging
import sys
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from inspect import iscoroutinefunction
from threading import Lock
from types import FrameType, TracebackType
from typing import Any, Literal, NamedTuple, Protocol

from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.resilience.guard import Guard, Inside, P, T, awaited

OnError = Literal["raise", "allow", "deny"]
"""What a block does where Redis does not answer: raise the client's error, let the call through, or refuse it."""


PRELUDE = """
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local t = redis.call('TIME')
  return t[1] + t[2] / 1e6
end
local function keep(key, given, seconds)
  if given ~= '' then seconds = math.max(seconds, 3600) end
  redis.call('PEXPIRE', key, math.max(1, math.ceil(seconds * 1000)))
end
local function exact(x) return string.format('%.17g', x) end
"""
"""What the scripts share. A key is removed on the server's own clock: of a caller who brings another, which may stand
still, nothing is removed for an hour."""


class RedisClient(Protocol):
    """The part of `redis.asyncio.Redis` or `redis.Redis` (or Valkey's clients) that is used."""

    def register_script(self, script: Any) -> Any: ...


class Question(NamedTuple):
    """What a script is asked: `keys` and `args`, as texts."""

    keys: list[str]
    args: list[str]


class Among(Inside):
    """As `Inside`, for threads that leave at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()

    def take(self, frame: FrameType | None) -> Any:
        with self._lock:
            return super().take(frame)


class RedisGuard(Guard):
    """A `Guard` whose state is in Redis. As safe for tasks and threads as its client is."""

    def __init__(self, client: RedisClient, script: str, on_error: OnError) -> None:
        if on_error not in ("raise", "allow", "deny"):
            raise ValueError(f"on_error must be 'raise', 'allow' or 'deny'; got {on_error!r}.")
        self._script = client.register_script(PRELUDE + script)
        self._asyncio = iscoroutinefunction(self._script) or iscoroutinefunction(type(self._script).__call__)
        self._plain = not self._asyncio
        self._on_error = on_error
        self._inside, self._alone = Among(), nullcontext()  # the server decides; no thread waits for another's answer

    # What each block says.

    @abstractmethod
    def _coming(self) -> Question:
        """What to ask before a call."""

    @abstractmethod
    def _admitted(self, question: Question, answer: Any) -> Any:
        """What `_going` has to know, from the answer; or raise a `Refused`."""

    @abstractmethod
    def _denied(self) -> Refused:
        """The refusal of a call about which nothing could be asked."""

    def _in_doubt(self, question: Question) -> None:
        """Nobody knows whether the server has done what was asked."""

    def _going(self, entry: Any, error: BaseException | None) -> Question | None:
        """What to tell after a call; nothing by default."""
        return None

    def _gone(self, question: Question, answer: Any) -> None:
        """What the server said to that."""

    # The ways of asyncio: to go out is to wait here.

    async def call(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """`await function(*args, **kwargs)` inside."""
        entry = await self._admit_waiting()
        try:
            result = await awaited(function, *args, **kwargs)
        except BaseException as error:
            await self._leave_waiting(entry, error)
            raise
        await self._leave_waiting(entry, None)
        return result

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave_waiting(self._inside.take(sys._getframe().f_back), error)

    # Asking.

    async def _ask(self, question: Question) -> Any:
        try:
            return await self._script(*question)
        except BaseException:  # also where the caller was cancelled: the question may be there
            self._in_doubt(question)
            raise

    def _ask_plain(self, question: Question) -> Any:
        try:
            return self._script(*question)
        except BaseException:
            self._in_doubt(question)
            raise

    def _require(self, *, asyncio: bool) -> None:
        if asyncio != self._asyncio:
            has, wants = ("redis.Redis", "redis.asyncio.Redis") if asyncio else ("redis.asyncio.Redis", "redis.Redis")
            raise TypeError(f"This {type(self).__name__} has a client like {has}; here it needs one like {wants}.")

    async def _enter_waiting(self) -> Any:
        self._require(asyncio=True)
        question = self._coming()
        try:
            answer = await self._ask(question)
        except Exception as error:
            return self._unanswered(error)
        return self._admitted(question, answer)

    def _enter(self) -> Any:
        self._require(asyncio=False)
        question = self._coming()
        try:
            answer = self._ask_plain(question)
        except Exception as error:
            return self._unanswered(error)
        return self._admitted(question, answer)

    def _unanswered(self, error: Exception) -> None:
        """The entry of a call that nobody has counted; or raise."""
        if self._on_error == "raise":
            raise error
        if self._on_error == "deny":
            raise self._denied() from error

    async def _leave_waiting(self, entry: Any, error: BaseException | None) -> None:
        question = None if entry is None else self._going(entry, error)
        if question is not None:
            try:
                answer = await self._ask(question)
            except Exception as failure:
                self._unheard(failure)
            else:
                self._gone(question, answer)

    def _leave(self, entry: Any, error: BaseException | None) -> None:
        question = None if entry is None else self._going(entry, error)
        if question is not None:
            try:
                answer = self._ask_plain(question)
            except Exception as failure:
                self._unheard(failure)
            else:
                self._gone(question, answer)

    def _unheard(self, failure: Exception) -> None:
        logging.getLogger("windtunnel.blocks").warning(
            "%r could not tell Redis of the end of a call: %r", self, failure
        )


def text(answer: Any) -> str:
    """A text of an answer, whether the client decodes or not."""
    return answer.decode() if isinstance(answer, bytes) else str(answer)
