"""What lies between a program and its disk: the bytes of files in the page cache, directories, and changes of both.

Nothing here knows of paths, time or luck but as an argument; `windtunnel.sim.disk` puts them together.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Final, Literal

SECTOR: Final = 512
"""Bytes that reach the disk together or not at all. Sectors are counted from the start of the file."""

Fate = Literal["nothing", "prefix", "sectors", "rubbish"]
"""What becomes of changes that were not synced; see `Disk`."""


class Write:
    """Bytes written at a position, or the file cut there."""

    __slots__ = ("cut", "data", "position")

    def __init__(self, position: int, data: bytes, cut: bool = False) -> None:
        self.position = position
        self.data = data
        self.cut = cut

    def apply(self, data: bytearray) -> None:
        """Do to these bytes what it did to the file's."""
        if len(data) < self.position:
            data.extend(bytes(self.position - len(data)))  # what should stand before it was lost
        if self.cut:
            del data[self.position :]
        else:
            data[self.position : self.position + len(self.data)] = self.data

    def sectors(self) -> range:
        """The sectors that it touches."""
        if self.cut or not self.data:
            return range(0)
        return range(self.position // SECTOR, (self.position + len(self.data) - 1) // SECTOR + 1)

    def torn(self, luck: Random) -> Write | None:
        """Only what lies before one of the file's sector boundaries inside of it; None is nothing of it."""
        cuts = range((self.position // SECTOR + 1) * SECTOR, self.position + len(self.data), SECTOR)
        chosen = luck.randint(0, 0 if self.cut else len(cuts))
        return Write(self.position, self.data[: cuts[chosen - 1] - self.position]) if chosen else None


class Content:
    """The bytes of a file as programs see them, as the disk has them, and what lies between.

    Attributes:
        links: names that it has.
    """

    __slots__ = ("_clean", "data", "kept", "links", "pending", "writes")

    def __init__(self, kept: bytes = b"") -> None:
        self.data = bytearray(kept)
        self.kept = bytearray(kept)
        self._clean: bytearray | None = None
        """What the cache held before `pending`, where a sync failed: it believes those bytes to be on the disk."""
        self.pending: list[Write] = []
        self.writes = 0
        self.links = 0

    def write(self, write: Write) -> None:
        """A program writes: into the cache."""
        write.apply(self.data)
        self.pending.append(write)
        self.writes += 1

    def take(self, covered: int) -> list[Write]:
        """Those of the first `covered` writes that were ever made which no sync has had yet."""
        count = max(0, covered - (self.writes - len(self.pending)))
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken

    def lose(self, writes: Iterable[Write]) -> None:
        """They do not reach the disk, and the cache forgets that they should have."""
        if self._clean is None:
            self._clean = bytearray(self.kept)
        for write in writes:
            write.apply(self._clean)

    def land(self, writes: Iterable[Write]) -> None:
        """They reach the disk. What the cache has lost comes along where it stands in the same sectors."""
        clean = self._clean
        if clean is None:
            for write in writes:
                write.apply(self.kept)
            return
        touched: dict[int, None] = {}
        for write in writes:
            write.apply(clean)
            touched.update(dict.fromkeys(write.sectors()))
            if write.cut:
                write.apply(self.kept)
        for sector in touched:
            _put(self.kept, sector, bytes(clean[sector * SECTOR : (sector + 1) * SECTOR]))

    def scatter(self, luck: Random, rubbish: bool = False) -> None:
        """Any sectors of what is pending reach the disk: each as it was at some moment since the last sync.

        A sector holds what was written to it one after the other, so a later byte of it is never there without an
        earlier one. The file reaches as far as its last sector that did; a cut file shows nothing of before the cut.

        Args:
            rubbish: a sector behind the synced bytes that did not come may be there all the same, with what stood on
                the disk before: the new size was written, the bytes were not.
        """
        count = luck.randint(0, len(self.pending))
        stop = next((i for i, write in enumerate(self.pending) if write.cut and i >= count), len(self.pending))
        cache = bytearray(self.kept if self._clean is None else self._clean)
        versions: dict[int, int] = {}
        chosen: dict[int, bytes] = {}
        for write in self.pending[:stop]:
            write.apply(cache)
            for sector in write.sectors():
                versions[sector] = known = versions.get(sector, 1) + 1
                if luck.random() * known < 1:
                    chosen[sector] = bytes(cache[sector * SECTOR : (sector + 1) * SECTOR])
            if write.cut:
                write.apply(self.kept)
                for sector in [each for each in chosen if (each + 1) * SECTOR > write.position]:
                    chosen[sector] = chosen[sector][: max(0, write.position - sector * SECTOR)]
        if rubbish:
            for sector in versions:
                if sector not in chosen and sector * SECTOR >= len(self.kept) and luck.random() < 0.5:
                    chosen[sector] = luck.randbytes(len(cache[sector * SECTOR : (sector + 1) * SECTOR]))
        for sector, piece in chosen.items():
            if piece:
                _put(self.kept, sector, piece)

    def survivor(self) -> Content:
        """What is found after the loss of power; handles of before know this one, not that."""
        return Content(bytes(self.kept))


def _put(data: bytearray, sector: int, piece: bytes) -> None:
    """Give a sector of some bytes this content; the disk has zeros where nothing was written."""
    start = sector * SECTOR
    if len(data) < start:
        data.extend(bytes(start - len(data)))
    old = len(data) - start
    data[start : start + SECTOR] = piece + bytes(max(0, min(old, SECTOR) - len(piece)))


class Folder:
    """A directory: its names as programs see them, and as the disk has them."""

    __slots__ = ("kept", "names")

    def __init__(self) -> None:
        self.names: dict[str, Node] = {}
        self.kept: dict[str, Node] = {}


Node = Folder | Content


class NameChange:
    """Names that change together: in which directory, which, and what it means afterwards (None: it is gone)."""

    __slots__ = ("entries",)

    def __init__(self, *entries: tuple[Folder, str, Node | None]) -> None:
        self.entries = entries

    def land(self) -> None:
        """It reaches the disk."""
        for folder, name, node in self.entries:
            if node is None:
                folder.kept.pop(name, None)
            else:
                folder.kept[name] = node


def needed(changes: list[NameChange], folder: Folder) -> list[NameChange]:
    """The changes that a sync of this directory brings to the disk, oldest first.

    They are those in the directory itself, and what has to come before them: an earlier change of the same name (what
    was made and then moved away does not come back), and the making of the directory into which something is moved.
    """
    taken: list[NameChange] = []
    names: set[tuple[int, str]] = set()
    folders: set[int] = set()
    for change in reversed(changes):
        if any(
            each is folder or (id(each), name) in names or id(node) in folders for each, name, node in change.entries
        ):
            taken.append(change)
            names.update((id(each), name) for each, name, _ in change.entries)
            if len(change.entries) > 1:
                folders.update(id(each) for each, _, _ in change.entries)
    return taken[::-1]


def survivors(changes: list[NameChange], luck: Random, fate: Fate) -> list[NameChange]:
    """The changes of names that a loss of power leaves, oldest first.

    Either the first of them all, or of each directory the first: a change that touches two waits for both, and nothing
    is moved into a directory whose making was lost.
    """
    if fate == "nothing":
        return []
    if fate == "prefix":
        return changes[: luck.randint(0, len(changes))]
    left, lost = [], set[int]()
    chance = luck.random()
    for change in changes:
        folders = {id(folder) for folder, _, _ in change.entries}
        if folders & lost or luck.random() < chance:
            lost |= folders | {id(node) for _, _, node in change.entries}
        else:
            left.append(change)
    return left
