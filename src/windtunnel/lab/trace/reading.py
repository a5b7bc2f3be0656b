"""What a trace says: a state at each moment, a request's life, the lengths of queues, who calls whom.

All are functions of a trace and a moment (in seconds since the first of the workload), and of nothing else: whoever
draws a run can go to any moment, back and forth, and two drawings of the same moment are equal.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from windtunnel.lab.held import Sent
from windtunnel.lab.trace.records import CLOSING, NEVER, Attempt, Box, Message, Request, Trace, Way, is_plain
from windtunnel.sim.signals import NS


# --- one moment --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Inside:
    """Who is in a box, as far as the trace keeps them, in the order of coming."""

    waiting: tuple[Attempt, ...] = ()
    serving: tuple[Attempt, ...] = ()


@dataclass(frozen=True)
class State:
    """Everything at one moment.

    Attributes:
        boxes: who is inside, by the name of the box; who is in none of them is left out.
        things: what differs from how things are usually: facet and state, by thing.
        under_way: messages that were sent and have not arrived.
        open: requests that are due and not over.
    """

    moment_s: float
    boxes: Mapping[str, Inside]
    things: Mapping[str, Mapping[str, str]]
    under_way: tuple[Message, ...]
    open: tuple[Request, ...]


def at(trace: Trace, moment_s: float) -> State:
    """The state at a moment: what happened in the last unit before it, or at it, has happened."""
    now = trace.units(moment_s)
    inside: dict[str, tuple[list[Attempt], list[Attempt]]] = {}
    for one in trace.attempts:
        if is_inside(one, now):
            inside.setdefault(one.target, ([], []))[_serves(one, now)].append(one)
    boxes = {
        name: Inside(*(tuple(sorted(some, key=lambda one: one.sent)) for some in found))
        for name, found in sorted(inside.items())
    }
    things: dict[str, dict[str, str]] = {}
    for change in trace.changes:
        if change.at <= now:
            things.setdefault(change.thing, {})[change.facet] = change.state
    return State(
        moment_s,
        boxes,
        {name: unusual for name, facets in things.items() if (unusual := _unusual(facets))},
        tuple(m for m in trace.messages if m.sent <= now and not m.lost and (m.arrived < 0 or m.arrived > now)),
        tuple(r for r in trace.requests if r.due <= now and (r.end < 0 or r.end > now)),
    )


def is_inside(one: Attempt, now: int) -> bool:
    """It has come and not gone. Moments here and below are in units of the trace."""
    return one.sent <= now and (one.ended < 0 or one.ended > now)


def _serves(one: Attempt, now: int) -> bool:
    return 0 <= one.begun <= now


def somebody_waits(trace: Trace, one: Attempt, moment_s: float) -> bool:
    """Whether its caller still waits at a moment: its patience has not run out, and the request is not over."""
    now = trace.units(moment_s)
    if 0 <= one.until < now:
        return False
    found = trace.request(one.request)
    return found is None or found.end < 0 or found.end > now


def _unusual(facets: Mapping[str, str]) -> dict[str, str]:
    """What is not as it usually is. A speed of 1 may be no usual one: it is left out all the same."""
    return {facet: state for facet, state in facets.items() if state not in ("yes", "given", "open", "no", "1")}


# --- one request -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Life:
    """A request's way through the boxes."""

    request: Request
    attempts: tuple[Attempt, ...]
    messages: tuple[Message, ...]
    steps: tuple[tuple[float, str], ...]
    """Seconds and sentences, in order."""


def life(trace: Trace, request: int) -> Life:
    """What became of a request. Raises KeyError where the trace does not keep it."""
    found = trace.request(request)
    if found is None:
        raise KeyError(f"The trace keeps no request {request}.")
    attempts: tuple[Attempt, ...] = tuple(trace.of("attempts", request))
    steps = [(found.due, f"{found.client} asks for {found.name}")]
    for one in attempts:
        who = f"attempt {one.number + 1}"
        steps.append((one.sent, f"{who} comes to {one.target}" + ("" if one.admitted else ", which turns it away")))
        if one.begun >= 0:
            steps.append((one.begun, f"{one.target} begins with {who}"))
        if one.until >= 0 and not one.used and (one.ended < 0 or one.until < one.ended):
            steps.append((one.until, f"{one.source} gives {who} up"))
        if one.ended >= 0 and one.admitted:
            told = "" if one.used else ", for nobody" if one.fate == "served" else ""
            steps.append((one.ended, f"{who} is {'done' if one.fate == 'served' else one.fate}{told}"))
    if found.end >= 0:
        steps.append(
            (found.end, f"{found.client} is answered" if found.outcome == "ok" else f"it ends: {found.outcome}")
        )
    told_s = tuple((time * trace.unit_s, said) for time, said in sorted(steps, key=lambda step: step[0]))
    return Life(found, attempts, tuple(trace.of("messages", request)), told_s)


# --- queues ------------------------------------------------------------------------------------------------------
def queue_lengths(trace: Trace, box: str, moments_s: Iterable[float]) -> list[int]:
    """How many wait in a box at each moment.

    Exact where the trace keeps every request; else an estimate, in which each request of the sample stands for as many
    as were left out for it.
    """
    return _lengths(trace, box, moments_s, _begins)


def waiting_anywhere(trace: Trace, moments_s: Iterable[float]) -> list[int]:
    """How many wait before any box at each moment, in sum; exact or estimated as `queue_lengths`."""
    return _lengths(trace, None, moments_s, _begins)


def insides(trace: Trace, box: str, moments_s: Iterable[float]) -> list[int]:
    """How many wait or are served in a box at each moment; exact or estimated as `queue_lengths`."""
    return _lengths(trace, box, moments_s, lambda one: one.ended)


def _begins(one: Attempt) -> int:
    return one.begun if one.begun >= 0 else one.ended


def _lengths(trace: Trace, box: str | None, moments_s: Iterable[float], left: Callable[[Attempt], int]) -> list[int]:
    changes: dict[int, float] = {}
    for one in trace.attempts:
        if box is None or one.target == box:
            stands_for = weight(trace, one.request)
            changes[one.sent] = changes.get(one.sent, 0.0) + stands_for
            end = left(one)
            if end >= 0:
                changes[end] = changes.get(end, 0.0) - stands_for
    times, length, lengths = sorted(changes), 0.0, [0.0]
    for time in times:
        length += changes[time]
        lengths.append(length)
    return [round(lengths[bisect_right(times, trace.units(moment))]) for moment in moments_s]


def weight(trace: Trace, request: int) -> float:
    """How many requests it stands for."""
    found = trace.request(request) if trace.run.share < 1 else None
    plain = found is not None and is_plain(found.outcome, found.end, trace.of("attempts", request))
    return 1 / trace.run.share if plain else 1.0


# --- who calls whom ----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Topology:
    """Boxes and the ways between them, as the run used them."""

    boxes: tuple[Box, ...]
    ways: tuple[Way, ...]

    def text(self) -> str:
        """As a person would draw it: alike boxes with numbers in their names stand together."""
        lines = []
        known = {box.name: box for box in self.boxes}
        asking = (way.source for way in self.ways if not self._answers(way))
        callers = dict.fromkeys([*(box.name for box in self.boxes if box.kind == "client"), *asking])
        for source in callers:
            lines.append(source)
            targets = [way for way in self.ways if way.source == source and not self._answers(way)]
            lines += [f"  > {line}" for line in _grouped([(known[way.target], way) for way in targets])]
            if not targets:
                lines.append("  calls nobody")
        reached = {way.target for way in self.ways} | set(callers)
        alone = [box.name for box in self.boxes if box.name not in reached]
        return "\n".join([*lines, *(f"{name}: never called" for name in alone)])

    def _answers(self, way: Way) -> bool:
        """Only answers go this way: nobody draws an arrow for them."""
        return not way.calls and any(w.calls and w[:2] == (way.target, way.source) for w in self.ways)


def topology(trace: Trace) -> Topology:
    """Who calls whom, how often: of all requests, also of those that the trace does not keep."""
    used = {name for way in trace.ways for name in (way.source, way.target)}
    boxes = tuple(b for b in trace.boxes if b.name in used or b.kind != "host")
    return Topology(boxes, tuple(trace.ways))


def _grouped(found: Sequence[tuple[Box, Way]]) -> list[str]:
    def alike(pair: tuple[Box, Way]) -> tuple[str, str]:
        box, _ = pair
        return re.sub(r"\d+$", "", box.name), _described(box)

    lines = []
    for (stem, described), some in groupby(sorted(found, key=lambda pair: (alike(pair), len(pair[0].name))), key=alike):
        members = list(some)
        calls, messages = (sum(getattr(way, kind) for _, way in members) for kind in ("calls", "messages"))
        name = members[0][0].name if len(members) == 1 else f"{len(members)} x {stem.strip() or 'box'}"
        counts = [f"{n:,} {what}" for n, what in ((calls, "calls"), (messages, "messages")) if n]
        lines.append(f"{name} ({described}): {', '.join(counts)}")
    return lines


def _described(box: Box) -> str:
    said = [box.kind]
    if box.workers:
        said.append(f"{box.workers} worker{'s' if box.workers != 1 else ''}")
    if box.discipline:
        said.append(box.discipline)
    if box.bound >= 0:
        said.append(f"{box.bound} places to wait")
    return ", ".join(said)


def messages(trace: Trace) -> list[Sent]:
    """The messages that carry something, as `Held.messages`: calls and answers by these names."""
    calls = {way[:2] for way in trace.ways if way.calls}

    def said(message: Message) -> str:
        if (message.source, message.target) in calls:
            return "call"
        return "answer" if (message.target, message.source) in calls else message.text

    def second(time: int) -> float:  # as a history has them: divided
        return time * trace.run.unit_ns / NS

    return [
        (one.request, one.source, one.target, second(one.sent), None if there < 0 else second(there), said(one))
        for one in trace.messages
        if one.text != CLOSING and one.source != one.target
        for there in [NEVER if one.lost else one.arrived]
    ]
