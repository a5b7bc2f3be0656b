"""How far groups have come, and which generations they have had: on the disk before anybody is told.

Kafka keeps both in a compacted topic of its own, `__consumer_offsets`; here it is a `Log` with keys, compacted the
same way (KIP-211 on how long offsets are kept is not followed: they stay).
"""

from __future__ import annotations

import json

from windtunnel.blocks.durability.log import Log
from windtunnel.blocks.ground.closing import Closing
from windtunnel.blocks.ground.files import Files

COMPACT_BYTES = 4 << 20
Place = tuple[str, str, int]
"""Group, topic, partition."""


class CommittedOffsets(Closing):
    """Offsets by group, topic and partition, and the last generation of each group. One thread or task at a time.

    What a method has written survives a death of this process; with `sync_each` also a loss of power.
    """

    def __init__(self, files: Files, directory: str = "", *, sync_each: bool = False) -> None:
        self._log = Log(files, directory, segment_bytes=1 << 20)
        self._sync_each = sync_each
        self._offsets: dict[Place, tuple[int, str]] = {}
        self._generations: dict[str, int] = {}
        self._compacted_bytes = 0
        for record in self._log.records():
            key, value = json.loads(record.key or b"[]"), json.loads(record.value or b"[]")
            if len(key) == 1:
                self._generations[key[0]] = value[0]
            else:
                self._offsets[key[0], key[1], key[2]] = value[0], value[1]

    def _told(self) -> dict[str, object]:
        return {"offsets": len(self._offsets), "groups": len(self._generations)}

    def commit(self, group: str, offsets: dict[tuple[str, int], tuple[int, str]]) -> None:
        """Note offsets (with what the member says of them) by topic and partition: all of them or none."""
        if not offsets:
            return
        self._offsets |= {(group, *place): told for place, told in offsets.items()}
        keys = [json.dumps([group, *place]).encode() for place in offsets]
        self._write(keys, [json.dumps(told).encode() for told in offsets.values()])

    def committed(self, group: str, topic: str, partition: int) -> tuple[int, str]:
        """What was noted last; offset -1 where nothing was."""
        return self._offsets.get((group, topic, partition), (-1, ""))

    def partitions_of(self, group: str) -> list[tuple[str, int]]:
        """Of which partitions something is noted."""
        return [(topic, partition) for name, topic, partition in self._offsets if name == group]

    def begin(self, group: str, generation: int) -> None:
        """A generation begins."""
        self._generations[group] = generation
        self._write([json.dumps([group]).encode()], [json.dumps([generation]).encode()])

    def generation_of(self, group: str) -> int:
        """The last that has begun, 0 where none has."""
        return self._generations.get(group, 0)

    def _write(self, keys: list[bytes], values: list[bytes]) -> None:
        self._log.append_many(values, keys)
        if self._sync_each:
            self._log.sync()
        if self._log.size_bytes > 2 * max(COMPACT_BYTES, self._compacted_bytes):
            self._log.roll()
            self._log.compact()
            self._compacted_bytes = self._log.size_bytes

    def close(self) -> None:
        """Close the log."""
        self._log.close()
