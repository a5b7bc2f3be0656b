"""The tunnel: virtual time, simulated hosts and networks, and nothing of the layers above.

Names are loaded when they are first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from windtunnel.sim.clock import EPOCH_S, Clock
    from windtunnel.sim.cpu import Cpu
    from windtunnel.sim.disciplines import (
        AdaptiveLifo,
        CoDel,
        Fifo,
        Lifo,
        Priority,
        RequestCoDel,
    )
    from windtunnel.sim.disk import Disk, DiskFile
    from windtunnel.sim.faults import Faults
    from windtunnel.sim.host import Host
    from windtunnel.sim.kernel import Simulator, process
    from windtunnel.sim.link import (
        LinkSpec,
        constant,
        exponential,
        lognormal,
        uniform,
    )
    from windtunnel.sim.network import (
        Inbox,
        Message,
        Network,
        Partition,
        TcpSettings,
    )
    from windtunnel.sim.processor_sharing import ProcessorSharingServer
    from windtunnel.sim.queues import Lock, Queue, Semaphore
    from windtunnel.sim.randomness import derive, stream
    from windtunnel.sim.sandbox import NotSimulated, reality
    from windtunnel.sim.server import Server
    from windtunnel.sim.server_base import (
        Dropped,
        Reading,
        Refused,
        Rejected,
        Usage,
        Withdrawn,
    )
    from windtunnel.sim.server_fifo import FifoServer
    from windtunnel.sim.signals import (
        NS,
        Crashed,
        Deadlock,
        Process,
        Signal,
        Timer,
        ns,
    )
    from windtunnel.sim.trace import Record, Trace

__all__ = [
    "EPOCH_S",
    "NS",
    "AdaptiveLifo",
    "Clock",
    "CoDel",
    "Cpu",
    "Crashed",
    "Deadlock",
    "Disk",
    "DiskFile",
    "Dropped",
    "Faults",
    "Fifo",
    "FifoServer",
    "Host",
    "Inbox",
    "Lifo",
    "LinkSpec",
    "Lock",
    "Message",
    "Network",
    "NotSimulated",
    "Partition",
    "Priority",
    "Process",
    "ProcessorSharingServer",
    "Queue",
    "Reading",
    "Record",
    "Refused",
    "Rejected",
    "RequestCoDel",
    "Semaphore",
    "Server",
    "Signal",
    "Simulator",
    "TcpSettings",
    "Timer",
    "Trace",
    "Usage",
    "Withdrawn",
    "constant",
    "derive",
    "exponential",
    "lognormal",
    "ns",
    "process",
    "reality",
    "stream",
    "uniform",
]

_HOMES = {
    "clock": "EPOCH_S Clock",
    "cpu": "Cpu",
    "disciplines": "AdaptiveLifo CoDel Fifo Lifo Priority RequestCoDel",
    "disk": "Disk DiskFile",
    "faults": "Faults",
    "host": "Host",
    "kernel": "Simulator process",
    "link": "LinkSpec constant exponential lognormal uniform",
    "network": "Inbox Message Network Partition TcpSettings",
    "processor_sharing": "ProcessorSharingServer",
    "queues": "Lock Queue Semaphore",
    "randomness": "derive stream",
    "sandbox": "NotSimulated reality",
    "server": "Server",
    "server_base": "Dropped Reading Refused Rejected Usage Withdrawn",
    "server_fifo": "FifoServer",
    "signals": "NS Crashed Deadlock Process Signal Timer ns",
    "trace": "Record Trace",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    thing = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = thing
    return thing


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
