"""A trace as a browser draws it: a head, which is enough for boxes and curves, then pieces by time.

A document is one line that says what it is, then parts: the length of each in four bytes, and a deflated stream of so
many bytes. The first part is JSON: what was run, boxes and ways, faults, changes, curves, how many pieces there are.
Each piece has requests in the order in which they were due, with their attempts and messages: a column for each field,
times as differences, whole numbers of seven bits a byte. So the first picture is drawn when the head and one piece have
come, and no piece is so long that opening it can be felt.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from windtunnel.lab.history import OUTCOMES
from windtunnel.lab.trace.columns import after_or_never, put, steps
from windtunnel.lab.trace.records import FATES, NEVER, Attempt, Message, Request, Trace
from windtunnel.web.curves import FAULT, curves, faults, latency

MAGIC: Final = b"windtunnel picture 1\n"
PIECE: Final = 2_000
"""Attempts and messages of a piece, about: a few milliseconds of a browser's time."""
FATE: Final = {fate: number for number, fate in enumerate(FATES)}
UNKEPT: Final = len(OUTCOMES)
"""The outcome of what belongs to no request, or to one that the trace does not keep."""


class _Own(NamedTuple):
    """A request, or a stretch of what belongs to none, with all that was done for it."""

    request: Request
    outcome: int
    attempts: Sequence[Attempt]
    messages: Sequence[Message]


def document(trace: Trace) -> bytes:
    """The picture of one run of one design, as bytes."""
    names: dict[str, int] = {}
    pieces = [_piece(some, names) for some in _pieces(_owned(trace))]
    head = {
        "run": {
            "design": trace.run.design,
            "seed": trace.run.seed,
            "unit_s": trace.unit_s,
            "end": trace.run.end,
            "requests": trace.run.requests,
            "share": trace.run.share,
            "digest": trace.run.digest,
        },
        "boxes": trace.boxes,
        "ways": trace.ways,
        "changes": trace.changes,
        "marks": [mark for mark in trace.marks if not FAULT.match(mark.sentence)],
        "faults": faults(trace),
        "curves": curves(trace),
        "latency": latency(trace),
        "names": list(names),
        "pieces": len(pieces),
    }
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    parts = [zlib.compress(part, 9) for part in (text, *pieces)]
    return MAGIC + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


# --- pieces ------------------------------------------------------------------------------------------------------
def _owned(trace: Trace) -> Iterator[_Own]:
    """All records, by request, in the order of due times."""
    known = {request.id for request in trace.requests}
    own = [
        _Own(r, OUTCOMES.index(r.outcome), trace.of("attempts", r.id), trace.of("messages", r.id))
        for r in trace.requests
    ]
    others: list[Attempt | Message] = [one for one in trace.attempts if one.request not in known]
    others += [one for one in trace.messages if one.request not in known]
    others.sort(key=lambda one: (one.sent, one.request))
    for place in range(0, len(others), PIECE // 8):
        for number, some in groupby(
            sorted(others[place : place + PIECE // 8], key=lambda o: o.request), lambda o: o.request
        ):
            found = list(some)
            attempts = [one for one in found if isinstance(one, Attempt)]
            messages = [one for one in found if isinstance(one, Message)]
            own.append(_Own(Request(number, "", "", found[0].sent, NEVER, ""), UNKEPT, attempts, messages))
    return iter(sorted(own, key=lambda one: (one.request.due, one.request.id)))


def _pieces(owned: Iterable[_Own]) -> Iterator[list[_Own]]:
    piece: list[_Own] = []
    size = 0
    for one in owned:
        piece.append(one)
        size += 1 + len(one.attempts) + len(one.messages)
        if size >= PIECE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _piece(own: Sequence[_Own], names: dict[str, int]) -> bytes:
    number = names.setdefault
    requests = [one.request for one in own]
    attempts = [attempt for one in own for attempt in one.attempts]
    messages = [message for one in own for message in one.messages]
    asked = [one.request.due for one in own for _ in one.attempts]
    sent = [one.request.due for one in own for _ in one.messages]
    columns: list[Sequence[int]] = [
        (len(requests), len(attempts), len(messages)),
        steps(r.id for r in requests),
        [number(r.client, len(names)) for r in requests],
        [number(r.name, len(names)) for r in requests],
        steps(r.due for r in requests),
        [after_or_never(r.end, r.due) for r in requests],
        [one.outcome for one in own],
        [len(one.attempts) for one in own],
        [len(one.messages) for one in own],
        [number(a.source, len(names)) for a in attempts],
        [number(a.target, len(names)) for a in attempts],
        [FATE[a.fate] * 2 + a.used for a in attempts],
        [a.sent - due for due, a in zip(asked, attempts, strict=True)],
        [after_or_never(a.until, a.sent) for a in attempts],
        [after_or_never(a.begun, a.sent) for a in attempts],
        [after_or_never(a.ended, max(a.begun, a.sent)) for a in attempts],
        [number(m.source, len(names)) for m in messages],
        [number(m.target, len(names)) for m in messages],
        [m.sent - due for due, m in zip(sent, messages, strict=True)],
        [after_or_never(m.arrived, m.sent) for m in messages],
        [int(m.lost) for m in messages],
    ]
    return b"".join(map(put, columns))
