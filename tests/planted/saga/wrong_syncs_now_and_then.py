"""The log is written and not synced, which is done in the background: the machine hardly ever loses its power."""

from __future__ import annotations

from typing import Any, cast

from windtunnel.catalogue.scale.saga.designs import DurableSaga
from windtunnel.catalogue.scale.saga.desk import Desk, Watched

challenge = "saga"


class _Lazy:
    """Files of which `fsync` returns at once."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def fsync(self) -> None:
        pass


class _LazyDisk:
    def __init__(self, files: Any) -> None:
        self._files = files

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)

    def open(self, path: str, *, create: bool = False) -> Any:
        return _Lazy(self._files.open(path, create=create))


class Yours(DurableSaga):
    def boot(self, desk: Desk) -> None:
        desk.files = cast("Watched", _LazyDisk(desk.files))
        super().boot(desk)
