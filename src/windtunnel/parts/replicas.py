"""A primary and its followers, and what the first few of several peers answer: what replication is made of.

Commands have one order, that of the primary's journal. What is on its disk goes to the followers, each of which keeps
and applies it in the same order, so that a follower is never ahead and never different, only behind. How far behind an
acknowledged command may be is the question: `acks` is how many followers have it on their disks when it is answered.
Whoever reads asks the primary or a follower, and gets what that one has. Who leads does not change here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from windtunnel.parts.peers import CALL_S, Journal, Peer, Place
from windtunnel.sim import Signal

Apply = Callable[[dict[str, Any], Any], Any]
"""Does a command (what JSON can say) to a state, and returns the answer. The same every time: it is done again."""


class Follower(Peer):
    """Applies the primary's commands in their order. Reads of it may be old."""

    def __init__(self, stage: Place, name: str, apply: Apply) -> None:
        super().__init__(stage, name)
        self.apply = apply

    def boot(self) -> None:
        self.journal = Journal(self.host)
        self.state: dict[str, Any] = {}
        self.log: list[Any] = self.journal.records()
        self.applied = 0
        """Commands that the state shows: those on the disk."""
        self.answers: list[Any] = []
        self.show(len(self.log))

    def show(self, end: int) -> None:
        """Apply what comes before number `end`."""
        for command in self.log[self.applied : end]:
            self.answers.append(self.apply(self.state, command))
        self.applied = max(self.applied, end)

    def read(self, key: str) -> Any:
        """What the state has, or None."""
        return self.state.get(key)

    async def follow(self, start: int, commands: list[Any]) -> int:
        """Keep the commands from number `start` on; answered with how many this one has on its disk."""
        if start <= len(self.log):
            for command in commands[len(self.log) - start :]:
                self.log.append(command)
                self.journal.append(command)
        return await self.settle()

    async def settle(self) -> int:
        """Wait for the disk, then show what it has; how many that are."""
        end = len(self.log)
        await self.journal.sync()
        self.show(end)
        return end


class Primary(Follower):
    """Gives commands their order and sends them to the followers. A command that is sent twice is done twice."""

    def __init__(self, stage: Place, name: str, apply: Apply, followers: Sequence[Follower], acks: int = 0) -> None:
        if not 0 <= acks <= len(followers):
            raise ValueError(f"{len(followers)} followers cannot give {acks} acknowledgements.")
        super().__init__(stage, name, apply)
        self.followers = followers
        self.acks = acks

    def boot(self) -> None:
        super().boot()
        self.have = dict.fromkeys(self.followers, 0)
        """How many commands each follower is known to have on its disk."""
        self.news: Signal[None] = self.sim.signal("news of the log")
        for follower in self.followers:
            self.host.spawn(self._send(follower), daemon=True)

    async def command(self, command: Any) -> Any:
        """Do it, and answer when it is on this disk and on those of `acks` followers."""
        self.log.append(command)
        self.journal.append(command)
        number = len(self.log)
        await self.settle()
        self._tell()
        while sum(have >= number for have in self.have.values()) < self.acks:
            await self.news
        return self.answers[number - 1]

    def behind(self) -> int:
        """How many commands the last of the followers is not known to have."""
        return len(self.log) - min(self.have.values(), default=len(self.log))

    def _tell(self) -> None:
        told, self.news = self.news, self.sim.signal("news of the log")
        told.set()

    async def _send(self, follower: Follower) -> None:
        while True:
            start = self.have[follower]
            if start < self.applied:
                self.have[follower] = await self.insist(follower, "follow", start, self.log[start : self.applied])
                self._tell()
            else:
                await self.news


async def first_answers(
    me: Peer, peers: Sequence[Peer], enough: int, name: str, *args: Any, within_s: float = CALL_S
) -> list[Any]:
    """Call all, and take what the first `enough` of them answer: a quorum. The others may still carry it out.

    Raises:
        TimeoutError: fewer answered in time.
    """
    heard = me.sim.signal("enough answers")
    found: list[Any] = []

    def note(answer: Signal[Any]) -> None:
        found.append(answer.result())
        if len(found) == enough:
            heard.set()

    for peer in peers:
        me.ask(peer, name, *args).add_done_callback(note)
    if not await heard.within(within_s):
        raise TimeoutError(f"{len(found)} of {len(peers)} answered {name} within {within_s:g} s; {enough} are needed.")
    return found[:enough]
