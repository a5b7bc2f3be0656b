"""The model of a server: one event a customer where it is first come, first served; a real queue elsewhere."""

from __future__ import annotations

from typing import Any

from windtunnel.sim.kernel import Simulator
from windtunnel.sim.servers.base import ServerBase
from windtunnel.sim.servers.disciplines import Discipline
from windtunnel.sim.servers.fifo import FifoServer
from windtunnel.sim.servers.server import Server


def model_server(sim: Simulator, name: str, *, discipline: Discipline | None = None, **options: Any) -> ServerBase:
    """The server of the tunnel; `workers`, `speed` and `queue_limit` as the port has them."""
    if discipline is None:
        return FifoServer(sim, name, **options)
    return Server(sim, name, discipline=discipline, **options)
