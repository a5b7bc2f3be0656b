"""A host's disk: it keeps what was synced, and of the rest what it happens to have written when the power fails.

It has the small file interface that storage code of this project writes through (a structural match: `Files` and
`File` in `windtunnel.blocks.ground.files`), so the same log runs on a real disk, and here with crashes.
"""

from __future__ import annotations

import errno
import os
import types
from collections.abc import Generator
from random import Random
from typing import TYPE_CHECKING, Any

from windtunnel.sim.pages import Content, Fate, Folder, NameChange, Node, Write, needed, survivors
from windtunnel.sim.signals import NS

if TYPE_CHECKING:
    from windtunnel.sim.kernel import Simulator

__all__ = ["Disk", "DiskFile"]

Data = bytes | bytearray | memoryview


class Disk:
    """A directory tree that survives crashes as far as it was synced.

    Calls take no virtual time; `sync` is `fsync` that does. One writer at a time a file, as on a real disk.

    Args:
        fsync_s: how long the disk takes for a sync, besides the bytes.
        write_bytes_per_s: how fast unsynced bytes reach it during a sync.
        capacity_bytes: what fits; more raises `OSError(ENOSPC)`.
        after_power_loss: what becomes of writes that were not synced. "prefix": some of the first, and a part of the
            next one, cut at a sector of the file (a torn write). "sectors": any sectors of the file, each as it was at
            some moment since the last sync; names come in their order within a directory, but not across two (POSIX
            promises no more). "rubbish": the same, and where a file grew a sector that did not come may hold what
            stood there before, of whatever file, as on ext4 with `data=writeback`. "nothing": all are lost.
    """

    def __init__(
        self,
        sim: Simulator,
        name: str,
        *,
        fsync_s: float = 0.001,
        write_bytes_per_s: float = 200e6,
        capacity_bytes: int | None = None,
        after_power_loss: Fate = "prefix",
    ) -> None:
        self._sim = sim
        self._name = name
        self.fsync_s = fsync_s
        self.write_bytes_per_s = write_bytes_per_s
        self.capacity_bytes = capacity_bytes
        self.after_power_loss: Fate = after_power_loss
        self.syncs = 0
        """Syncs of files and directories so far: what durability costs."""
        self.used_bytes = 0
        """Bytes in all files that have a name or are open."""
        self.boots = 0
        """How often all handles were closed by a crash."""
        self._root = Folder()
        self._changes: list[NameChange] = []
        """Changes of names that are not synced, oldest first."""
        self._open: dict[Content, int] = {}
        """How often each file is open."""
        self._free_ns = 0
        self._failing = 0

    # --- the interface of Files ------------------------------------------------------------------------------------
    def open(self, path: str, *, create: bool = False) -> DiskFile:
        """Open for reading and writing; `create` makes an empty file if there is none."""
        folder, name = self._place(path)
        node = folder.names.get(name) if name else folder
        if node is None:
            if not create:
                raise _error(errno.ENOENT, path)
            node = Content()
            self._change((folder, name, node))
        if isinstance(node, Folder):
            raise _error(errno.EISDIR, path)
        return DiskFile(self, node)

    def exists(self, path: str) -> bool:
        """Whether there is a file or directory of this name."""
        try:
            return self._find(path) is not None
        except OSError:
            return False

    def listdir(self, path: str = "") -> list[str]:
        """The names in a directory, sorted."""
        return sorted(self._folder(path).names)

    def makedirs(self, path: str) -> None:
        """Make the directory and its parents; one that exists already is fine."""
        folder = self._root
        parts = path.split("/") if path else []
        for depth, name in enumerate(parts, 1):
            node = folder.names.get(name)
            if node is None:
                node = Folder()
                self._change((folder, name, node))
            elif isinstance(node, Content):
                raise _error(errno.EEXIST if depth == len(parts) else errno.ENOTDIR, path)
            folder = node

    def rename(self, old: str, new: str) -> None:
        """Give a file or directory a new name, atomically taking the place of a file that has it.

        Raises:
            OSError: as POSIX says it: a directory takes only the place of an empty directory, a file only that of a
                file, and nothing goes into itself.
        """
        source, old_name = self._place(old)
        target, new_name = self._place(new)
        node = source.names.get(old_name)
        if node is None or not new_name:
            raise _error(errno.ENOENT if old_name and new_name else errno.EBUSY, old)
        taken = target.names.get(new_name)
        if isinstance(node, Folder) and f"{new}/".startswith(f"{old}/") and old != new:
            raise _error(errno.EINVAL, new)
        if old.startswith(f"{new}/"):
            raise _error(errno.ENOTEMPTY, new)
        if taken is node:
            return
        if isinstance(node, Content) and isinstance(taken, Folder):
            raise _error(errno.EISDIR, new)
        if isinstance(node, Folder) and isinstance(taken, Content):
            raise _error(errno.ENOTDIR, new)
        if isinstance(taken, Folder) and taken.names:
            raise _error(errno.ENOTEMPTY, new)
        self._change((target, new_name, node), (source, old_name, None))

    def remove(self, path: str) -> None:
        """Remove a file. Handles that are open go on reading it, and its space is free when the last is closed."""
        folder, name = self._place(path)
        node = folder.names.get(name) if name else folder
        if node is None:
            raise _error(errno.ENOENT, path)
        if isinstance(node, Folder):
            raise _error(errno.EISDIR, path)
        self._change((folder, name, None))

    def fsync_dir(self, path: str = "") -> None:
        """From now on all names made, changed or removed in this directory survive a loss of power.

        What was moved here from another directory is gone there: both names are one change, and never come back apart.
        """
        folder = self._folder(path)
        self._fail_if_told()
        self.syncs += 1
        landing = needed(self._changes, folder)
        for change in landing:
            change.land()
        if landing:
            done = set(map(id, landing))
            self._changes = [change for change in self._changes if id(change) not in done]

    # --- beyond it -------------------------------------------------------------------------------------------------
    @types.coroutine
    def sync(self, file: DiskFile) -> Generator[Any, None, None]:
        """`fsync`, with the time that it takes; syncs queue up. What is written meanwhile is not covered by it."""
        content = file.content
        covered = content.writes
        cost_s = self.fsync_s + sum(len(write.data) for write in content.pending) / self.write_bytes_per_s
        now = self._sim.now_ns
        self._free_ns = max(self._free_ns, now) + round(cost_s * NS)
        yield from self._sim.sleep_ns(self._free_ns - now)
        self.write_back(content, covered)

    def fail_next_sync(self) -> None:
        """Let the next sync fail and lose the bytes that it was for, as a real one does."""
        self._failing += 1

    def close_handles(self) -> None:
        """The processes died: nothing that they had open is open any more. What they wrote is still in the cache."""
        self.boots += 1
        opened, self._open = self._open, {}
        for content in opened:
            self._let_go(content)

    def lose_power(self, luck: Random | None = None) -> None:
        """Keep what was synced, and of the rest what `after_power_loss` says. Open files are gone.

        Args:
            luck: what decides; otherwise a stream of the simulation's own.
        """
        luck = luck or self._sim.random(f"disk {self._name}")
        self.boots += 1
        for change in survivors(self._changes, luck, self.after_power_loss):
            change.land()
        self._changes.clear()
        self._open.clear()
        self._free_ns = 0
        self.used_bytes = 0
        self._boot(self._root, luck)

    def write_back(self, content: Content, covered: int) -> None:
        """The first `covered` writes that were ever made to the file are on the disk now."""
        self.syncs += 1
        writes = content.take(covered)
        if self._failing:
            content.lose(writes)
        self._fail_if_told()
        content.land(writes)

    def resized(self, more: int) -> None:
        """A file is about to have so many bytes more (or, negative, fewer)."""
        if self.capacity_bytes is not None and more > 0 and self.used_bytes + more > self.capacity_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.used_bytes += more

    def opened(self, content: Content, change: int) -> None:
        """A file has a handle more, or fewer."""
        self._open[content] = count = self._open.get(content, 0) + change
        if not count:
            del self._open[content]
            self._let_go(content)

    def _let_go(self, content: Content) -> None:
        """A file has lost a name, or its last handle."""
        if not content.links and content not in self._open:
            self.used_bytes -= len(content.data)

    def _boot(self, folder: Folder, luck: Random) -> None:
        """What is found in a directory after a loss of power."""
        folder.names = dict(folder.kept)
        for name, node in folder.names.items():
            if isinstance(node, Folder):
                self._boot(node, luck)
                continue
            pending = node.pending
            if self.after_power_loss == "prefix" and pending:
                whole = luck.randint(0, len(pending))
                torn = pending[whole].torn(luck) if whole < len(pending) else None
                node.land(pending[:whole] if torn is None else [*pending[:whole], torn])
            elif self.after_power_loss != "nothing" and pending:
                node.scatter(luck, rubbish=self.after_power_loss == "rubbish")
            found = node.survivor()
            found.links = 1
            self.used_bytes += len(found.data)
            folder.names[name] = folder.kept[name] = found

    def _fail_if_told(self) -> None:
        if self._failing:
            self._failing -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _change(self, *entries: tuple[Folder, str, Node | None]) -> None:
        """Let names mean something else, in the cache."""
        for folder, name, node in entries:
            before = folder.names.pop(name, None)
            if isinstance(node, Content):
                node.links += 1
            if node is not None:
                folder.names[name] = node
            if isinstance(before, Content):
                before.links -= 1
                self._let_go(before)
        self._changes.append(NameChange(*entries))

    # --- paths -----------------------------------------------------------------------------------------------------
    def _find(self, path: str) -> Node | None:
        folder, name = self._place(path)
        return folder.names.get(name) if name else folder

    def _place(self, path: str) -> tuple[Folder, str]:
        """The directory in which a path ends, and its last name; the root itself has none."""
        directory, _, name = path.rpartition("/")
        folder = self._root
        for part in directory.split("/") if directory else ():
            node = folder.names.get(part)
            if node is None:
                raise _error(errno.ENOENT, path)
            if isinstance(node, Content):
                raise _error(errno.ENOTDIR, path)
            folder = node
        return folder, name

    def _folder(self, path: str) -> Folder:
        node = self._find(path)
        if not isinstance(node, Folder):
            raise _error(errno.ENOENT if node is None else errno.ENOTDIR, path)
        return node


class DiskFile:
    """An open file. Positions are bytes from the start. After a crash of its host it is closed.

    Attributes:
        content: the bytes that it stands for.
    """

    def __init__(self, disk: Disk, content: Content) -> None:
        self._disk = disk
        self._boots = disk.boots
        self._closed = False
        self.content = content
        disk.opened(content, +1)

    @property
    def size(self) -> int:
        """Bytes in the file, written or appended, synced or not."""
        return len(self.content.data)

    def append(self, data: Data) -> int:
        """Write `data` at the end and return the position where it begins."""
        start = self.size
        self.write_at(start, data)
        return start

    def write_at(self, position: int, data: Data) -> None:
        """Write over what stands at `position`; may reach past the end, but not begin there."""
        content = self._usable()
        if not 0 <= position <= len(content.data):
            raise ValueError(f"Position {position} is outside of the file's {len(content.data)} bytes.")
        self._disk.resized(max(0, position + len(data) - len(content.data)))
        content.write(Write(position, bytes(data)))

    def read_at(self, position: int, size: int) -> bytes:
        """Up to `size` bytes from `position`; fewer only at the end of the file."""
        return bytes(self._usable().data[position : position + size])

    def truncate(self, size: int) -> None:
        """Cut the file to its first `size` bytes."""
        content = self._usable()
        if not 0 <= size <= len(content.data):
            raise ValueError(f"Cannot cut a file of {len(content.data)} bytes to {size}.")
        self._disk.resized(size - len(content.data))
        content.write(Write(size, b"", cut=True))

    def fsync(self) -> None:
        """Return once all bytes so far are on the disk; takes no virtual time (`Disk.sync` does)."""
        content = self._usable()
        self._disk.write_back(content, content.writes)

    def close(self) -> None:
        """Give the file back. Syncs nothing; may be called twice."""
        if not self._closed:
            self._closed = True
            if self._boots == self._disk.boots:
                self._disk.opened(self.content, -1)

    def __del__(self) -> None:
        """As Python closes a file that nobody can use any more."""
        self.close()

    def _usable(self) -> Content:
        if self._closed or self._boots != self._disk.boots:
            raise ValueError("The file is closed; open it again.")
        return self.content


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)
