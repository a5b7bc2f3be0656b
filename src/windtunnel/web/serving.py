"""The server of `windtunnel web`: on this machine alone, until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

from windtunnel.lab.errors import WrongInput
from windtunnel.web.own import Own

if TYPE_CHECKING:
    from starlette.applications import Starlette

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


def until_ctrl_c(app: Starlette, bound: socket.socket, ended: Callable[[], None] = lambda: None) -> Callable[[], None]:
    """A server of this application; calling it serves until Ctrl-C, of which `ended` hears first."""
    import logging

    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            ended()
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # a second Ctrl-C breaks off what ends anyway
            super().handle_exit(sig, frame)

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=STOPS_WITHIN_S, server_header=False
    )
    server = Server(config)
    return lambda: server.run(sockets=[bound])


def prepared(bound: socket.socket, own: Own | None = None) -> Callable[[], None]:
    """A server that is ready to answer; calling it serves until Ctrl-C, which stops all runs."""
    from windtunnel.web.ahead import ready
    from windtunnel.web.app import application

    ready()
    return until_ctrl_c(application(bound.getsockname()[1], own=own), bound)
