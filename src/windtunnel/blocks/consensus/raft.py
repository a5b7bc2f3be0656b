"""Raft: one leader a term, and one log (Ongaro and Ousterhout 2014; Ongaro's dissertation, 2014).

A state machine without a clock, a disk or a network of its own. Whoever runs it gives it messages (`step`) and the time
(`tick`), and takes what is to be done (`take`): what must be on the disk before any of the messages is sent, and what
is committed. Section numbers without a name are those of the paper's extended version.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from random import Random
from typing import Any, Literal

from windtunnel.blocks.consensus.raft_log import LogEntry, RaftLog
from windtunnel.blocks.consensus.raft_messages import (
    Appended,
    AppendEntries,
    Kept,
    Member,
    RaftMessage,
    Ready,
    RequestVote,
    Vote,
)
from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.errors import Refused

Role = Literal["follower", "pre-candidate", "candidate", "leader"]
MOST = 256
"""A message carries at most so many entries."""


class NotLeader(Refused):
    """This server does not lead, so nothing was put into the log. `leader` is who does, as far as it knows."""

    def __init__(self, leader: Member | None) -> None:
        super().__init__("This server does not lead; " + (f"{leader!r} may." if leader is not None else "who does?"))
        self.leader = leader


class Raft(Block):
    """One server of a fixed set.

    Args:
        me: its name, one of `members`.
        members: all of them.
        luck: draws election timeouts. Different servers need different luck.
        election_s: least and greatest election timeout; equal ones are no randomness at all.
        heartbeat_s: between two heartbeats of a leader, less than the least election timeout; half of it where it is
            not said.
        pre_vote: ask whether one would be elected before the term is raised (dissertation, 9.6).
        check_quorum: a leader that has not heard a majority for an election timeout steps down, and who has heard a
            leader for less than that gives no vote (dissertation, 6.2 and 4.2.3).
        kept: what it had kept before it crashed. A server whose disk is lost is another one, and needs another name:
            what was committed may be gone where it votes again.
        now_s: the time; it only has to go forward, and need not be the same elsewhere.

    Raises:
        ValueError: `me` is no member, members are not different, a time is not above 0, or heartbeats are too far
            apart.
    """

    def __init__(
        self,
        me: Member,
        members: Sequence[Member],
        luck: Random,
        *,
        election_s: tuple[float, float] = (0.15, 0.3),
        heartbeat_s: float | None = None,
        pre_vote: bool = False,
        check_quorum: bool = False,
        kept: Kept | None = None,
        now_s: float = 0.0,
    ) -> None:
        if me not in members or len(set(members)) != len(members):
            raise ValueError(f"{me!r} has to be one of the members, each of which stands there once.")
        low, high = election_s
        if not 0 < low <= high:
            raise ValueError(f"Election timeouts from {low:g} to {high:g} s are none; give 0 < least <= greatest.")
        self.me = me
        self.others = tuple(member for member in members if member != me)
        self.majority = len(members) // 2 + 1
        self.election_s = election_s
        self.heartbeat_s = low / 2 if heartbeat_s is None else heartbeat_s
        if not 0 < self.heartbeat_s < low:
            raise ValueError(f"Heartbeats every {self.heartbeat_s:g} s are none; give more than 0, less than {low:g}.")
        self.pre_vote = pre_vote
        self.check_quorum = check_quorum
        self.term, self.vote, entries = kept if kept is not None else Kept()
        self.log = RaftLog(entries)
        self.commit = 0
        self.role: Role = "follower"
        self.leader: Member | None = None
        self._luck = luck
        self._heard_s = -inf
        """When a leader of this term was heard."""
        self._votes: set[Member] = set()
        self._next: dict[Member, int] = {}
        self._match: dict[Member, int] = {}
        self._answered: dict[Member, float] = {}
        self._denied: dict[Member, int] = {}
        """With what each said no last, since the last heartbeat and the last yes."""
        self._hard_changed = False
        self._changed_from: int | None = None
        self._told_commit = 0
        self._out: list[tuple[Member, RaftMessage]] = []
        self.due_s = 0.0
        """When `tick` is due next."""
        self._wait(now_s)

    # --- what whoever runs it calls ------------------------------------------------------------------------------
    def tick(self, now_s: float) -> None:
        """The time; nothing happens before `due_s`."""
        if now_s < self.due_s:
            return
        if self.role != "leader":
            self._campaign(now_s)
        elif self.check_quorum and not self._hears_majority(now_s):
            self._follow(self.term, None, now_s)
        else:
            self.beat(now_s)

    def beat(self, now_s: float) -> None:
        """Tell all others now that one leads; without effect where one does not."""
        if self.role == "leader":
            self.due_s = now_s + self.heartbeat_s
            self._denied = {}
            for other in self.others:
                self._append_to(other)

    def propose(self, *commands: Any) -> int:
        """Put commands into the log; the number of the last one. Raises NotLeader: nothing was put there.

        They are committed when `take` says so, or never, where another leader puts something else there.
        """
        if self.role != "leader":
            raise NotLeader(self.leader)
        for command in commands:
            self._note(self.log.append(LogEntry(self.term, command)))
        for other in self.others:
            self._append_to(other)
        self._advance()
        return self.log.last

    def step(self, message: RaftMessage, now_s: float) -> None:
        """Take a message of another member. Lost, repeated, late and reordered ones do no harm."""
        if message.sender not in self.others:
            return
        if isinstance(message, RequestVote):
            self._asked(message, now_s)
            return
        if message.term > self.term and not (isinstance(message, Vote) and message.pre and message.granted):
            self._follow(message.term, None, now_s)
        if isinstance(message, AppendEntries):
            self._told_entries(message, now_s)
        elif isinstance(message, Appended):
            self._answer(message, now_s)
        else:
            self._voted(message, now_s)

    def take(self) -> Ready:
        """What is to be done, once: keep it, then send, then apply."""
        first = self._changed_from
        cut = first is not None
        work = Ready(
            (self.term, self.vote) if self._hard_changed else None,
            first if first is not None else self.log.last + 1,
            self.log.since(first) if first is not None else (),
            cut,
            tuple(self._out),
            tuple((number, self.log[number]) for number in range(self._told_commit + 1, self.commit + 1)),
        )
        self._hard_changed, self._changed_from, self._out, self._told_commit = False, None, [], self.commit
        return work

    # --- elections (5.2, 5.4.1) ----------------------------------------------------------------------------------
    def _wait(self, now_s: float) -> None:
        """Begin an election timeout."""
        self.due_s = now_s + self._luck.uniform(*self.election_s)

    def _follow(self, term: int, leader: Member | None, now_s: float) -> None:
        if term > self.term:
            self.term, self.vote, self._hard_changed = term, None, True
        if self.role != "follower":
            self.role = "follower"
            self._wait(now_s)
        self.leader = leader

    def _campaign(self, now_s: float) -> None:
        """The timeout has run out: ask for votes, or whether there would be any."""
        self.leader = None
        self._votes = {self.me}
        self._wait(now_s)
        if self.pre_vote and self.others:
            self.role = "pre-candidate"
            self._ask_all(RequestVote(self.term + 1, self.me, self.log.last, self.log.last_term, pre=True))
        else:
            self._stand(now_s)

    def _stand(self, now_s: float) -> None:
        """Raise the term, and ask for votes in it."""
        self.role, self.leader = "candidate", None
        self.term, self.vote, self._hard_changed = self.term + 1, self.me, True
        self._votes = {self.me}
        self._ask_all(RequestVote(self.term, self.me, self.log.last, self.log.last_term))
        self._count(now_s)

    def _ask_all(self, request: RequestVote) -> None:
        self._out += [(other, request) for other in self.others]

    def _asked(self, request: RequestVote, now_s: float) -> None:
        hears = self.role == "leader" or now_s - self._heard_s < self.election_s[0]
        if hears and request.term > self.term and (request.pre or self.check_quorum):
            if request.pre:
                self._out.append((request.sender, Vote(self.term, self.me, False, pre=True)))
            return
        up_to_date = self.log.is_behind(request.last, request.last_term)
        if request.pre:
            granted = request.term > self.term and up_to_date
            term = request.term if granted else self.term
            self._out.append((request.sender, Vote(term, self.me, granted, pre=True)))
            return
        if request.term > self.term:
            self._follow(request.term, None, now_s)
        granted = request.term == self.term and up_to_date and self.vote in (None, request.sender)
        if granted:
            if self.vote is None:
                self.vote, self._hard_changed = request.sender, True
            self.role = "follower"
            self._wait(now_s)
        self._out.append((request.sender, Vote(self.term, self.me, granted)))

    def _voted(self, vote: Vote, now_s: float) -> None:
        wanted = self.term + 1 if vote.pre else self.term
        asking = self.role == ("pre-candidate" if vote.pre else "candidate")
        if vote.granted and asking and vote.term == wanted:
            self._votes.add(vote.sender)
            if not vote.pre:
                self._count(now_s)
            elif len(self._votes) >= self.majority:
                self._wait(now_s)
                self._stand(now_s)

    def _count(self, now_s: float) -> None:
        if len(self._votes) < self.majority:
            return
        self.role, self.leader = "leader", self.me
        self._next = dict.fromkeys(self.others, self.log.last + 1)
        self._match = dict.fromkeys(self.others, 0)
        self._answered = dict.fromkeys(self.others, now_s)
        # Older entries are committed only along with one of the own term (5.4.2), so there is one at once (8).
        self._note(self.log.append(LogEntry(self.term, None)))
        self.beat(now_s)
        self._advance()

    # --- the log (5.3, 5.4.2) ------------------------------------------------------------------------------------
    def _note(self, number: int) -> None:
        """The log is another one from this number on."""
        self._changed_from = number if self._changed_from is None else min(self._changed_from, number)

    def _append_to(self, other: Member) -> None:
        """Send what it is not known to have. What was sent is taken for had until it says no."""
        before = self._next[other] - 1
        entries = self.log.since(before + 1, MOST)
        self._next[other] += len(entries)
        message = AppendEntries(self.term, self.me, before, self.log.term(before), entries, self.commit)
        self._out.append((other, message))

    def _told_entries(self, message: AppendEntries, now_s: float) -> None:
        if message.term < self.term:
            self._out.append((message.sender, Appended(self.term, self.me, False, 0)))
            return
        self._follow(self.term, message.sender, now_s)
        self._heard_s = now_s
        self._wait(now_s)
        before = message.before
        if self.log.term(before) != message.before_term:
            begin = self.log.last if before > self.log.last else self.log.begins(before) - 1
            self._out.append((message.sender, Appended(self.term, self.me, False, begin)))
            return
        for number, entry in enumerate(message.entries, before + 1):
            if self.log.term(number) != entry.term:
                self.log.put(number, message.entries[number - before - 1 :])
                self._note(number)
                break
        match = before + len(message.entries)
        self.commit = max(self.commit, min(message.commit, match))
        self._out.append((message.sender, Appended(self.term, self.me, True, match)))

    def _answer(self, answer: Appended, now_s: float) -> None:
        if self.role != "leader" or answer.term != self.term:
            return
        other = answer.sender
        self._answered[other] = now_s
        if answer.ok:
            self._match[other] = max(self._match[other], answer.match)
            self._next[other] = max(self._next[other], answer.match + 1)
            self._denied.pop(other, None)
            self._advance()
            if self._next[other] <= self.log.last:
                self._append_to(other)
        elif answer.match < min(self._next[other] - 1, self._denied.get(other, self.log.last)):
            # All that was sent behind the first one is denied too: it is sent again once, and not as often as that.
            self._denied[other] = answer.match
            self._next[other] = max(self._match[other], answer.match) + 1
            self._append_to(other)

    def _advance(self) -> None:
        """What a majority has of this term is committed, and all before it."""
        have = sorted((*self._match.values(), self.log.last), reverse=True)[self.majority - 1]
        if have > self.commit and self.log.term(have) == self.term:
            self.commit = have

    def _hears_majority(self, now_s: float) -> bool:
        heard = sum(now_s - at_s < self.election_s[0] for at_s in self._answered.values())
        return heard + 1 >= self.majority

    def _told(self) -> dict[str, object]:
        return {"me": self.me, "role": self.role, "term": self.term, "entries": len(self.log), "commit": self.commit}
