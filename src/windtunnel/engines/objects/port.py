"""The port to an object store: whole objects under names, put and got, never changed in part.

A design written against `ObjectsPort` runs on the model in the tunnel and on a folder of this machine. One suite
(`tests/engines`) holds both to the promises made here:

- A `put` that was answered is there for whoever asks afterwards, whole; nobody ever gets half of one.
- `absent` and `match` are tested in one step with the writing: of many who create a name, or replace the same tag, one
  succeeds.
- The tag is that of the content: equal bytes have equal tags.

What it does *not* protect from:

- Two who put without a condition: the last one wins, and nobody is told.
- Two names are never changed together.

A folder shows none of what a store far away does: its latency, its refusals under load, its bill for each request.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol


class Mismatch(Exception):
    """The condition of a put did not hold: nothing was written."""

    outcome = "fail"


@dataclass(frozen=True, slots=True)
class Object:
    """What is stored under a name."""

    body: bytes
    tag: str
    """Of the whole object, also where only a part of it was asked for."""
    size_bytes: int


class ObjectsPort(Protocol):
    """An object store with a connection to it."""

    name: str

    async def put(self, key: str, body: bytes, *, absent: bool = False, match: str | None = None) -> str:
        """Store an object and return its tag.

        Args:
            absent: only where there is none.
            match: only where the one that is there has this tag.

        Raises:
            Mismatch: the condition does not hold.
        """

    async def get(self, key: str, *, start: int = 0, stop: int | None = None) -> Object | None:
        """The object, or its bytes from `start` up to `stop`; None where there is none."""

    async def delete(self, key: str) -> bool:
        """Remove it; whether it was there."""

    async def keys(self, prefix: str = "") -> list[str]:
        """The names that begin so, sorted."""

    async def close(self) -> None:
        """Give everything back."""


def tag_of(body: bytes) -> str:
    """The tag of a content."""
    return sha256(body).hexdigest()[:32]


def part(body: bytes, start: int, stop: int | None) -> bytes:
    """The bytes that were asked for. Raises ValueError where they make no range."""
    if start < 0 or (stop is not None and stop < start):
        raise ValueError(f"Bytes {start} to {stop} are no range; give 0 <= start <= stop.")
    return body[start:stop]


def check_key(key: str) -> None:
    """Raise ValueError for a name that a folder could not hold."""
    parts = key.split("/")
    if not key or len(key.encode()) > 1000 or any(p in ("", ".", "..") or len(p.encode()) > 200 for p in parts):
        raise ValueError(f"{key[:50]!r} cannot name an object; take parts of 1 to 200 bytes, joined by single slashes.")
    if "\0" in key:
        raise ValueError("A name without zero bytes is needed; this one has some.")
