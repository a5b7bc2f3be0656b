"""The harness's own eyes on a stage: what is opened there is read when the run is over, past the design.

Nothing here takes virtual time, draws luck or wakes anybody: a run that is watched is the same run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from windtunnel.lab.held import Held, Machine
from windtunnel.lab.stage import Stage
from windtunnel.sim.compiled.retry import noting
from windtunnel.sim.kernel import NS
from windtunnel.sim.servers.base import ServerBase
from windtunnel.sim.servers.journal import Journal


class Watch:
    """Watches what is opened on a stage from now on.

    Attributes:
        commits_ns: for each database, when something was committed there.
    """

    def __init__(self, stage: Stage) -> None:
        self._hosts = stage.sim.hosts
        self._servers: dict[str, Journal] = {}
        self._databases: dict[str, Any] = {}
        self._standbys: dict[str, Sequence[Any]] = {}
        """Of each database, as it was opened: one that is promoted is a standby no more."""
        self._storms: list[tuple[Any, int]] = []
        self.noting = noting(self._storms)
        self.commits_ns: dict[str, list[int]] = {}
        inner = stage.open

        def opened(port: str, name: str = "", **options: Any) -> Any:
            made = inner(port, name, **options)
            self._see(name or port, made)
            return made

        stage.open = opened  # type: ignore[method-assign]  # of this stage alone

    def _see(self, name: str, made: Any) -> None:
        if isinstance(made, ServerBase):
            self._servers[name] = Journal(made)
        elif hasattr(made, "held"):
            self._databases[name] = made
            self._standbys[name] = made.standbys
            self.commits_ns[name] = made.commits_ns = []

    def held(self, origin_ns: int) -> Held:
        """What is there now; times count from `origin_ns`."""

        def second(moment_ns: int) -> float:
            return (moment_ns - origin_ns) / NS

        machines = {
            name: Machine(
                journal.server.workers,
                journal.speed,
                [(second(at), None if done is None else second(done), work / NS) for at, done, work in journal.jobs()],
            )
            for name, journal in self._servers.items()
        }
        tables = {name: database.held() for name, database in self._databases.items()}
        connections = {name: database.most_connections for name, database in self._databases.items()}
        servers = [one for name, database in self._databases.items() for one in (database, *self._standbys[name])]
        statements = {one.name: one.statements for one in servers}
        storms = [(asdict(model), seed) for model, seed in self._storms]
        return Held(tables, machines, storms, (), connections, statements, tuple(self._hosts))
