"""What a server was given and when it was done with it, for whoever looks on; the run stays the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from windtunnel.sim.kernel import NS
from windtunnel.sim.servers.base import NEVER, ServerBase, Unanswered
from windtunnel.sim.servers.fifo import DEPARTURE, FifoServer


class Journal:
    """Keeps the jobs that a server is given from now on.

    It wraps the server's own methods, so that servers nobody looks at cost what they did.

    Attributes:
        server: the server.
        speed: what it had when the journal began.
    """

    def __init__(self, server: ServerBase) -> None:
        self.server = server
        self.speed = server._speed
        self._read = _departures(server) if isinstance(server, FifoServer) else _jobs(server)

    def jobs(self) -> list[tuple[int, int | None, int]]:
        """When each came, when it was done (None: not yet, or never), and its work at speed 1, in nanoseconds."""
        return self._read(self.server.sim.now_ns)


Read = Callable[[int], list[tuple[int, int | None, int]]]


def _departures(server: FifoServer) -> Read:
    given: list[tuple[int, int, list[Any]]] = []
    lost: set[int] = set()
    admit, lose_all = server._admit, server._lose_all

    def admitted(work_ns: int, waiter: Any) -> Any:
        entry = admit(work_ns, waiter)
        given.append((server.sim.now_ns, int(work_ns), entry))
        return entry

    def lost_all(why: str) -> int:
        server._depart()
        lost.update(map(id, server._in_order_of_arrival()))
        return lose_all(why)

    server._admit = admitted  # type: ignore[method-assign]
    server._watched = True  # for the compiled server, which asks its class else
    server._lose_all = lost_all  # type: ignore[method-assign]

    def read(now_ns: int) -> list[tuple[int, int | None, int]]:
        return [
            (at, entry[DEPARTURE] if entry[DEPARTURE] <= now_ns and id(entry) not in lost else None, work)
            for at, work, entry in given
        ]

    return read


def _jobs(server: Any) -> Read:
    given: list[tuple[int, int, Any]] = []
    serve = server.serve

    def served(work_s: float, **how: Any) -> Any:
        job = serve(work_s, **how)
        given.append((server.sim.now_ns, round(work_s * NS), job))
        return job

    server.serve = server.submit = served

    def read(now_ns: int) -> list[tuple[int, int | None, int]]:
        found: list[tuple[int, int | None, int]] = []
        for at, work, job in given:
            over = job.done() and (job.exception() is None or isinstance(job.exception(), Unanswered))
            found.append((at, job.due_ns if over and job.due_ns < NEVER else None, work))
        return found

    return read
