"""A host that keeps ranges of keys, answers for them, and hands ranges over while it does.

It does one thing after the other. A range that is to go to another host is copied a few records at a time, between
requests; until the last of them is on the way it is answered for here, what is added meanwhile goes with the rest, and
from then on it is the other's. Who comes too early or too late is told to look again.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple, Protocol

from windtunnel.catalogue.scale.range_or_hash.records import Key, Question, Record, Span
from windtunnel.sim import Host, Signal, Simulator

BATCH = 20
"""Records that are handed over in one message."""
MOVE_S = 0.0005
"""Seconds that it takes a host to hand over a record, or to take it."""
ENTRY_BYTES = 1000
"""Of a record and its key."""
TELL_S = 0.25
"""How often a host tells the directory who wrote how much."""
WINDOW_S = 0.5
"""Over how long that is counted."""


class Asked(NamedTuple):
    """What a client wants of a host: to keep a record under a key, or an answer out of these stretches of keys."""

    number: int
    spans: tuple[Span, ...]
    what: Record | Question
    author: str
    """Who is kept in parts, as far as the client knows; nobody where no single author is asked for."""
    parts: int
    work_s: float
    until_s: float


class Written(NamedTuple):
    """What was asked to be kept, when, and how much work that is."""

    number: int
    at_s: float
    key: Key
    author: str
    work_s: float


class Cluster(Protocol):
    """What a host knows of the others."""

    sim: Simulator
    flying: dict[int, Span]

    def host_of(self, name: str) -> Host:
        """The machine of a host, or of the directory."""

    def answer(self, host: Host, number: int, found: tuple[int, ...] | None) -> None:
        """From a host to a client; None: look again."""

    def asked_at(self, name: str, number: int) -> None:
        """Somebody has asked this host to keep a record."""

    def moved(self, size_bytes: int) -> None:
        """So much has been sent by a host to another."""

    def look(self) -> None:
        """Something has changed: is each key in one place?"""


class Shard:
    """The program of a host."""

    def __init__(self, rig: Cluster, name: str, host: Host) -> None:
        self.rig, self.name, self.host, self.sim = rig, name, host, rig.sim
        self.kept: dict[Span, list[tuple[Key, Record]]] = {}
        self.coming: dict[int, dict[int, list[tuple[Key, Record]]]] = {}
        """What has come so far of ranges that are being handed over to this host, by the number of the move."""
        self.came: set[int] = set()
        """Moves that are over: a message may come twice."""
        self.parts: dict[str, int] = {}
        self.written: deque[Written] = deque()
        self.queue: deque[Asked] = deque()
        self.urgent: deque[tuple[Any, ...]] = deque()
        self.bell: Signal[None] | None = None
        for program in (self.hear, self.work, self.tell_on):
            self.host.start(program, light=True)

    # --- programs ----------------------------------------------------------------------------------------------------
    async def hear(self) -> None:
        """Put what comes in line."""
        async for message in self.host.inbox():
            what, *about = message.body
            if what == "ask":
                self.line_up(about[0])
            else:
                self.urgent.append(message.body)
            self.ring()

    def line_up(self, asked: Asked) -> None:
        """Note what is to be kept here, and let it wait for its turn."""
        if isinstance(asked.what, Record) and self.owns(asked):
            (key, _), record = asked.spans[0], asked.what
            self.written.append(Written(record.number, self.sim.now, key, record.author, asked.work_s))
            self.rig.asked_at(self.name, record.number)
        self.queue.append(asked)

    def ring(self) -> None:
        """There is something to do."""
        if self.bell is not None:
            bell, self.bell = self.bell, None
            bell.set()

    async def work(self) -> None:
        """Do one thing after the other: a request between two batches of records."""
        while True:
            if not self.urgent and not self.queue:
                self.bell = Signal(self.sim, f"something to do for {self.name}")
                await self.bell
            if self.urgent:
                what, *about = self.urgent.popleft()
                await getattr(self, what)(*about)
            if self.queue:
                await self.serve(self.queue.popleft())

    async def tell_on(self) -> None:
        """Tell the directory, again and again, what was to be kept here lately."""
        while True:
            await self.sim.sleep(TELL_S)
            while self.written and self.written[0].at_s < self.sim.now - WINDOW_S:
                self.written.popleft()
            self.tell("directory", "heard", self.name, tuple(self.written))

    def tell(self, other: str, what: str, *about: Any, size_bytes: int = 0) -> None:
        """Send a message."""
        self.host.send(self.rig.host_of(other), (what, *about), size_bytes)

    # --- requests ----------------------------------------------------------------------------------------------------
    def owns(self, asked: Asked) -> bool:
        """Whether all that is asked for is here, by the newest that this host has been told."""
        return asked.parts >= self.parts.get(asked.author, 1) and all(self.covers(span) for span in asked.spans)

    def covers(self, span: Span) -> bool:
        """Whether the ranges here hold these keys without a gap."""
        at = span.start
        while True:
            where = next((one for one in self.kept if one.start == at or (at is not None and one.has(at))), None)
            if where is None:
                return False
            if where.end is None or (span.end is not None and where.end >= span.end):
                return True
            at = where.end

    async def serve(self, asked: Asked) -> None:
        """Answer, if somebody still waits for it by then."""
        if self.sim.now + asked.work_s > asked.until_s:
            return
        if not self.owns(asked):
            self.rig.answer(self.host, asked.number, None)
            return
        await self.sim.sleep(asked.work_s)
        if isinstance(asked.what, Record):
            key: Any = asked.spans[0].start
            (where,) = (kept for kept in self.kept if kept.has(key))
            self.kept[where].append((key, asked.what))
            found: tuple[int, ...] = (asked.what.number,)
        else:
            found = tuple(self.found(asked.what, asked.spans))
        self.rig.answer(self.host, asked.number, found)

    def found(self, question: Question, spans: tuple[Span, ...]) -> list[int]:
        """The numbers of what fits."""
        return [
            record.number
            for kept, entries in self.kept.items()
            for span in spans
            if (common := span.within(kept)) is not None
            for key, record in entries
            if question.fits(record) and common.has(key)
        ]

    # --- ranges ------------------------------------------------------------------------------------------------------
    async def mark(self, author: str, parts: int) -> None:
        """From now on this author is kept in so many parts: who does not know it yet has to look again."""
        self.parts[author] = parts
        self.send_away()
        self.tell("directory", "marked", self.name)

    async def split(self, at: Key) -> None:
        """Cut a range in two."""
        for whole in [kept for kept in self.kept if kept.has(at) and kept.start != at]:
            entries = self.kept.pop(whole)
            for half in (Span(whole.start, at), Span(at, whole.end)):
                self.kept[half] = [(key, record) for key, record in entries if half.has(key)]
            self.rig.look()

    async def give(self, move: int, span: Span, target: str, sent: int) -> None:
        """Hand over the next records of a range; with the last of them, the range."""
        if span not in self.kept:
            return
        batch = self.kept[span][sent : sent + BATCH]
        await self.sim.sleep(MOVE_S * len(batch))
        last = sent + len(batch) == len(self.kept[span])
        size_bytes = ENTRY_BYTES * len(batch)
        self.rig.moved(size_bytes)
        if last:
            del self.kept[span]
            self.rig.flying[move] = span
            self.rig.look()
            self.send_away()
        else:
            self.urgent.append(("give", move, span, target, sent + len(batch)))
        self.tell(target, "take", move, span, sent, batch, last, size_bytes=size_bytes)

    def send_away(self) -> None:
        """Who waits for what is not here any more has to look again."""
        waiting, self.queue = self.queue, deque()
        for asked in waiting:
            if self.owns(asked):
                self.queue.append(asked)
            else:
                self.rig.answer(self.host, asked.number, None)

    async def take(self, move: int, span: Span, sent: int, batch: list[tuple[Key, Record]], last: bool) -> None:
        """Keep these records; with the last of them the range is this host's."""
        if move in self.came:
            return
        await self.sim.sleep(MOVE_S * len(batch))
        parts = self.coming.setdefault(move, {})
        parts[sent] = batch
        if last:
            self.kept[span] = [entry for _, part in sorted(parts.items()) for entry in part]
            self.came.add(move)
            del self.coming[move]
            self.rig.flying.pop(move, None)
            self.rig.look()
            self.tell("directory", "taken", move)
