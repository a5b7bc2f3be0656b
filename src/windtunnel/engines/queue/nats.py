"""NATS JetStream behind the queue port: a stream for each queue, a pull consumer for each subscription."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from windtunnel.engines.queue.port import DEDUPLICATED_S, Receipt, check_fetch, check_publish, check_subscription
from windtunnel.engines.shared.nats import OnNats, missing_nats

ACK_TIMEOUT_S = 1.0


def missing() -> str | None:
    """How to get it, where it cannot be had."""
    return missing_nats()


class NatsDelivery:
    """A message that JetStream handed out; see the port."""

    def __init__(self, message: Any, stream: str, on: OnNats) -> None:
        self.sequence: int = message.metadata.sequence.stream
        self.subject: str = message.subject.removeprefix(f"{stream}.")
        self.body: bytes = message.data
        self.deliveries: int = message.metadata.num_delivered
        self._message = message
        self._on = on

    async def ack(self) -> None:
        await self._settle(lambda: self._message.ack_sync(ACK_TIMEOUT_S))

    async def nak(self) -> None:
        await self._settle(self._message.nak)

    async def term(self) -> None:
        await self._settle(self._message.term)

    async def _settle(self, say: Callable[[], Awaitable[Any]]) -> None:
        if not self._message.is_acked:
            with self._on.asking():
                await say()


class NatsSubscription:
    """A pull consumer of JetStream; see the port."""

    def __init__(self, pull: Any, stream: str, on: OnNats) -> None:
        self._pull = pull
        self._stream = stream
        self._on = on

    async def fetch(self, count: int = 1, within_s: float = 1.0) -> list[NatsDelivery]:
        check_fetch(count, within_s)
        try:
            with self._on.asking():
                found: Sequence[Any] = await self._pull.fetch(count, timeout=within_s)
        except TimeoutError:
            return []
        return [NatsDelivery(message, self._stream, self._on) for message in found]


class NatsQueue(OnNats):
    """NATS JetStream: WINDTUNNEL_NATS_URL, else a server of our own for each queue.

    Args:
        publish_timeout_s: how long a publisher waits for its receipt.
    """

    def __init__(self, name: str = "queue", *, publish_timeout_s: float = 1.0, connections: int = 64) -> None:
        super().__init__(name, publish_timeout_s)
        self._stream = f"wt{secrets.token_hex(4)}"

    def streams(self) -> Sequence[Any]:
        from nats.js.api import StreamConfig

        return [StreamConfig(self._stream, subjects=[f"{self._stream}.>"], duplicate_window=DEDUPLICATED_S)]

    async def publish(self, subject: str, body: bytes, *, message_id: str | None = None) -> Receipt:
        check_publish(subject, body, message_id)
        headers = None if message_id is None else {"Nats-Msg-Id": message_id}
        jetstream = await self.jetstream()
        with self.asking():
            said = await jetstream.publish(f"{self._stream}.{subject}", body, headers=headers)
        return Receipt(said.seq, bool(said.duplicate))

    async def subscribe(
        self, name: str, subject: str, *, ack_wait_s: float = 30.0, most_deliveries: int | None = None
    ) -> NatsSubscription:
        from nats.js.api import AckPolicy, ConsumerConfig

        check_subscription(name, subject, ack_wait_s, most_deliveries)
        config = ConsumerConfig(
            ack_policy=AckPolicy.EXPLICIT, ack_wait=ack_wait_s, max_deliver=most_deliveries or -1, max_ack_pending=-1
        )
        jetstream = await self.jetstream()
        with self.asking():
            pull = await jetstream.pull_subscribe(
                f"{self._stream}.{subject}", durable=name, stream=self._stream, config=config
            )
        return NatsSubscription(pull, self._stream, self)
