"""What a modelled cache holds: texts and sorted sets with a time to live, and what scripts may call.

Every change goes through `Store.apply`, as an effect that can be sent to a replica: what a script did is copied, not
the script (as Redis does since version 7).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from windtunnel.blocks.ordered import PlainSkipList, PlainSortedSet

Effect = tuple[Any, ...]
"""("put", key, text, dies_ns or None), ("drop", key), ("score", key, member, score or None)."""
NUMBER_BITS = 63


class Store:
    """One server's memory.

    Args:
        now_ns: the server's clock.
        tell: told of every effect, after it was applied.
    """

    def __init__(self, now_ns: Callable[[], int], tell: Callable[[Effect], object] = lambda effect: None) -> None:
        self._now_ns = now_ns
        self._tell = tell
        self._texts: dict[str, str] = {}
        self._zsets: dict[str, PlainSortedSet[str]] = {}
        self._dies_ns: dict[str, int] = {}

    def apply(self, effect: Effect) -> None:
        """Do what an effect says."""
        match effect:
            case ("put", key, text, dies_ns):
                self._zsets.pop(key, None)
                self._texts[key] = text
                self._dies_ns.pop(key, None)
                if dies_ns is not None:
                    self._dies_ns[key] = dies_ns
            case ("drop", key):
                self._texts.pop(key, None)
                self._zsets.pop(key, None)
                self._dies_ns.pop(key, None)
            case ("score", key, member, score):
                members = self._zsets.setdefault(key, PlainSortedSet(PlainSkipList()))
                if score is None:
                    members.remove(member)
                else:
                    members.add(member, score)
                if not len(members):
                    self.apply(("drop", key))

    def effects(self) -> list[Effect]:
        """Everything that is here, as effects that would make it so: for a replica that begins."""
        found: list[Effect] = [("put", key, text, self._dies_ns.get(key)) for key, text in self._texts.items()]
        for key, members in self._zsets.items():
            found += [("score", key, member, score) for member, score in members.range(0, -1)]
        return found

    # --- what commands and scripts say -----------------------------------------------------------------------------
    def get(self, key: str) -> str | None:
        """As the port's."""
        if key in self._alive(key, self._zsets):
            raise ValueError(f"{key} holds a sorted set, not a text.")
        return self._texts.get(key)

    def set(self, key: str, value: str | float, *, ttl_s: float | None = None, absent: bool = False) -> bool:
        """As the port's."""
        if absent and self.exists(key):
            return False
        if ttl_s is not None and ttl_s <= 0:
            raise ValueError(f"A time to live of {ttl_s} s is none; give more than 0.")
        self._do(("put", key, text_of(value), None if ttl_s is None else self._now_ns() + round(ttl_s * 1e9)))
        return True

    def delete(self, *keys: str) -> int:
        """As the port's."""
        there = [key for key in dict.fromkeys(keys) if self.exists(key)]
        for key in there:
            self._do(("drop", key))
        return len(there)

    def exists(self, key: str) -> bool:
        """Whether there is anything under the key."""
        return key in self._alive(key, self._texts) or key in self._zsets

    def ttl_s(self, key: str) -> float | None:
        """As the port's."""
        return (self._dies_ns[key] - self._now_ns()) / 1e9 if self.exists(key) and key in self._dies_ns else None

    def compare_and_set(self, key: str, expected: str | None, value: str | None, *, ttl_s: float | None = None) -> bool:
        """As the port's."""
        if self.get(key) != expected:
            return False
        if value is None:
            self.delete(key)
        else:
            self.set(key, value, ttl_s=ttl_s)
        return True

    def increment(self, key: str, by: int = 1) -> int:
        """As the port's."""
        old = self.get(key) or "0"
        if not (old.removeprefix("-").isascii() and old.removeprefix("-").isdigit()):
            raise ValueError(f"{key} holds {old!r}, which is no whole number.")
        new = int(old) + by
        if not -(2**NUMBER_BITS) <= new < 2**NUMBER_BITS:
            raise ValueError(f"{key} would leave the 64 bits of a whole number.")
        self._do(("put", key, str(new), self._dies_ns.get(key)))
        return new

    def zset_add(self, key: str, member: str, score: float) -> bool:
        """As the port's."""
        new = self._zset(key).score(member) is None
        self._do(("score", key, member, float(score)))
        return new

    def zset_increment(self, key: str, member: str, by: float) -> float:
        """As the port's."""
        score = (self._zset(key).score(member) or 0.0) + by
        self._do(("score", key, member, score))
        return score

    def zset_remove(self, key: str, *members: str) -> int:
        """As the port's."""
        there = [member for member in dict.fromkeys(members) if self._zset(key).score(member) is not None]
        for member in there:
            self._do(("score", key, member, None))
        return len(there)

    def zset_score(self, key: str, member: str) -> float | None:
        """As the port's."""
        return self._zset(key).score(member)

    def zset_rank(self, key: str, member: str, *, reverse: bool = False) -> int | None:
        """As the port's."""
        return self._zset(key).rank(member, reverse=reverse)

    def zset_range(self, key: str, start: int, stop: int, *, reverse: bool = False) -> list[tuple[str, float]]:
        """As the port's."""
        return self._zset(key).range(start, stop, reverse=reverse)

    def zset_range_by_score(self, key: str, low: float, high: float) -> list[tuple[str, float]]:
        """As the port's."""
        return self._zset(key).range_by_score(low, high)

    def zset_size(self, key: str) -> int:
        """As the port's."""
        return len(self._zset(key))

    def _zset(self, key: str) -> PlainSortedSet[str]:
        if key in self._alive(key, self._texts):
            raise ValueError(f"{key} holds a text, not a sorted set.")
        return self._zsets.get(key) or PlainSortedSet(PlainSkipList())

    def _alive(self, key: str, among: dict[str, Any]) -> dict[str, Any]:
        """What holds the key, once it is gone if its time has come."""
        if key in self._dies_ns and self._dies_ns[key] <= self._now_ns():
            self._do(("drop", key))
        return among

    def _do(self, effect: Effect) -> None:
        self.apply(effect)
        self._tell(effect)


def text_of(value: str | float) -> str:
    """A value as the server keeps it. Raises ValueError for what has no text of its own."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"A cache keeps texts and numbers, not {value!r}; encode it first.")
    return value if isinstance(value, str) else repr(value)


def answer_of(value: Any) -> Any:
    """What a script returned, as it comes back from a server: Lua's true is 1, and false is nothing."""
    if value is None or value is False:
        return None
    if isinstance(value, bool | int | float):
        return int(value)
    if isinstance(value, list | tuple):
        return [answer_of(one) for one in value]
    return str(value)
