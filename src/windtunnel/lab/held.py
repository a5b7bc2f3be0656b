"""What the engines of a stage held when a run was over, and what its servers did, read by the harness itself.

A design's own `report` says what the design believes. Whoever judges it has to ask the tables and the machines: this is
what was found there, as data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

Sent = tuple[int, str, str, float, float | None, str]
"""A message; see `Held.messages`."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A server of the stage.

    Attributes:
        jobs: what it was given, in order of arrival: when it came, when it was done (None: never), and its work, in
            seconds at speed 1. Times are those of the history.
    """

    workers: int
    speed: float
    jobs: Sequence[tuple[float, float | None, float]] = ()

    @property
    def capacity(self) -> float:
        """Seconds of work that it can do in a second."""
        return self.workers * self.speed


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that was read, by the names that things have on the stage.

    Attributes:
        tables: the committed rows of each table of each database.
        machines: the servers.
        storms: each run of the compiled retry storm: its parameters, and its seed.
        messages: of a run of few requests: the request, from whom, to whom, when sent, when it arrived (None: never),
            and what it was.
        connections: for each database, the most that clients had in use at one moment.
        statements: for each database, and each of its standbys, how many it has worked on.
        hosts: the machines that there were, whoever made them.
    """

    tables: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]] = field(default_factory=dict)
    machines: Mapping[str, Machine] = field(default_factory=dict)
    storms: Sequence[tuple[Mapping[str, Any], int]] = ()
    messages: Sequence[Sent] = ()
    connections: Mapping[str, int] = field(default_factory=dict)
    statements: Mapping[str, int] = field(default_factory=dict)
    hosts: Sequence[str] = ()

    def rows(self, table: str) -> list[Mapping[str, Any]]:
        """The rows of a table, in whichever databases there is one of that name."""
        return [row for tables in self.tables.values() for row in tables.get(table, ())]

    @property
    def capacity(self) -> float:
        """Seconds of work that all servers together can do in a second."""
        return sum(machine.capacity for machine in self.machines.values())

    @property
    def jobs(self) -> list[tuple[float, float | None, float]]:
        """Those of all servers together, as a `Machine` has them."""
        return [job for machine in self.machines.values() for job in machine.jobs]

    def done(self) -> list[tuple[float, float]]:
        """When work was done, and how much, on all servers together."""
        return [(done, work) for _, done, work in self.jobs if done is not None]

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Held:
        """Back from plain data."""
        machines = {
            str(name): Machine(
                int(one["workers"]),
                float(one["speed"]),
                [(float(at), None if done is None else float(done), float(work)) for at, done, work in one["jobs"]],
            )
            for name, one in found["machines"].items()
        }
        messages: list[Sent] = [
            (int(request), str(source), str(target), float(sent), None if got is None else float(got), str(text))
            for request, source, target, sent, got, text in found["messages"]
        ]
        storms = [(dict(model), int(seed)) for model, seed in found["storms"]]
        connections = {str(name): int(most) for name, most in found["connections"].items()}
        statements = {str(name): int(many) for name, many in found["statements"].items()}
        hosts = [str(name) for name in found["hosts"]]
        return cls(found["tables"], machines, storms, messages, connections, statements, hosts)


def owed(answers: Sequence[tuple[float, float]], done: Sequence[tuple[float, float]]) -> float:
    """The most work, at any moment, that had been answered for and was not done; both as (when, seconds of work).

    What was done counts before what is answered at the same moment, and a microsecond is no time.
    """
    moments = sorted([(at, 0, -work) for at, work in done] + [(at + 1e-6, 1, work) for at, work in answers])
    most = balance = 0.0
    for _, _, work in moments:
        balance += work
        most = max(most, balance)
    return most


def most_at_once(jobs: Sequence[tuple[float, float | None, float]]) -> int:
    """The most jobs that were inside at one moment; who leaves at a moment makes room for who comes then."""
    moves = [(at, 1) for at, _, _ in jobs] + [(done, -1) for _, done, _ in jobs if done is not None]
    most = inside = 0
    for _, move in sorted(moves):
        inside += move
        most = max(most, inside)
    return most
