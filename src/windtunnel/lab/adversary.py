"""What goes wrong when a design is graded: faults aimed at the things that it stands on, timed to its own timeouts.

A crash of a fixed length finds little: a lease of ten seconds survives every pause of one. So faults last just less
and just more than the times that the design itself waits, and begin while requests are under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from random import Random
from typing import Any

from windtunnel.lab.experiment import Fault
from windtunnel.lab.history import Op
from windtunnel.sim.kernel import Signal
from windtunnel.sim.randomness import stream


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault that a thing can suffer when it has the methods: ``call``, and after a while ``undo``.

    ``timed``: the call takes the length in seconds itself (`pause`).
    """

    call: str
    undo: str = ""
    timed: bool = False


KINDS = (Kind("crash", "restart"), Kind("pause", timed=True), Kind("cut", "heal"))


def attacks(
    things: Mapping[str, object], ops: Sequence[Op], timeouts_s: Iterable[float], seed: int, count: int = 4
) -> list[tuple[Fault, ...]]:
    """``count`` attacks on a run, each one or two faults; the same for the same seed.

    Args:
        things: what lives on the stage, by name.
        ops: the requests, for when something is under way.
        timeouts_s: the times that the design waits for; what it waits for in a run without faults.
    """
    luck = stream(seed, "adversary")
    possible = [
        (name, kind)
        for name, thing in things.items()
        for kind in KINDS
        if callable(getattr(thing, kind.call, None)) and (not kind.undo or callable(getattr(thing, kind.undo, None)))
    ]
    if not possible or not ops:
        return []
    dues = [op.at for op in ops]
    lengths = _lengths(dues, timeouts_s)
    found = []
    for number in range(count):
        name, kind = possible[number % len(possible)]
        faults = [_fault(name, kind, dues, lengths, luck)]
        if luck.random() < 0.5:
            faults.append(_fault(*luck.choice(possible), dues, lengths, luck))
        found.append(tuple(sorted(faults, key=lambda f: f.at_s)))
    return found


def _lengths(dues: Sequence[float], timeouts_s: Iterable[float]) -> list[float]:
    """Just less and just more than each timeout; a share of the run where the design waits for nothing."""
    found = sorted({round(t * factor, 9) for t in timeouts_s if t > 0 for factor in (0.6, 1.3, 2.5)})
    span = max(dues) - min(dues)
    return found or [max(span * share, 0.001) for share in (0.02, 0.1, 0.4)]


def _fault(name: str, kind: Kind, dues: Sequence[float], lengths: Sequence[float], luck: Random) -> Fault:
    at_s = luck.choice(dues) + luck.expovariate(1) * min(lengths) * 0.2
    length = luck.choice(lengths)
    if kind.timed:
        return Fault(at_s, name, kind.call, (length,))
    return Fault(at_s, name, kind.call, for_s=length, undo=kind.undo)


@contextmanager
def listening() -> Iterator[set[float]]:
    """While it is open, note every time that designs wait for: sleeps, time limits, waits for signals of the tunnel.

    Only used where designs are graded, in a process of its own.
    """
    heard: set[float] = set()

    def tell(seconds: object) -> None:
        if isinstance(seconds, int | float) and seconds > 0:
            heard.add(float(seconds))

    def noting(function: Callable[..., Any], place: int, name: str) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            tell(args[place] if len(args) > place else kwargs.get(name))
            return function(*args, **kwargs)

        return call

    targets: tuple[tuple[Any, str, int, str], ...] = (
        (asyncio, "sleep", 0, "delay"),
        (asyncio, "wait_for", 1, "timeout"),
        (asyncio, "timeout", 0, "delay"),
        (Signal, "within", 1, "seconds"),
    )
    saved = [(owner, name, getattr(owner, name)) for owner, name, _, _ in targets]
    try:
        for owner, name, place, argument in targets:
            setattr(owner, name, noting(getattr(owner, name), place, argument))
        yield heard
    finally:
        for owner, name, original in saved:
            setattr(owner, name, original)
