"""Outbox: change the state and send a message about it, both or neither.

Whoever writes to his database and then to a broker can crash in between; the other order is no better. The message is
therefore written into the same database, in the same transaction, and a relay sends what it finds there, as often as it
takes (the transactional outbox; Richardson, *Microservices Patterns*, 2018; Helland, *Life beyond Distributed
Transactions*, CIDR 2007). The relay may crash after sending and before noting so: messages arrive at least once, each
with its `id`, and the receiver's inbox makes that an effect once.

>>> with connection:                                          # one SQLite transaction    # doctest: +SKIP
...     connection.execute("UPDATE account SET balance = balance - 5 WHERE name = 'a'")
...     outbox.add("payments", {"to": "b", "amount": 5})
>>> await Relay(outbox, publish).drain()                      # doctest: +SKIP

`SqlOutbox` lives in an SQLite database beside the tables it tells of; `OutboxState` is a durable
dictionary of its own with an outbox in it.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Protocol

from windtunnel.blocks.durability.write_ahead_log import Offload
from windtunnel.blocks.durability.write_ahead_log_state import DurableState, Json
from windtunnel.blocks.ground.files import Files
from windtunnel.blocks.resilience.retry import Backoff, full_jitter


@dataclass(frozen=True)
class Message:
    """`id` is the same each time the message is sent: what a receiver knows it again by."""

    id: str
    topic: str
    body: Json


Publish = Callable[[Message], Awaitable[None]]
"""Sends one message; returns once the broker has it for good, raises where that is not certain."""


class Outbox(Protocol):
    """Where a relay finds its messages."""

    async def pending(self, limit: int) -> Sequence[Message]:
        """The oldest messages that are not known to have been sent, in the order in which they were added."""

    async def sent(self, ids: Sequence[str]) -> None:
        """Note durably that these have been sent."""


class SqlOutbox:
    """An outbox table in the SQLite database of `connection`. `add` joins the caller's transaction.

    For the thread that the connection belongs to. `sent` commits: give the relay a connection of its own.
    """

    def __init__(self, connection: sqlite3.Connection, table: str = "outbox") -> None:
        self._connection = connection
        self._table = _identifier(table)
        with connection:
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {self._table} "
                "(place INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, topic TEXT NOT NULL, "
                "body TEXT NOT NULL)"
            )

    def add(self, topic: str, body: Json, *, message_id: str | None = None) -> Message:
        """Add a message to the caller's transaction, to be sent once that is committed."""
        message = Message(uuid.uuid4().hex if message_id is None else message_id, topic, body)
        self._connection.execute(
            f"INSERT INTO {self._table} (id, topic, body) VALUES (?, ?, ?)", (message.id, topic, json.dumps(body))
        )
        return message

    async def pending(self, limit: int) -> Sequence[Message]:
        """See `Outbox`."""
        rows = self._connection.execute(f"SELECT id, topic, body FROM {self._table} ORDER BY place LIMIT ?", (limit,))
        return [Message(message_id, topic, json.loads(body)) for message_id, topic, body in rows]

    async def sent(self, ids: Sequence[str]) -> None:
        """See `Outbox`."""
        with self._connection:
            self._connection.executemany(f"DELETE FROM {self._table} WHERE id = ?", [(i,) for i in ids])


class SqlInbox:
    """The ids of the messages that were received, in the SQLite database where they take effect.

    For the thread that the connection belongs to.
    """

    def __init__(self, connection: sqlite3.Connection, table: str = "inbox") -> None:
        self._connection = connection
        self._table = _identifier(table)
        with connection:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {self._table} (id TEXT PRIMARY KEY) WITHOUT ROWID")

    def first_time(self, message_id: str) -> bool:
        """Whether this message is new. To be asked in the transaction that has the effect: both stay or neither."""
        cursor = self._connection.execute(f"INSERT OR IGNORE INTO {self._table} VALUES (?)", (message_id,))
        return cursor.rowcount == 1


class OutboxState(DurableState):
    """A durable dictionary with an outbox: changes and messages that are committed together are both there or neither.

    One process, the tasks of one loop. Messages are numbered, `prefix` and a count: the same after any crash.
    """

    def __init__(
        self,
        files: Files,
        directory: str = "",
        *,
        prefix: str = "",
        checkpoint_every: int = 10_000,
        offload: Offload | None = None,
    ) -> None:
        self.values: dict[str, Json] = {}
        self._messages: dict[int, tuple[str, Json]] = {}
        self._next = 0
        self._prefix = prefix
        super().__init__(files, directory, checkpoint_every=checkpoint_every, offload=offload)

    async def commit(self, changes: Mapping[str, Json], messages: Sequence[tuple[str, Json]] = ()) -> None:
        """Set values (`None` removes one) and add messages (topic, body), durably and all at once."""
        await self._commit([["set", dict(changes), [list(message) for message in messages]]])

    async def pending(self, limit: int) -> Sequence[Message]:
        """See `Outbox`."""
        oldest = islice(self._messages.items(), limit)
        found = [Message(f"{self._prefix}{number}", topic, body) for number, (topic, body) in oldest]
        await self._settle()  # never send what a crash could still take back
        return found

    async def sent(self, ids: Sequence[str]) -> None:
        """See `Outbox`."""
        await self._commit([["sent", [int(message_id.removeprefix(self._prefix)) for message_id in ids]]])

    def _apply(self, change: Json) -> None:
        match change:
            case ["set", changes, messages]:
                for key, value in changes.items():
                    if value is None:
                        self.values.pop(key, None)
                    else:
                        self.values[key] = value
                for topic, body in messages:
                    self._messages[self._next] = topic, body
                    self._next += 1
            case ["sent", numbers]:
                for number in numbers:
                    self._messages.pop(number, None)

    def _dump(self) -> Json:
        messages = [[number, *message] for number, message in self._messages.items()]
        return {"values": self.values, "messages": messages, "next": self._next}

    def _restore(self, state: Json) -> None:
        self.values, self._next = state["values"], state["next"]
        self._messages = {number: (topic, body) for number, topic, body in state["messages"]}


class Relay:
    """Sends what is in an outbox, in order, at least once. One relay, run by one task, to an outbox.

    An error of `publish` stops the line, so that nothing overtakes; the relay waits (`backoff`) and begins again
    with that message. Up to `batch` messages are sent before they are noted as sent, and may be sent again after a
    crash.
    """

    def __init__(
        self,
        outbox: Outbox,
        publish: Publish,
        *,
        batch: int = 100,
        idle_s: float = 1.0,
        backoff: Backoff | None = None,
        random: Random | None = None,
    ) -> None:
        if batch < 1 or not idle_s > 0:
            raise ValueError("batch and idle_s must be positive.")
        self._outbox = outbox
        self._publish = publish
        self._batch = batch
        self._idle_s = idle_s
        self._backoff = full_jitter(0.1, 60.0) if backoff is None else backoff
        self._random = Random() if random is None else random
        self._call = asyncio.Event()

    def wake(self) -> None:
        """There is something new: do not wait for the end of `idle_s`."""
        self._call.set()

    async def run(self) -> None:
        """Send for ever, looking every `idle_s` and at each `wake`."""
        while True:
            self._call.clear()
            await self.drain()
            try:
                async with asyncio.timeout(self._idle_s):
                    await self._call.wait()
            except TimeoutError:
                pass

    async def drain(self) -> int:
        """Send until the outbox is empty; returns how many were sent."""
        total, failures, wait_s = 0, 0, 0.0
        while messages := await self._outbox.pending(self._batch):
            sent: list[str] = []
            try:
                for message in messages:
                    await self._publish(message)
                    sent.append(message.id)
            except Exception:  # whatever it is, the message has to go
                wait_s = self._backoff(failures, wait_s, self._random)
                failures += 1
            else:
                failures, wait_s = 0, 0.0
            if sent:
                await self._outbox.sent(sent)
                total += len(sent)
            if failures:
                await asyncio.sleep(wait_s)
        return total


def _identifier(name: str) -> str:
    if not name.isidentifier():
        raise ValueError(f"A table's name must be letters, digits and underscores; got {name!r}.")
    return name
