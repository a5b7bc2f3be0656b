"""The topics of one broker: a directory for each partition, as `orders-0`, made when somebody first speaks of it."""

from __future__ import annotations

import re
from typing import Any

from windtunnel.blocks.broker.batch_log import BatchLog
from windtunnel.blocks.ground.closing import Closing
from windtunnel.blocks.ground.files import Files, make_directory, read_whole, replace_whole

NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
PARTITION = re.compile(r"(.+)-(\d+)")
IDS_AT_ONCE = 1000
"""Producer ids that are taken from the disk together; a broker that dies skips those that it has not given out."""


class Topics(Closing):
    """Logs by topic and partition, and ids for producers. One thread or task at a time.

    Args:
        partitions: of a topic that is made.
        options: of each `BatchLog`.
    """

    def __init__(self, files: Files, directory: str, partitions: int, **options: Any) -> None:
        if partitions < 1:
            raise ValueError("A topic has at least 1 partition.")
        self._files, self._directory, self._partitions, self._options = files, directory, partitions, options
        self.logs: dict[str, list[BatchLog]] = {}
        self._next_id = self._ids_end = 0
        make_directory(files, directory)
        for name in files.listdir(directory):
            found = PARTITION.fullmatch(name)
            if found is not None and NAME.fullmatch(found[1]) and found[1] not in self.logs:
                self._open(found[1])

    def _told(self) -> dict[str, object]:
        return {"topics": len(self.logs)}

    def _at(self, name: str) -> str:
        return f"{self._directory}/{name}" if self._directory else name

    def _open(self, topic: str) -> list[BatchLog]:
        """All its partitions: what a death in the middle of making them left out is made now."""
        there = [name for name in self._files.listdir(self._directory) if name.rpartition("-")[0] == topic]
        count = max([self._partitions, *(int(name.rpartition("-")[2]) + 1 for name in there)])
        logs = self.logs[topic] = []
        for i in range(count):
            logs.append(BatchLog(self._files, self._at(f"{topic}-{i}"), **self._options))  # noqa: PERF401  (close has them)
        return logs

    def of(self, topic: str | None, *, make: bool = False) -> list[BatchLog] | None:
        """The logs of a topic; `None` for one that is not there, or that cannot be made by this name."""
        if topic is None or NAME.fullmatch(topic) is None or topic in (".", ".."):
            return None
        found = self.logs.get(topic)
        return self._open(topic) if found is None and make else found

    def log(self, topic: str | None, partition: int) -> BatchLog | None:
        """One log, `None` where there is none."""
        logs = self.of(topic)
        return logs[partition] if logs is not None and 0 <= partition < len(logs) else None

    def new_producer(self) -> int:
        """An id that no producer has had, over all lives of this broker."""
        if self._next_id == self._ids_end:
            path = self._at("producer-ids")
            self._next_id = int(read_whole(self._files, path)) if self._files.exists(path) else 1
            self._ids_end = self._next_id + IDS_AT_ONCE
            replace_whole(self._files, path, str(self._ids_end).encode())
        self._next_id += 1
        return self._next_id - 1

    def close(self) -> None:
        """Close all logs."""
        for logs in self.logs.values():
            for log in logs:
                log.close()
