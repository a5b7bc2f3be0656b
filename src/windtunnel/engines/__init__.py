"""The things a design talks to: one port each, a model for the tunnel, adapters to the real thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.engines.cache.model import ModelCache as ModelCache
    from windtunnel.engines.cache.port import CachePort as CachePort, Script as Script
    from windtunnel.engines.cache.store import Store as Store
    from windtunnel.engines.cache.valkey import ValkeyCache as ValkeyCache
    from windtunnel.engines.database.model import ModelDatabase as ModelDatabase
    from windtunnel.engines.database.port import (
        Aborted as Aborted,
        AtLeast as AtLeast,
        AtMost as AtMost,
        Changes as Changes,
        Conflict as Conflict,
        DatabasePort as DatabasePort,
        Isolation as Isolation,
        Plus as Plus,
        Row as Row,
        Value as Value,
        Where as Where,
    )
    from windtunnel.engines.errors import MissingEngine as MissingEngine, Unavailable as Unavailable
    from windtunnel.engines.registry import (
        Engine as Engine,
        Port as Port,
        engines as engines,
        open_port as open_port,
        prepare as prepare,
    )
    from windtunnel.engines.server.port import ServerPort as ServerPort
    from windtunnel.engines.server.process import ProcessServer as ProcessServer

__getattr__, __dir__ = lend(__name__)
