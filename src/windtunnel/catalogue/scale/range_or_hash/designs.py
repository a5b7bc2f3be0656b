"""Ways to give a record its key. Hosts own ranges of keys, which are split and moved where one has too much to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from windtunnel import Stage
from windtunnel.blocks.ground import stable_hash
from windtunnel.catalogue.scale.range_or_hash.records import EVERYWHERE, Key, Record, Span, only


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def parts(self) -> int: ...


class OnTime:
    """The time of its writing is the key of a record: what was written together lies together."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.many = p.parts

    def key(self, record: Record, parts: int) -> Key:
        """Where a record is kept. `parts`: in how many parts its author is kept by now."""
        return record.at_ms

    def parts(self, author: str) -> int:
        """In how many parts this author is to be kept from now on, who takes more than half of a host's time."""
        return 1  # unclaimed: a key that is a time takes no notice of parts

    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        """Where the records of an author are who is kept in so many parts, the older ones too."""
        return EVERYWHERE

    def of_time(self, since_ms: int, until_ms: int) -> Sequence[Span]:
        """Where those are that were written from one moment to another."""
        return [Span(since_ms, until_ms)]

    def of_names(self, first: str, last: str) -> Sequence[Span]:
        """Where those are whose authors have such names, from the first to but without the last."""
        return EVERYWHERE


class OnName:
    """The name of its author is the key of a record: neighbours in the alphabet lie together."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.many = p.parts

    def key(self, record: Record, parts: int) -> Key:
        return record.author

    def parts(self, author: str) -> int:
        return 1  # unclaimed: nor does a name, a hash of it, or a name and a hash behind it

    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        return [only(author)]

    def of_time(self, since_ms: int, until_ms: int) -> Sequence[Span]:
        return EVERYWHERE

    def of_names(self, first: str, last: str) -> Sequence[Span]:
        return [Span(first, last)]


class Hashed(OnName):
    """A hash of the author's name is the key: an author's records lie together, and nothing else does."""

    def key(self, record: Record, parts: int) -> Key:
        return stable_hash(record.author)

    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        return [only(stable_hash(author))]

    def of_names(self, first: str, last: str) -> Sequence[Span]:
        return EVERYWHERE


class HashedInParts(Hashed):
    """A hash of the name, and an author who is too much for one host gets several keys, which records take in turn."""

    def key(self, record: Record, parts: int) -> Key:
        return part(record.author, record.number % parts)

    def parts(self, author: str) -> int:
        return self.many

    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        return [only(part(author, number)) for number in range(parts)]


class NameAndHash(OnName):
    """The name, and behind it a hash of the record: names stay in order, and ranges can be cut within an author too."""

    def key(self, record: Record, parts: int) -> Key:
        return f"{record.author} {stable_hash(record.number):020}"

    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        return [Span(f"{author} ", f"{author}!")]


def part(author: str, number: int) -> int:
    """The key of a part of an author; that of the first is the one that all records had before."""
    return stable_hash(f"{author} {number}" if number else author)
