"""A trace of what happened in the tunnel: the newest records, and a digest of all of them.

Off by default, and then it costs one comparison where a record would be made. On, memory is bounded: the digest takes
every record, the window keeps the newest.
"""

from __future__ import annotations

from collections import deque
from hashlib import blake2b
from typing import NamedTuple


class Record(NamedTuple):
    """At `now_ns`, `kind` happened to `who`."""

    now_ns: int
    kind: str
    who: str
    detail: str = ""


class Trace:
    """Keeps the newest `keep` records and a running digest of all; two runs are equal when their digests are."""

    def __init__(self, keep: int = 10_000) -> None:
        self.records: deque[Record] = deque(maxlen=keep)
        self.count = 0
        self._hash = blake2b(digest_size=16)

    def record(self, now_ns: int, kind: str, who: str, detail: str = "") -> None:
        """Take one record in."""
        self.count += 1
        self.records.append(Record(now_ns, kind, who, detail))
        self._hash.update(f"{now_ns}\x1f{kind}\x1f{who}\x1f{detail}\n".encode())

    @property
    def digest(self) -> str:
        """Hexadecimal digest of every record so far."""
        return self._hash.hexdigest()
