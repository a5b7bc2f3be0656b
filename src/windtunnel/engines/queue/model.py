"""A model of a queue for the tunnel: messages on a disk, subscriptions with what is out and until when.

What was published and what is out lasts over a crash: who had a message out still has it, and it comes again when its
time is over. So does one whose acknowledgement was not on the disk yet. Not modelled: wildcards in subjects, replicas,
limits of what is kept.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from windtunnel.engines.queue.port import DEDUPLICATED_S, Receipt, check_fetch, check_publish, check_subscription
from windtunnel.engines.shared.service import ModelService
from windtunnel.sim.kernel import Signal, Simulator

PORT = 4222
NS = 1_000_000_000
FETCH_GRACE_S = 0.01
"""For the way back of an answer that says that there is nothing; who hears nothing then goes on without."""


@dataclass(slots=True)
class _Message:
    sequence: int
    subject: str
    body: bytes


@dataclass(slots=True)
class _Place:
    """A subscription, as the queue keeps it."""

    subject: str
    ack_wait_ns: int
    most_deliveries: int | None
    next: int = 0
    """How many messages of the queue it has looked at."""
    again: deque[int] = field(default_factory=deque)
    """Sequences that were given back."""
    out: dict[int, int] = field(default_factory=dict)
    """By sequence: the moment at which it comes again."""
    deliveries: dict[int, int] = field(default_factory=dict)
    waiting: list[Signal[None]] = field(default_factory=list)
    unwritten: dict[int, int] = field(default_factory=dict)
    """As `out`, of what was acknowledged and is still out on the disk."""


class ModelDelivery:
    """A message that the model handed out; see the port."""

    def __init__(self, queue: ModelQueue, place: str, message: _Message, deliveries: int) -> None:
        self.sequence = message.sequence
        self.subject = message.subject
        self.body = message.body
        self.deliveries = deliveries
        self._queue = queue
        self._place = place
        self._settled = False

    async def ack(self) -> None:
        await self._settle(again=False)

    async def nak(self) -> None:
        await self._settle(again=True)

    async def term(self) -> None:
        await self._settle(again=False)

    async def _settle(self, again: bool) -> None:
        if not self._settled:
            await self._queue._settle(self._place, self.sequence, again=again)
            self._settled = True


class ModelSubscription:
    """A subscription to the model; see the port."""

    def __init__(self, queue: ModelQueue, name: str) -> None:
        self._queue = queue
        self._name = name
        self._late: list[ModelDelivery] = []
        """What came when nobody waited for it any more: the next one who asks gets it."""

    async def fetch(self, count: int = 1, within_s: float = 1.0) -> list[ModelDelivery]:
        check_fetch(count, within_s)
        if self._late:
            found, self._late = self._late[:count], self._late[count:]
            return found
        sim, given_up = self._queue.sim, False

        async def ask() -> list[ModelDelivery]:
            found = await self._queue._fetch(self._name, count, within_s)
            if given_up:
                self._late += found
            return found

        asked = sim.spawn(ask(), f"a fetch of {self._name}", daemon=True)
        if await asked.within(within_s + FETCH_GRACE_S):
            return asked.result()
        given_up = True
        return []


class ModelQueue(ModelService):
    """The queue of the tunnel.

    Args:
        publish_timeout_s: how long a publisher waits for its receipt.
        connections: of each client host; a consumer that waits for messages holds one.
        round_trip_s: mean seconds there and back, over links that nobody has set.
        request_s: seconds of a core for each request.
        sync_s: seconds until a message is on disk.
        ack_written_s: seconds until an acknowledgement, which was answered before, is on disk.
    """

    def __init__(
        self,
        sim: Simulator,
        name: str = "queue",
        *,
        publish_timeout_s: float = 1.0,
        connections: int = 64,
        round_trip_s: float = 0.0005,
        request_s: float = 0.00002,
        sync_s: float = 0.0003,
        ack_written_s: float = 0.1,
    ) -> None:
        self._publish_timeout_s, self._sync_s, self._ack_written_s = publish_timeout_s, sync_s, ack_written_s
        self._messages: list[_Message] = []
        self._ids: dict[str, tuple[int, int]] = {}
        """By id: the sequence of its message, and until when that is remembered."""
        self._coming: dict[str, Signal[None]] = {}
        """Ids of messages that are on their way to the disk."""
        self._places: dict[str, _Place] = {}
        super().__init__(
            sim, name, PORT, connections=connections, cores=2, round_trip_s=round_trip_s, request_s=request_s
        )

    async def recover(self) -> None:
        """Begin with what is on disk; nobody waits any more."""
        self._coming.clear()
        for place in self._places.values():
            place.waiting.clear()
            place.out |= place.unwritten
            place.unwritten.clear()

    # --- the port ------------------------------------------------------------------------------------------------
    async def publish(self, subject: str, body: bytes, *, message_id: str | None = None) -> Receipt:
        check_publish(subject, body, message_id)
        asked = self.sim.spawn(self.ask(lambda: self._take(subject, body, message_id)), "a publish", daemon=True)
        if not await asked.within(self._publish_timeout_s):
            raise TimeoutError(f"{self.name} gave no receipt within {self._publish_timeout_s:g} s.")
        return asked.result()

    async def subscribe(
        self, name: str, subject: str, *, ack_wait_s: float = 30.0, most_deliveries: int | None = None
    ) -> ModelSubscription:
        check_subscription(name, subject, ack_wait_s, most_deliveries)

        async def make() -> None:
            self._places.setdefault(name, _Place(subject, round(ack_wait_s * NS), most_deliveries))

        await self.ask(make)
        return ModelSubscription(self, name)

    # --- on the queue's host -----------------------------------------------------------------------------------------
    async def _take(self, subject: str, body: bytes, message_id: str | None) -> Receipt:
        if message_id is not None:
            while message_id in self._coming:
                await self._coming[message_id]
        now_ns = self.sim.now_ns
        if message_id is not None:
            sequence, until_ns = self._ids.get(message_id, (0, 0))
            if now_ns < until_ns:
                return Receipt(sequence, duplicate=True)
            self._coming[message_id] = self.sim.signal(f"message {message_id} on the disk")
        if self._sync_s:
            await self.sim.sleep(self._sync_s)
        message = _Message(len(self._messages) + 1, subject, bytes(body))
        self._messages.append(message)
        if message_id is not None:
            self._ids[message_id] = (message.sequence, now_ns + round(DEDUPLICATED_S * NS))
            self._coming.pop(message_id).set()
        for place in self._places.values():
            if place.subject == subject:
                self._wake(place)
        return Receipt(message.sequence, duplicate=False)

    async def _fetch(self, name: str, count: int, within_s: float) -> list[ModelDelivery]:
        async def wait() -> list[ModelDelivery]:
            place, end_ns = self._places[name], self.sim.now_ns + round(within_s * NS)
            found: list[ModelDelivery] = []
            while True:
                while len(found) < count and (message := self._next(place)) is not None:
                    found.append(ModelDelivery(self, name, message, place.deliveries[message.sequence]))
                left_ns = end_ns - self.sim.now_ns
                if found or left_ns <= 0:
                    return found
                # Something new may come, or something that is out may come again.
                again_ns = min(place.out.values(), default=end_ns) - self.sim.now_ns
                woken: Signal[None] = self.sim.signal(f"a message for {name}")
                place.waiting.append(woken)
                await woken.within(max(1, min(left_ns, again_ns)) / NS)

        return await self.ask(wait)

    def _next(self, place: _Place) -> _Message | None:
        """The next message for a consumer, which is then out."""
        now_ns = self.sim.now_ns
        late = [sequence for sequence, until_ns in place.out.items() if until_ns <= now_ns]
        for sequence in late:
            del place.out[sequence]
            place.again.append(sequence)
        while True:
            if place.again:
                message = self._messages[place.again.popleft() - 1]
            elif place.next < len(self._messages):
                message = self._messages[place.next]
                place.next += 1
                if message.subject != place.subject:
                    continue
            else:
                return None
            delivered = place.deliveries.get(message.sequence, 0)
            if place.most_deliveries is not None and delivered >= place.most_deliveries:
                continue
            place.deliveries[message.sequence] = delivered + 1
            place.out[message.sequence] = now_ns + place.ack_wait_ns
            return message

    async def _settle(self, name: str, sequence: int, *, again: bool) -> None:
        async def note() -> None:
            place = self._places[name]
            until_ns = place.out.pop(sequence, None)
            if until_ns is None:
                if not again and sequence in place.again:
                    place.again.remove(sequence)  # late, and nobody has it again yet
                return
            if again:
                place.again.append(sequence)
                self._wake(place)
            elif self._ack_written_s:
                if not place.unwritten:
                    self.host.spawn(self._write(place), f"{self.name}.acknowledgements", daemon=True)
                place.unwritten[sequence] = until_ns

        await self.ask(note)

    async def _write(self, place: _Place) -> None:
        """Bring to the disk what has been acknowledged, all at once."""
        await self.sim.sleep(self._ack_written_s)
        place.unwritten.clear()

    def _wake(self, place: _Place) -> None:
        waiting, place.waiting = place.waiting, []
        for woken in waiting:
            woken.set()
