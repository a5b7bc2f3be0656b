"""A tunnel as peers need it, and a state that shows in which order commands were done to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from windtunnel.sim import Host, Network, Simulator


class Tunnel:
    """The part of a stage that peers need."""

    def __init__(self, seed: int = 0) -> None:
        self.sim = Simulator(seed)

    @property
    def network(self) -> Network:
        return self.sim.network

    def host(self, name: str) -> Host:
        return self.sim.host(name)


def add(state: dict[str, Any], command: Sequence[Any]) -> str:
    """A list, to which letters are added: it shows the order."""
    state["letters"] = state.get("letters", "") + command[0]
    return str(state["letters"])
