"""What surrounds a run: while it lasts, this thread's clocks, random sources and sockets are the tunnel's.

Libraries read `time.monotonic`, ask `os.urandom`, make sockets, and know nothing of us. So their names for these things
(`import time` and `from time import monotonic` alike) point to the stand-ins of `windtunnel.sim.stand_ins` while a
simulation runs, and back to the real ones after. A stand-in that is called by another thread, or between runs, is the
real thing. What has no stand-in (threads, subprocesses, real connections, files opened for writing) is caught by an
audit hook and raises `NotSimulated`.

What it cannot reach: default arguments that took a real clock when they were defined, NumPy's global generator (make
one by `default_rng`), processor time, which stays real, and a `threading.Lock` that is acquired twice: as nobody
else could release it, that stands still for ever.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import get_ident
from typing import TYPE_CHECKING, Any

from windtunnel.here import tell_simulated_disk

if TYPE_CHECKING:
    from windtunnel.sim.clock import Clock
    from windtunnel.sim.disk import Disk
    from windtunnel.sim.host import Host
    from windtunnel.sim.kernel import Simulator


class NotSimulated(RuntimeError):
    """The tunnel has no stand-in for this. The message says what to do instead."""


_running: dict[int, Simulator] = {}
"""The simulation that each thread runs now."""
_lock = threading.RLock()
"""The collector may close a simulation that nobody closed while the lines below hold it: so it can be taken twice."""
_users = 0
_spots: list[tuple[Any, str, Any, Any]] = []
"""Where a real thing is named: the module (or class), the name, the real thing, its stand-in."""
_scanned: set[str] = set()
_hooked = False


def check_idle(sim: Simulator) -> None:
    """Raise RuntimeError where this thread runs this very simulation already; ask before anything is begun."""
    if _running.get(get_ident()) is sim:
        raise RuntimeError(
            "This simulation is running already; await what you want to wait for instead of calling run."
        )


@contextmanager
def simulation(sim: Simulator) -> Iterator[None]:
    """This thread runs a simulation. Raises RuntimeError where it runs this very one already."""
    check_idle(sim)
    thread = get_ident()
    outer = _running.get(thread)
    _install()
    _running[thread] = sim
    try:
        yield
    finally:
        if outer is None:
            del _running[thread]
        else:
            _running[thread] = outer
        _remove()


@contextmanager
def reality() -> Iterator[None]:
    """For these lines the world is the real one, for what an observer has to do in the middle of a run."""
    sim = _running.pop(get_ident(), None)
    try:
        yield
    finally:
        if sim is not None:
            _running[get_ident()] = sim


def current_simulator() -> Simulator | None:
    """The simulation that this thread runs."""
    return _running.get(get_ident())


def current_host() -> Host | None:
    """The host whose code runs now."""
    sim = _running.get(get_ident())
    return None if sim is None else sim.here


def current_clock() -> Clock | None:
    """The clock by which the code that runs now reads the time; None outside of simulations."""
    sim = _running.get(get_ident())
    if sim is None:
        return None
    host = sim.here
    return sim.clock if host is None else host.clock


def _current_disk() -> Disk | None:
    """The disk of the host whose code runs now: where there is none, of the one that clients' requests run on."""
    sim = _running.get(get_ident())
    if sim is None:
        return None
    from windtunnel.sim.network import CLIENTS

    return (current_host() or sim.host(CLIENTS)).disk


tell_simulated_disk(_current_disk)


def _install() -> None:
    global _users, _hooked
    with _lock:
        if not _hooked:
            from windtunnel.sim.audit import forbid

            sys.addaudithook(forbid(_running))
            _hooked = True
        _users += 1
        if _users == 1:
            _scan()
            for owner, name, _, stand_in in _spots:
                _put(owner, name, stand_in)


def _remove() -> None:
    global _users
    with _lock:
        _users -= 1
        if not _users:
            for owner, name, real, _ in _spots:
                _put(owner, name, real)


def _put(owner: Any, name: str, thing: Any) -> None:
    if owner is not datetime:
        setattr(owner, name, thing)
        return
    # A class written in C refuses that, but it keeps its methods in a dict as others do. A class of ours in its place
    # would be another class to isinstance and pickle.
    import ctypes

    gc.get_referents(vars(owner))[0][name] = thing
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))


def _scan() -> None:
    """Find the names of real things in modules that were imported since."""
    if len(sys.modules) == len(_scanned):
        return
    from windtunnel.sim.stand_ins import by_name, by_thing, methods

    if not _spots:
        _spots.extend((owner, name, vars(owner)[name], stand_in) for owner, name, stand_in in methods)
    fresh = sys.modules.keys() - _scanned
    _scanned.update(fresh)
    for module_name in sorted(fresh):
        module = sys.modules[module_name]
        names = getattr(module, "__dict__", None)
        if not isinstance(names, dict) or module_name.startswith("windtunnel.sim."):
            continue
        for name, thing in list(names.items()):
            stand_in: Callable[..., Any] | None = by_thing.get(id(thing))
            if stand_in is not None:
                _spots.append((module, name, thing, stand_in))
        for name, value in by_name.get(module_name, {}).items():
            if name in names:
                _spots.append((module, name, names[name], value))
