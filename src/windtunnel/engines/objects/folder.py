"""Objects as files in a folder: a new one is written aside, synced, and moved into place in one step."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from struct import Struct
from threading import Lock
from typing import Final, TypeVar

from windtunnel.engines.errors import Unavailable
from windtunnel.engines.objects.port import Mismatch, Object, check_key, part, tag_of

T = TypeVar("T")
HEADER: Final = Struct("<I")
"""Bytes of the object's name, which follows; then its body."""
ASIDE: Final = "."
"""How files begin that are not in place yet."""


class FolderObjects:
    """Files in a folder of this machine.

    One process: its conditions are tested under a lock of the process.

    Args:
        path: the folder; a temporary one of our own where it is None, removed by `close`.
        connections: requests that are worked on at once.

    Raises:
        Unavailable: there is no folder for them.
    """

    def __init__(self, name: str = "objects", *, path: Path | None = None, connections: int = 8) -> None:
        self.name = name
        self._own = path is None
        try:
            self._root = Path(tempfile.mkdtemp(prefix="windtunnel-objects-")) if path is None else path
            self._root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"The objects have no folder: {error.strerror}.") from error
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="objects")

    async def put(self, key: str, body: bytes, *, absent: bool = False, match: str | None = None) -> str:
        check_key(key)
        return await self._do(lambda: self._put(key, bytes(body), absent, match))

    async def get(self, key: str, *, start: int = 0, stop: int | None = None) -> Object | None:
        part(b"", start, stop)
        return await self._do(lambda: self._get(key, start, stop))

    async def delete(self, key: str) -> bool:
        return await self._do(lambda: self._delete(key))

    async def keys(self, prefix: str = "") -> list[str]:
        return await self._do(lambda: sorted(key for key in self._keys() if key.startswith(prefix)))

    async def close(self) -> None:
        self._threads.shutdown(wait=True)
        if self._own:
            shutil.rmtree(self._root, ignore_errors=True)

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    # --- files -----------------------------------------------------------------------------------------------------
    def _at(self, key: str) -> Path:
        return self._root / sha256(key.encode()).hexdigest()  # names of objects are longer than names of files may be

    def _put(self, key: str, body: bytes, absent: bool, match: str | None) -> str:
        handle, aside = tempfile.mkstemp(prefix=ASIDE, dir=self._root)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(HEADER.pack(len(key.encode())) + key.encode() + body)
                file.flush()
                os.fsync(file.fileno())
            with self._lock:
                old = self._read(key) if absent or match is not None else None
                if absent and old is not None:
                    raise Mismatch(f"There is an object {key} already.")
                if match is not None and (old is None or tag_of(old) != match):
                    raise Mismatch(f"{key} is not what it was when it had tag {match}.")
                os.replace(aside, self._at(key))
                self._sync_folder()
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
        return tag_of(body)

    def _get(self, key: str, start: int, stop: int | None) -> Object | None:
        found = self._read(key)
        return None if found is None else Object(part(found, start, stop), tag_of(found), len(found))

    def _read(self, key: str) -> bytes | None:
        try:
            data = self._at(key).read_bytes()
        except FileNotFoundError:
            return None
        return data[HEADER.size + HEADER.unpack_from(data)[0] :]

    def _delete(self, key: str) -> bool:
        with self._lock:
            try:
                self._at(key).unlink()
            except FileNotFoundError:
                return False
            self._sync_folder()
            return True

    def _keys(self) -> Iterator[str]:
        for path in self._root.iterdir():
            if not path.name.startswith(ASIDE):
                with suppress(FileNotFoundError), path.open("rb") as file:
                    yield file.read(HEADER.unpack(file.read(HEADER.size))[0]).decode()

    def _sync_folder(self) -> None:
        if os.name == "posix":  # elsewhere a folder cannot be opened
            handle = os.open(self._root, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
