"""The tunnel's disk, with its operations numbered: it can lose power, or fail, at any one of them.

Operations that change the disk are numbered from 1; with `crash_at=n` the n-th raises `Crashed`, and so does every
later one, as for a process that lost its machine. With `error_at=n` the n-th fails with EIO. `restarted(random)` is
what the next boot finds, by one of the fates of `windtunnel.sim.Disk`.

>>> disk = TornDisk(crash_at=3)
>>> file = disk.open("a", create=True)      # 1
>>> file.append(b"some bytes")              # 2
0
>>> file.fsync()                            # 3
Traceback (most recent call last):
...
torn_disk.Crashed: operation 3
>>> later = disk.restarted(Random(1))       # "a" may be absent, empty, torn or whole
"""

from __future__ import annotations

import errno
from copy import deepcopy
from random import Random
from typing import get_args

from windtunnel.sim import Disk, DiskFile, Simulator
from windtunnel.sim.pages import Fate

NOWHERE = Simulator()
"""A disk belongs to a simulation; none of these calls takes time."""


class Crashed(BaseException):
    """The machine has lost power. Not an `Exception`: code that lives on after it would be a mistake."""


class TornDisk:
    """A disk that counts; see the module."""

    def __init__(self, crash_at: int | None = None, error_at: int | None = None, disk: Disk | None = None) -> None:
        self.operations = 0
        self.crash_at = crash_at
        self.error_at = error_at
        self.disk = disk or Disk(NOWHERE, "torn")

    def open(self, path: str, *, create: bool = False) -> TornFile:
        self.alive()
        if create and not self.disk.exists(path):
            self.begin()
        file = self.disk.open(path, create=create)
        self.alive()
        return TornFile(self, file)

    def exists(self, path: str) -> bool:
        self.alive()
        return self.disk.exists(path)

    def listdir(self, path: str = "") -> list[str]:
        self.alive()
        return self.disk.listdir(path)

    def makedirs(self, path: str) -> None:
        self.alive()
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            name = "/".join(parts[:depth])
            if not self.disk.exists(name):
                self.begin()
                self.disk.makedirs(name)
                self.alive()

    def rename(self, old: str, new: str) -> None:
        self.alive()
        if self.disk.exists(old):
            self.begin()
        self.disk.rename(old, new)
        self.alive()

    def remove(self, path: str) -> None:
        self.alive()
        if self.disk.exists(path):
            self.begin()
        self.disk.remove(path)
        self.alive()

    def fsync_dir(self, path: str = "") -> None:
        self.alive()
        self.begin()
        self.alive()
        self.disk.fsync_dir(path)

    def alive(self) -> None:
        """Called before an operation, and behind it: a crash comes when a change was made and is not yet safe."""
        if self.crash_at is not None and self.operations >= self.crash_at:
            raise Crashed(f"operation {self.operations}")

    def begin(self) -> None:
        """Count an operation; an error comes before its effect."""
        self.operations += 1
        if self.operations == self.error_at:
            raise OSError(errno.EIO, "injected")

    def restarted(self, random: Random) -> TornDisk:
        """The disk as the next boot finds it; this one stays as it is."""
        later = deepcopy(self.disk, {id(NOWHERE): NOWHERE})
        later.after_power_loss = random.choice(get_args(Fate))
        later.lose_power(random)
        return TornDisk(disk=later)


class TornFile:
    """A file of `TornDisk`."""

    def __init__(self, disk: TornDisk, file: DiskFile) -> None:
        self._disk = disk
        self._file = file

    @property
    def size(self) -> int:
        self._disk.alive()
        return self._file.size

    def append(self, data: bytes | bytearray | memoryview) -> int:
        start = self.size
        self.write_at(start, data)
        return start

    def write_at(self, position: int, data: bytes | bytearray | memoryview) -> None:
        self._disk.alive()
        self._disk.begin()
        self._file.write_at(position, data)
        self._disk.alive()

    def read_at(self, position: int, size: int) -> bytes:
        self._disk.alive()
        return self._file.read_at(position, size)

    def truncate(self, size: int) -> None:
        self._disk.alive()
        self._disk.begin()
        self._file.truncate(size)
        self._disk.alive()

    def fsync(self) -> None:
        self._disk.alive()
        try:
            self._disk.begin()
        except OSError as injected:
            self._disk.disk.fail_next_sync()
            try:
                self._file.fsync()  # its bytes are lost
            except OSError:
                raise injected from None
        self._disk.alive()
        self._file.fsync()

    def close(self) -> None:
        self._file.close()
