"""What blocks stand on: files with locks and syncs, hashing of keys, sealed stored forms, the refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.ground.envelope import DamagedError as DamagedError, seal as seal, unseal as unseal
    from windtunnel.blocks.ground.errors import Refused as Refused
    from windtunnel.blocks.ground.files import (
        DiskFiles as DiskFiles,
        File as File,
        Files as Files,
        InUse as InUse,
        SharedFiles as SharedFiles,
    )
    from windtunnel.blocks.ground.hashing import stable_hash as stable_hash, stable_hashes as stable_hashes

__getattr__, __dir__ = lend(__name__)
