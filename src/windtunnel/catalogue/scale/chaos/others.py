"""Clients of another program, which ask the same replicas for the same keys.

A library that answers out of its own memory is right as long as nobody else writes. These share nothing with a design
but the addresses of the replicas and the lines that go over the wire: a request is `["put", key, value]` or
`["get", key]` in JSON, its answer `{"ok": value}` or `{"error": "fail" or "unknown"}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

from windtunnel import Event, Op, Stage
from windtunnel.catalogue.scale.chaos.trial import CLIENTS, PORT, REPLICAS, Door

BESIDE = "beside"
TOGETHER = 0.5
"""This share of their requests, where a client of the design puts, puts the same key at the same replica at once."""


class Others:
    """They ask by the wire alone."""

    def __init__(self, stage: Stage, p: object) -> None:
        self.doors = [Door((f"replica {i}", PORT)) for i in REPLICAS]

    async def beside(self, replica: int, *request: Any) -> Any:
        return await self.doors[replica].ask(*request)


def shared(ops: Iterable[Op], luck: Random) -> Iterator[Op]:
    """The same requests, those of every other client of a replica sent from elsewhere, and some of them together."""
    before: dict[int, Op] = {}
    for n, op in enumerate(ops):
        replica, *args = op.args
        if n // len(REPLICAS) % (CLIENTS // len(REPLICAS)) == 0:
            before[replica] = op
            yield op
            continue
        name, at_s, together = op.name, op.at, luck.random() < TOGETHER
        if together and replica in before and before[replica].name == "put":
            name, at_s, args = "put", before[replica].at, [before[replica].args[1], n]
        yield Op(at_s, op.client, BESIDE, (replica, name, *args))


def asked(events: Iterable[Event]) -> list[Event]:
    """What happened, whoever asked: `put(replica, key, value)` and `get(replica, key)`."""
    return [
        event._replace(name=event.args[1], args=(event.args[0], *event.args[2:])) if event.name == BESIDE else event
        for event in events
    ]
