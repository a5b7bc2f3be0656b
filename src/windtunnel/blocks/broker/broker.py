"""A broker that Kafka's own clients talk to: one server with its logs on a disk, over asyncio's streams.

>>> from windtunnel.blocks.ground.files import DiskFiles
>>> async def main() -> None:                                    # doctest: +SKIP
...     async with KafkaBroker(DiskFiles("data"), port=9092):
...         await asyncio.Event().wait()

It answers the thirteen requests of `windtunnel.blocks.broker.requests`, enough for producers (also idempotent ones)
and consumers (also in groups) of aiokafka and of confluent-kafka as they are. Topics are made when they are asked for.
There are no transactions, no access rights, no compression by the broker; batches stay as their producer sent them.
One broker is a cluster of its own: it leads all its partitions, and `acks=all` is `acks=1`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from windtunnel.blocks.broker.batch_log import BatchLog
from windtunnel.blocks.broker.coordinator import Coordinator
from windtunnel.blocks.broker.offsets import CommittedOffsets
from windtunnel.blocks.broker.producers import FencedProducer, OutOfOrderSequence
from windtunnel.blocks.broker.record_batch import DamagedBatchError, batches_in
from windtunnel.blocks.broker.requests import API_VERSIONS, KINDS, Kind
from windtunnel.blocks.broker.topics import Topics
from windtunnel.blocks.broker.wire import Message, Reader, WrongMessageError, write
from windtunnel.blocks.durability.log import OffsetGone
from windtunnel.blocks.ground.block import Live
from windtunnel.blocks.ground.files import Files

OFFSET_OUT_OF_RANGE, CORRUPT, UNKNOWN_TOPIC, STORAGE = 1, 2, 3, 56
INVALID_TOPIC, UNSUPPORTED_VERSION, OUT_OF_ORDER, FENCED = 17, 35, 45, 47
"""Kafka's error codes."""
LONGEST_BYTES = 100 << 20
"""Of a request, as Kafka's `socket.request.max.bytes`."""
FIRST, LAST = -2, -1
"""Timestamps that ask for the first and for the next offset of a log."""


class KafkaBroker(Live):
    """One broker; `async with` starts and stops it. Tasks of one event loop may share it, threads not.

    Args:
        files: where it keeps its logs.
        host, port: where it listens; port 0 takes a free one, which `port` then says.
        advertised: the name under which clients find it, as `host` where it is not given.
        partitions: of a topic that is made.
        sync_each: an answer is given when the batch is on the disk; without it (Kafka's default) it survives a death
            of this process, and not a loss of power.
        first_delay_ms: for so long the first rebalance of an empty group waits (`group.initial.rebalance.delay.ms`).
        log: settings of each `BatchLog`.
    """

    _tie = "a server that listens here"

    def __init__(
        self,
        files: Files,
        directory: str = "",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        advertised: str | None = None,
        node_id: int = 1,
        partitions: int = 3,
        sync_each: bool = False,
        first_delay_ms: float = 0.0,
        **log: Any,
    ) -> None:
        self.host, self.port, self.node_id = host, port, node_id
        self.advertised = advertised or host
        self.sync_each = sync_each
        self.topics = Topics(files, f"{directory}/topics" if directory else "topics", partitions, **log)
        self.offsets = CommittedOffsets(files, f"{directory}/offsets" if directory else "offsets", sync_each=sync_each)
        self.coordinator = Coordinator(self.offsets, first_delay_ms)
        self.requests: dict[str, int] = {}
        """How many of each kind were answered."""
        self._stops = False
        self._news = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._clock: asyncio.Task[None] | None = None
        self._connections: set[asyncio.Task[Any]] = set()
        self._answers: dict[str, Callable[[Message, str, int], Awaitable[Message | None]]] = {
            "produce": self._produce,
            "fetch": self._fetch,
            "list_offsets": self._list_offsets,
            "metadata": self._metadata,
            "find_coordinator": self._find_coordinator,
            "init_producer_id": self._init_producer_id,
            "join_group": self._join,
            "sync_group": self._sync,
            "heartbeat": self._plain(self.coordinator.heartbeat),
            "leave_group": self._plain(self.coordinator.leave),
            "offset_commit": self._plain(self.coordinator.commit),
            "offset_fetch": self._plain(self.coordinator.fetch),
        }

    def _told(self) -> dict[str, object]:
        return {"host": self.host, "port": self.port, "topics": len(self.topics.logs)}

    # Starting and stopping.

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._connection, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._clock = asyncio.create_task(self.coordinator.keep_time())

    async def stop(self) -> None:
        """Hang up, and close the logs."""
        self._stops = True
        tasks = [*self._connections, *([self._clock] if self._clock else [])]
        if self._server is not None:
            self._server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.close()

    def close(self) -> None:
        """Close the logs of a broker that does not run."""
        self.topics.close()
        self.offsets.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # Connections.

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one client, each answered before the next is read, as Kafka does."""
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big", signed=True)
                if not 8 <= size <= LONGEST_BYTES:
                    return
                answer = await self._answer(await reader.readexactly(size))
                if answer is not None:
                    writer.write(len(answer).to_bytes(4, "big") + answer)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, WrongMessageError):
            pass  # it has hung up, or speaks another language
        except asyncio.CancelledError:
            if not self._stops:  # asyncio's streams would print it as an error of ours
                raise
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, request: bytes) -> bytes | None:
        reader = Reader(request)
        key, version, number = reader.number("i16"), reader.number("i16"), reader.number("i32")
        client = reader.string() or ""
        kind = KINDS.get(key)
        if kind is None:
            raise WrongMessageError(f"There is no request {key} here.")
        self.requests[kind.name] = self.requests.get(kind.name, 0) + 1
        told: Message | None
        if kind is API_VERSIONS:
            known = kind.least <= version <= kind.most
            told, version = _versions(0 if known else UNSUPPORTED_VERSION), version if known else 0
        elif not kind.least <= version <= kind.most:
            raise WrongMessageError(f"{kind.name} {version} is not among {kind.least} to {kind.most}.")
        else:
            told = await self._answers[kind.name](reader.message(kind.asked, version), client, version)
        return None if told is None else number.to_bytes(4, "big", signed=True) + write(kind.answered, version, told)

    @staticmethod
    def _plain(answer: Callable[[Message], Message]) -> Callable[[Message, str, int], Awaitable[Message]]:
        async def answered(asked: Message, client: str, version: int) -> Message:
            return answer(asked)

        return answered

    # Producers.

    async def _produce(self, asked: Message, client: str, version: int) -> Message | None:
        topics = [
            {
                "name": topic["name"],
                "partitions": [self._write(topic["name"], one) for one in topic["partitions"]],
            }
            for topic in asked["topics"]
        ]
        self._news.set()
        self._news = asyncio.Event()
        return {"topics": topics} if asked["acks"] else None

    def _write(self, topic: str, asked: Message) -> Message:
        log = self.topics.log(topic, asked["index"])
        told: Message = {"index": asked["index"]}
        if log is None:
            return {**told, "error_code": UNKNOWN_TOPIC}
        records = asked["records"] or b""
        try:
            places = [
                log.append(records[at : at + header.size]) for header, at in list(batches_in(records, checked=True))
            ]
            if not places:
                raise DamagedBatchError("There is no batch.")
            if self.sync_each:
                log.sync()
        except DamagedBatchError:
            return {**told, "error_code": CORRUPT}
        except OutOfOrderSequence:
            return {**told, "error_code": OUT_OF_ORDER}
        except FencedProducer:
            return {**told, "error_code": FENCED}
        except OSError:
            return {**told, "error_code": STORAGE}
        return {**told, "base_offset": places[0].base_offset, "log_start_offset": log.start_offset}

    async def _init_producer_id(self, asked: Message, client: str, version: int) -> Message:
        return {"producer_id": self.topics.new_producer(), "producer_epoch": 0}

    # Consumers.

    async def _fetch(self, asked: Message, client: str, version: int) -> Message:
        until = time.monotonic() + asked["max_wait_ms"] / 1000
        while True:
            news = self._news
            told, found = self._read(asked)
            left_s = until - time.monotonic()
            if found >= asked["min_bytes"] or left_s <= 0:
                return told
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await news.wait()

    def _read(self, asked: Message) -> tuple[Message, int]:
        """The answer as of now, and how much it is; an error is as good as enough."""
        left, found, topics = asked["max_bytes"], 0, []
        for topic in asked["topics"]:
            partitions = []
            for one in topic["partitions"]:
                told: Message = {"index": one["index"]}
                log = self.topics.log(topic["name"], one["index"])
                if log is None:
                    told["error_code"], found = UNKNOWN_TOPIC, asked["min_bytes"]
                else:
                    told |= {"high_watermark": log.next_offset, "last_stable_offset": log.next_offset}
                    told["log_start_offset"] = log.start_offset
                    try:
                        most = min(left, one["partition_max_bytes"])
                        told["records"] = log.read(one["fetch_offset"], most) if left > 0 else b""
                        left -= len(told["records"])
                        found += len(told["records"])
                    except OffsetGone:
                        told["error_code"], found = OFFSET_OUT_OF_RANGE, asked["min_bytes"]
                partitions.append(told)
            topics.append({"name": topic["name"], "partitions": partitions})
        return {"topics": topics}, found

    async def _list_offsets(self, asked: Message, client: str, version: int) -> Message:
        return {
            "topics": [
                {
                    "name": topic["name"],
                    "partitions": [self._offset(topic["name"], one) for one in topic["partitions"]],
                }
                for topic in asked["topics"]
            ]
        }

    def _offset(self, topic: str, asked: Message) -> Message:
        log, told = self.topics.log(topic, asked["index"]), {"index": asked["index"]}
        if log is None:
            return {**told, "error_code": UNKNOWN_TOPIC}
        if asked["timestamp"] in (FIRST, LAST):
            return {**told, "offset": log.start_offset if asked["timestamp"] == FIRST else log.next_offset}
        found = log.offset_at(asked["timestamp"])
        return told if found is None else {**told, "offset": found[0], "timestamp": found[1]}

    # Where things are.

    async def _metadata(self, asked: Message, client: str, version: int) -> Message:
        names = list(self.topics.logs) if asked["topics"] is None else asked["topics"]
        topics = []
        for name in names:
            logs = self.topics.of(name, make=asked.get("allow_auto_topic_creation", True))
            error = 0 if logs is not None else UNKNOWN_TOPIC
            partitions = [self._partition(i, log) for i, log in enumerate(logs or ())]
            topics.append({"error_code": error, "name": name, "is_internal": False, "partitions": partitions})
        return {
            "brokers": [{"node_id": self.node_id, "host": self.advertised, "port": self.port}],
            "cluster_id": "windtunnel",
            "controller_id": self.node_id,
            "topics": topics,
        }

    def _partition(self, index: int, log: BatchLog) -> Message:
        here = [self.node_id]
        return {"error_code": 0, "index": index, "leader_id": self.node_id, "replicas": here, "isr": here}

    async def _find_coordinator(self, asked: Message, client: str, version: int) -> Message:
        return {"node_id": self.node_id, "host": self.advertised, "port": self.port}

    # Groups.

    async def _join(self, asked: Message, client: str, version: int) -> Message:
        return await self.coordinator.join(asked, client)

    async def _sync(self, asked: Message, client: str, version: int) -> Message:
        return await self.coordinator.sync(asked)


def _versions(error: int) -> Message:
    """Which requests there are, and in which versions."""

    def told(kind: Kind) -> Message:
        return {"key": kind.key, "least": kind.least, "most": kind.most}

    return {"error_code": error, "api_keys": [told(kind) for kind in KINDS.values()]}
