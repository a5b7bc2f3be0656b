"""A real server behind the server port: a process of our own whose workers burn this machine's processor.

Pauses and crashes are the real ones, SIGSTOP and SIGKILL.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from windtunnel.engines.errors import Unavailable
from windtunnel.engines.shared.own import OwnProcess
from windtunnel.sim.servers.base import Rejected

PROGRAM = Path(__file__).with_name("burner.py")


def missing() -> str | None:
    """How to get it, where it cannot be had."""
    return None if os.name == "posix" else "a Unix, whose signals stop and kill it"


class ProcessServer(OwnProcess):
    """A process of our own that burns processor time.

    It is started now, and dies with us.

    Args:
        workers: requests served at once; more than there are cores take turns on them.
        speed: work done in a second of processor time by one worker.
        queue_limit: places to wait; None is no limit.
    """

    def __init__(
        self, name: str = "server", *, workers: int = 1, speed: float = 1.0, queue_limit: int | None = None
    ) -> None:
        self._workers, self._speed = workers, speed
        self._limit = -1 if queue_limit is None else queue_limit
        self._share = 1.0
        super().__init__(name, PROGRAM)

    def arguments(self) -> Sequence[str]:
        """Its workers, how fast they are, and its places to wait."""
        return str(self._workers), str(self._speed * self._share), str(self._limit)

    async def serve(self, work_s: float) -> None:
        """Wait for a worker, then while it does the work."""
        answer = await self._ask(f"work {work_s!r}\n")
        if answer == b"full\n":
            raise Rejected(f"{self.name} is full.")
        if answer != b"done\n":
            raise ConnectionResetError(f"{self.name} went away in the middle.")

    async def _ask(self, line: str) -> bytes:
        try:
            if not self.running:
                raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
            reader, writer = await asyncio.open_unix_connection(await self.way())
        except OSError as error:
            raise Unavailable(f"{self.name} cannot be reached: {error.strerror}.") from error
        try:
            writer.write(line.encode())
            return await reader.readline()
        finally:
            writer.close()

    def set_speed(self, speed: float) -> None:
        """Work done in a second of processor time by one worker, from now on."""
        self._speed = speed
        self._tell_speed()

    def slow_to(self, share: float) -> None:
        """Work goes at this part of the speed from now on; 1 is all of it."""
        self._share = share
        self._tell_speed()

    def _tell_speed(self) -> None:
        if not self.running:
            return  # the next process is told when it is started
        with socket.socket(socket.AF_UNIX) as told:
            told.connect(self.path)
            told.sendall(f"speed {self._speed * self._share!r}\n".encode())
            if not self.paused:  # else it reads that when it goes on
                told.recv(16)
