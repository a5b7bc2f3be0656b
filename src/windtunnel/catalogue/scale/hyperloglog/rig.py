"""Shards that see visits, and somebody who adds up what they send; on a real stage a server counts beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from windtunnel import Stage, process
from windtunnel.engines import Script
from windtunnel.parts import held_bytes, programs

FEW = 1000
"""Visitors that the real server is told of at once."""


def only_there(*_: object) -> None:
    """In the model there is no such server."""
    raise NotImplementedError("PFADD is asked of a real server; run it on stage valkey.")


ADD = Script("return redis.call('PFADD', KEYS[1], unpack(ARGV))", only_there)
COUNT = Script("return redis.call('PFCOUNT', unpack(KEYS))", only_there)
SIZE = Script("return redis.call('STRLEN', KEYS[1])", only_there)


class Rig:
    """Makes a design for each day and shard, and asks another one what came of them.

    Each shard is a program of its own, and so is who adds up: what one of them knows the others have from bytes alone.
    """

    def __init__(self, design: Any, stage: Stage, p: Any) -> None:
        self.design, self.stage, self.p = design, stage, p
        self.sim = stage.sim if stage.name == "sim" else None
        self.server = None if self.sim is not None else stage.cache("server")
        self.sent: dict[int, list[bytes]] = {}
        self.adds_up, self.sees_all, *self.shards = map(type, programs(design, stage, p, many=p.shards + 2))
        self.alone = self.new(self.sees_all)
        self.held: list[int] = []
        self.of_server: list[tuple[float, int]] = []

    def new(self, program: Any) -> Any:
        """Another one of the design, who knows nothing yet."""
        return program(self.stage, self.p)

    def asked(self) -> Any:
        """One who adds up."""
        return self.new(self.adds_up)

    @process
    async def visit(self, day: int, shard: int, names: Sequence[str]) -> None:
        """All that a shard sees on a day, in this order; then it sends what it has."""
        one = self.new(self.shards[shard])
        for name in names:
            one.add(name)
        if day == 0:
            self.held.append(held_bytes(one, self.stage, self.p))
        sent = one.store()
        if not isinstance(sent, bytes):
            raise TypeError(f"What a shard sends is bytes, not {type(sent).__name__}.")
        self.sent.setdefault(day, []).append(sent)
        if day == 0:
            for name in names:
                self.alone.add(name)
        if self.server is not None:
            for start in range(0, len(names), FEW):
                await self.server.run(ADD, [f"{day} {shard}"], names[start : start + FEW])

    @process
    async def count(self, day: int) -> float:
        """How many different visitors there were on a day."""
        if self.server is not None:
            keys = [f"{day} {shard}" for shard in range(len(self.sent[day]))]
            counted, size = await self.server.run(COUNT, keys), await self.server.run(SIZE, keys[:1])
            self.of_server.append((float(str(counted)), int(str(size))))
        return float(self.asked().total(self.sent[day]))

    @process
    async def count_all(self) -> float:
        """How many there were on all days together."""
        return float(self.asked().total([part for parts in self.sent.values() for part in parts]))

    @process
    async def both(self, day: int) -> float:
        """How many came on this day and on the next."""
        return float(self.asked().both(self.sent[day], self.sent[day + 1]))

    def report(self) -> Mapping[str, Any]:
        """What shards sent, and held at the end of the first day, in bytes; that day by who saw all; the server."""
        return {
            "bytes": [len(part) for parts in self.sent.values() for part in parts],
            "held": self.held,
            "alone": float(self.asked().total([self.alone.store()])),
            "server": self.of_server,
        }
