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
        ReadOnly as ReadOnly,
        Row as Row,
        Standby as Standby,
        Statements as Statements,
        Value as Value,
        Where as Where,
    )
    from windtunnel.engines.database.rows import as_of as as_of, changed as changed, matching as matching
    from windtunnel.engines.errors import MissingEngine as MissingEngine, Unavailable as Unavailable
    from windtunnel.engines.log.disk import DiskLog as DiskLog
    from windtunnel.engines.log.model import ModelLog as ModelLog
    from windtunnel.engines.log.port import LogPort as LogPort, Trimmed as Trimmed
    from windtunnel.engines.objects.folder import FolderObjects as FolderObjects
    from windtunnel.engines.objects.model import ModelObjects as ModelObjects
    from windtunnel.engines.objects.port import Mismatch as Mismatch, Object as Object, ObjectsPort as ObjectsPort
    from windtunnel.engines.queue.model import ModelQueue as ModelQueue
    from windtunnel.engines.queue.port import (
        Delivery as Delivery,
        QueuePort as QueuePort,
        Receipt as Receipt,
        Subscription as Subscription,
    )
    from windtunnel.engines.registry import (
        Engine as Engine,
        Port as Port,
        engines as engines,
        open_port as open_port,
        prepare as prepare,
    )
    from windtunnel.engines.server.port import ServerPort as ServerPort
    from windtunnel.engines.server.process import ProcessServer as ProcessServer
    from windtunnel.engines.shared.calls import (
        Call as Call,
        Calls as Calls,
        answer_calls as answer_calls,
        come_first as come_first,
    )
    from windtunnel.engines.shared.child import Child as Child
    from windtunnel.engines.shared.program import OwnProgram as OwnProgram
    from windtunnel.engines.shared.service import ModelService as ModelService, OnHost as OnHost

__getattr__, __dir__ = lend(__name__)
