"""Chunks of one size: the cheapest cut, and as good as any where bytes are overwritten and never inserted.

One byte inserted at the front moves every block, and none is found again: see `fastcdc` for the other way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.blocks.chunks.chunking import as_view
from windtunnel.blocks.ground.block import Block

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from windtunnel.blocks.chunks.chunking import Bytes


class FixedBlocks(Block):
    """Cuts every `block_bytes`; the last block may be shorter. Has no state: safe for threads and tasks."""

    def __init__(self, block_bytes: int = 4 * 1024 * 1024) -> None:
        if block_bytes < 1:
            raise ValueError(f"A block has at least 1 byte; got {block_bytes}.")
        self.block_bytes = block_bytes

    def _told(self) -> dict[str, object]:
        return {"block_bytes": self.block_bytes}

    @property
    def max_bytes(self) -> int:
        """The size of a block."""
        return self.block_bytes

    def cut_points(self, data: Bytes) -> NDArray[np.int64]:
        """The end of each block; the last is the length of `data`."""
        import numpy as np

        total = as_view(data).nbytes
        ends = np.arange(self.block_bytes, total + self.block_bytes, self.block_bytes, dtype=np.int64)
        return np.minimum(ends, total)
