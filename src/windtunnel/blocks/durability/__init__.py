"""Durability: what was acknowledged is there after a crash, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.durability.idempotency import (
        IdempotencyStore as IdempotencyStore,
        KeyBusy as KeyBusy,
        KeyReused as KeyReused,
    )
    from windtunnel.blocks.durability.log import Log as Log, LogFailed as LogFailed, OffsetGone as OffsetGone
    from windtunnel.blocks.durability.log_segment import DamagedLogError as DamagedLogError
    from windtunnel.blocks.durability.outbox import (
        Outbox as Outbox,
        OutboxState as OutboxState,
        Relay as Relay,
        SqlInbox as SqlInbox,
        SqlOutbox as SqlOutbox,
    )
    from windtunnel.blocks.durability.saga import Context as Context, Saga as Saga, Sagas as Sagas, Step as Step
    from windtunnel.blocks.durability.write_ahead_log import WriteAheadLog as WriteAheadLog
    from windtunnel.blocks.durability.write_ahead_log_state import DurableState as DurableState

__getattr__, __dir__ = lend(__name__)
