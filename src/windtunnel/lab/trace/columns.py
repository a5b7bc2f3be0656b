"""Traces as bytes: a column for each field, differences as whole numbers of seven bits a byte, then deflate.

A file is one line that says what it is, then one deflated stream (`DecompressionStream("deflate")` opens it in a
browser): for each part its length and its bytes. The first part is JSON and says which parts each run is made of. What
was asked (ids, clients, names, due times) is a part of its own, which runs of the same requests share.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heapreplace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Final

from windtunnel.lab.errors import WrongInput
from windtunnel.lab.history import OUTCOMES
from windtunnel.lab.trace.records import (
    FATES,
    Attempt,
    Box,
    Change,
    Mark,
    Message,
    Request,
    Run,
    Trace,
    Way,
)

MAGIC: Final = b"windtunnel trace 1\n"


# --- whole numbers -----------------------------------------------------------------------------------------------
def put(numbers: Iterable[int]) -> bytes:
    """Whole numbers, small ones of either sign in few bytes."""
    found = numbers if isinstance(numbers, list | tuple) else list(numbers)
    if found and min(found) >= 0 and max(found) < 64:  # most columns: a byte each
        return bytes([number << 1 for number in found])
    out = bytearray()
    append = out.append
    for number in found:
        rest = number << 1 if number >= 0 else (-number << 1) - 1
        while rest > 127:
            append(rest & 127 | 128)
            rest >>= 7
        append(rest)
    return bytes(out)


class _Numbers:
    """Reads what `put` wrote."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def take(self, count: int) -> list[int]:
        data, place, found = self._data, self._place, []
        for _ in range(count):
            number = shift = 0
            while True:
                byte = data[place]
                place += 1
                number |= (byte & 127) << shift
                if byte < 128:
                    break
                shift += 7
            found.append(number >> 1 if not number & 1 else -((number + 1) >> 1))
        self._place = place
        return found


def steps(numbers: Iterable[int]) -> list[int]:
    """What each is more than the one before it; the first one more than 0."""
    return [after - before for before, after in pairwise((0, *numbers))]


def _sums(steps: Iterable[int]) -> list[int]:
    return list(accumulate(steps))


def after_or_never(time: int, since: int) -> int:
    """0 for a time that never came; else what it is after another, one more where that is not negative."""
    if time < 0:
        return 0
    return time - since + 1 if time >= since else time - since


def _time(after: int, since: int) -> int:
    return -1 if after == 0 else since + after - (after > 0)


class _Workers:
    """When work on an attempt begins if its box is first come, first served: what differs from that is written down."""

    def __init__(self, boxes: Iterable[Box]) -> None:
        self._free = {box.name: [0] * max(1, box.workers) for box in boxes}

    def begins(self, target: str, sent: int) -> int:
        """Attempts are told in the order of coming."""
        return max(sent, self._free[target][0])

    def takes(self, target: str, begun: int, ended: int) -> None:
        """A worker is busy with it until then."""
        if begun >= 0:
            heapreplace(self._free[target], ended if ended >= 0 else begun)


# --- one trace ---------------------------------------------------------------------------------------------------
def _encoded(trace: Trace) -> tuple[dict[str, Any], bytes, bytes]:
    """What is JSON, what was asked, and the other columns."""
    names: dict[str, int] = {}

    def number(text: str) -> int:
        return names.setdefault(text, len(names))

    requests, messages = trace.requests, trace.messages
    attempts = sorted(trace.attempts, key=lambda one: one.sent)
    asked = b"".join(
        (
            put(steps(r.id for r in requests)),
            put(number(r.client) for r in requests),
            put(number(r.name) for r in requests),
            put(steps(r.due for r in requests)),
        )
    )
    last = {r.id: r.due for r in requests}
    answered = dict(last)
    workers = _Workers(trace.boxes)
    sent, until, begun, ended = ([] for _ in range(4))
    for one in attempts:
        sent.append(one.sent - last.get(one.request, 0))
        last[one.request] = one.sent
        until.append(after_or_never(one.until, one.sent))
        begun.append(after_or_never(one.begun, workers.begins(one.target, one.sent)))
        ended.append(after_or_never(one.ended, one.begun if one.begun >= 0 else one.sent))
        workers.takes(one.target, one.begun, one.ended)
        if one.used:
            answered[one.request] = one.ended
    columns: list[Iterable[int]] = [
        steps(one.request for one in attempts),
        (number(one.source) for one in attempts),
        (number(one.target) for one in attempts),
        (FATES.index(one.fate) * 2 + one.used for one in attempts),
        sent,
        until,
        begun,
        ended,
        (after_or_never(r.end, answered[r.id]) for r in requests),
        (OUTCOMES.index(r.outcome) for r in requests),
        steps(m.request for m in messages),
        (number(m.source) for m in messages),
        (number(m.target) for m in messages),
        steps(m.sent for m in messages),
        (after_or_never(m.arrived, m.sent) for m in messages),
        (int(m.lost) for m in messages),
        (number(m.text) for m in messages),
    ]
    body = b"".join(put(column) for column in columns)  # before the names are listed: it finds them
    head = {
        "run": list(trace.run),
        "counts": [len(requests), len(attempts), len(messages)],
        "boxes": trace.boxes,
        "ways": trace.ways,
        "changes": trace.changes,
        "marks": trace.marks,
        "names": list(names),
    }
    return head, asked, body


def _decoded(head: Mapping[str, Any], asked: bytes, body: bytes) -> Trace:
    names: list[str] = head["names"]
    n_requests, n_attempts, n_messages = head["counts"]
    boxes = [Box(*box) for box in head["boxes"]]
    told, rest = _Numbers(asked), _Numbers(body)
    ids = _sums(told.take(n_requests))
    clients, methods = told.take(n_requests), told.take(n_requests)
    due = _sums(told.take(n_requests))
    answered = dict(zip(ids, due, strict=True))
    attempts = list(_attempts(rest, names, boxes, dict(answered), n_attempts))
    answered |= {one.request: one.ended for one in attempts if one.used}
    ends, outcomes = rest.take(n_requests), rest.take(n_requests)
    return Trace(
        Run(*head["run"]),
        boxes,
        [Way(*way) for way in head["ways"]],
        [
            Request(i, names[client], names[name], at, _time(end, answered[i]), OUTCOMES[outcome])
            for i, client, name, at, end, outcome in zip(ids, clients, methods, due, ends, outcomes, strict=True)
        ],
        sorted(attempts, key=lambda one: (one.request, one.number)),
        list(_messages(rest, names, n_messages)),
        [Change(*change) for change in head["changes"]],
        [Mark(*mark) for mark in head["marks"]],
    )


def _attempts(
    rest: _Numbers, names: Sequence[str], boxes: Sequence[Box], last: dict[int, int], count: int
) -> Iterator[Attempt]:
    requests = _sums(rest.take(count))
    columns = [rest.take(count) for _ in range(7)]
    workers, numbers = _Workers(boxes), Counter[int]()
    for request, source, to, fate, step, until, begun, ended in zip(requests, *columns, strict=True):
        target = names[to]
        sent = last[request] = last.get(request, 0) + step
        begun_at = _time(begun, workers.begins(target, sent))
        ended_at = _time(ended, begun_at if begun_at >= 0 else sent)
        workers.takes(target, begun_at, ended_at)
        yield Attempt(
            request,
            numbers[request],
            names[source],
            target,
            sent,
            _time(until, sent),
            begun_at,
            ended_at,
            FATES[fate >> 1],
            bool(fate & 1),
        )
        numbers[request] += 1


def _messages(rest: _Numbers, names: Sequence[str], count: int) -> Iterator[Message]:
    requests = _sums(rest.take(count))
    sources, targets = rest.take(count), rest.take(count)
    sent = _sums(rest.take(count))
    arrived, lost, texts = (rest.take(count) for _ in range(3))
    for request, source, target, at, there, gone, text in zip(
        requests, sources, targets, sent, arrived, lost, texts, strict=True
    ):
        yield Message(request, names[source], names[target], at, _time(there, at), bool(gone), names[text])


# --- many traces -------------------------------------------------------------------------------------------------
def packed(traces: Iterable[Trace]) -> bytes:
    """Traces as the bytes of a file."""
    parts: list[bytes] = []
    heads = []
    known: dict[bytes, int] = {}
    for head, asked, body in map(_encoded, traces):
        if asked not in known:
            known[asked] = len(parts)
            parts.append(asked)
        heads.append({**head, "asked": known[asked], "body": len(parts)})
        parts.append(body)
    text = json.dumps(heads, ensure_ascii=False, separators=(",", ":"), default=str).encode()
    stream = b"".join(len(part).to_bytes(4, "big") + part for part in (text, *parts))
    return MAGIC + zlib.compress(stream, 9)


def _split(data: bytes) -> list[tuple[dict[str, Any], bytes, bytes]]:
    if not data.startswith(MAGIC):
        raise ValueError("Its first line is another one.")
    stream = zlib.decompress(data[len(MAGIC) :])
    parts, place = [], 0
    while place < len(stream):
        size = int.from_bytes(stream[place : place + 4], "big")
        parts.append(stream[place + 4 : place + 4 + size])
        if len(parts[-1]) < size:
            raise ValueError("Its end is missing.")
        place += 4 + size
    heads: list[dict[str, Any]] = json.loads(parts[0])
    return [(head, parts[1 + head.pop("asked")], parts[1 + head.pop("body")]) for head in heads]


class Traces(Mapping[str, Trace]):
    """The traces of a run, by design: kept packed, opened when they are looked at."""

    def __init__(self, packs: Iterable[bytes]) -> None:
        self._encoded = {str(one[0]["run"][0]): one for pack in packs for one in _split(pack)}
        self._open: dict[str, Trace] = {}

    def __getitem__(self, design: str) -> Trace:
        if design not in self._open:
            self._open[design] = _decoded(*self._encoded[design])
        return self._open[design]

    def __iter__(self) -> Iterator[str]:
        return iter(self._encoded)

    def __len__(self) -> int:
        return len(self._encoded)


def save(traces: Mapping[str, Trace], path: Path) -> None:
    """Write the file; whoever looks sees the old one or the new one, never half of it."""
    from windtunnel.lab.result import write

    write(path, packed(traces.values()))


def load(path: Path) -> Traces:
    """Read a file of traces. Raises WrongInput, one sentence, for any other file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WrongInput(f"{path} cannot be read: {error.strerror}.") from error
    try:
        found = Traces([data])
        for design in found:
            found[design]  # what cannot be opened is told now
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, zlib.error) as error:
        raise WrongInput(f"{path} is no trace that `windtunnel run --trace` wrote, or it is damaged.") from error
    return found
