"""One file of a log: a header, then frames; and beside it, once it is full, a sparse index.

The name of a segment is the offset of its first record, so that the right file for an offset is found by bisection,
and the place in the file by bisection in the index, which names one frame for every 4 KiB or so (Kafka's scheme; Kreps,
Narkhede, Rao, *Kafka: a Distributed Messaging System for Log Processing*, NetDB 2011). The index is a hint: it is
checked before use and made again by reading the segment where it is missing or damaged. It also knows how long the
segment is: one that was cut between two frames would look whole.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from windtunnel.blocks.durability.log_frame import FLAGS, Batch, Frame, decode, scan, vouched_for
from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.ground.files import File, Files, read_whole, replace_whole

HEADER = Struct("<8sQQI")
"""Magic with version, this segment's first offset, that of the segment before it (`NOTHING` if none), CRC-32."""
NAME = b"WTlog"
MAGIC = NAME + b"\x00\x00\x02"
MAGIC_1 = NAME + b"\x00\x00\x01"
"""Of the first version, whose frames do not have their position in their checksum: read, and written on with."""
NOTHING = 2**64 - 1
INDEX_HEADER = Struct("<8sQQqII")
"""Magic, bytes of the segment, its next offset, its last timestamp, number of entries, CRC-32 of what follows."""
INDEX_MAGIC = b"WTidx\x00\x00\x01"


class DamagedLogError(DamagedError):
    """The log's files are not what a crash can leave behind: something that had been synced is missing or changed."""


class Segment:
    """An open segment. `size` is where the next frame goes; `synced` how far the file is surely on the disk.

    For one thread, but that another may `sync`.
    """

    def __init__(self, path: str, first_offset: int, previous: int, file: File) -> None:
        self.path = path
        self.first_offset = first_offset
        self.previous = previous
        self.file = file
        self.size = HEADER.size
        self.synced = HEADER.size
        self.next_offset = first_offset
        self.timestamp_ms = -(2**63)
        self.closed = False
        self.seeded = True
        self.indexed = False
        self._index_offsets: list[int] = []
        self._index_positions: list[int] = []
        self._since_index = 0

    # Making and opening.

    @staticmethod
    def create(files: Files, directory: str, first_offset: int, previous: int) -> Segment:
        """A new segment whose name and header are on the disk when this returns."""
        path = path_of(directory, first_offset)
        file = files.open(path, create=True)
        _write_header(file, first_offset, previous)
        files.fsync_dir(directory)
        return Segment(path, first_offset, previous, file)

    @staticmethod
    def open_last(files: Files, path: str, previous: int) -> Segment:
        """The segment that was being written: read to its last whole frame, cut behind it, and synced.

        Raises `DamagedLogError` where what would be cut had been synced.
        """
        file = files.open(path)
        segment = Segment(path, offset_of(path), previous, file)
        try:
            segment._recover(files)
        except BaseException:
            file.close()
            raise
        return segment

    def _recover(self, files: Files) -> None:
        file = self.file
        found = _read_header(file, self.path)
        if found is None and file.size > HEADER.size:  # frames are written only after the header is on the disk
            raise DamagedLogError(f"The header of {self.path} is damaged, and records stand behind it.")
        if found is not None:
            self._check_header(found)
        for frame in scan(file, HEADER.size, self.seeded):
            self._admit(frame)
        if self.size < file.size and vouched_for(file, self.size, self.seeded):
            raise DamagedLogError(f"{self.path} is damaged at byte {self.size}, in a part that had been synced.")
        filled = read_index(files, self.path)
        if filled is not None and self.size < filled.size:  # it was full once, and all of it on the disk
            raise DamagedLogError(f"{self.path} ends at byte {self.size}, and had {filled.size} that were synced.")
        # Nothing is written above this line: what is not understood stays as it is.
        if found is None:
            file.truncate(0)
            _write_header(file, self.first_offset, self.previous)
        elif self.size < file.size:
            file.truncate(self.size)
        # What was read may still be in memory only, and the cut must not come undone under later records.
        self.sync()

    @staticmethod
    def open_sealed(files: Files, path: str, previous: int) -> Segment:
        """A full segment: by its index if that fits, else by reading it all. Any damage is `DamagedLogError`.

        Writes nothing; where `indexed` is false, there is no index that fits, and `save_index` makes one.
        """
        file = files.open(path)
        segment = Segment(path, offset_of(path), previous, file)
        try:
            segment._check_header(_read_header(file, path))
            if not segment._load_index(files):
                for frame in scan(file, HEADER.size, segment.seeded):
                    segment._admit(frame)
                if segment.size != file.size:
                    raise DamagedLogError(f"{path} is damaged at byte {segment.size}.")
        except BaseException:
            file.close()
            raise
        segment.synced = segment.size
        return segment

    def _check_header(self, found: tuple[int, int, bool] | None) -> None:
        if found is None:
            raise DamagedLogError(f"The header of {self.path} is damaged.")
        if found[0] != self.first_offset:
            raise DamagedLogError(f"{self.path} holds the segment of offset {found[0]}.")
        self.seeded = found[2]
        if found[1] != self.previous and self.previous != NOTHING:
            raise DamagedLogError(f"The segment of offset {found[1]}, which comes before {self.path}, is missing.")

    # Writing.

    @property
    def place(self) -> int | None:
        """Where the next frame will stand, as its checksum has it."""
        return self.size if self.seeded else None

    def write(self, batch: Batch, data: bytes) -> None:
        """Append a batch, given also as the frame `data`. Readable at once, and safe after `sync`."""
        self.file.append(data)
        self._note(self.size, batch.offsets[0], len(data))
        self.size += len(data)
        self.next_offset = batch.offsets[-1] + 1
        self.timestamp_ms = batch.timestamp_ms

    def sync(self) -> None:
        """Return once all frames so far are on the disk."""
        end = self.size
        self.file.fsync()
        self.synced = max(self.synced, end)

    def forget_unsynced(self) -> None:
        """After a failed sync: cut what may exist in memory only, so that no later reader takes it for safe."""
        self.file.truncate(min(self.synced, self.file.size))
        self.file.fsync()

    def save_index(self, files: Files) -> None:
        """Write the index beside the segment. To be called when nothing more will be appended."""
        entries = array("Q", self._index_offsets).tobytes() + array("Q", self._index_positions).tobytes()
        head = INDEX_HEADER.pack(
            INDEX_MAGIC, self.size, self.next_offset, self.timestamp_ms, len(self._index_offsets), 0
        )[:-4]
        replace_whole(files, index_of(self.path), head + crc32(entries, crc32(head)).to_bytes(4, "little") + entries)
        self.indexed = True

    def close(self) -> None:
        """Give the file back."""
        self.closed = True
        self.file.close()

    # Reading.

    def batches(self, offset: int) -> Iterator[Batch]:
        """The batches from the one that holds `offset` (or the next after it) on, each checked as it is read."""
        entry = bisect_right(self._index_offsets, offset) - 1
        position = self._index_positions[entry] if entry >= 0 else HEADER.size
        if offset >= self.next_offset:
            return
        for frame in scan(self.file, position, self.seeded):
            position = frame.end
            if frame.next_offset > offset:
                yield decode(frame)
            if position >= self.size:
                return
        if not self.closed:
            raise DamagedLogError(f"{self.path} is damaged at byte {position}.")

    # Keeping the books.

    def _admit(self, frame: Frame) -> None:
        if frame.header.flags & ~FLAGS:
            raise DamagedLogError(
                f"{self.path} has a frame of a later version, with the flags {frame.header.flags:#x}."
            )
        if frame.header.first_offset < self.next_offset:
            raise DamagedLogError(f"{self.path} has offset {frame.header.first_offset} after {self.next_offset - 1}.")
        self._note(frame.position, frame.header.first_offset, frame.end - frame.position)
        self.size, self.next_offset = frame.end, frame.next_offset
        self.timestamp_ms = frame.header.timestamp_ms

    def _note(self, position: int, first_offset: int, size: int) -> None:
        if not self._index_offsets or self._since_index >= 4096:
            self._index_offsets.append(first_offset)
            self._index_positions.append(position)
            self._since_index = 0
        self._since_index += size

    def _load_index(self, files: Files) -> bool:
        index = read_index(files, self.path)
        if index is None:
            return False
        if index.size != self.file.size:  # also where it ends with a whole frame; without the index nobody could tell
            raise DamagedLogError(f"{self.path} has {self.file.size} bytes, and had {index.size} when it was full.")
        count = len(index.columns) // 2
        self._index_offsets, self._index_positions = index.columns[:count].tolist(), index.columns[count:].tolist()
        self.size, self.next_offset, self.timestamp_ms = index.size, index.next_offset, index.timestamp_ms
        self.indexed = True
        return True


class Index(NamedTuple):
    """What stands beside a full segment. `columns`: offsets, then the positions of their frames."""

    size: int
    next_offset: int
    timestamp_ms: int
    columns: array[int]


def read_index(files: Files, path: str) -> Index | None:
    """The index of the segment in this file, `None` where it is missing or damaged: then it is made again."""
    try:
        data = read_whole(files, index_of(path))
    except FileNotFoundError:
        return None
    if len(data) < INDEX_HEADER.size:
        return None
    magic, size, next_offset, timestamp_ms, count, crc = INDEX_HEADER.unpack_from(data)
    head, entries = data[: INDEX_HEADER.size - 4], data[INDEX_HEADER.size :]
    if magic != INDEX_MAGIC or crc32(entries, crc32(head)) != crc or len(entries) != 16 * count:
        return None
    columns = array("Q")
    columns.frombytes(entries)
    return Index(size, next_offset, timestamp_ms, columns)


def path_of(directory: str, first_offset: int) -> str:
    """The file of the segment that begins at this offset."""
    return f"{directory}/{first_offset:020d}.log" if directory else f"{first_offset:020d}.log"


def offset_of(path: str) -> int:
    """The first offset of the segment that this file (its index, or what a crash left of either) belongs to."""
    return int(path.rpartition("/")[2][:20])


def index_of(path: str) -> str:
    """The index that belongs to this segment."""
    return path.removesuffix(".log") + ".index"


def header_bytes(first_offset: int, previous: int) -> bytes:
    """The header of a segment's file."""
    head = HEADER.pack(MAGIC, first_offset, previous, 0)[:-4]
    return head + crc32(head).to_bytes(4, "little")


def _write_header(file: File, first_offset: int, previous: int) -> None:
    file.append(header_bytes(first_offset, previous))
    file.fsync()


def _read_header(file: File, path: str) -> tuple[int, int, bool] | None:
    """First offset, that of the segment before, and whether frames have their position in their checksum."""
    data = file.read_at(0, HEADER.size)
    if len(data) < HEADER.size:
        return None
    magic, first_offset, previous, crc = HEADER.unpack(data)
    if magic not in (MAGIC, MAGIC_1):
        if magic.startswith(NAME):
            raise DamagedLogError(f"{path} is of version {magic[-1]}, or damaged; this code reads versions 1 and 2.")
        return None
    if crc32(data[:-4]) != crc:
        return None
    return first_offset, previous, magic == MAGIC
