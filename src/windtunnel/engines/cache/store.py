"""What a modelled cache holds: texts and sorted sets with a time to live, and what scripts may call.

Every change goes through `Store.apply`, as an effect that can be sent to a replica: what a script did is copied, not
the script (as Redis does since version 7).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from windtunnel.blocks.ordered import PlainSkipList, PlainSortedSet

Effect = tuple[Any, ...]
"""("put", key, text, dies_ns or None), ("drop", key), ("score", key, member, score or None)."""
NUMBER_BITS = 63
LONGEST_S = 1e12
"""That something can live: thirty thousand years. What servers do with more differs."""
PART = 10
"""Characters of a text that count as one entry, where it is asked how much was looked at."""
WHOLE = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
"""How a whole number is written: neither signs nor zeros that it does not need."""


class _ZSet(PlainSortedSet[str]):
    """A sorted set that tells what it is ordered by: a skip list counts the entries that it looks at."""

    def __init__(self) -> None:
        self.links = PlainSkipList[str]()
        super().__init__(self.links)


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
        self._zsets: dict[str, _ZSet] = {}
        self._parts = 0
        """Parts of texts that were read."""
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
                members = self._zsets.get(key)
                if members is None:
                    members = self._zsets[key] = _ZSet()
                if score is None:
                    members.remove(member)
                else:
                    members.add(member, score)
                if not len(members):
                    self.apply(("drop", key))

    def looked(self) -> int:
        """As the port's; a set that is gone is no longer counted."""
        return self._parts + sum(members.links.steps for members in self._zsets.values())

    def effects(self) -> list[Effect]:
        """Everything that is here, as effects that would make it so: for a replica that begins."""
        found: list[Effect] = [("put", key, text, self._dies_ns.get(key)) for key, text in self._texts.items()]
        for key, members in self._zsets.items():
            found += [("score", key, member, score) for member, score in members.range(0, -1)]
        return found

    # --- what commands and scripts say -----------------------------------------------------------------------------
    def time_s(self) -> float:
        """Seconds since 1970 of the server's clock, as TIME has them: to the microsecond."""
        return self._now_ns() // 1000 / 1e6

    def get(self, key: str) -> str | None:
        """As the port's."""
        if key in self._alive(key, self._zsets):
            raise ValueError(f"{key} holds a sorted set, not a text.")
        found = self._texts.get(key)
        self._parts += 0 if found is None else 1 + len(found) // PART
        return found

    def set(self, key: str, value: str | float, *, ttl_s: float | None = None, absent: bool = False) -> bool:
        """As the port's."""
        lives_ns = None if ttl_s is None else milliseconds(ttl_s) * 1_000_000
        if absent and self.exists(key):
            return False
        self._do(("put", key, text_of(value), None if lives_ns is None else self._now_ns() + lives_ns))
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
        if ttl_s is not None:
            milliseconds(ttl_s)  # also where it is not needed
        if self.get(key) != expected:
            return False
        if value is None:
            self.delete(key)
        else:
            self.set(key, value, ttl_s=ttl_s)
        return True

    def increment(self, key: str, by: int = 1) -> int:
        """As the port's."""
        held = self.get(key)
        old = "0" if held is None else held
        if not (WHOLE.fullmatch(old) and _fits(int(old))):
            raise ValueError(f"{key} holds {old!r}, which is no whole number of 64 bits.")
        if type(by) is not int or not _fits(by):
            raise ValueError(f"{key} cannot grow by {by!r}; give a whole number of 64 bits.")
        new = int(old) + by
        if not _fits(new):
            raise ValueError(f"{key} would leave the 64 bits of a whole number.")
        self._do(("put", key, str(new), self._dies_ns.get(key)))
        return new

    def zset_add(self, key: str, member: str, score: float) -> bool:
        """As the port's."""
        if math.isnan(score):
            raise ValueError(f"A score of {score} is no number; members are ordered by them.")
        new = self._zset(key).score(member) is None
        self._do(("score", key, member, float(score)))
        return new

    def zset_increment(self, key: str, member: str, by: float) -> float:
        """As the port's."""
        score = (self._zset(key).score(member) or 0.0) + by
        if math.isnan(score):
            raise ValueError(f"The score of {member} in {key} would be no number.")
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
        if math.isnan(low) or math.isnan(high):
            raise ValueError(f"Scores from {low} to {high} are no range.")
        return self._zset(key).range_by_score(low, high)

    def zset_count(self, key: str, low: float, high: float) -> int:
        """As the port's."""
        if math.isnan(low) or math.isnan(high):
            raise ValueError(f"Scores from {low} to {high} are no range.")
        return self._zset(key).count(low, high)

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


def _fits(number: int) -> bool:
    return number.bit_length() <= NUMBER_BITS or number == -(1 << NUMBER_BITS)


def milliseconds(ttl_s: float) -> int:
    """A time to live as servers take it. Raises ValueError for what is none."""
    if not 0 < ttl_s <= LONGEST_S:
        raise ValueError(f"A time to live of {ttl_s} s is none; give more than 0, and {LONGEST_S:,.0f} at most.")
    return max(1, round(ttl_s * 1000))


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
