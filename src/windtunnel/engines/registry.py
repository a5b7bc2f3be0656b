"""Which ports there are, what each can stand on, what of it can be reached here, and how to get the rest.

A port is a folder of this package with a file `engine.py` that holds one `Port`; a new one edits nothing.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import windtunnel.engines
from windtunnel.engines.errors import MissingEngine

MODEL = "sim"


@dataclass(frozen=True, slots=True)
class Port:
    """What designs can ask for by one word, and what can answer.

    Args:
        name: what `--on` and a stage's `open` call it.
        on: by engine, where its class is: a module of the port's folder (or of anywhere, with dots) and the class.
            Under "sim" stands the model, whose class takes the simulator first; all take a name and then options. The
            first line of a class is what people read of it; its module may have `missing()`, which returns a sentence
            where the engine cannot be had, and `prepare()`, which starts what all runs share.
        live: the engine that real stages take unless they are told.
    """

    name: str
    on: Mapping[str, str]
    live: str

    def __post_init__(self) -> None:
        if MODEL not in self.on or self.live not in self.on:
            raise ValueError(f"Port {self.name} needs a model under 'sim', and its live engine among those it lists.")


@dataclass(frozen=True, slots=True)
class Engine:
    """Something that a port can stand on. `missing` is None where it can be reached, else says how to get it."""

    name: str
    port: str
    what: str
    missing: str | None


@cache
def ports() -> dict[str, Port]:
    """Every port by name."""
    folders = [found.name for found in pkgutil.iter_modules(windtunnel.engines.__path__) if found.ispkg]
    found = {}
    for folder in folders:
        path = f"{windtunnel.engines.__name__}.{folder}"
        if any(inside.name == "engine" for inside in pkgutil.iter_modules(import_module(path).__path__)):
            port: Port = import_module(f"{path}.engine").PORT
            found[port.name] = port
    return found


def port_of(name: str) -> Port:
    """The port of this name. Raises ValueError."""
    if name not in ports():
        raise ValueError(f"There is no port {name!r}; there are {_listed(ports())}.")
    return ports()[name]


def engines() -> list[Engine]:
    """Every port with everything that it can stand on, and what is missing; nothing is started."""
    return [
        Engine(name, port.name, _what(port, name), missing(port.name, name))
        for port in ports().values()
        for name in port.on
    ]


def missing(port: str, engine: str) -> str | None:
    """None where the engine can be reached, else a sentence that says how to get it. Raises ValueError."""
    found = getattr(_module(port_of(port), engine), "missing", None)
    return None if engine == MODEL or found is None else found()


def prepare(port: str, engine: str) -> None:
    """Start what all runs share now, once, and let the processes that we start find it."""
    start = getattr(_module(port_of(port), engine), "prepare", None)
    if engine != MODEL and start is not None:
        start()


def open_port(port: str, engine: str, name: str, *, sim: Any = None, **options: Any) -> Any:
    """A new thing behind a port; what it needs is made when it is first used.

    Args:
        sim: the simulator in which a model shall live.

    Raises:
        ValueError: there is no such port or engine, or the model has no simulator.
        MissingEngine: the real one cannot be reached; says how to get it.
    """
    home = port_of(port)
    if engine not in home.on:
        raise ValueError(f"There is no {port} on {engine}; there is one on {_listed(home.on)}.")
    made = getattr(_module(home, engine), home.on[engine].partition(":")[2])
    if engine == MODEL:
        if sim is None:
            raise ValueError(f"The model of a {port} needs the simulator that it shall live in.")
        return made(sim, name, **options)
    why = missing(port, engine)
    if why:
        raise MissingEngine(f"A {port} on {engine} cannot be reached: {why}.")
    return made(name, **options)


def _module(port: Port, engine: str) -> Any:
    if engine not in port.on:
        raise ValueError(f"There is no {port.name} on {engine}; there is one on {_listed(port.on)}.")
    where = port.on[engine].partition(":")[0]
    return import_module(where if "." in where else f"{windtunnel.engines.__name__}.{port.name}.{where}")


def _what(port: Port, engine: str) -> str:
    if engine == MODEL:
        return "its model in the tunnel: virtual time, the same bytes from the same seed"
    made = getattr(_module(port, engine), port.on[engine].partition(":")[2])
    return (made.__doc__ or "").strip().partition("\n")[0].rstrip(".")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
