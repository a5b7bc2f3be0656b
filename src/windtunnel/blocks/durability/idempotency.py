"""Idempotency keys: a request that is sent again has its effect once, and gets the same answer.

A client that heard nothing must ask again, and cannot know whether the first attempt arrived. It sends a key of its own
with both. The server notes the key before it acts, and how far it has come after each step that cannot be taken back
(a *recovery point*), so that a retry, also after a crash, goes on there instead of from the start (Leach,
*Implementing Stripe-like Idempotency Keys in Postgres*, 2017; Helland, *Idempotence Is Not a Medical Condition*, 2012).

>>> async with store.begin("key-1", fingerprint={"amount": 5}) as request:           # doctest: +SKIP
...     if request.response is not None:
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
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from windtunnel.blocks.durability.write_ahead_log import Offload
from windtunnel.blocks.durability.write_ahead_log_state import DurableState, Json
from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.ground.files import Files


class KeyBusy(Refused):
    """A request with this key is in progress (409): the client shall ask again in a while."""


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


class Request:
    """A request that holds its key. `response` is the answer, once there is one; else go on from `point`.

    For the task that holds the key.
    """

    def __init__(self, store: IdempotencyStore, key: str, entry: Entry) -> None:
        self._store = store
        self._entry = entry
        self.key = key

    @property
    def point(self) -> str:
        """The last recovery point: `"started"`, one that was given to `reach`, or `"finished"`."""
        return self._entry.point

    @property
    def state(self) -> dict[str, Any]:
        """All that was given to `reach`, together."""
        return self._entry.state

    @property
    def response(self) -> Json:
        """What was given to `finish`, or `None`."""
        return self._entry.response

    async def reach(self, point: str, state: dict[str, Any] | None = None) -> None:
        """Note durably that `point` has been reached, and what is needed to go on from there."""
        await self._store._commit([["reach", self.key, point, state or {}]])

    async def finish(self, response: Json) -> None:
        """Note the answer durably (not `None`): every later request with this key gets it."""
        if response is None:
            raise ValueError("A response of None cannot be told from no response.")
        await self._store._commit([["finish", self.key, response]])


class IdempotencyStore(DurableState):
    """Keys, their recovery points and their answers, below `directory`; kept for `keep_s` (at least, for answers).

    A key whose work was begun and not finished is kept as long; its lock lives in memory and dies with the process.
    One process, the tasks of one loop. `clock` gives seconds since 1970.
    """

    def __init__(
        self,
        files: Files,
        directory: str = "",
        *,
        keep_s: float = 86400.0,
        clock: Callable[[], float] = time.time,
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
            yield Request(self, key, entry)
        finally:
            self._busy.discard(key)

    async def once(self, key: str, work: Callable[[], Awaitable[Json]], fingerprint: Json = None) -> Json:
        """The answer of `work`, which runs only where there is none yet. For work without recovery points."""
        async with self.begin(key, fingerprint) as request:
            if request.response is None:
                await request.finish(await work())
            return request.response

    def _apply(self, change: Json) -> None:
        match change:
            case ["begin", key, fingerprint, since]:
                self._entries.pop(key, None)  # the order is that of age
                self._entries[key] = Entry(fingerprint, since)
            case ["reach", key, point, state]:
                self._entries[key].point = point
                self._entries[key].state.update(state)
            case ["finish", key, response]:
                self._entries[key].point = "finished"
                self._entries[key].response = response

    def _dump(self) -> Json:
        oldest = self._clock() - self._keep_s
        for key in [key for key, entry in self._entries.items() if entry.since < oldest and key not in self._busy]:
            del self._entries[key]
        return {key: vars(entry) for key, entry in self._entries.items()}

    def _restore(self, state: Json) -> None:
        self._entries = {key: Entry(**entry) for key, entry in state.items()}


def _fingerprint(value: Json) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
