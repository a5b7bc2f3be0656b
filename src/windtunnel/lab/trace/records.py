"""The records of a trace. Times are whole units (`Run.unit_ns`) since the first second of the workload.

A time is rounded up to the next unit. At a moment that is a whole number of units everything is then as it was: what
had happened by it is recorded as happened by it. -1 is a time that never came.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

NEVER: Final = -1
FATES: Final = ("open", "served", "unanswered", "rejected", "dropped", "withdrawn", "lost")
"""What became of an attempt. Unanswered: the work was done and the answer lost; lost: its server crashed."""
CLOSING: Final = "the end of the connection"
"""The text of a message that carries nothing."""
TICKS: Final = 100_000
"""A unit is chosen so that a run has about so many at least: more than any screen has columns."""


class Run(NamedTuple):
    """What was run. `requests` is how many there were, `share` how large a part of them is kept at least.

    `left_out`: messages that belong to no request and were too many to keep.
    """

    design: str
    seed: int
    setting: dict[str, Any]
    unit_ns: int
    end: int
    requests: int
    share: float
    left_out: int
    digest: str


class Box(NamedTuple):
    """A thing that requests go through. `bound` is the places to wait, -1 where there is no limit."""

    name: str
    kind: str
    workers: int = 0
    bound: int = -1
    discipline: str = ""


class Way(NamedTuple):
    """Who called whom, or sent messages to whom, and how often: all of them, also where few requests are kept."""

    source: str
    target: str
    calls: int
    messages: int


class Request(NamedTuple):
    """A request; `end` is -1 where the run ended first."""

    id: int
    client: str
    name: str
    due: int
    end: int
    outcome: str


class Attempt(NamedTuple):
    """One call of a box for a request (-1: for none).

    Attributes:
        until: when its caller will have stopped waiting, as far as it said so; -1 is as long as the request lasts.
        begun: when work on it began; -1: it never did.
        ended: when it was done, turned away, dropped, withdrawn or lost; -1: the run ended first.
        used: its answer reached somebody who still waited.
    """

    request: int
    number: int
    source: str
    target: str
    sent: int
    until: int
    begun: int
    ended: int
    fate: str
    used: bool

    @property
    def admitted(self) -> bool:
        """It was let in at the door."""
        return self.fate != "rejected"


class Message(NamedTuple):
    """A message from host to host, for a request (-1: for none). `arrived` is -1 if it was lost, or is under way."""

    request: int
    source: str
    target: str
    sent: int
    arrived: int
    lost: bool
    text: str


class Change(NamedTuple):
    """From `at` on `facet` of `thing` is `state`, because of the fault of that number (-1: of none)."""

    at: int
    thing: str
    facet: str
    state: str
    why: int


class Mark(NamedTuple):
    """A moment worth a sentence."""

    at: int
    sentence: str


@dataclass(frozen=True)
class Trace:
    """One run of one design. Requests are in the order of their ids, attempts and messages by request and time."""

    run: Run
    boxes: Sequence[Box] = ()
    ways: Sequence[Way] = ()
    requests: Sequence[Request] = ()
    attempts: Sequence[Attempt] = ()
    messages: Sequence[Message] = ()
    changes: Sequence[Change] = ()
    marks: Sequence[Mark] = ()
    _of_request: dict[str, dict[int, list[Any]]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def unit_s(self) -> float:
        """Seconds of a unit."""
        return self.run.unit_ns / 1e9

    def units(self, moment_s: float) -> int:
        """A moment as whole units, rounded down; halves of a nanosecond are a float's noise."""
        return round(moment_s * 1e9) // self.run.unit_ns

    def request(self, number: int) -> Request | None:
        """The request of this number; None where it is not kept."""
        place = bisect_left(self.requests, number, key=lambda r: r.id)
        found = self.requests[place] if place < len(self.requests) else None
        return found if found is not None and found.id == number else None

    def of(self, kind: str, request: int) -> list[Any]:
        """The "attempts" or "messages" of a request."""
        found = self._of_request.get(kind)
        if found is None:
            found = self._of_request[kind] = {}
            for record in getattr(self, kind):
                found.setdefault(record.request, []).append(record)
        return found.get(request, [])

    def rounded(self, unit_ns: int) -> Trace:
        """The same in a longer unit."""
        steps, rest = divmod(unit_ns, self.run.unit_ns)
        if rest or steps < 1:
            raise ValueError(f"A unit of {unit_ns} ns is no multiple of the trace's, which is {self.run.unit_ns} ns.")

        def up(time: int) -> int:
            return time if time < 0 else -(-time // steps)

        return replace(
            self,
            run=self.run._replace(unit_ns=unit_ns, end=up(self.run.end)),
            # made anew by place: `_replace` of so many would cost more than recording them
            requests=[
                Request(number, client, name, up(due), up(end), outcome)
                for number, client, name, due, end, outcome in self.requests
            ],
            attempts=[
                Attempt(request, number, source, target, up(sent), up(until), up(begun), up(ended), fate, used)
                for request, number, source, target, sent, until, begun, ended, fate, used in self.attempts
            ],
            messages=[
                Message(request, source, target, up(sent), up(arrived), lost, text)
                for request, source, target, sent, arrived, lost, text in self.messages
            ],
            changes=[c._replace(at=up(c.at)) for c in self.changes],
            marks=[m._replace(at=up(m.at)) for m in self.marks],
            _of_request={},
        )


def unit_for(duration_ns: int) -> int:
    """The unit of a run: a power of ten, and at least `TICKS` of them in the run where it is long enough."""
    unit = 1
    while unit * 10 * TICKS <= duration_ns:
        unit *= 10
    return unit


def is_plain(outcome: str, end: int, attempts: Sequence[Attempt]) -> bool:
    """Nothing went wrong with the request: these are the ones of which a sample is enough."""
    return outcome == "ok" and end >= 0 and all(attempt.used for attempt in attempts)
