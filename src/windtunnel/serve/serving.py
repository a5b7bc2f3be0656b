"""The server of `windtunnel serve`: on this machine alone unless another address is asked for, until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable

from windtunnel.blocks.serving.scheduler import Policy
from windtunnel.serve.app import application
from windtunnel.serve.model import Model
from windtunnel.serve.runner import Runner
from windtunnel.web.serving import until_ctrl_c


def prepared(
    bound: socket.socket, model: Model, policy: Policy = "continuous", at_once: int = 32, waiting: int = 64
) -> Callable[[], None]:
    """A server that is ready to answer; calling it serves until Ctrl-C, which ends answers under way."""
    from windtunnel.blocks.serving.kernels import decoder as kernels

    kernels.warm()  # compiled once, and then in a cache: the first to ask shall not wait for it
    host, port = bound.getsockname()[:2]
    runner = Runner(model.engine(policy, at_once), at_once + waiting)
    app = application(model, runner, (host, port) if host.startswith("127.") else None)
    # Answers under way end with a word, and need not be broken off.
    return until_ctrl_c(app, bound, ended=runner.end)
