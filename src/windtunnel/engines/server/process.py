"""A real server behind the server port: a process of our own whose workers burn this machine's processor.

Pauses and crashes are the real ones, SIGSTOP and SIGKILL.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Collection
from pathlib import Path

from windtunnel.engines.errors import MissingEngine, Unavailable
from windtunnel.engines.shared.relay import Relay
from windtunnel.engines.shared.servers import Guarded, guarded
from windtunnel.sim.servers.base import Rejected

PROGRAM = Path(__file__).with_name("burner.py")


def missing() -> str | None:
    """How to get it, where it cannot be had."""
    return None if os.name == "posix" else "a Unix, whose signals stop and kill it"


class ProcessServer:
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
        if os.name != "posix":
            raise MissingEngine("A real server is stopped and killed by the signals of Unix; use stage sim here.")
        self.name = name
        self._workers, self._speed = workers, speed
        self._limit = -1 if queue_limit is None else queue_limit
        self._process: Guarded | None = None
        self._paused = False
        self._share = 1.0
        self.relay: Relay | None = None
        self.restart()

    def expect(self, words: Collection[str]) -> None:
        """Faults of these words will strike it: those that strike the way to it need a relay there."""
        if {"way", "cut_reply"}.intersection(words):
            self.relay = Relay(lambda: asyncio.open_unix_connection(self._path))

    def restart(self) -> None:
        """Start the process anew, empty; harmless where it runs."""
        if self._process is not None:
            return
        with guarded("wt-srv-") as server:
            path = self._path = str(server.folder / "socket")
            asked = [path, str(self._workers), str(self._speed * self._share), str(self._limit)]
            server.serve([sys.executable, "-I", str(PROGRAM), *asked], path, self._ready)
        self._process = server

    def _ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self._path)
            except OSError:
                return False
            return True

    async def serve(self, work_s: float) -> None:
        """Wait for a worker, then while it does the work."""
        answer = await self._ask(f"work {work_s!r}\n")
        if answer == b"full\n":
            raise Rejected(f"{self.name} is full.")
        if answer != b"done\n":
            raise ConnectionResetError(f"{self.name} went away in the middle.")

    async def _ask(self, line: str) -> bytes:
        try:
            if self._process is None:
                raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
            path = self._path if self.relay is None else await self.relay.path()
            reader, writer = await asyncio.open_unix_connection(path)
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

    def lose_replies(self, yes: bool) -> None:
        """Work is done and the connection breaks in place of the answer; or no longer. Only where it was expected."""
        if self.relay is not None:
            self.relay.replies_lost = yes

    def _tell_speed(self) -> None:
        if self._process is None:
            return  # the next process is told when it is started
        with socket.socket(socket.AF_UNIX) as told:
            told.connect(self._path)
            told.sendall(f"speed {self._speed * self._share!r}\n".encode())
            if not self._paused:  # else it reads that when it goes on
                told.recv(16)

    def pause(self) -> None:
        """Stop the process where it is; returns when it is stopped."""
        if self._process is not None:
            self._paused = True
            self._process.pause()

    def resume(self) -> None:
        """Let the process go on."""
        if self._process is not None:
            self._paused = False
            self._process.resume()

    def crash(self) -> None:
        """Kill the process, with everybody inside."""
        if self._process is not None:
            self._process.crash()
            self._process.stop()
            self._process = None
            self._paused = False

    async def close(self) -> None:
        """Stop the process."""
        self.crash()
        if self.relay is not None:
            await self.relay.close()
