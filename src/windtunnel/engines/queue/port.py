"""The port to a message queue: what was accepted is delivered at least once to every subscription.

A design written against `QueuePort` runs on the model in the tunnel and on NATS JetStream. One suite (`tests/engines`)
holds both to the promises made here:

- A publish that was answered is on the disk: a crash of the queue loses none.
- A message goes to one consumer of a subscription at a time. Who does not acknowledge it within `ack_wait_s` may have
  died: it comes again, to whoever asks next, with `deliveries` one higher. `nak` gives it back at once, `term` ends it.
- A publish with a `message_id` that was used within the last two minutes is stored once; its receipt says `duplicate`.
- A subscription begins with the first message that there is, and keeps its place when its consumers are gone. Its
  subject, `ack_wait_s` and `most_deliveries` are those of the first call for its name.
- The first `ack`, `nak` or `term` of a delivery that is answered counts; what is said of it afterwards does nothing.
- What one engine could not do is refused by all, with a ValueError, before anything is asked: see the checks below.

What it does *not* protect from:

- The same message twice: a consumer that worked and died before its acknowledgement has worked for nothing, or twice.
- An acknowledgement that was answered just before a crash of the queue: it is noted in memory first and on the disk up
  to a tenth of a second later (JetStream's consumers; the model too), so that the message may come once more.
- Another order, once something comes again.
- A publish whose answer does not come (`TimeoutError`, `ConnectionError`) may have happened: without a `message_id`, a
  second try is a second message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

DEDUPLICATED_S = 120.0
"""For how long a queue remembers the ids of messages."""
MOST_BYTES = 1_000_000
"""Of a body: JetStream takes a mebibyte, headers included."""
_PART = r"[^\s.*>]+"


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


def check_publish(subject: str, body: bytes, message_id: str | None) -> None:
    """One sentence for a message that cannot be."""
    _check_subject(subject)
    if not isinstance(body, bytes | bytearray | memoryview):
        raise ValueError(f"{body!r} cannot be the body of a message; give bytes.")
    if len(body) > MOST_BYTES:
        raise ValueError(f"A message holds at most {MOST_BYTES} bytes, not {len(body)}; keep the rest elsewhere.")
    if message_id is not None and not (message_id and message_id == message_id.strip() and message_id.isprintable()):
        raise ValueError(f"{message_id!r} cannot be a message's id; give printable characters, no space at the ends.")


def check_subscription(name: str, subject: str, ack_wait_s: float, most_deliveries: int | None) -> None:
    """One sentence for a subscription that cannot be."""
    _check_subject(subject)
    if not re.fullmatch(r"[^\s.*>/\\]+", name) or not name.isprintable():
        raise ValueError(f"{name!r} cannot name a subscription; take letters, digits, - and _.")
    if not ack_wait_s > 0:
        raise ValueError(f"Nobody can acknowledge within {ack_wait_s} s; give more than 0.")
    if most_deliveries is not None and most_deliveries < 1:
        raise ValueError(f"A message cannot be given up after {most_deliveries} deliveries; give 1 or more, or None.")


def check_fetch(count: int, within_s: float) -> None:
    """One sentence for a fetch that cannot be."""
    if count < 1 or not within_s > 0:
        raise ValueError(f"A fetch is of 1 message or more within more than 0 s, not of {count} within {within_s} s.")


def _check_subject(subject: str) -> None:
    if not re.fullmatch(rf"{_PART}(\.{_PART})*", subject):
        raise ValueError(f"{subject!r} cannot be a subject; take words with dots between, no spaces, no * and no >.")


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
