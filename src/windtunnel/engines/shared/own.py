"""A process of our own behind a Unix socket: one program, run from its file, which dies with us."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from windtunnel.engines.errors import MissingEngine
from windtunnel.engines.shared.relay import Relay
from windtunnel.engines.shared.servers import Guarded, guarded


class OwnProcess:
    """A program that listens on a socket. It is started now, and what befalls it is real: SIGSTOP and SIGKILL.

    Args:
        name: by which faults name it.
        file: the program; its first argument is the socket on which it is to listen.

    Attributes:
        path: that socket.
        paused: whether it is stopped.
        relay: what stands before it, where faults of the way were expected.

    Raises:
        MissingEngine: this is no Unix, or the program does not start.
    """

    relay: Relay | None = None

    def __init__(self, name: str, file: Path) -> None:
        if os.name != "posix":
            raise MissingEngine("A real server is stopped and killed by the signals of Unix; use stage sim here.")
        self.name = name
        self.path = ""
        self.paused = False
        self._file = file
        self._process: Guarded | None = None
        self.restart()

    def arguments(self) -> Sequence[str]:
        """What the program is told when it is started, after its socket."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        """Whether it was started and not killed since."""
        return self._process is not None

    def expect(self, words: Collection[str]) -> None:
        """Faults of these words will strike it: those that strike the way to it need a relay there."""
        if {"way", "cut_reply"}.intersection(words):
            self.relay = Relay(lambda: asyncio.open_unix_connection(self.path))

    async def way(self) -> str:
        """The socket that clients connect to: its own, or that of the relay before it."""
        return self.path if self.relay is None else str(await self.relay.path())

    def restart(self) -> None:
        """Start the program anew; harmless where it runs."""
        if self._process is not None:
            return
        with guarded("wt-srv-") as server:
            self.path = path = str(server.folder / "socket")
            server.serve([sys.executable, "-I", str(self._file), path, *self.arguments()], path, self._ready)
        self._process = server

    def _ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self.path)
            except OSError:
                return False
            return True

    def lose_replies(self, yes: bool) -> None:
        """Work is done and the connection breaks in place of the answer; or no longer. Only where it was expected."""
        if self.relay is not None:
            self.relay.replies_lost = yes

    def hang(self, yes: bool) -> None:
        """Whoever calls hears nothing, and is not refused either; or no longer. Only where it was expected."""
        if self.relay is not None:
            self.relay.hold(yes)

    def pause(self) -> None:
        """Stop the process where it is; returns when it is stopped."""
        if self._process is not None:
            self.paused = True
            self._process.pause()

    def resume(self) -> None:
        """Let the process go on."""
        if self._process is not None:
            self.paused = False
            self._process.resume()

    def crash(self) -> None:
        """Kill the process, with everybody inside."""
        if self._process is not None:
            self._process.kill()
            self._process = None
            self.paused = False

    async def close(self) -> None:
        """Stop the process."""
        self.crash()
        if self.relay is not None:
            await self.relay.close()
