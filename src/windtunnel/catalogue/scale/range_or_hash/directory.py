"""Who says which host has which keys, and sees to it that none has too much to do.

It is the same for all designs. Every now and then it looks at what was to be written lately. An author who takes
more than half of a host's time is to be kept in parts, if the design says so; else ranges are split and moved.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from windtunnel.blocks.placement import Move, Range, RangeMap
from windtunnel.catalogue.scale.range_or_hash.evening import Held, Shift, plan, shares
from windtunnel.catalogue.scale.range_or_hash.records import Key, Span
from windtunnel.catalogue.scale.range_or_hash.shard import WINDOW_S, Cluster, Written
from windtunnel.sim import Host

HOT = 0.5
"""An author who takes more than this share of a host's time is to be kept in parts."""


class View:
    """What the directory said to somebody who asked."""

    def __init__(self, ranges: Sequence[Range[Any]], parts: Mapping[str, int]) -> None:
        self.parts = dict(parts)
        self.spans = [Span(one.start, one.end) for one in ranges]
        self.owners = [one.owner for one in ranges]
        self.starts = [one.start for one in ranges[1:]]

    def by_host(self, spans: Sequence[Span]) -> Mapping[str, tuple[Span, ...]]:
        """Which host has what of these stretches of keys."""
        found: dict[str, list[Span]] = {}
        for span in spans:
            first = bisect_right(self.starts, span.start) if span.start is not None else 0
            last = bisect_left(self.starts, span.end) if span.end is not None else len(self.starts)
            for place in range(first, last + 1):
                common = span.within(self.spans[place])
                if common is not None:
                    found.setdefault(self.owners[place], []).append(common)
        return {name: tuple(spans) for name, spans in found.items()}


def pre_split(keys: Sequence[Any], hosts: Sequence[str]) -> RangeMap[Any]:
    """Ranges that give each host as many of these keys as another, as nearly as may be."""
    ranges: RangeMap[Any] = RangeMap(hosts[0])
    line, bounds = sorted(keys), set[Any]()
    for number in range(1, len(hosts)):
        at = line[number * len(line) // len(hosts)]
        if at != line[0] and at not in bounds:
            bounds.add(at)
            ranges.split(at)
            ranges.commit(ranges.begin_move(at, hosts[number]))
    return ranges


class Directory:
    """The program of a host of its own."""

    def __init__(self, rig: Cluster, host: Host, program: Any, hosts: Sequence[str], keys: Sequence[Key]) -> None:
        self.rig, self.host, self.program, self.hosts = rig, host, program, hosts
        self.ranges = pre_split(keys, hosts)
        self.parts: dict[str, int] = {}
        self.view = View(self.ranges.ranges(), self.parts)
        self.written: dict[str, tuple[Written, ...]] = {}
        self.steps: deque[Shift] = deque()
        self.move: Move[Any] | None = None
        self.marking: tuple[str, int] | None = None
        self.unmarked: set[str] = set()
        """Who has not said yet that he knows it."""
        self.changes: list[tuple[float, float, str]] = []
        """When each began and ended, and what it was."""

    async def run(self, watch_s: float, until_s: float) -> None:
        """Answer, and look around every now and then, if at all, up to a moment."""
        if watch_s:
            self.rig.sim.spawn(self.watch(watch_s, until_s), "who looks around", daemon=True)
        async for message in self.host.inbox():
            what, *about = message.body
            getattr(self, what)(*about)

    def look_up(self, program: int) -> None:
        """A client wants to know."""
        self.host.send(self.rig.host_of("clients"), ("view", program, self.view))

    def heard(self, name: str, written: tuple[Written, ...]) -> None:
        """What was to be written at a host."""
        self.written[name] = written

    def tell(self, name: str, what: str, *about: Any) -> None:
        """Send a message to a host."""
        self.host.send(self.rig.host_of(name), (what, *about))

    # --- looking around ----------------------------------------------------------------------------------------------
    async def watch(self, watch_s: float, until_s: float) -> None:
        """One change after the other."""
        while self.rig.sim.now + watch_s < until_s:
            await self.rig.sim.sleep(watch_s)
            if self.move is None and self.marking is None:
                found = {one.number: one for told in self.written.values() for one in told}
                lately = list(found.values())
                if not self.keep_in_parts(lately):
                    self.even_out(lately)

    def begins(self, what: str) -> None:
        """Note when."""
        self.changes.append((self.rig.sim.now, float("inf"), what))

    def ends(self) -> None:
        """Note when, and tell it to whoever asks from now on."""
        self.view = View(self.ranges.ranges(), self.parts)
        began_s, _, what = self.changes[-1]
        self.changes[-1] = (began_s, self.rig.sim.now, what)

    # --- authors in parts --------------------------------------------------------------------------------------------
    def keep_in_parts(self, lately: Sequence[Written]) -> bool:
        """Tell all hosts if an author is to be kept in parts. Returns whether one is."""
        for author, share in shares([(one.author, one.work_s) for one in lately], WINDOW_S).items():
            if share > HOT and author not in self.parts:
                parts = self.program.parts(author)
                if not isinstance(parts, int):
                    raise ValueError(f"An author is kept in a whole number of parts; parts gave {parts!r}.")
                if parts > 1:
                    self.marking, self.unmarked = (str(author), parts), set(self.hosts)
                    self.begins("mark")
                    for name in self.hosts:
                        self.tell(name, "mark", author, parts)
                    return True
        return False

    def marked(self, name: str) -> None:
        """A host knows it. When all do, whoever asks is told."""
        self.unmarked.discard(name)
        if self.marking is not None and not self.unmarked:
            author, self.parts[author] = self.marking
            self.marking = None
            self.ends()

    # --- ranges that are split and moved -----------------------------------------------------------------------------
    def even_out(self, lately: Sequence[Written]) -> None:
        """Plan what to move, and begin."""
        found: dict[Span, tuple[str, list[tuple[Key, float]]]] = {
            Span(one.start, one.end): (one.owner, []) for one in self.ranges.ranges()
        }
        for one in lately:
            where = self.ranges.lookup(one.key)
            found[Span(where.start, where.end)][1].append((one.key, one.work_s))
        ranges = {span: Held(owner, shares(work, WINDOW_S)) for span, (owner, work) in found.items()}
        self.steps.extend(plan(ranges, self.hosts))
        self.next_step()

    def next_step(self) -> None:
        """Split off what is to be moved, if need be, and tell its host to hand it over."""
        if not self.steps:
            return
        span, cut, source, target = self.steps.popleft()
        if cut is not None:
            self.ranges.split(cut)
            self.tell(source, "split", cut)
        inside = span.start if span.start is not None else self.ranges.ranges()[0].end
        self.move = self.ranges.begin_move(inside if span.start is not None else before(inside), target)
        self.begins("move")
        self.tell(source, "give", self.move.number, span, target, 0)

    def taken(self, number: int) -> None:
        """What was moved is where it was to be."""
        if self.move is not None and self.move.number == number:
            self.ranges.commit(self.move)
            self.move = None
            self.ends()
            self.next_step()


def before(key: Any) -> Any:
    """Some key below this one."""
    return key - 1 if isinstance(key, int) else ""
