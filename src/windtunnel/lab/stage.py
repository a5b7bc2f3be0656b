"""Where designs stand: the tunnel, this machine's processor, or a real engine.

A design gets everything that is not its own from its stage, so the same class runs on all of them. What lives on the
stage has a name, and faults reach it by that name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from random import Random
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from windtunnel.engines.registry import MODEL
from windtunnel.lab.errors import WrongInput, suggest
from windtunnel.lab.footing import Named, footing, name_of
from windtunnel.sim.tier import native

if TYPE_CHECKING:
    from pathlib import Path

    from windtunnel.engines.cache.port import CachePort
    from windtunnel.engines.database.port import Acknowledge, DatabasePort
    from windtunnel.engines.log.port import LogPort
    from windtunnel.engines.objects.port import ObjectsPort
    from windtunnel.engines.queue.port import QueuePort
    from windtunnel.engines.shared.child import Child
    from windtunnel.engines.shared.program import OwnProgram
    from windtunnel.lab.once import Once
    from windtunnel.sim.fault import Fault
    from windtunnel.sim.host import Host
    from windtunnel.sim.kernel import Signal, Simulator
    from windtunnel.sim.network import Network
    from windtunnel.sim.servers.disciplines import Discipline
    from windtunnel.sim.servers.fifo import FifoServer
    from windtunnel.sim.servers.server import Server

P = ParamSpec("P")
T = TypeVar("T")
REQUEST: ContextVar[int] = ContextVar("windtunnel_request", default=-1)
"""The request that an asyncio task serves; light processes carry theirs themselves."""


class Stage:
    """One design's surroundings for one run with one seed. Two designs never share a stage.

    Attributes:
        name: "sim", or what its ports stand on (see `windtunnel.lab.footing`).
        on: the engine of every port.
        seed: decides the workload and all modelled luck.
    """

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.on = footing(name)
        self.seed = seed
        self._things: dict[str, Any] = {}
        self._streams: dict[str, Random] = {}
        self._luck: dict[tuple[str, int], Random] = {}
        self._opened: list[Any] = []
        """What has to be closed at the end."""
        self.others: object = None
        """Clients of another program; see `Experiment.others`."""
        self.faults: Sequence[Fault] = ()
        """What will go wrong: a real thing has to be made in such a way that it can."""

    @property
    def sim(self) -> Simulator:
        """The simulator. Raises WrongInput on a stage that is real."""
        raise WrongInput(f"Stage {self.name} is real; only stage sim has a simulator.")

    @property
    def network(self) -> Network:
        """The simulated network. Raises WrongInput on a stage that is real."""
        return self.sim.network

    def host(self, name: str, **options: Any) -> Host:
        """The simulated host of this name. Raises WrongInput on a stage that is real."""
        return self.sim.host(name, **options)

    def random(self, name: str) -> Random:
        """A component's own stream of luck: the same generator for the same name and seed, on every stage."""
        found = self._streams.get(name)
        if found is None:
            from windtunnel.sim.randomness import stream

            found = self._streams[name] = stream(self.seed, name)
        return found

    def luck(self, name: str) -> Random:
        """A component's stream of luck for the request that is being served: the same for the same seed, name and
        request, whatever became of the others."""
        if self.request < 0:
            return self.random(name)
        from windtunnel.sim.randomness import Luck, derive

        return self._luck.setdefault((name, self.request), Luck(derive(self.seed, name), self.request))

    @property
    def request(self) -> int:
        """The id of the request that is being served; -1 outside of one."""
        return REQUEST.get()

    def clock(self) -> float:
        """Seconds on this stage's clock; only differences mean something."""
        return time.perf_counter()

    def signal(self) -> Signal[None] | Once:
        """Something that happens once: `set()` it, await it, ask whether it is `done()`; for requests that wait for
        one another on any stage."""
        from windtunnel.lab.once import Once

        return Once()

    def inside(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a call in the world of this stage: in the tunnel time, luck and disks are the tunnel's for it too."""
        return call(*args, **kwargs)

    # --- what lives here -----------------------------------------------------------------------------------------
    def add(self, name: str, thing: T) -> T:
        """Give something a name by which faults can reach it; returns it. Names are unique on a stage."""
        if name in self._things:
            raise ValueError(f"Stage {self.name} has a {name} already; every thing on it needs a name of its own.")
        self._things[name] = thing
        return thing

    @property
    def things(self) -> Mapping[str, Any]:
        """Everything that has a name here."""
        return self._things

    def thing(self, name: str) -> Any:
        """What has this name. Raises WrongInput."""
        things = self.things
        if name not in things:
            raise WrongInput(suggest(name, things, f"thing on stage {self.name} named"))
        return things[name]

    def open(self, port: str, name: str = "", *, model: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """What stands behind a port here: its model in the tunnel, else a real engine (see `windtunnel.engines`).

        Args:
            port: "database", "server", "cache", or any other that there is.
            name: by which faults can reach it; the port's by default.
            model: options that only the model has.
            options: those of the port.

        Raises:
            WrongInput: there is no such port.
        """
        from windtunnel.engines.registry import MODEL, open_port, ports

        if port not in ports():
            raise WrongInput(suggest(port, ports(), "port"))
        engine = self.on[port]
        if engine == MODEL:
            options |= {"sim": self.sim, **(model or {})}
        made = open_port(port, engine, name or port, **options)
        if hasattr(made, "close"):
            self._opened.append(made)
        return self._known(name or port, made)

    def _known(self, name: str, made: Any) -> Any:
        """Give a thing behind a port its name, and tell it which faults will strike it."""
        words = _words(self.faults, name)
        if words and hasattr(made, "expect"):
            made.expect(words)
        return self.add(name, made)

    def database(
        self,
        name: str = "db",
        *,
        connections: int = 8,
        standbys: int = 0,
        standby_lag_s: float | Sequence[float] = 0.0,
        acknowledge: Acknowledge = "committed",
        quorum: int = 0,
        model: Mapping[str, Any] | None = None,
    ) -> DatabasePort:
        """A relational database: its model in the tunnel, SQLite or PostgreSQL elsewhere.

        Args:
            connections: how many transactions can be open at once.
            standbys: 0, or 1 or 2 that follow and can be read (`standbys`), in the model and PostgreSQL; faults find
                them by the database's name and " standby", " standby 2".
            standby_lag_s: seconds after a commit until a standby applies it: one number, or one for each.
            acknowledge: when a commit is answered: "committed", or "written" or "applied" by standbys.
            quorum: how many of them; 0: all.
            model: what only the model has (`round_trip_s`, `statement_s`, `row_s`, `commit_s`, `cores`).
        """
        asked: dict[str, Any] = {"standbys": standbys, "standby_lag_s": standby_lag_s}
        asked |= {"acknowledge": acknowledge, "quorum": quorum}
        options = asked if standbys else {}
        found: DatabasePort = self.open("database", name, model=model, connections=connections, **options)
        for standby in found.standbys if standbys else ():
            self._known(standby.name, standby)
        return found

    def queue(self, name: str = "queue", *, model: Mapping[str, Any] | None = None, **options: Any) -> QueuePort:
        """A message queue, at least once: its model in the tunnel, NATS JetStream elsewhere.

        Args:
            model: what only the model has (`round_trip_s`, `request_s`, `sync_s`, `connections`).
            options: `publish_timeout_s`.
        """
        found: QueuePort = self.open("queue", name, model=model, **options)
        return found

    def log(self, name: str = "log", *, model: Mapping[str, Any] | None = None) -> LogPort:
        """A log of records: ours on a simulated disk in the tunnel, on this machine's disk elsewhere; or NATS.

        Args:
            model: what only the model has (`round_trip_s`, `request_s`, `sync_s`, `connections`).
        """
        found: LogPort = self.open("log", name, model=model)
        return found

    def objects(self, name: str = "objects", *, model: Mapping[str, Any] | None = None) -> ObjectsPort:
        """A store of whole objects: its model in the tunnel, a folder of this machine elsewhere.

        Args:
            model: what only the model has (`round_trip_s`, `first_byte_s`, `bytes_per_s`, `connections`).
        """
        found: ObjectsPort = self.open("objects", name, model=model)
        return found

    def cache(
        self,
        name: str = "cache",
        *,
        connections: int = 8,
        durable: bool = False,
        replicas: int = 0,
        model: Mapping[str, Any] | None = None,
    ) -> CachePort:
        """A cache in the memory of a server: its model in the tunnel, Valkey elsewhere.

        Args:
            connections: commands under way at once.
            durable: what was answered is on disk; otherwise a crash loses everything.
            replicas: 0, or 1 that runs behind and takes over when told to `fail_over`.
            model: what only the model has (`round_trip_s`, `command_s`, `sync_s`, `lag_s`).
        """
        found: CachePort = self.open(
            "cache", name, model=model, connections=connections, durable=durable, replicas=replicas
        )
        return found

    @overload
    def server(
        self, name: str, *, workers: int = 1, speed: float = 1.0, queue_limit: int | None = None
    ) -> FifoServer: ...
    @overload
    def server(
        self, name: str, *, workers: int = 1, speed: float = 1.0, queue_limit: int | None = None, discipline: Discipline
    ) -> Server: ...
    def server(
        self,
        name: str,
        *,
        workers: int = 1,
        speed: float = 1.0,
        queue_limit: int | None = None,
        discipline: Discipline | None = None,
    ) -> FifoServer | Server:
        """A server: k workers and a queue, first come first served unless a discipline says otherwise.

        Await `server.serve(work_s)`, or return `server.submit(work_s)` from a method: that costs one event. On a
        real stage it is a process of ours that burns processor time and has what `windtunnel.engines.server` says.
        """
        if discipline is not None and self.on["server"] != "sim":
            raise WrongInput("Queue disciplines exist in the model only; a real server is first come, first served.")
        model = {"discipline": discipline}
        found: FifoServer | Server = self.open(
            "server", name, model=model, workers=workers, speed=speed, queue_limit=queue_limit
        )
        return found

    def program(self, name: str, file: Path, told: Mapping[str, Any]) -> OwnProgram:
        """A process that runs a file of the experiment's own, on a real stage, in the place of what the tunnel models.

        It is told that as JSON, answers calls over a socket (`windtunnel.engines.OwnProgram`), and ends with the run.
        Raises WrongInput in the tunnel.
        """
        from windtunnel.engines.shared.program import OwnProgram

        if self.name == MODEL:
            raise WrongInput(f"{name} would be a real process; on stage sim everything is modelled.")
        made = OwnProgram(name, file, told)
        self._opened.append(made)
        known: OwnProgram = self._known(name, made)
        return known

    def child(self, name: str, file: Path, told: Mapping[str, Any], design: object = None) -> Child:
        """A process that runs a file of the experiment's own on a pipe, for what is measured on this machine.

        Cheaper than `program`, and no fault reaches it; it ends with the run. A design is given to it as its text
        (`windtunnel.engines.Child`). Raises WrongInput in the tunnel.
        """
        from windtunnel.engines.shared.child import Child

        if self.name == MODEL:
            raise WrongInput(f"{name} would be a real process; on stage sim everything is modelled.")
        made = Child(name, file, told, design)
        self._opened.append(made)
        return self.add(name, made)

    async def close(self) -> None:
        """Give back what was opened here."""
        for engine in self._opened:
            await engine.close()


class SimStage(Stage):
    """The tunnel: virtual time, the same bytes from the same seed."""

    def __init__(self, seed: int, name: str = "sim") -> None:
        super().__init__(name, seed)
        from windtunnel.sim.kernel import Simulator

        self._sim = Simulator(seed)
        self._sim.faults.find = self.thing

    @property
    def sim(self) -> Simulator:
        """The simulator on whose clock everything here lives."""
        return self._sim

    def random(self, name: str) -> Random:
        """A component's own stream of luck."""
        return self._sim.random(name)

    def luck(self, name: str) -> Random:
        """A component's stream of luck for the request that is being served."""
        return self._sim.luck(name)

    @property
    def request(self) -> int:
        """The id of the request that is being served; -1 outside of one."""
        return self._sim.request

    @property
    def things(self) -> Mapping[str, Any]:
        """Everything that has a name here: what was added, the hosts, the network."""
        return {"network": self._sim.network, **self._sim.hosts, **self._things}

    def thing(self, name: str) -> Any:
        """What has this name; the host of the clients is made when it is first asked for. Raises WrongInput."""
        from windtunnel.sim.network import CLIENTS

        if name == CLIENTS and name not in self._things:
            return self._sim.host(name)
        return super().thing(name)

    def clock(self) -> float:
        """Seconds of virtual time since the stage was made."""
        return self._sim.now

    def signal(self) -> Signal[None]:
        """Something that happens once: `set()` it, await it, ask whether it is `done()`."""
        return self._sim.signal()

    def inside(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a call in the world of this stage: in the tunnel time, luck and disks are the tunnel's for it too."""
        return self._sim.inside(call, *args, **kwargs)


if not TYPE_CHECKING and native is not None:

    class SimStage(native.StageCore, SimStage):
        __doc__ = SimStage.__doc__


def _words(faults: Sequence[Fault], name: str) -> set[str]:
    """What will befall the thing of this name: words, and "way" for what befalls the way to it."""
    from windtunnel.sim.outages import on_ways

    found = set()
    for fault in faults:
        named = name in fault.targets or name in fault.others
        if on_ways(fault):
            if named or not (fault.targets and fault.others):  # among everybody else
                found.add("way")
        elif named:
            found.add(fault.word)
    return found


def open_stage(name: Named, seed: int) -> Stage:
    """A new stage of this name, or with these engines by port. Raises WrongInput."""
    return SimStage(seed) if name == MODEL else Stage(name_of(name), seed)
