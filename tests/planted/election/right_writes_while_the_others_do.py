"""A leader sends entries to the others while its own disk writes them, and counts itself when that is done."""

from __future__ import annotations

from windtunnel.blocks.consensus import AppendEntries, Raft
from windtunnel.catalogue.scale.election.designs import Careful, Server

challenge = "election"


class _Late(Raft):
    written = 0
    """So many of its entries are on its disk."""

    def _advance(self) -> None:
        have = sorted((*self._match.values(), self.written), reverse=True)[self.majority - 1]
        if have > self.commit and self.log.term(have) == self.term:
            self.commit = have

    def wrote(self) -> None:
        self.written = self.log.last
        if self.role == "leader":
            self._advance()


class _Mine(Server):
    async def settle(self) -> None:
        raft = self.raft
        assert isinstance(raft, _Late)
        if self.leads:
            self.on_lead()
        raft.written = min(raft.written, raft.log.last)
        for _ in range(2):
            work = raft.take()
            if self.watch is not None:
                self.watch.look(raft, work)
            at_once = [one for one in work.messages if work.hard is None and isinstance(one[1], AppendEntries)]
            self._send(work._replace(messages=tuple(at_once)))
            await self.keep(work)
            self._send(work._replace(messages=tuple(one for one in work.messages if one not in at_once)))
            for number, entry in work.committed:
                self._show(number, entry)
            raft.wrote()


class Yours(Careful):
    kind = _Late
    server = _Mine
