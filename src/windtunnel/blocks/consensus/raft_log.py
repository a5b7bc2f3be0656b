"""The log of one server: entries numbered from 1, each with the term in which a leader took it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from windtunnel.blocks.ground.block import Block


class LogEntry(NamedTuple):
    """A command, and the term of the leader that put it into the log. None is no command: a leader's first entry."""

    term: int
    command: Any


class RaftLog(Block):
    """Entries by their number, the first of which is 1. Before the first stands an entry of term 0, as in the paper."""

    def __init__(self, entries: Iterable[LogEntry] = ()) -> None:
        self._entries = [LogEntry(*entry) for entry in entries]

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, number: int) -> LogEntry:
        """The entry of this number. Raises IndexError."""
        if not 1 <= number <= len(self._entries):
            raise IndexError(f"The log has entries 1 to {len(self._entries)}, and none of number {number}.")
        return self._entries[number - 1]

    @property
    def last(self) -> int:
        """The number of the last entry; 0 where there is none."""
        return len(self._entries)

    @property
    def last_term(self) -> int:
        """The term of the last entry; 0 where there is none."""
        return self._entries[-1].term if self._entries else 0

    def term(self, number: int) -> int:
        """The term of an entry; 0 for number 0, and -1 where the log has no such entry."""
        if 1 <= number <= len(self._entries):
            return self._entries[number - 1].term
        return -1 if number else 0

    def since(self, number: int, most: int | None = None) -> tuple[LogEntry, ...]:
        """The entries from this number on, at most so many."""
        return tuple(self._entries[number - 1 : None if most is None else number - 1 + most])

    def append(self, entry: LogEntry) -> int:
        """Put an entry at the end; its number."""
        self._entries.append(entry)
        return len(self._entries)

    def put(self, first: int, entries: Sequence[LogEntry]) -> None:
        """Let these stand from number `first` on, and nothing after them."""
        if not 1 <= first <= len(self._entries) + 1:
            raise ValueError(f"Entries from {first} on leave a hole after {len(self._entries)}.")
        self._entries[first - 1 :] = entries

    def begins(self, number: int) -> int:
        """The number of the first of the entries in a row before and with this one that have its term."""
        term = self.term(number)
        while number > 1 and self.term(number - 1) == term:
            number -= 1
        return number

    def is_behind(self, last: int, last_term: int) -> bool:
        """Whether a log that ends so is at least as up to date as this one (paper, section 5.4.1)."""
        return (last_term, last) >= (self.last_term, self.last)

    def _told(self) -> dict[str, object]:
        return {"entries": len(self._entries), "last_term": self.last_term}
