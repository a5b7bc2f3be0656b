"""What never may be otherwise in Raft (paper, figure 3), looked at after each step of each server.

Somebody who sees all servers at once runs this: a test, or the tunnel. No server could.
"""

from __future__ import annotations

from windtunnel.blocks.consensus.raft import Raft
from windtunnel.blocks.consensus.raft_log import LogEntry
from windtunnel.blocks.consensus.raft_messages import Member, Ready


class Invariants:
    """Election safety, log matching, leader completeness and state machine safety of one set of servers.

    Not to be shared among threads: whoever steps a server shows it to this, in the same thread.

    Attributes:
        broken: a sentence for each time that one of them did not hold; it stays empty.
        looks: how often somebody looked.
        leaders: who led in each term.
        committed: the entries that are committed, each with the term in which that became so.
    """

    def __init__(self) -> None:
        self.broken: list[str] = []
        self.looks = 0
        self.leaders: dict[int, Member] = {}
        self.committed: list[tuple[LogEntry, int]] = []
        self._after: dict[tuple[int, int], tuple[int, str]] = {}
        """The entry of this number and term: the term of the one before it, and its command."""

    def look(self, raft: Raft, work: Ready) -> None:
        """After a step of this server, with what it wants done."""
        self.looks += 1
        for number, entry in enumerate(work.entries, work.first):
            is_so = raft.log.term(number - 1), repr(entry.command)
            if self._after.setdefault((number, entry.term), is_so) != is_so:
                self.broken.append(f"Log matching: entry {number} of term {entry.term} is two entries.")
        for number, entry in work.committed:
            if number > len(self.committed):
                self.committed.append((entry, raft.term))
            elif self.committed[number - 1][0] != entry:
                self.broken.append(f"State machine safety: {raft.me!r} applies another entry {number}.")
        if raft.role == "leader" and raft.term not in self.leaders:
            self.leaders[raft.term] = raft.me
            self._complete(raft)
        elif raft.role == "leader" and self.leaders[raft.term] != raft.me:
            self.broken.append(f"Election safety: {raft.me!r} and {self.leaders[raft.term]!r} lead in {raft.term}.")

    def _complete(self, raft: Raft) -> None:
        """A new leader has all that was committed in earlier terms."""
        for number, (entry, term) in enumerate(self.committed, 1):
            if term < raft.term and (number > raft.log.last or raft.log[number] != entry):
                self.broken.append(f"Leader completeness: {raft.me!r} leads in {raft.term} without entry {number}.")
                return
