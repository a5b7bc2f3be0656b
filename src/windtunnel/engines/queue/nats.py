"""NATS JetStream behind the queue port: a stream for each queue, a pull consumer for each subscription."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Sequence
from typing import Any

from windtunnel.engines.errors import Unavailable
from windtunnel.engines.queue.port import DEDUPLICATED_S, Receipt
from windtunnel.engines.shared.nats import URL, connect, missing_nats, start_nats
from windtunnel.engines.shared.servers import Guarded

ACK_TIMEOUT_S = 1.0


def missing() -> str | None:
    """How to get it, where it cannot be had."""
    return missing_nats()


class NatsDelivery:
    """A message that JetStream handed out; see the port."""

    def __init__(self, message: Any, subject: str) -> None:
        self.sequence: int = message.metadata.sequence.stream
        self.subject = subject
        self.body: bytes = message.data
        self.deliveries: int = message.metadata.num_delivered
        self._message = message

    async def ack(self) -> None:
        await self._message.ack_sync(ACK_TIMEOUT_S)

    async def nak(self) -> None:
        await self._message.nak()

    async def term(self) -> None:
        await self._message.term()


class NatsSubscription:
    """A pull consumer of JetStream; see the port."""

    def __init__(self, pull: Any, subject: str) -> None:
        self._pull = pull
        self._subject = subject

    async def fetch(self, count: int = 1, within_s: float = 1.0) -> list[NatsDelivery]:
        try:
            found: Sequence[Any] = await self._pull.fetch(count, timeout=within_s)
        except TimeoutError:
            return []
        return [NatsDelivery(message, self._subject) for message in found]


class NatsQueue:
    """NATS JetStream: WINDTUNNEL_NATS_URL, else a server of our own for each queue.

    Args:
        publish_timeout_s: how long a publisher waits for its receipt.
    """

    def __init__(self, name: str = "queue", *, publish_timeout_s: float = 1.0, connections: int = 64) -> None:
        self.name = name
        self._publish_timeout_s = publish_timeout_s
        url = os.environ.get(URL)
        self._server: Guarded | None = None if url else start_nats()
        self._url = url or ("" if self._server is None else self._server.url)
        self._stream = f"wt{secrets.token_hex(4)}"
        self._opening: asyncio.Task[Any] | None = None
        self._pulls: list[Any] = []

    async def _open(self) -> Any:
        from nats.js.api import StreamConfig

        connection = await connect(self._url)
        jetstream = connection.jetstream(timeout=self._publish_timeout_s)
        config = StreamConfig(self._stream, subjects=[f"{self._stream}.>"], duplicate_window=DEDUPLICATED_S)
        await jetstream.add_stream(config)
        return connection

    async def _jetstream(self) -> Any:
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        connection = await asyncio.shield(self._opening)
        return connection.jetstream(timeout=self._publish_timeout_s)

    async def publish(self, subject: str, body: bytes, *, message_id: str | None = None) -> Receipt:
        import nats.errors
        import nats.js.errors

        headers = None if message_id is None else {"Nats-Msg-Id": message_id}
        try:
            said = await (await self._jetstream()).publish(f"{self._stream}.{subject}", body, headers=headers)
        except (nats.js.errors.NoStreamResponseError, nats.errors.ConnectionClosedError) as error:
            raise Unavailable(f"{self.name} cannot be reached: {error}.") from error
        return Receipt(said.seq, bool(said.duplicate))

    async def subscribe(
        self, name: str, subject: str, *, ack_wait_s: float = 30.0, most_deliveries: int | None = None
    ) -> NatsSubscription:
        from nats.js.api import AckPolicy, ConsumerConfig

        config = ConsumerConfig(
            ack_policy=AckPolicy.EXPLICIT, ack_wait=ack_wait_s, max_deliver=most_deliveries or -1, max_ack_pending=-1
        )
        pull = await (await self._jetstream()).pull_subscribe(
            f"{self._stream}.{subject}", durable=name, stream=self._stream, config=config
        )
        self._pulls.append(pull)
        return NatsSubscription(pull, subject)

    async def close(self) -> None:
        """Remove the stream, close the connection, stop our own server."""
        opening, self._opening = self._opening, None
        try:
            if opening is not None:
                connection = await opening
                if self._server is None:
                    with contextlib.suppress(Exception):  # who cannot be reached keeps nothing of ours that matters
                        await connection.jetstream(timeout=1).delete_stream(self._stream)
                await connection.close()
        finally:
            if self._server is not None:
                self._server.stop()
