"""NATS JetStream behind the log port: a stream of records, and one that keeps the last commit of each group."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Sequence
from typing import Any

from windtunnel.engines.errors import Unavailable
from windtunnel.engines.log.port import Record, Trimmed
from windtunnel.engines.shared.nats import URL, connect, missing_nats, start_nats
from windtunnel.engines.shared.servers import Guarded

TIMEOUT_S = 1.0


def missing() -> str | None:
    """How to get it, where it cannot be had."""
    return missing_nats()


class NatsLog:
    """NATS JetStream: WINDTUNNEL_NATS_URL, else a server of our own for each log.

    The records of one append stand side by side among those of this process; another one's may come between.
    """

    def __init__(self, name: str = "log", *, connections: int = 8) -> None:
        self.name = name
        url = os.environ.get(URL)
        self._server: Guarded | None = None if url else start_nats()
        self._url = url or ("" if self._server is None else self._server.url)
        self._stream = f"wt{secrets.token_hex(4)}"
        self._groups = f"{self._stream}groups"
        self._opening: asyncio.Task[Any] | None = None
        self._writing = asyncio.Lock()

    async def _open(self) -> Any:
        from nats.js.api import StreamConfig

        connection = await connect(self._url)
        jetstream = connection.jetstream(timeout=TIMEOUT_S)
        await jetstream.add_stream(StreamConfig(self._stream, subjects=[self._stream]))
        config = StreamConfig(self._groups, subjects=[f"{self._groups}.>"], max_msgs_per_subject=1)
        await jetstream.add_stream(config)
        return connection

    async def _jetstream(self) -> Any:
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        return (await asyncio.shield(self._opening)).jetstream(timeout=TIMEOUT_S)

    async def append(self, values: Sequence[bytes]) -> int:
        if not values:
            return await self.end()
        jetstream = await self._jetstream()
        async with self._writing:
            said = await asyncio.gather(*(self._publish(jetstream, self._stream, value) for value in values))
        return int(said[0]) - 1

    async def read(self, offset: int, count: int = 100) -> list[Record]:
        from nats.js.errors import NotFoundError

        jetstream = await self._jetstream()
        found: list[Record] = []
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
        return int((await (await self._jetstream()).stream_info(self._stream)).state.last_seq)

    async def commit(self, group: str, offset: int) -> None:
        await self._publish(await self._jetstream(), self._subject(group), str(offset).encode())

    async def committed(self, group: str) -> int:
        from nats.js.errors import NotFoundError

        try:
            message = await (await self._jetstream()).get_last_msg(self._groups, self._subject(group))
        except NotFoundError:
            return 0
        return int(message.data)

    async def trim(self, before: int) -> None:
        await (await self._jetstream()).purge_stream(self._stream, seq=before + 1)

    async def close(self) -> None:
        """Remove the streams, close the connection, stop our own server."""
        opening, self._opening = self._opening, None
        try:
            if opening is not None:
                connection = await opening
                if self._server is None:
                    for stream in (self._stream, self._groups):
                        with contextlib.suppress(Exception):  # who cannot be reached keeps nothing of ours
                            await connection.jetstream(timeout=1).delete_stream(stream)
                await connection.close()
        finally:
            if self._server is not None:
                self._server.stop()

    def _subject(self, group: str) -> str:
        return f"{self._groups}.{group.encode().hex() or 'none'}"

    async def _publish(self, jetstream: Any, subject: str, body: bytes) -> int:
        import nats.errors
        import nats.js.errors

        try:
            return int((await jetstream.publish(subject, body)).seq)
        except (nats.js.errors.NoStreamResponseError, nats.errors.ConnectionClosedError) as error:
            raise Unavailable(f"{self.name} cannot be reached: {error}.") from error
