"""The tunnel: virtual time, simulated hosts and networks, and nothing of the layers above."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.sim.clock import EPOCH_S as EPOCH_S, Clock as Clock
    from windtunnel.sim.cpu import Cpu as Cpu
    from windtunnel.sim.disk import Disk as Disk, DiskFile as DiskFile
    from windtunnel.sim.faults import Faults as Faults
    from windtunnel.sim.host import Host as Host
    from windtunnel.sim.kernel import Simulator as Simulator
    from windtunnel.sim.link import (
        LinkSpec as LinkSpec,
        exponential as exponential,
        lognormal as lognormal,
        uniform as uniform,
    )
    from windtunnel.sim.network import (
        Inbox as Inbox,
        Message as Message,
        Network as Network,
        Partition as Partition,
        TcpSettings as TcpSettings,
    )
    from windtunnel.sim.queues import Lock as Lock, Queue as Queue, Semaphore as Semaphore
    from windtunnel.sim.randomness import derive as derive, stream as stream
    from windtunnel.sim.sandbox import NotSimulated as NotSimulated, reality as reality
    from windtunnel.sim.servers.base import (
        Dropped as Dropped,
        Reading as Reading,
        Rejected as Rejected,
        ServerDown as ServerDown,
        Usage as Usage,
        Withdrawn as Withdrawn,
    )
    from windtunnel.sim.servers.disciplines import (
        Discipline as Discipline,
        Drop as Drop,
        Fifo as Fifo,
        Lifo as Lifo,
        Line as Line,
        Priority as Priority,
        Waiting as Waiting,
    )
    from windtunnel.sim.servers.fifo import Departure as Departure, FifoServer as FifoServer
    from windtunnel.sim.servers.processor_sharing import ProcessorSharingServer as ProcessorSharingServer
    from windtunnel.sim.servers.server import Job as Job, Server as Server
    from windtunnel.sim.signals import (
        NS as NS,
        Crashed as Crashed,
        Deadlock as Deadlock,
        Process as Process,
        Signal as Signal,
        Timer as Timer,
        ns as ns,
    )
    from windtunnel.sim.trace import Record as Record, Trace as Trace

__getattr__, __dir__ = lend(__name__)
