"""The port to a cache: values in the memory of one server, changed one command at a time.

A design written against `CachePort` runs on the model in the tunnel and on Valkey (which speaks as Redis does). One
suite (`tests/engines`) holds both to the promises made here:

- Commands and scripts happen one after the other: no other command comes between the steps of a script.
- A value with `ttl_s` is gone once that time has passed on the server's clock, also in a server that stood still.
- A command is sent once. Where its answer is lost (`ConnectionError`, or the caller stops waiting) it may have
  happened, and nobody repeats it for you: libraries that do have counted one click eleven times.
- `Unavailable` means that nothing was asked.

What it does *not* protect from:

- A crash loses everything, unless the cache was opened with `durable=True`: then every command that was answered is on
  the disk.
- A copy runs behind. `fail_over` makes the replica the new primary, and what was not copied yet is lost although it was
  answered.
- Whoever checks first and writes afterwards does two commands: others come between. `compare_and_set` and scripts are
  there for that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from windtunnel.engines.cache.store import Store

Answer = str | int | None | Sequence[Any]
"""What a script returns: text, a whole number, nothing, or a list of these."""


@dataclass(frozen=True, slots=True)
class Script:
    """One step that the server does by itself, said twice: in Lua, and in Python for the model.

    Attributes:
        lua: as EVAL takes it; KEYS and ARGV are texts, and a number that is returned loses its fraction.
        model: called with the store, the keys and the arguments (as texts); does the same, without waiting.
    """

    lua: str
    model: Callable[[Store, Sequence[str], Sequence[str]], Any]


class CachePort(Protocol):
    """A cache with a pool of connections. Values are texts; a number is given back as its digits."""

    name: str

    async def get(self, key: str) -> str | None:
        """The value, or None. Raises ValueError where the key holds a sorted set."""

    async def set(
        self, key: str, value: str | int | float, *, ttl_s: float | None = None, absent: bool = False
    ) -> bool:
        """Set a value, to live for `ttl_s` or for ever; with `absent` only where there is none. Whether it was set."""

    async def delete(self, *keys: str) -> int:
        """Remove keys; how many there were."""

    async def ttl_s(self, key: str) -> float | None:
        """Seconds that the key has to live; None where it lives for ever or is not there."""

    async def compare_and_set(
        self, key: str, expected: str | None, value: str | None, *, ttl_s: float | None = None
    ) -> bool:
        """Set the value (None: remove it) where it is what is expected (None: absent), in one step; whether it was."""

    async def increment(self, key: str, by: int = 1) -> int:
        """Add to a whole number (0 where there is none) and return it; its time to live stays.

        Raises:
            ValueError: the value is no whole number.
        """

    async def zset_add(self, key: str, member: str, score: float) -> bool:
        """Give a member of a sorted set its score; whether it is new."""

    async def zset_increment(self, key: str, member: str, by: float) -> float:
        """Add to a member's score (0 where it is not there) and return it."""

    async def zset_remove(self, key: str, *members: str) -> int:
        """Remove members; how many there were. A sorted set without members is not there."""

    async def zset_score(self, key: str, member: str) -> float | None:
        """The member's score, or None."""

    async def zset_rank(self, key: str, member: str, *, reverse: bool = False) -> int | None:
        """The member's place from 0 on, lowest score first, equal scores by member; None where it is not there."""

    async def zset_range(self, key: str, start: int, stop: int, *, reverse: bool = False) -> list[tuple[str, float]]:
        """Members with scores from place `start` to place `stop`, both included; negative ones count from the end."""

    async def zset_range_by_score(self, key: str, low: float, high: float) -> list[tuple[str, float]]:
        """Members with scores from `low` to `high`, both included."""

    async def zset_count(self, key: str, low: float, high: float) -> int:
        """How many members have scores from `low` to `high`, both included."""

    async def zset_size(self, key: str) -> int:
        """How many members there are."""

    async def run(self, script: Script, keys: Sequence[str] = (), args: Sequence[str | int | float] = ()) -> Answer:
        """Let the server do a script in one step.

        Raises:
            ValueError: the script raised.
        """

    def looked(self) -> int | None:
        """How many entries of sorted sets, and parts of texts, were looked at; None where a server does not say.

        A part is ten characters. Sets that are gone are no longer counted.
        """

    async def close(self) -> None:
        """Give every connection back."""
