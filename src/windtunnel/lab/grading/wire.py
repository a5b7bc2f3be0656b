"""What travels between who judges and the worker in which the design runs: lines of JSON, and nothing but data.

A history comes back as events by the numbers of their requests, which the judge knows, and as plain values: no object
of the design's reaches the process that judges, and no pickle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from windtunnel.lab.grading.adversary import Rehearsal
from windtunnel.lab.held import Held
from windtunnel.lab.history import OUTCOMES, Event, History, Op
from windtunnel.sim.fault import Fault


class NoAnswer(ValueError):
    """What came back is not what was asked for."""


# --- values ----------------------------------------------------------------------------------------------------------
def packed(value: Any) -> Any:
    """A value as JSON that `unpacked` tells apart; of what is no plain data only its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, list | tuple):
        return {"t" if isinstance(value, tuple) else "l": [packed(one) for one in value]}
    if isinstance(value, Mapping):
        return {"d": [[packed(key), packed(one)] for key, one in value.items()]}
    if isinstance(value, set | frozenset):
        return {"s": [packed(one) for one in sorted(value, key=repr)]}
    if isinstance(value, bytes):
        return {"b": value.hex()}
    if type(value).__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        return packed(value.item())
    return {"o": str(value)}


def unpacked(value: Any) -> Any:
    """Back from `packed`."""
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    match kind:
        case "t":
            return tuple(map(unpacked, inner))
        case "l":
            return list(map(unpacked, inner))
        case "d":
            return {unpacked(key): unpacked(one) for key, one in inner}
        case "s":
            return frozenset(map(unpacked, inner))
        case "b":
            return bytes.fromhex(inner)
    return str(inner)


# --- histories -------------------------------------------------------------------------------------------------------
def of_history(history: History) -> dict[str, Any]:
    """A history as data, without what the judge knows: who asked for what."""
    return {
        "events": [[e.id, e.due, e.start, e.end, e.outcome, packed(e.value)] for e in history],
        "facts": packed(history.facts),
        "duration": history.duration,
        "held": packed(history.held.to_dict()) if history.held is not None else None,
    }


def to_history(found: Mapping[str, Any], ops: Sequence[Op], ended_early: bool, real: bool = False) -> History:
    """The history of these requests. Raises NoAnswer where one is missing, comes twice, or makes no sense.

    Args:
        ended_early: the run may end before a request is due.
        real: it was measured in real time, where there are no engines of ours to read.
    """
    try:
        left = {op.id: op for op in ops}
        events = [_event(left.pop(number), *rest) for number, *rest in found["events"]]
        facts = unpacked(found["facts"])
        duration = float(found["duration"])
        held = None if real else Held.of(unpacked(found["held"]))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise NoAnswer("The history is none.") from error
    if not isinstance(facts, dict):
        raise NoAnswer("The facts are none.")
    if any(op.think_s < 0 and not (ended_early and op.at >= duration) for op in left.values()):
        raise NoAnswer("Requests are missing.")
    return History(events, facts, duration, held)


def _event(op: Op, due: float, start: float, end: float, outcome: str, value: Any) -> Event:
    if op.think_s < 0:
        due = op.at  # in an open loop the workload alone says when
    if not all(isinstance(t, int | float) and math.isfinite(t) for t in (due, start, end)) or end < start:
        raise NoAnswer("Times are none.")
    if start < due - 1e-6 or outcome not in OUTCOMES:
        raise NoAnswer("It was answered before it was asked, or with no outcome.")
    return Event(op.client, op.name, op.args, start, end, outcome, unpacked(value), due, op.id)


# --- faults and rehearsals -------------------------------------------------------------------------------------------
def of_faults(faults: Sequence[Fault]) -> list[dict[str, Any]]:
    """Faults as data."""
    return [{name: packed(value) for name, value in asdict(fault).items()} for fault in faults]


def to_faults(found: Sequence[Mapping[str, Any]]) -> list[Fault]:
    """Back from `of_faults`."""
    return [Fault(**{name: unpacked(value) for name, value in one.items()}) for one in found]


def of_rehearsal(seen: Rehearsal) -> Any:
    """What was seen of a design, as data."""
    return packed(asdict(seen))


def to_rehearsal(found: Any) -> Rehearsal:
    """Back from `of_rehearsal`. Raises NoAnswer."""
    try:
        return Rehearsal(**unpacked(found))
    except (TypeError, ValueError, AttributeError) as error:
        raise NoAnswer("The rehearsal is none.") from error
