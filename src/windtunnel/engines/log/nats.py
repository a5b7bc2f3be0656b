"""NATS JetStream behind the log port: a stream of records, and one that keeps the last commit of each group."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

from windtunnel.engines.log.port import Record, Trimmed, check_offset, check_values
from windtunnel.engines.shared.nats import OnNats, missing_nats

TIMEOUT_S = 1.0


def missing() -> str | None:
    """How to get it, where it cannot be had."""
    return missing_nats()


class NatsLog(OnNats):
    """NATS JetStream: WINDTUNNEL_NATS_URL, else a server of our own for each log.

    The records of one append stand side by side among those of this process; another one's may come between.
    """

    def __init__(self, name: str = "log", *, connections: int = 8) -> None:
        super().__init__(name, TIMEOUT_S)
        self._stream = f"wt{secrets.token_hex(4)}"
        self._groups = f"{self._stream}groups"
        self._writing = asyncio.Lock()

    def streams(self) -> Sequence[Any]:
        from nats.js.api import StreamConfig

        return [
            StreamConfig(self._stream, subjects=[self._stream]),
            StreamConfig(self._groups, subjects=[f"{self._groups}.>"], max_msgs_per_subject=1),
        ]

    async def append(self, values: Sequence[bytes]) -> int:
        check_values(values)
        if not values:
            return await self.end()
        jetstream = await self.jetstream()
        async with self._writing:
            said = await asyncio.gather(
                *(self._publish(jetstream, self._stream, value) for value in values), return_exceptions=True
            )
        return _first(said) - 1

    async def read(self, offset: int, count: int = 100) -> list[Record]:
        from nats.js.errors import NotFoundError

        check_offset(offset, count)
        jetstream = await self.jetstream()
        found: list[Record] = []
        with self.asking():
            while len(found) < count:
                try:
                    message = await jetstream.get_msg(self._stream, seq=offset + len(found) + 1)
                except NotFoundError:
                    break
                found.append(Record(offset + len(found), message.data or b""))
            if not found:
                state = (await jetstream.stream_info(self._stream)).state
                if offset + 1 < state.first_seq and state.last_seq:
                    raise Trimmed(f"Record {offset} is gone; the log begins at {state.first_seq - 1}.")
        return found

    async def end(self) -> int:
        jetstream = await self.jetstream()
        with self.asking():
            return int((await jetstream.stream_info(self._stream)).state.last_seq)

    async def commit(self, group: str, offset: int) -> None:
        check_offset(offset)
        await self._publish(await self.jetstream(), self._subject(group), str(offset).encode())

    async def committed(self, group: str) -> int:
        from nats.js.errors import NotFoundError

        jetstream = await self.jetstream()
        try:
            with self.asking():
                message = await jetstream.get_last_msg(self._groups, self._subject(group))
        except NotFoundError:
            return 0
        return int(message.data)

    async def trim(self, before: int) -> None:
        check_offset(before)
        jetstream = await self.jetstream()
        # JetStream takes a place beyond the end for that of the next message.
        before = min(before, await self.end())
        with self.asking():
            await jetstream.purge_stream(self._stream, seq=before + 1)

    def _subject(self, group: str) -> str:
        return f"{self._groups}.{group.encode().hex() or 'none'}"

    async def _publish(self, jetstream: Any, subject: str, body: bytes) -> int:
        with self.asking():
            return int((await jetstream.publish(subject, body)).seq)


def _first(said: Sequence[int | BaseException]) -> int:
    """The place of the first record; an error where one is not known to be there.

    Where some are and some are not, what certainly failed does not say so of the whole.
    """
    errors = [one for one in said if isinstance(one, BaseException)]
    if not errors:
        return min(one for one in said if isinstance(one, int))
    unknown = [one for one in errors if getattr(one, "outcome", None) != "fail"]
    if unknown or len(errors) == len(said):
        raise (unknown or errors)[0]
    raise ConnectionError("A part of the records has been appended, and a part has not.") from errors[0]
