"""A group of consumers: who is a member, in which generation, and with which share of the partitions.

Members join; when all have (or the rebalance timeout is over) a new generation begins, one of them divides the
partitions, and each is told its share. A member that is not heard of for its session is out, and the others divide
anew: what it says later is of a generation that is over, and is refused. That fences a consumer that stood still and
goes on. The rules are those of Kafka's classic protocol: Kafka protocol guide, *Group Membership API*; KIP-62
(heartbeats beside the work), KIP-134 (the delay of a first rebalance).

Nothing here waits: an answer that has to wait is a function that is called later, and `tick` is told the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from windtunnel.blocks.ground.block import Live

NONE, ILLEGAL_GENERATION, INCONSISTENT_PROTOCOL, UNKNOWN_MEMBER, REBALANCING = 0, 22, 23, 25, 27
"""Kafka's error codes."""
State = Literal["empty", "joining", "syncing", "stable"]


class Joined(NamedTuple):
    """What a member is told that has joined. `members` is for the one that divides: names and what each said."""

    error: int
    generation: int = -1
    protocol: str = ""
    leader: str = ""
    member: str = ""
    members: Sequence[tuple[str, bytes]] = ()


class Synced(NamedTuple):
    """Its share."""

    error: int
    assignment: bytes = b""


@dataclass
class Member:
    """What is known of one."""

    name: str
    session_ms: float
    rebalance_ms: float
    protocols: Sequence[tuple[str, bytes]]
    expires_ms: float = 0.0
    assignment: bytes = b""
    joining: Callable[[Joined], None] | None = None
    syncing: Callable[[Synced], None] | None = None

    def said(self, protocol: str) -> bytes:
        """Its metadata under this protocol."""
        return dict(self.protocols).get(protocol, b"")

    @property
    def waits(self) -> bool:
        """It hears from us next, not we from it."""
        return self.joining is not None or self.syncing is not None


@dataclass
class Generation:
    """Who owned what, for who judges it."""

    number: int
    assignments: dict[str, bytes] = field(default_factory=dict)


class ConsumerGroup(Live):
    """One group. One thread or task at a time; tied to who waits for its answers.

    Args:
        name: of the group.
        generation: the last that there was, known from what was stored: numbers are never used again.
        first_delay_ms: for so long the first rebalance of an empty group waits for others.
        begins: called with each new generation's number, before anybody hears of it.
    """

    _tie = "those who wait for its answers"

    def __init__(
        self,
        name: str,
        *,
        generation: int = 0,
        first_delay_ms: float = 0.0,
        begins: Callable[[int], None] = lambda number: None,
    ) -> None:
        self.name, self.generation = name, generation
        self.state: State = "empty"
        self.first_delay_ms, self._begins = first_delay_ms, begins
        self.members: dict[str, Member] = {}
        self.protocol = ""
        self.leader = ""
        self._until_ms = 0.0
        """When a rebalance ends without those who have not joined."""
        self._not_before_ms = 0.0
        self._named = 0
        self.past: list[Generation] = []
        """All that have been divided here, oldest first."""

    def _told(self) -> dict[str, object]:
        return {"name": self.name, "state": self.state, "generation": self.generation, "members": len(self.members)}

    # What members ask.

    def join(
        self,
        member: str,
        client: str,
        session_ms: float,
        rebalance_ms: float,
        protocols: Sequence[tuple[str, bytes]],
        now_ms: float,
        answer: Callable[[Joined], None],
    ) -> None:
        """Be a member of the next generation. `member` is empty the first time; then a name is made from `client`."""
        if member and member not in self.members:
            answer(Joined(UNKNOWN_MEMBER, member=member))
            return
        if not self._have_one_in_common(member, protocols):
            answer(Joined(INCONSISTENT_PROTOCOL, member=member))
            return
        one = self.members.get(member)
        if one is None:
            self._named += 1
            name = f"{client}-{self.generation}-{self._named}"
            one = self.members[name] = Member(name, session_ms, rebalance_ms, protocols)
        elif self.state == "syncing" and list(one.protocols) == list(protocols):
            answer(self._joined(one))  # it has not heard our answer
            return
        elif self.state == "stable" and list(one.protocols) == list(protocols) and one.name != self.leader:
            answer(self._joined(one))
            return
        one.session_ms, one.rebalance_ms, one.protocols, one.joining = session_ms, rebalance_ms, protocols, answer
        self._hear(one, now_ms)
        self._rebalance(now_ms)
        self._begin_if_all(now_ms)

    def sync(
        self,
        member: str,
        generation: int,
        assignments: Mapping[str, bytes],
        now_ms: float,
        answer: Callable[[Synced], None],
    ) -> None:
        """Ask for a share; the one that divides brings all of them."""
        error = self._wrong(member, generation)
        if not error and self.state == "joining":
            error = REBALANCING
        if error:
            answer(Synced(error))
            return
        one = self.members[member]
        self._hear(one, now_ms)
        if self.state == "stable":
            answer(Synced(NONE, one.assignment))
            return
        one.syncing = answer
        if member == self.leader:
            self.state = "stable"
            self.past.append(Generation(self.generation, {}))
            for name, other in self.members.items():
                other.assignment = self.past[-1].assignments[name] = assignments.get(name, b"")
                if other.syncing is not None:
                    waits, other.syncing = other.syncing, None
                    self._hear(other, now_ms)
                    waits(Synced(NONE, other.assignment))

    def heartbeat(self, member: str, generation: int, now_ms: float) -> int:
        """It lives. An error tells it to join again."""
        error = self._wrong(member, generation)
        if error:
            return error
        self._hear(self.members[member], now_ms)
        return REBALANCING if self.state == "joining" else NONE

    def leave(self, member: str, now_ms: float) -> int:
        """It goes; the others divide anew."""
        if member not in self.members:
            return UNKNOWN_MEMBER
        self._out(member, now_ms)
        return NONE

    def may_commit(self, member: str, generation: int, now_ms: float) -> int:
        """Whether offsets that this member commits count: an error where it is of a generation that is over.

        Who is in no group (generation below 0) may while the group is empty.
        """
        if generation < 0 and self.state == "empty":
            return NONE
        error = self._wrong(member, generation)
        if error:
            return error
        self._hear(self.members[member], now_ms)
        return REBALANCING if self.state == "syncing" else NONE

    # Time.

    @property
    def next_ms(self) -> float:
        """When `tick` has something to do; infinity where never."""
        times = [one.expires_ms for one in self.members.values() if not one.waits]
        if self.state == "joining":
            waits = any(one.joining is None for one in self.members.values())
            times.append(self._until_ms if waits else self._not_before_ms)
        return min(times, default=float("inf"))

    def tick(self, now_ms: float) -> None:
        """It is so late: members whose session is over are out, and a rebalance that has waited enough ends."""
        for name in [one.name for one in self.members.values() if not one.waits and one.expires_ms <= now_ms]:
            self._out(name, now_ms)
        if self.state == "joining":
            if now_ms >= self._until_ms:
                for name in [one.name for one in self.members.values() if one.joining is None]:
                    del self.members[name]
            self._begin_if_all(now_ms)

    # The rest.

    def _wrong(self, member: str, generation: int) -> int:
        if member not in self.members:
            return UNKNOWN_MEMBER
        return ILLEGAL_GENERATION if generation != self.generation else NONE

    def _have_one_in_common(self, member: str, protocols: Sequence[tuple[str, bytes]]) -> bool:
        mine = {name for name, _ in protocols}
        return bool(mine) and bool(self._common(mine, member))

    def _common(self, names: set[str], but: str = "") -> set[str]:
        for one in self.members.values():
            if one.name != but:
                names = names & {name for name, _ in one.protocols}
        return names

    def _hear(self, one: Member, now_ms: float) -> None:
        one.expires_ms = now_ms + one.session_ms

    def _rebalance(self, now_ms: float) -> None:
        if self.state == "joining":
            return
        first = self.state == "empty"
        self.state = "joining"
        for one in self.members.values():
            if one.syncing is not None:
                waits, one.syncing = one.syncing, None
                self._hear(one, now_ms)
                waits(Synced(REBALANCING))
        self._not_before_ms = now_ms + self.first_delay_ms if first else 0.0
        self._until_ms = now_ms + max((one.rebalance_ms for one in self.members.values()), default=0.0)

    def _begin_if_all(self, now_ms: float) -> None:
        """A new generation, once all have joined: never sooner, or two would own a partition in one generation."""
        if self.state != "joining" or any(one.joining is None for one in self.members.values()):
            return
        if now_ms < self._not_before_ms:
            return
        self.generation += 1
        self._begins(self.generation)
        if not self.members:
            self.state, self.leader = "empty", ""
            return
        self.state = "syncing"
        if self.leader not in self.members:
            self.leader = next(iter(self.members))
        names = self._common({name for name, _ in self.members[self.leader].protocols})
        self.protocol = next(name for name, _ in self.members[self.leader].protocols if name in names)
        for one in self.members.values():
            answer, one.joining, one.assignment = one.joining, None, b""
            self._hear(one, now_ms)
            if answer is not None:
                answer(self._joined(one))

    def _joined(self, one: Member) -> Joined:
        members: Sequence[tuple[str, bytes]] = ()
        if one.name == self.leader:
            members = [(name, other.said(self.protocol)) for name, other in self.members.items()]
        return Joined(NONE, self.generation, self.protocol, self.leader, one.name, members)

    def _out(self, member: str, now_ms: float) -> None:
        gone = self.members.pop(member)
        if gone.joining is not None:
            gone.joining(Joined(UNKNOWN_MEMBER, member=member))
        if gone.syncing is not None:
            gone.syncing(Synced(UNKNOWN_MEMBER))
        self._rebalance(now_ms)
        self._begin_if_all(now_ms)
