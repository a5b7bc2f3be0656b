"""Records and the places of groups on one disk: what the modelled log and the real one have in common."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.blocks.durability import Log, OffsetGone
from windtunnel.blocks.ground import Files
from windtunnel.engines.log.port import Record, Trimmed

MOST_COMMITS = 10_000
"""Commits of groups that are kept before only the last of each group is."""


class Book:
    """Our `Log`, and beside it a small one that is compacted, in which each group's last commit stands.

    Calls block. One writer at a time.
    """

    def __init__(self, files: Files) -> None:
        self._log = Log(files, "records")
        self._commits = Log(files, "groups")
        self._places = {
            bytes(record.key).decode(): int(record.value)
            for record in self._commits.records()
            if record.key is not None and record.value is not None
        }
        self._since = 0

    def append(self, values: Sequence[bytes]) -> int:
        """Add records in one frame, on the disk when this returns."""
        if not values:
            return self._log.next_offset
        first = self._log.append_many(values)[0]
        self._log.sync()
        return first

    def read(self, offset: int, count: int) -> list[Record]:
        """As the port's."""
        try:
            return [Record(one.offset, bytes(one.value or b"")) for one in self._log.read(offset, count)]
        except OffsetGone:
            raise Trimmed(f"Record {offset} is gone; the log begins at {self._log.start_offset}.") from None

    def end(self) -> int:
        """As the port's."""
        return self._log.next_offset

    def commit(self, group: str, offset: int) -> None:
        """As the port's."""
        self._commits.append(str(offset).encode(), group.encode())
        self._commits.sync()
        self._places[group] = offset
        self._since += 1
        if self._since >= MOST_COMMITS:
            self._commits.roll()
            self._commits.compact()
            self._since = 0

    def committed(self, group: str) -> int:
        """As the port's."""
        return self._places.get(group, 0)

    def trim(self, before: int) -> None:
        """As the port's; what goes are whole files."""
        self._log.trim(before)

    def close(self) -> None:
        """Give the files back."""
        self._log.close()
        self._commits.close()
