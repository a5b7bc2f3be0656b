"""The stand-ins for clocks, random sources, sockets and signals. See `windtunnel.sim.sandbox` for when they are used.

Each looks for the simulation of its thread, and is the real thing where there is none: modules that are imported during
a run keep the stand-in for ever.
"""

from __future__ import annotations

import _thread
import asyncio
import os
import random
import select
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import wraps
from typing import Any, Final, NoReturn, cast

from windtunnel.sim.audit import PROCESSES, SIGNALS, SLEEP, THREADS, WAITS, importing
from windtunnel.sim.loop import SERVICES, resolve
from windtunnel.sim.sandbox import NotSimulated, current_clock, current_host, current_simulator
from windtunnel.sim.sockets import SimSocket, pair

try:
    import _posixsubprocess
except ImportError:
    _posixsubprocess = None  # type: ignore[assignment]  # Windows

by_thing: dict[int, Any] = {}
"""The stand-in of a real thing, by the identity of that."""
by_name: dict[str, dict[str, Any]] = {}
"""What else is put in the place of a module's names."""
methods: list[tuple[type, str, Any]] = []
"""The same for classes, which modules share."""
_kept: list[Any] = []
"""The real things, so that their identities stay theirs."""


def _replaces(real: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate the simulated version of `real`: outside of simulations, `real` is called."""

    def decorate(simulated: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(real)
        def stand_in(*args: Any, **kwargs: Any) -> Any:
            if current_simulator() is None:
                return real(*args, **kwargs)
            return simulated(*args, **kwargs)

        _kept.append(real)
        by_thing[id(real)] = stand_in
        return simulated

    return decorate


# --- clocks ----------------------------------------------------------------------------------------------------------
def _read_clock(real: Callable[[], Any], method: str) -> None:
    def stand_in() -> Any:
        clock = current_clock()
        return real() if clock is None else getattr(clock, method)()

    _kept.append(real)
    by_thing[id(real)] = wraps(real)(stand_in)


_read_clock(time.time, "time")
_read_clock(time.time_ns, "time_ns")
_read_clock(time.monotonic, "monotonic")
_read_clock(time.monotonic_ns, "monotonic_ns")
_read_clock(time.perf_counter, "monotonic")
_read_clock(time.perf_counter_ns, "monotonic_ns")

_gmtime, _localtime = time.gmtime, time.localtime


@_replaces(time.gmtime)
def _(seconds: float | None = None) -> time.struct_time:
    return _gmtime(_now() if seconds is None else seconds)


@_replaces(time.localtime)
def _(seconds: float | None = None) -> time.struct_time:
    return _localtime(_now() if seconds is None else seconds)


@_replaces(time.sleep)
def _(seconds: float) -> NoReturn:
    raise NotSimulated(SLEEP)


_real_now, _real_utcnow = vars(datetime)["now"], vars(datetime)["utcnow"]


def _now_of_day(cls: type[datetime], tz: tzinfo | None = None) -> datetime:
    clock = current_clock()
    if clock is None:
        return cast(datetime, _real_now.__get__(None, cls)(tz))
    seconds, rest_ns = divmod(clock.time_ns(), 1_000_000_000)
    return cls.fromtimestamp(seconds, tz).replace(microsecond=rest_ns // 1000)


def _utc_now_of_day(cls: type[datetime]) -> datetime:
    if current_clock() is None:
        return cast(datetime, _real_utcnow.__get__(None, cls)())
    return _now_of_day(cls, UTC).replace(tzinfo=None)


methods.append((datetime, "now", classmethod(_now_of_day)))
methods.append((datetime, "utcnow", classmethod(_utc_now_of_day)))


def _now() -> float:
    clock = current_clock()
    assert clock is not None
    return clock.time()


# --- threads and processes: what Python raises no audit event for -----------------------------------------------------
@_replaces(_thread.start_new_thread)
def _(*_: Any, **__: Any) -> NoReturn:
    raise NotSimulated(THREADS)


if _posixsubprocess is not None:

    @_replaces(_posixsubprocess.fork_exec)
    def _(*_: Any, **__: Any) -> NoReturn:
        raise NotSimulated(PROCESSES)


_real_wait = threading.Condition.wait


def _wait_for_a_thread(self: threading.Condition, timeout: float | None = None) -> bool:
    """Events, queues, barriers and the futures of threads all wait in this one method."""
    if current_simulator() is not None and (timeout is None or timeout > 0):
        raise NotSimulated(WAITS)
    return _real_wait(self, timeout)


methods.append((threading.Condition, "wait", _wait_for_a_thread))


# --- luck ------------------------------------------------------------------------------------------------------------
def _luck(name: str) -> random.Random:
    sim = current_simulator()
    assert sim is not None
    host = current_host()
    return sim.luck(name if host is None else f"{name} on {host.name}")


_urandom = os.urandom


@_replaces(os.urandom)
def _(size: int) -> bytes:
    return _urandom(size) if importing() else _luck("os.urandom").randbytes(size)


def _draw_from_luck(method: str) -> None:
    @_replaces(getattr(random, method))
    def _(*args: Any, **kwargs: Any) -> Any:
        return getattr(_luck("random"), method)(*args, **kwargs)


for _name in random.__all__:
    if getattr(getattr(random, _name), "__self__", None).__class__ is random.Random and _name not in (
        "seed",
        "getstate",
        "setstate",
    ):
        _draw_from_luck(_name)


@_replaces(random.seed)
def _(a: Any = None, version: int = 2) -> None:
    """Of no effect: the simulation's seed decides."""


_seed = random.Random.seed


def _seed_generator(self: random.Random, a: Any = None, version: int = 2) -> None:
    """`Random()` asks the system for a seed, in C; give it one of ours."""
    if a is None and current_simulator() is not None and not importing():
        a = _luck("random.Random").getrandbits(64)
    _seed(self, a, version)


methods.append((random.Random, "seed", _seed_generator))
by_name["uuid"] = {"_generate_time_safe": None, "_UuidCreate": None, "_node": 0x02_00_00_00_00_01}
"""Without the C generator uuid1 asks the clock and `random`; its node is no real network card's."""


# --- sockets ---------------------------------------------------------------------------------------------------------
by_name["socket"] = {"socket": SimSocket}


@_replaces(socket.getaddrinfo)
def _(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:  # noqa: A002
    asker = current_host()
    if asker is None:
        raise NotSimulated("Names are looked up by hosts; do it in code that runs on one (see Host.start).")
    return resolve(asker, host, port, family, type, proto, flags)


@_replaces(socket.gethostname)
def _() -> str:
    host = current_host()
    return "simulation" if host is None else host.name


@_replaces(socket.create_connection)
def _(*_: Any, **__: Any) -> NoReturn:
    raise NotSimulated("Blocking connections are not simulated; await asyncio.open_connection.")


_replaces(socket.socketpair)(pair)


@_replaces(socket.gethostbyname)
def _(hostname: str) -> str:
    asker = current_host()
    if asker is None:
        raise NotSimulated("Names are looked up by hosts; do it in code that runs on one (see Host.start).")
    return cast(str, resolve(asker, hostname, 0, socket.AF_INET, socket.SOCK_STREAM, 0, 0)[0][4][0])


@_replaces(socket.getservbyname)
def _(servicename: str, protocolname: str = "tcp") -> int:
    if servicename not in SERVICES:
        raise OSError("service/proto not found")
    return SERVICES[servicename]


@_replaces(asyncio.new_event_loop)
def _() -> NoReturn:
    raise NotSimulated("A host has its event loop, which runs; use asyncio.get_running_loop().")


if hasattr(select, "poll"):
    _real_poll = select.poll

    class _Poll:
        """`select.poll` for simulated sockets: says what is ready now, and does not wait."""

        def __init__(self) -> None:
            self._masks: dict[int, int] = {}

        def register(self, fd: Any, eventmask: int = select.POLLIN | select.POLLPRI | select.POLLOUT) -> None:
            self._masks[_number(fd)] = eventmask

        modify = register

        def unregister(self, fd: Any) -> None:
            del self._masks[_number(fd)]

        def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
            found = []
            for fd, mask in self._masks.items():
                sock = _socket(fd)
                events = select.POLLNVAL if sock is None else mask & select.POLLOUT
                if sock is not None and sock.readable:
                    events |= mask & select.POLLIN
                if events:
                    found.append((fd, events))
            if not found and timeout != 0:
                raise NotSimulated("Waiting in select.poll would stop the simulation; use the loop's sock_ methods.")
            return found

    @_replaces(select.poll)
    def _() -> Any:
        return _Poll()


@_replaces(select.select)
def _(readers: Any, writers: Any, others: Any, timeout: float | None = None) -> Any:
    ready = [r for r in readers if (sock := _socket(_number(r))) is None or sock.readable]
    if not ready and not writers and timeout != 0:
        raise NotSimulated("Waiting in select.select would stop the simulation; use the loop's sock_ methods.")
    return ready, list(writers), []


def _number(fd: Any) -> int:
    return fd if isinstance(fd, int) else int(fd.fileno())


def _socket(fd: int) -> SimSocket | None:
    host = current_host()
    return None if host is None else host.sockets.get(fd)


def _refuse_to_select(cls: Any) -> None:
    real = cls.select

    def wait(self: Any, timeout: float | None = None) -> Any:
        if current_simulator() is not None and timeout != 0:
            raise NotSimulated("Waiting in a selector would stop the simulation; use the loop's sock_ methods.")
        return real(self, timeout)

    methods.append((cls, "select", wait))


for _name in ("EpollSelector", "KqueueSelector", "DevpollSelector"):  # the others ask `select`
    if hasattr(selectors, _name):
        _refuse_to_select(getattr(selectors, _name))


# --- signals ---------------------------------------------------------------------------------------------------------
_handlers: Final[dict[int, Any]] = {}


@_replaces(signal.signal)
def _(signalnum: int, handler: Any) -> Any:
    """Remembered; no signals arrive in the tunnel, and Ctrl-C stays the user's."""
    before = _handlers.get(signalnum, signal.SIG_DFL)
    _handlers[signalnum] = handler
    return before


def _refuse_signals(name: str) -> None:
    if hasattr(signal, name):

        @_replaces(getattr(signal, name))
        def _(*_: Any, **__: Any) -> NoReturn:
            raise NotSimulated(SIGNALS)


for _name in ("raise_signal", "alarm", "setitimer", "pause", "sigwait", "sigwaitinfo", "sigtimedwait"):
    _refuse_signals(_name)
