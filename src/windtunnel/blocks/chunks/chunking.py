"""What the chunkers share: data cut into pieces, whether it lies in memory or arrives bit by bit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = bytes | bytearray | memoryview | NDArray[np.uint8]

_READ_AHEAD_BYTES = 1 << 20


class Chunker(Protocol):
    """Decides where chunks end."""

    @property
    def max_bytes(self) -> int:
        """No chunk is longer, and where one ends depends on no byte further on than this."""

    def cut_points(self, data: Bytes) -> NDArray[np.int64]:
        """The end of each chunk of `data`, ascending; the last is its length. Empty data has no chunks."""


def chunks(chunker: Chunker, data: Bytes) -> Iterator[memoryview]:
    """The chunks of `data`, as views of it."""
    view, start = as_view(data), 0
    for end in chunker.cut_points(data).tolist():
        yield view[start:end]
        start = end


def stream_chunks(chunker: Chunker, reads: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks of a stream that arrives in `reads`: the same as of the whole in memory, however it is split.

    Holds the longest chunk and a megabyte more. A file is streamed as `iter(lambda: file.read(1 << 20), b"")`.
    """
    held = bytearray()
    for read in reads:
        held += read
        if len(held) >= chunker.max_bytes + _READ_AHEAD_BYTES:
            start = 0
            for end in chunker.cut_points(bytes(held)).tolist():
                if start + chunker.max_bytes > len(held):
                    break  # what comes next may move this end
                yield bytes(held[start:end])
                start = end
            del held[:start]
    yield from (bytes(chunk) for chunk in chunks(chunker, bytes(held)))


def as_view(data: Bytes) -> memoryview:
    """Any buffer as a flat view of its bytes. Raises `ValueError` if it does not lie in one piece."""
    view = memoryview(data)  # type: ignore[arg-type]  # arrays are buffers, which typing learned in 3.12
    if not view.c_contiguous:
        raise ValueError("Data to be cut must lie in one piece, row by row (C order); copy it first.")
    if not view.nbytes:
        return memoryview(b"")
    if "O" in view.format:
        raise ValueError("Data to be cut must be bytes or numbers; got an array of objects.")
    try:
        return view.cast("B")
    except (TypeError, ValueError):  # a format that casts know not, such as numbers of the other byte order
        return memoryview(view.tobytes())


def as_bytes(data: Bytes) -> NDArray[np.uint8]:
    """Any buffer as a flat, read-only array of its bytes, not copied."""
    import numpy as np

    return np.frombuffer(as_view(data).toreadonly(), np.uint8)
