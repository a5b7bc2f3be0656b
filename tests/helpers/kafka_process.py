"""A broker of ours in a process of its own, which a test ends by `kill -9` and starts again on the same disk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from windtunnel.blocks.broker import ConsumerGroup, KafkaBroker
from windtunnel.blocks.broker.wire import Reader
from windtunnel.blocks.ground import DiskFiles


def main(folder: str, port: str) -> None:
    """Serve until somebody ends it, and say when it listens; its parent's end is its own."""

    watch(Path(folder) / "groups.jsonl")

    async def serve() -> None:
        async with KafkaBroker(DiskFiles(folder), port=int(port), partitions=3):
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.read)

    asyncio.run(serve())


def watch(path: Path) -> None:
    """Note who is given what in which generation, and each commit that is refused, as soon as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sync, may_commit = ConsumerGroup.sync, ConsumerGroup.may_commit

    def noted_sync(self: ConsumerGroup, *asked: Any) -> None:
        before = len(self.past)
        sync(self, *asked)
        for one in self.past[before:]:
            owners = {name: partitions_in(share) for name, share in one.assignments.items()}
            os.write(file, json.dumps({"generation": one.number, "owners": owners}).encode() + b"\n")

    def noted_commit(self: ConsumerGroup, member: str, generation: int, now_ms: float) -> int:
        error = may_commit(self, member, generation, now_ms)
        if error:
            os.write(file, json.dumps({"refused": member, "generation": generation, "error": error}).encode() + b"\n")
        return error

    ConsumerGroup.sync = noted_sync  # type: ignore[method-assign]
    ConsumerGroup.may_commit = noted_commit  # type: ignore[method-assign]


def partitions_in(share: bytes) -> list[int]:
    """What an assignment of Kafka's consumers says, of one topic."""
    reader = Reader(share)
    if not share:
        return []
    reader.number("i16")
    found = []
    for _ in range(reader.number("i32")):
        reader.string()
        found += [reader.number("i32") for _ in range(reader.number("i32"))]
    return found


class BrokerProcess:
    """It, at one port for all its lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[str] | None = None
        self.killed = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        code = "import sys; from helpers.kafka_process import main; main(*sys.argv[1:])"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(self.folder), str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        """`kill -9`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()
        self.killed += 1

    def tear(self, bytes_left: float = 0.5) -> int:
        """Leave of each log's last batch a part, as of a write that was cut off; how many logs had one.

        What is taken away nobody has been told of: the copy of the last batch is torn, behind the whole one.
        """
        torn = 0
        for path in (self.folder / "topics").glob("*/*.log"):
            data = path.read_bytes()
            at = last = 0
            while at + 12 <= len(data):
                last, at = at, at + 12 + int.from_bytes(data[at + 8 : at + 12], "big")
            if at == len(data) and at > last:
                with path.open("ab") as file:
                    file.write(data[last : last + max(1, int((at - last) * bytes_left))])
                torn += 1
        return torn

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(BrokenPipeError):
                self.process.communicate("")
        self.process = None

    def __enter__(self) -> BrokerProcess:
        self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()
