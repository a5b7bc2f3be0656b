"""What a broker answers to consumers about their groups."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from windtunnel.blocks.broker.group import ConsumerGroup, Joined, Synced
from windtunnel.blocks.broker.offsets import CommittedOffsets
from windtunnel.blocks.broker.wire import Message


def now_ms() -> float:
    """Of a clock that does not go back."""
    return time.monotonic() * 1000


class Coordinator:
    """All groups of one broker. Tasks of one event loop may share it, threads not."""

    def __init__(self, offsets: CommittedOffsets, first_delay_ms: float) -> None:
        self.offsets, self.first_delay_ms = offsets, first_delay_ms
        self.groups: dict[str, ConsumerGroup] = {}
        self.refused = 0
        """Commits of a generation that was over, or of who is no member."""
        self._changed = asyncio.Event()

    def group(self, name: str) -> ConsumerGroup:
        """The group of this name; with the generations of the broker's earlier lives behind it."""
        if name not in self.groups:
            self.groups[name] = ConsumerGroup(
                name,
                generation=self.offsets.generation_of(name),
                first_delay_ms=self.first_delay_ms,
                begins=lambda number: self.offsets.begin(name, number),
            )
        return self.groups[name]

    async def join(self, asked: Message, client: str) -> Message:
        """Be a member; the answer comes when all have joined."""
        answer: asyncio.Future[Joined] = asyncio.get_running_loop().create_future()
        self.group(asked["group_id"]).join(
            asked["member_id"] or "",
            client,
            asked["session_timeout_ms"],
            asked["rebalance_timeout_ms" if "rebalance_timeout_ms" in asked else "session_timeout_ms"],
            [(one["name"], one["metadata"] or b"") for one in asked["protocols"]],
            now_ms(),
            _tell(answer),
        )
        self._changed.set()
        told = await answer
        members = [{"member_id": name, "metadata": data} for name, data in told.members]
        return {
            "error_code": told.error,
            "generation_id": told.generation,
            "protocol_name": told.protocol,
            "leader": told.leader,
            "member_id": told.member,
            "members": members,
        }

    async def sync(self, asked: Message) -> Message:
        """A share; the answer comes when the one that divides has done so."""
        answer: asyncio.Future[Synced] = asyncio.get_running_loop().create_future()
        shares = {one["member_id"]: one["assignment"] or b"" for one in asked["assignments"] or ()}
        self.group(asked["group_id"]).sync(asked["member_id"], asked["generation_id"], shares, now_ms(), _tell(answer))
        self._changed.set()
        told = await answer
        return {"error_code": told.error, "assignment": told.assignment}

    def heartbeat(self, asked: Message) -> Message:
        """It lives."""
        group = self.group(asked["group_id"])
        return {"error_code": group.heartbeat(asked["member_id"], asked["generation_id"], now_ms())}

    def leave(self, asked: Message) -> Message:
        """It goes."""
        answer = {"error_code": self.group(asked["group_id"]).leave(asked["member_id"], now_ms())}
        self._changed.set()
        return answer

    def commit(self, asked: Message) -> Message:
        """How far a member has come; refused from one of a generation that is over."""
        error = self.group(asked["group_id"]).may_commit(asked["member_id"] or "", asked["generation_id"], now_ms())
        if error:
            self.refused += 1
        else:
            self.offsets.commit(
                asked["group_id"],
                {
                    (topic["name"], one["index"]): (one["offset"], one["metadata"] or "")
                    for topic in asked["topics"]
                    for one in topic["partitions"]
                },
            )
        return {
            "topics": [
                {
                    "name": topic["name"],
                    "partitions": [{"index": one["index"], "error_code": error} for one in topic["partitions"]],
                }
                for topic in asked["topics"]
            ]
        }

    def fetch(self, asked: Message) -> Message:
        """How far a group has come; of all its partitions where none is named."""
        group, wanted = asked["group_id"], asked["topics"]
        if wanted is None:
            places = self.offsets.partitions_of(group)
            names = dict.fromkeys(topic for topic, _ in places)
            wanted = [{"name": n, "partitions": [index for topic, index in places if topic == n]} for n in names]
        topics = []
        for topic in wanted:
            found = []
            for index in topic["partitions"]:
                offset, told = self.offsets.committed(group, topic["name"], index)
                found.append({"index": index, "offset": offset, "metadata": told})
            topics.append({"name": topic["name"], "partitions": found})
        return {"topics": topics}

    async def keep_time(self) -> None:
        """Tell groups the time when something of theirs is over; never ends."""
        while True:
            self._changed.clear()
            due_ms = min((group.next_ms for group in self.groups.values()), default=float("inf"))
            wait_s = None if due_ms == float("inf") else max(0.001, (due_ms - now_ms()) / 1000)
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                for group in self.groups.values():
                    group.tick(now_ms())


def _tell(answer: asyncio.Future[Joined] | asyncio.Future[Synced]) -> Callable[[Joined | Synced], None]:
    def told(found: Joined | Synced) -> None:
        if not answer.done():
            answer.set_result(found)  # type: ignore[arg-type]  # each is told its own kind

    return told
