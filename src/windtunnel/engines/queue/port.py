"""The port to a message queue: what was accepted is delivered at least once to every subscription.

A design written against `QueuePort` runs on the model in the tunnel and on NATS JetStream. One suite (`tests/engines`)
holds both to the promises made here:

- A publish that was answered is on the disk: a crash of the queue loses none.
- A message goes to one consumer of a subscription at a time. Who does not acknowledge it within `ack_wait_s` may have
  died: it comes again, to whoever asks next, with `deliveries` one higher. `nak` gives it back at once, `term` ends it.
- A publish with a `message_id` that was used within the last two minutes is stored once; its receipt says `duplicate`.
- A subscription begins with the first message that there is, and keeps its place when its consumers are gone.

What it does *not* protect from:

- The same message twice: a consumer that worked and died before its acknowledgement has worked for nothing, or twice.
- An acknowledgement that was answered just before a crash of the queue: it is noted in memory first and on the disk up
  to a tenth of a second later (JetStream's consumers; the model too), so that the message may come once more.
- Another order, once something comes again.
- A publish whose answer does not come (`TimeoutError`, `ConnectionError`) may have happened: without a `message_id`, a
  second try is a second message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

DEDUPLICATED_S = 120.0
"""For how long a queue remembers the ids of messages."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a queue says of a message that it has taken."""

    sequence: int
    duplicate: bool


class Delivery(Protocol):
    """A message, as it was handed to one consumer.

    Attributes:
        sequence: its number in the queue, from 1 on.
        deliveries: how often it has been handed out, this time included.
    """

    sequence: int
    subject: str
    body: bytes
    deliveries: int

    async def ack(self) -> None:
        """It is done, and does not come again. Returns when the queue has taken note."""

    async def nak(self) -> None:
        """Somebody else shall have it, now."""

    async def term(self) -> None:
        """Nobody can do anything with it: it never comes again."""


class Subscription(Protocol):
    """A place in the queue that any number of consumers share."""

    async def fetch(self, count: int = 1, within_s: float = 1.0) -> list[Delivery]:
        """Up to `count` messages; fewer, or none, where no more came within the time."""


class QueuePort(Protocol):
    """A queue with a connection to it."""

    name: str

    async def publish(self, subject: str, body: bytes, *, message_id: str | None = None) -> Receipt:
        """Put a message in.

        Raises:
            TimeoutError: the queue did not say that it has it: nobody can tell.
            Unavailable: there was no connection: it has it not.
        """

    async def subscribe(
        self, name: str, subject: str, *, ack_wait_s: float = 30.0, most_deliveries: int | None = None
    ) -> Subscription:
        """The subscription of this name, made when it is first asked for.

        Args:
            subject: what it gets: messages of this subject.
            most_deliveries: after so many, a message that nobody acknowledges is given up; None is never.
        """

    async def close(self) -> None:
        """Give the connection back."""
