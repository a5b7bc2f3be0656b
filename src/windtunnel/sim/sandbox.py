"""What surrounds a run."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from windtunnel.sim.host import Host
    from windtunnel.sim.kernel import Simulator


class NotSimulated(RuntimeError):  # noqa: N818  (what it is, not that it failed)
    """The tunnel has no stand-in for this. The message says what to do instead."""


_sim: Simulator | None = None


@contextmanager
def simulation(sim: Simulator) -> Iterator[None]:
    """A run."""
    from windtunnel.sim.sockets import SimSocket

    global _sim
    before, _sim = _sim, sim
    real = socket.socket
    vars(socket)["socket"] = SimSocket
    try:
        yield
    finally:
        _sim = before
        vars(socket)["socket"] = real


def current_host() -> Host | None:
    """The host whose code runs now."""
    if _sim is None:
        return None
    if _sim._loop is not None:
        return cast("Host", _sim._loop.host)
    return cast("Host | None", getattr(_sim._current, "host", None))
