"""A simulated host."""

from __future__ import annotations

from typing import Any

from windtunnel.sim.kernel import Process


class Host:
    """A machine on the simulated network."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._processes: dict[Process[Any], None] = {}
