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
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Protocol

from windtunnel.blocks.durability.write_ahead_log import Offload
from windtunnel.blocks.durability.write_ahead_log_state import DurableState, Json, copied
from windtunnel.blocks.ground.block import Live
from windtunnel.blocks.ground.files import Files
from windtunnel.blocks.ground.hooks import tell
from windtunnel.blocks.resilience.retry import Backoff, Which, full_jitter, matches


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


class SqlOutbox(Live):
    """An outbox table in the SQLite database of `connection`. `add` joins the caller's transaction.

    For the thread that the connection belongs to. `sent` commits: give the relay a connection of its own.
    """

    _tie = "a connection that is open here"

    def __init__(self, connection: sqlite3.Connection, table: str = "outbox") -> None:
        self._connection = connection
        self._table = _identifier(table)
        with connection:
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {self._table} "
                "(place INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, topic TEXT NOT NULL, "
                "body TEXT NOT NULL)"
            )

    def _told(self) -> dict[str, object]:
        return {"table": self._table}

    def add(self, topic: str, body: Json, *, message_id: str | None = None) -> Message:
        """Add a message to the caller's transaction, to be sent once that is committed."""
        if not isinstance(topic, str) or not isinstance(message_id, str | None):
            raise ValueError(f"A topic and an id are texts; got {topic!r} and {message_id!r}.")
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


class SqlInbox(Live):
    """The ids of the messages that were received, in the SQLite database where they take effect.

    For the thread that the connection belongs to.
    """

    _tie = "a connection that is open here"

    def __init__(self, connection: sqlite3.Connection, table: str = "inbox") -> None:
        self._connection = connection
        self._table = _identifier(table)
        with connection:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {self._table} (id TEXT PRIMARY KEY) WITHOUT ROWID")

    def _told(self) -> dict[str, object]:
        return {"table": self._table}

    def first_time(self, message_id: str) -> bool:
        """Whether this message is new. To be asked in the transaction that has the effect: both stay or neither."""
        cursor = self._connection.execute(f"INSERT OR IGNORE INTO {self._table} VALUES (?)", (message_id,))
        return cursor.rowcount == 1


class OutboxState(DurableState):
    """A durable dictionary with an outbox: changes and messages that are committed together are both there or neither.

    One process, the tasks of one loop. Messages are numbered, `prefix` and a count: the same after any crash.
    """

    _kind = "outbox"

    def __init__(
        self,
        files: Files,
        directory: str = "",
        *,
        prefix: str = "",
        checkpoint_every: int = 10_000,
        offload: Offload | None = None,
    ) -> None:
        self._values: dict[str, Json] = {}
        self._messages: dict[int, tuple[str, Json]] = {}
        self._next = 0
        self._prefix = prefix
        super().__init__(files, directory, checkpoint_every=checkpoint_every, offload=offload)

    @property
    def values(self) -> Mapping[str, Json]:
        """The values as they are now, to be read: what is taken out is a copy."""
        return Copies(self._values)

    async def commit(self, changes: Mapping[str, Json], messages: Sequence[tuple[str, Json]] = ()) -> None:
        """Set values (`None` removes one) and add messages (topic, body), durably and all at once.

        Raises `ValueError`, and changes nothing, for what is no JSON and for messages that are no pairs.
        """
        for message in messages:
            if not isinstance(message, tuple | list) or len(message) != 2 or not isinstance(message[0], str):
                raise ValueError(f"The messages are a list of pairs, a topic and a body each; got {message!r} in it.")
        await self._commit([["set", dict(changes), [list(message) for message in messages]]])

    async def pending(self, limit: int) -> Sequence[Message]:
        """See `Outbox`."""
        oldest = islice(self._messages.items(), limit)
        found = [Message(f"{self._prefix}{number}", topic, copied(body)) for number, (topic, body) in oldest]
        await self._settle()  # never send what a crash could still take back
        return found

    async def sent(self, ids: Sequence[str]) -> None:
        """See `Outbox`."""
        numbers = [self._number(message_id) for message_id in ids]
        await self._commit([["sent", numbers]])

    def _number(self, message_id: str) -> int:
        number = message_id.removeprefix(self._prefix)
        if not message_id.startswith(self._prefix) or not (number.isascii() and number.isdigit()):
            raise ValueError(f"A message of this outbox is {self._prefix!r} and a number; got the id {message_id!r}.")
        return int(number)

    def _apply(self, change: Json) -> None:
        match change:
            case ["set", dict(changes), messages]:
                added = [(topic, body) for topic, body in messages]  # whole, before anything has changed
                for key, value in changes.items():
                    if value is None:
                        self._values.pop(key, None)
                    else:
                        self._values[key] = value
                for message in added:
                    self._messages[self._next] = message
                    self._next += 1
            case ["sent", list(numbers)]:
                for number in numbers:
                    self._messages.pop(number, None)
            case _:
                raise ValueError(f"There is no such change: {change!r}.")

    def _dump(self) -> Json:
        messages = [[number, *message] for number, message in self._messages.items()]
        return {"values": self._values, "messages": messages, "next": self._next}

    def _restore(self, state: Json) -> None:
        self._values, self._next = state["values"], state["next"]
        self._messages = {number: (topic, body) for number, topic, body in state["messages"]}


class Copies(Mapping[str, Json]):
    """A dictionary to read: what is taken out of it is a copy. For the tasks of one loop."""

    def __init__(self, values: dict[str, Json]) -> None:
        self._values = values

    def __getitem__(self, key: str) -> Json:
        return copied(self._values[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)


BUSY = {5, 6, 10, 13, 14}
"""SQLite's BUSY, LOCKED, IOERR, FULL and CANTOPEN: what may be over in a moment."""


def is_away(error: Exception) -> bool:
    """Whether a database is away for a moment: it is locked, its disk is full, a connection to it has broken."""
    if isinstance(error, sqlite3.OperationalError):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in BUSY
    return isinstance(error, ConnectionError | TimeoutError)


class Relay(Live):
    """Sends what is in an outbox, in order, at least once; for the tasks of one loop, which take turns.

    An error of `publish` stops the line, so that nothing overtakes; the relay waits (`backoff`) and begins again
    with that message. So it does where the outbox is `away` (by default: an SQLite database that is locked or full, a
    broken connection); other errors of the outbox are raised. Up to `batch` messages are sent before they are noted as
    sent, and may be sent again after a crash. `on_error` is told of each error that is waited out.

    Two relays of one outbox, say in two processes, lose nothing; they may both send a message, and one may overtake.
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
        away: Which = is_away,
        on_error: Callable[[Exception], object] | None = None,
    ) -> None:
        if batch < 1 or not idle_s > 0:
            raise ValueError("batch and idle_s must be positive.")
        self._outbox = outbox
        self._publish = publish
        self._batch = batch
        self._idle_s = idle_s
        self._backoff = full_jitter(0.1, 60.0) if backoff is None else backoff
        self._random = Random() if random is None else random
        self._away = away
        self._on_error = on_error
        self._call = asyncio.Event()
        self._line = asyncio.Lock()

    def _told(self) -> dict[str, object]:
        return {"outbox": self._outbox}

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
        async with self._line:
            return await self._drain()

    async def _drain(self) -> int:
        total, failures, wait_s = 0, 0, 0.0
        sent: list[str] = []  # and not noted yet
        while True:
            failed: Exception | None = None
            try:
                messages = [] if sent else await self._outbox.pending(self._batch)
                if not messages and not sent:
                    return total
                failed = await self._send(messages, sent)
                await self._outbox.sent(sent)
                total, sent = total + len(sent), []
            except Exception as error:
                if not matches(error, self._away):
                    raise
                failed = error
            if failed is None:
                failures, wait_s = 0, 0.0
                continue
            tell(self._on_error, failed)
            wait_s = self._backoff(failures, wait_s, self._random)
            failures += 1
            await asyncio.sleep(wait_s)

    async def _send(self, messages: Sequence[Message], sent: list[str]) -> Exception | None:
        """Publish one after the other; those that went are added to `sent`, the error that stopped them returned."""
        for message in messages:
            try:
                await self._publish(message)
            except Exception as error:  # whatever it is, the message has to go
                return error
            sent.append(message.id)
        return None


def _identifier(name: str) -> str:
    if not name.isidentifier():
        raise ValueError(f"A table's name must be letters, digits and underscores; got {name!r}.")
    return name
