"""The port to a log: records get places in order, and whoever reads keeps their own place.

A design written against `LogPort` runs on the model in the tunnel, on our own log on this machine's disk, and on NATS
JetStream. One suite (`tests/engines`) holds all to the promises made here:

- An append that was answered is on the disk; its records stand side by side at the offsets that were answered.
- Offsets count from 0 without a hole. A reader sees the same records at the same offsets for ever, until a `trim`.
- A trim beyond the end removes what there is; the next record gets the offset that it would have got.
- What one engine could not do is refused by all, with a ValueError, before anything is asked: see the checks below.
- A group's commit that was answered is what `committed` returns, also after a crash.

What it does *not* protect from:

- An append whose answer does not come may have happened: a second try writes the records a second time.
- A reader that works first and commits afterwards works twice where it dies between; the other way round it loses.
- Nobody keeps two readers of one group apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Trimmed(LookupError):
    """The record at this offset has been removed by a trim."""

    outcome = "fail"


@dataclass(frozen=True, slots=True)
class Record:
    """A record and its place."""

    offset: int
    value: bytes


MOST_BYTES = 1_000_000
"""Of a record: JetStream takes a mebibyte, headers included."""


def check_values(values: Sequence[bytes]) -> None:
    """One sentence for records that cannot be."""
    for value in values:
        if not isinstance(value, bytes):
            raise ValueError(f"A record is bytes, not {value!r}.")
        if len(value) > MOST_BYTES:
            raise ValueError(f"A record holds at most {MOST_BYTES} bytes, not {len(value)}; keep the rest elsewhere.")


def check_offset(offset: int, count: int = 0) -> None:
    """One sentence for a place or a number of records that cannot be."""
    if offset < 0 or count < 0:
        raise ValueError(f"Offsets and numbers of records begin at 0, not at {min(offset, count)}.")


class LogPort(Protocol):
    """A log with a connection to it."""

    name: str

    async def append(self, values: Sequence[bytes]) -> int:
        """Add records; the offset of the first."""

    async def read(self, offset: int, count: int = 100) -> list[Record]:
        """Up to `count` records from the offset on; none at the end.

        Raises:
            Trimmed: the record at the offset has been removed.
        """

    async def end(self) -> int:
        """The offset that the next record will get."""

    async def commit(self, group: str, offset: int) -> None:
        """Remember how far a group has come: the offset that it reads next."""

    async def committed(self, group: str) -> int:
        """How far it has come; 0 where it has never said so."""

    async def trim(self, before: int) -> None:
        """Records below this offset may go, at once or later; none at or after it does."""

    async def close(self) -> None:
        """Give everything back."""
