"""What goes wrong with which parameters, what is measured, and what is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from windtunnel import Event, Held, History
from windtunnel.catalogue.scale.chaos.others import asked
from windtunnel.catalogue.scale.chaos.trial import (
    FIRST_S,
    Strike,
    contradiction,
    strike,
    unanswered,
)

NONE = "none"


class Schedules(Protocol):
    """The parameters that say what goes wrong."""

    @property
    def first(self) -> str: ...
    @property
    def second(self) -> str: ...
    @property
    def apart(self) -> int: ...
    @property
    def later_s(self) -> float: ...
    @property
    def third(self) -> str: ...
    @property
    def for_s(self) -> float: ...


def strikes(p: Schedules) -> tuple[Strike, ...]:
    """What goes wrong."""
    both = (strike(p.first, 0, FIRST_S, p.for_s), strike(p.second, p.apart, FIRST_S + p.later_s, p.for_s))
    wrong = [one for one in both if one.kind != NONE]
    if p.third != NONE:
        at_s = over_s(wrong)
        wrong += [strike("kill", 0, at_s), strike("kill", 1, at_s), strike(p.third, 2, at_s, p.for_s)]
    return tuple(wrong)


def over_s(wrong: Sequence[Strike]) -> float:
    """When the last of these is over."""
    return max((one.at_s + one.for_s for one in wrong), default=FIRST_S)


def last_s(p: Schedules) -> float:
    """When the last of it is over."""
    return over_s(strikes(p))


def audit(history: History, held: Held | None, p: Schedules) -> Mapping[str, float]:
    """Whether the steady state was kept, by what clients were told."""
    told = asked(history)
    wrong = contradiction(told).status == "invalid"
    silent = len(unanswered(told, strikes(p)))
    return {"steady": float(not wrong and not silent), "wrong": float(wrong), "silent": silent}


def measure(history: History, p: Schedules) -> Mapping[str, float]:
    """The same, and what it cost."""
    facts = history.facts
    return {**audit(history, None, p), "entered": facts["entered"], "calls": facts["calls"] / len(history)}


def space_time(history: History, p: Schedules) -> Mapping[str, Sequence[tuple[Any, ...]]]:
    """Between clients and replicas, the requests that contradict each other, or six that nobody answered."""
    told = asked(history)
    strange = contradiction(told).witness
    if strange:
        read = {event.value for event in strange if event.name == "get"} - {None}
        said_no = [e for e in told if e.name == "put" and e.outcome == "fail" and e.args[-1] in read]
        shown = [*said_no, *(e for e in told if (e.client, e.start) in {(s.client, s.start) for s in strange})]
    else:
        shown = (unanswered(told, strikes(p)) or told)[:6]
    faults = [("fault", s.at_s, f"replica {s.replica}", s.at_s, f"{s.kind} for {s.for_s:g} s") for s in strikes(p)]
    return {"faults": faults, "requests": [_arrow(event) for event in shown]}


def _arrow(event: Event) -> tuple[str, float, str, float, str]:
    replica, *args = event.args
    answer = event.value if event.outcome == "ok" and event.name == "get" else event.outcome
    said = f"{event.name}({', '.join(map(str, args))}): {answer}"
    return event.client, event.start, f"replica {replica}", event.end, said
