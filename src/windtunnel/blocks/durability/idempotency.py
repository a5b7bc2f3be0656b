"""Idempotency keys: a request that is sent again has its effect once, and gets the same answer.

A client that heard nothing must ask again, and cannot know whether the first attempt arrived. It sends a key of its own
with both. The server notes the key before it acts, and how far it has come after each step that cannot be taken back
(a *recovery point*), so that a retry, also after a crash, goes on there instead of from the start (Leach,
*Implementing Stripe-like Idempotency Keys in Postgres*, 2017; Helland, *Idempotence Is Not a Medical Condition*, 2012).

>>> async with store.begin("key-1", fingerprint={"amount": 5}) as request:           # doctest: +SKIP
...     if request.finished:
...         return request.response                                   # the same answer as before
...     if request.point == "started":
...         charge = await provider.charge(5, key="key-1/charge")     # has keys, too
...         await request.reach("charged", {"charge": charge})
...     await request.finish({"receipt": request.state["charge"]})

Between an effect outside and its recovery point there is always a gap where a crash can fall. There only a key for the
outside call helps: exactly once is at least once, and a receiver who recognises what he has seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from windtunnel.blocks.durability.write_ahead_log import Offload
from windtunnel.blocks.durability.write_ahead_log_state import DurableState, Json, copied, dumps
from windtunnel.blocks.ground.block import Live
from windtunnel.blocks.ground.clocks import unix_s
from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.ground.files import Files


class KeyBusy(Refused):
    """A request with this key is in progress (409): the client shall ask again in a while."""

    this_call_only = True


class KeyReused(Refused):
    """The key was used for a different request (422): a mistake of the client."""


@dataclass
class Entry:
    """What is known of a key."""

    fingerprint: str
    since: float
    point: str = "started"
    state: dict[str, Any] = field(default_factory=dict)
    response: Json = None
    error: str = ""
    """Why the answer of work that was done could not be stored."""


class Request(Live):
    """A request that holds its key. `response` is the answer, once it is `finished`; else go on from `point`.

    For the task that holds the key, within the block of `begin`; what it gives out are copies.
    """

    def __init__(self, store: IdempotencyStore, key: str, entry: Entry) -> None:
        self._store = store
        self._entry = entry
        self._over = False
        self.key = key

    def _told(self) -> dict[str, object]:
        return {"key": self.key, "point": self.point}

    @property
    def finished(self) -> bool:
        """Whether there is an answer (which may be `None`)."""
        return self._entry.point == "finished"

    @property
    def point(self) -> str:
        """The last recovery point: `"started"`, one that was given to `reach`, or `"finished"`."""
        return self._entry.point

    @property
    def state(self) -> dict[str, Any]:
        """All that was given to `reach`, together."""
        return dict(copied(self._entry.state))

    @property
    def response(self) -> Json:
        """What was given to `finish`, `None` before. `ValueError` where the work is done and its answer was no JSON."""
        if self._entry.error:
            raise ValueError(self._entry.error)
        return copied(self._entry.response)

    async def reach(self, point: str, state: dict[str, Any] | None = None) -> None:
        """Note durably that `point` has been reached, and what is needed to go on from there."""
        if not isinstance(point, str) or point in ("started", "finished"):
            raise ValueError(f"A recovery point is a name of your own; got {point!r}.")
        if not isinstance(state, dict | None):
            raise ValueError(f"The state of a recovery point is a dict; got {state!r}.")
        self._require_open()
        await self._store._commit([["reach", self.key, point, state or {}, self._store._clock()]])

    async def finish(self, response: Json = None) -> None:
        """Note the answer durably: every later request with this key gets it. `ValueError` if it is no JSON."""
        self._require_open()
        await self._store._commit([["finish", self.key, response, self._store._clock()]])

    async def _spoil(self, why: str) -> None:
        await self._store._commit([["spoil", self.key, why, self._store._clock()]])

    def _require_open(self) -> None:
        if self._over:
            raise RuntimeError(f"The block that held key {self.key!r} has ended; begin again to go on.")
        if self.finished:
            raise RuntimeError(f"Key {self.key!r} has its answer already, and it stays.")


class IdempotencyStore(DurableState):
    """Keys, their recovery points and their answers, below `directory`; each kept for `keep_s` after its last note.

    A key whose work was begun and not finished is kept as long; its lock lives in memory and dies with the process.
    One process, the tasks of one loop. `clock` gives seconds since 1970.
    """

    _kind = "idempotency"

    def __init__(
        self,
        files: Files,
        directory: str = "",
        *,
        keep_s: float = 86400.0,
        clock: Callable[[], float] = unix_s,
        checkpoint_every: int = 10_000,
        offload: Offload | None = None,
    ) -> None:
        self._entries: dict[str, Entry] = {}
        self._busy: set[str] = set()
        self._keep_s = keep_s
        self._clock = clock
        super().__init__(files, directory, checkpoint_every=checkpoint_every, offload=offload)

    @asynccontextmanager
    async def begin(self, key: str, fingerprint: Json = None) -> AsyncIterator[Request]:
        """Hold `key` for the time of the block; an error inside gives it back with the points that were reached.

        `fingerprint` is what makes the request this one (method, path, body). Raises `KeyReused` where it
        differs from that of the key's first request, `KeyBusy` where the key is held.
        """
        if not isinstance(key, str):
            raise ValueError(f"A key is text; got {key!r}.")  # a number would come back from the disk as another key
        if key in self._busy:
            raise KeyBusy(f"A request with key {key!r} is in progress.")
        print_ = _fingerprint(fingerprint)
        entry, now = self._entries.get(key), self._clock()
        self._busy.add(key)
        try:
            if entry is None or entry.since + self._keep_s < now:
                await self._commit([["begin", key, print_, now]])
                entry = self._entries[key]
            elif entry.fingerprint != print_:
                raise KeyReused(f"Key {key!r} was used for a different request.")
            else:
                await self._settle()  # the attempt before may have been cancelled before its note was safe
            request = Request(self, key, entry)
            try:
                yield request
            finally:
                request._over = True
        finally:
            self._busy.discard(key)

    async def once(self, key: str, work: Callable[[], Awaitable[Json]], fingerprint: Json = None) -> Json:
        """The answer of `work`, which runs only where there is none yet. For work without recovery points.

        An answer that is no JSON is a `ValueError`, now and later: the work is done, and not done again.
        """
        async with self.begin(key, fingerprint) as request:
            if not request.finished:
                answer = await work()
                try:
                    dumps(answer)
                except ValueError as error:
                    await request._spoil(f"The work of key {key!r} is done, and its answer is lost. {error}")
                else:
                    await request.finish(answer)
            return request.response

    def _apply(self, change: Json) -> None:
        match change:
            case ["begin", str(key), fingerprint, since]:
                self._entries[key] = Entry(fingerprint, since)
            case ["reach", key, point, dict(state), *at]:
                entry = self._entries[key]
                entry.point, entry.since = point, _latest(entry.since, at)
                entry.state.update(state)
            case ["finish", key, response, *at]:
                entry = self._entries[key]
                entry.point, entry.response, entry.since = "finished", response, _latest(entry.since, at)
            case ["spoil", key, why, *at]:
                entry = self._entries[key]
                entry.point, entry.error, entry.since = "finished", why, _latest(entry.since, at)
            case _:
                raise ValueError(f"There is no such change: {change!r}.")

    def _dump(self) -> Json:
        oldest = self._clock() - self._keep_s
        for key in [key for key, entry in self._entries.items() if entry.since < oldest and key not in self._busy]:
            del self._entries[key]
        return {key: vars(entry) for key, entry in self._entries.items()}

    def _restore(self, state: Json) -> None:
        self._entries = {key: Entry(**entry) for key, entry in state.items()}


def _latest(since: float, at: list[float]) -> float:
    """The time of the last note; the notes of an older version have none."""
    return max(since, *at) if at else since


def _fingerprint(value: Json) -> str:
    try:
        return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
    except TypeError as error:
        raise ValueError(f"A fingerprint must be JSON, or bytes as text: {error}.") from error
