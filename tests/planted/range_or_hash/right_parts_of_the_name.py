"""Keeps the order of names, and puts a number before that of a busy author, at the end of the alphabet."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.scale.range_or_hash import Key, Record, Span, only
from windtunnel.catalogue.scale.range_or_hash.designs import OnName

challenge = "range-or-hash"


class Yours(OnName):
    def key(self, record: Record, parts: int) -> Key:
        number = record.number % parts
        return f"~{number:02} {record.author}" if number else record.author

    def parts(self, author: str) -> int:
        return 20

    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        return [only(author), *(only(f"~{number:02} {author}") for number in range(1, parts))]

    def of_names(self, first: str, last: str) -> Sequence[Span]:
        return [Span(first, last), Span("~", None)]
