"""A device that is no queue of the simulator: who waits in front of it, and who has a place on it, for the picture."""

from __future__ import annotations

from typing import Any

from windtunnel.sim import Signal, Simulator


class Customer:
    """Who is there; when he got a place, nanoseconds."""

    def __init__(self) -> None:
        self.started_ns: int | None = None


class Places:
    """Tells the trace, where there is one, who waits and who has a place. Nothing that is measured follows from it.

    Args:
        sim: the tunnel.
        name: of the device, in the picture.
        workers: its places.
    """

    def __init__(self, sim: Simulator, name: str, workers: int) -> None:
        self.sim, self.name, self.workers = sim, name, workers
        self.queue_limit = None
        self._inside: dict[int, Customer] = {}

    def wait(self, over: Signal[Any]) -> None:
        """The caller has come, and waits for this signal."""
        if self.sim.trace is not None:
            customer = self._inside[id(over)] = Customer()
            self.sim.trace.admitted(self, customer, over)

    def begin(self, over: Signal[Any]) -> None:
        """He who waits for it has a place from now on, if he had none before."""
        customer = self._inside.get(id(over))
        if customer is not None and customer.started_ns is None:
            customer.started_ns = self.sim.now_ns

    def leave(self, over: Signal[Any], how: str = "served") -> None:
        """He has gone: "served", or "withdrawn" where he hung up."""
        if self._inside.pop(id(over), None) is not None and self.sim.trace is not None:
            self.sim.trace.left(self, over, how)
