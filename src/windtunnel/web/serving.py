"""The server of `windtunnel web`: on this machine alone, until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable

from windtunnel.lab.errors import WrongInput
from windtunnel.web.own import Own

HOST = "127.0.0.1"
STOPS_WITHIN_S = 1
"""For so long answers under way may go on once the server is stopped."""


def listening(port: int, host: str = HOST) -> socket.socket:
    """A socket at this port of this machine, at a free one where it is 0. Raises WrongInput."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(128)  # from now on: who is told the address may ask at once
    except OSError as error:
        made.close()
        raise WrongInput(f"Port {port} cannot be had: {error.strerror}; take another with --port, or 0.") from None
    return made


def prepared(bound: socket.socket, own: Own | None = None) -> Callable[[], None]:
    """A server that is ready to answer; calling it serves until Ctrl-C, which stops all runs."""
    import uvicorn

    from windtunnel.web.ahead import ready
    from windtunnel.web.app import application

    ready()
    app = application(bound.getsockname()[1], own=own)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=STOPS_WITHIN_S, server_header=False
    )
    server = uvicorn.Server(config)
    return lambda: server.run(sockets=[bound])
