"""Hosts that keep records, a directory that says whose a key is, and clients who write and ask.

The design says under which key a record is kept, and where answers are to be looked for. Clients ask two programs of
it, each with a list of its own of who has what, which is as old as it is until a host says that it has to look again;
the directory asks a third, and in the end a fourth, which has just been started, says where it would look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from windtunnel import Stage, process
from windtunnel.catalogue.scale.range_or_hash.directory import Directory, View
from windtunnel.catalogue.scale.range_or_hash.records import (
    Key,
    Question,
    Record,
    Span,
    checked_key,
    checked_spans,
    only,
    spans_meet,
)
from windtunnel.catalogue.scale.range_or_hash.shard import Asked, Shard
from windtunnel.parts import programs
from windtunnel.sim import Host, Signal

PATIENCE_S = 0.5
"""How long a client waits for its answer."""
READ_S = 0.004
"""Seconds that a question takes a host."""
AGAIN_S = 0.01
"""After how long somebody asks again who was told to look again."""
LOOK_S = 0.02
"""How often it is looked whether each key is in one place, beside each time that something has changed."""
BIN_S = 0.1
"""Over how long inserts are counted by host."""


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def hosts(self) -> int: ...
    @property
    def watch_s(self) -> float: ...
    @property
    def duration_s(self) -> float: ...


class Found(NamedTuple):
    """An answer: the numbers of the records, and how many hosts were asked."""

    numbers: tuple[int, ...]
    shards: int


class Round:
    """What hosts answer to one question, until all have, or one says that it has to be asked again."""

    def __init__(self, signal: Signal[bool], waiting: int) -> None:
        self.signal, self.waiting = signal, waiting
        self.numbers: list[int] = []

    def hear(self, found: tuple[int, ...] | None) -> None:
        """One has answered."""
        self.waiting -= 1
        self.numbers += found or ()
        if not self.signal.done() and (found is None or not self.waiting):
            self.signal.set(found is not None)


class Rig:
    """Serves the requests; the design is asked for keys and nothing else."""

    def __init__(self, design: Any, stage: Stage, p: Setting) -> None:
        self.design, self.stage, self.p, self.sim = design, stage, p, stage.sim
        *self.programs, self.planner, self.newcomer = programs(design, stage, many=4)
        self.gate = stage.host("clients")
        self.gate.start(self.hear, light=True)
        self.names = [f"host {number}" for number in range(p.hosts)]
        self.shards = {name: Shard(self, name, stage.host(name)) for name in self.names}
        self.machine = stage.host("directory")
        self.directory: Directory | None = None
        self.views: list[View] = []
        self.news: list[Signal[None] | None] = [None for _ in self.programs]
        """That the directory has answered a program; none where it has not been asked."""
        self.flying: dict[int, Span] = {}
        """Ranges that have been handed over and not taken yet, by the number of the move."""
        self.rounds: dict[int, Round] = {}
        self.asked = self.astray = self.bytes_moved = 0
        self.like: Key | None = None
        """The first of all keys."""
        self.came: set[int] = set()
        self.arrived: Counter[tuple[int, str]] = Counter()
        """Inserts by tenth of a second and host."""

    # --- clients -----------------------------------------------------------------------------------------------------
    @process
    async def begin(self, old: Sequence[Record]) -> None:
        """There are hosts, each with as many of these records as another."""
        keys: list[Key] = []
        for record in old:
            keys.append(checked_key(self.planner.key(record, 1), keys[0] if keys else None))
        self.like = keys[0] if keys else None
        self.directory = Directory(self, self.machine, self.planner, self.names, keys)
        ranges = self.directory.ranges
        for one in ranges.ranges():
            self.shards[one.owner].kept[Span(one.start, one.end)] = []
        for key, record in zip(keys, old, strict=True):
            one = ranges.lookup(key)
            self.shards[one.owner].kept[Span(one.start, one.end)].append((key, record))
        self.views = [View(ranges.ranges(), {}) for _ in self.programs]
        self.machine.start(self.directory.run, self.p.watch_s, self.p.duration_s, light=True)
        self.sim.spawn(self.look_on(), "who looks", daemon=True)

    @process
    async def post(self, author: str, at_ms: int, number: int, work_s: float) -> int:
        """Keep a record. Returns its number."""
        record = Record(author, at_ms, number)

        def where(program: Any, parts: int) -> Sequence[Span]:
            return [only(checked_key(program.key(record, parts), self.like))]

        found = await self.answered(number % len(self.programs), author, where, record, work_s)
        return found.numbers[0]

    @process
    async def of_author(self, author: str, number: int) -> Found:
        """All that an author has written."""
        return await self.read(number, author, Question("author", author, author))

    @process
    async def of_time(self, since_ms: int, until_ms: int, number: int) -> Found:
        """All that was written from one moment to another."""
        return await self.read(number, "", Question("time", since_ms, until_ms))

    @process
    async def of_names(self, first: str, last: str, number: int) -> Found:
        """All of authors with such names."""
        return await self.read(number, "", Question("names", first, last))

    async def read(self, number: int, author: str, question: Question) -> Found:
        """Ask all hosts on which the answer may lie."""

        def where(program: Any, parts: int) -> Sequence[Span]:
            name = f"of_{question.about}"
            about = (author, parts) if question.about == "author" else (question.low, question.high)
            return checked_spans(getattr(program, name)(*about), name)

        return await self.answered(number % len(self.programs), author, where, question, READ_S)

    async def answered(
        self,
        program: int,
        author: str,
        where: Callable[[Any, int], Sequence[Span]],
        what: Record | Question,
        work_s: float,
    ) -> Found:
        """Ask the hosts that have it as far as a program knows, and look again as often as need be."""
        until_s = self.sim.now + PATIENCE_S
        while self.sim.now < until_s:
            view = self.views[program]
            parts = view.parts.get(author, 1)
            asked = view.by_host(where(self.programs[program], parts))
            self.asked += 1
            number = self.asked
            one = self.rounds[number] = Round(Signal(self.sim, f"answers to {number}"), len(asked))
            for name, spans in asked.items():
                self.gate.send(self.host_of(name), ("ask", Asked(number, spans, what, author, parts, work_s, until_s)))
            heard = await one.signal.within(until_s - self.sim.now)
            del self.rounds[number]
            if not heard:
                break
            if one.signal.result():
                return Found(tuple(one.numbers), len(asked))
            await self.look_again(program)
        raise TimeoutError(f"No answer within {PATIENCE_S:g} s.")

    async def look_again(self, program: int) -> None:
        """Ask the directory, a little later."""
        await self.sim.sleep(AGAIN_S)
        news = self.news[program]
        if news is None:
            news = self.news[program] = Signal(self.sim, "what the directory says")
            self.gate.send(self.host_of("directory"), ("look_up", program))
        await news

    async def hear(self) -> None:
        """Whatever hosts and the directory answer."""
        async for message in self.gate.inbox():
            what, number, found = message.body
            if what == "view":
                self.views[number] = found
                news, self.news[number] = self.news[number], None
                if news is not None:
                    news.set()
            elif number in self.rounds:
                self.rounds[number].hear(found)

    # --- what hosts need ---------------------------------------------------------------------------------------------
    def host_of(self, name: str) -> Host:
        """The machine of a host, of the directory, or of the clients."""
        return self.stage.host(name)

    def answer(self, host: Host, number: int, found: tuple[int, ...] | None) -> None:
        """From a host to a client; None: look again."""
        host.send(self.gate, ("found", number, found))

    def asked_at(self, name: str, number: int) -> None:
        """Somebody has asked this host to keep a record; counted where it is asked for the first time."""
        if number not in self.came:
            self.came.add(number)
            self.arrived[int(self.sim.now / BIN_S), name] += 1

    def moved(self, size_bytes: int) -> None:
        """So much has been sent by a host to another."""
        self.bytes_moved += size_bytes

    # --- looking -----------------------------------------------------------------------------------------------------
    async def look_on(self) -> None:
        """Again and again, whatever hosts say of themselves."""
        while True:
            await self.sim.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Whether each key is in one place, a host's or on its way to one."""
        spans = [span for shard in self.shards.values() for span in shard.kept]
        self.astray += not spans_meet([*spans, *self.flying.values()])

    def unseen(self) -> set[int]:
        """What is kept in the end, and where a program that has just been started would not look for it."""
        new, parts = self.newcomer, self.directory.parts if self.directory else {}
        of_author: dict[str, Sequence[Span]] = {}
        missing = set[int]()
        for key, record in (
            entry for shard in self.shards.values() for entries in shard.kept.values() for entry in entries
        ):
            author, at_ms, number = record
            if author not in of_author:
                of_author[author] = new.of_author(author, parts.get(author, 1))
            asked = (of_author[author], new.of_time(at_ms, at_ms + 1), new.of_names(author, author + "a"))
            if not all(any(span.has(key) for span in spans) for spans in asked):
                missing.add(number)
        return missing

    def report(self) -> Mapping[str, Any]:
        """What was seen of the hosts, and what they keep in the end."""
        held = Counter(
            record.number for shard in self.shards.values() for entries in shard.kept.values() for _, record in entries
        )
        return {
            "astray": self.astray,
            "held": held,
            "unseen": self.unseen(),
            "arrived": sorted((at, self.names.index(name), many) for (at, name), many in self.arrived.items()),
            "changes": self.directory.changes if self.directory else [],
            "bytes": self.bytes_moved,
        }
