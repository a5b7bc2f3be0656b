"""What servers of Raft tell each other, and what one of them asks of whoever runs it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

from windtunnel.blocks.consensus.raft_log import LogEntry

Member = Hashable
"""The name of a server: text or a number, the same for all."""


@dataclass(frozen=True, slots=True)
class RequestVote:
    """A candidate asks for a vote; `pre` asks only whether it would get one (dissertation, section 9.6)."""

    term: int
    sender: Member
    last: int
    last_term: int
    pre: bool = False


@dataclass(frozen=True, slots=True)
class Vote:
    """The answer. Of a granted `pre` the term is the one that was asked for."""

    term: int
    sender: Member
    granted: bool
    pre: bool = False


@dataclass(frozen=True, slots=True)
class AppendEntries:
    """The leader's entries after number `before`, maybe none; and how far the log is committed."""

    term: int
    sender: Member
    before: int
    before_term: int
    entries: tuple[LogEntry, ...]
    commit: int


@dataclass(frozen=True, slots=True)
class Appended:
    """The answer: the log is the leader's up to `match`, or the leader has to begin earlier, at `match` + 1."""

    term: int
    sender: Member
    ok: bool
    match: int


RaftMessage = RequestVote | Vote | AppendEntries | Appended


class Kept(NamedTuple):
    """What a server has to find again after a crash: its term, for whom it voted in it, and its log."""

    term: int = 0
    vote: Member | None = None
    entries: tuple[LogEntry, ...] = ()


class Ready(NamedTuple):
    """What is to be done, in this order: keep, then send, then apply.

    Attributes:
        hard: the term and the vote, where they have changed.
        first: the number of the first of `entries`.
        entries: what to write to the log from there on; what stood there and after it is gone.
        cut: whether the log was changed at all, so that `entries` may be none and still mean something.
        messages: to whom, and what.
        committed: the number and the entry of each that is newly committed, in their order.
    """

    hard: tuple[int, Member | None] | None
    first: int
    entries: tuple[LogEntry, ...]
    cut: bool
    messages: tuple[tuple[Member, RaftMessage], ...]
    committed: tuple[tuple[int, LogEntry], ...]

    @property
    def keeps(self) -> bool:
        """Whether something must be on the disk before anything is sent."""
        return self.hard is not None or self.cut
