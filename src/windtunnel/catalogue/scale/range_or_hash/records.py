"""What is kept: records, the keys that a design gives them, and the stretches of keys in which they are looked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

Key = int | str


class Record(NamedTuple):
    """Something that an author has written."""

    author: str
    at_ms: int
    """When: 0 is the beginning of the run, and what is older is below."""
    number: int
    """No two have the same one."""


class Span(NamedTuple):
    """Keys from `start` (None: from the first) up to but without `end` (None: to the last)."""

    start: Any
    end: Any

    def has(self, key: Key) -> bool:
        """Whether a key lies in it."""
        return (self.start is None or self.start <= key) and (self.end is None or key < self.end)

    def within(self, other: Span) -> Span | None:
        """What it has in common with another; None where that is nothing."""
        start: Any = self.start
        if start is None or (other.start is not None and other.start > start):
            start = other.start
        end: Any = self.end
        if end is None or (other.end is not None and other.end < end):
            end = other.end
        return None if start is not None and end is not None and end <= start else Span(start, end)


EVERYWHERE = (Span(None, None),)
"""All keys."""


def only(key: Key) -> Span:
    """The stretch of one key."""
    return Span(key, key + 1 if isinstance(key, int) else key + "\0")


def checked_key(given: object, like: Key | None) -> Key:
    """What a design gave as a key. Raises ValueError where it is none, or of another kind than the first of all."""
    if isinstance(given, int | str) and (like is None or isinstance(given, str) == isinstance(like, str)):
        return given
    raise ValueError(f"A key is a whole number or text, the same for all records; key gave {given!r}.")


def checked_spans(given: object, name: str) -> Sequence[Span]:
    """What a design gave as stretches of keys. Raises ValueError where it is something else."""
    if isinstance(given, Sequence) and all(isinstance(one, Span) for one in given):
        return given
    raise ValueError(f"{name} gives a list of Span; {given!r} was given.")


class Question(NamedTuple):
    """Which records are asked for: those of an author, those of a time, or those of authors with such names."""

    about: str
    """`author`, `time` or `names`."""
    low: Key
    high: Key
    """Without this one; of an author the same as `low`."""

    def fits(self, record: Record) -> bool:
        """Whether a record answers it."""
        match self.about:
            case "time":
                return self.low <= record.at_ms < self.high  # type: ignore[operator]
            case "names":
                return self.low <= record.author < self.high  # type: ignore[operator]
        return record.author == self.low


def spans_meet(spans: Sequence[Span]) -> bool:
    """Whether these stretches hold each key exactly once."""
    line = sorted(spans, key=lambda span: (span.start is not None, span.start))
    ends = [span.end for span in line]
    inner = ends[:-1]
    return [span.start for span in line] == [None, *inner] and None not in inner and ends[-1] is None
