"""Vectors in a few bytes each, and distances to them without unpacking them.

Jégou, Douze and Schmid, *Product quantization for nearest neighbor search*, TPAMI 2011. A vector is cut into parts, and
of each part only the number of the nearest of 256 centroids is kept: 128 floats in 16 parts become 16 bytes instead of
512. A query's part is measured once from each of its centroids; its distance from any code is then a sum of as many
looked-up numbers as there are parts (the paper's asymmetric distance, section III-A).

What it trades: distances are off by the quantisation error, so that of the true nearest some are missed. Ask for some
ten times as many as are wanted and measure those exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from windtunnel.blocks.ground.array_file import seal_arrays, unseal_arrays
from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import plain_array, whole
from windtunnel.blocks.vectors.vector_input import MOST_DIMENSIONS, as_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

_KIND = "product quantiser"
_VERSION = 1
CENTROIDS = 256
"""As many as a byte can number."""
_CHUNK = 4096
"""Vectors that are measured from all centroids at once: bounds the memory that takes."""


class ProductQuantiser(Block):
    """Codes of squared Euclidean vectors. Several threads may share it once it is trained."""

    def __init__(self, dim: int, parts: int = 16, *, seed: int = 0) -> None:
        """For vectors of `dim` numbers in `parts` bytes; `ValueError` unless `parts` divides `dim`."""
        self.dim = whole(dim, "The number of dimensions", 1, MOST_DIMENSIONS)
        self.parts = whole(parts, "The number of parts", 1, MOST_DIMENSIONS)
        if self.dim % self.parts:
            raise ValueError(f"The parts must divide the dimensions; got {parts} parts of {dim}.")
        self.seed = whole(seed, "The seed")
        self._centroids: NDArray[np.float32] | None = None

    def _told(self) -> dict[str, object]:
        return {"dim": self.dim, "parts": self.parts, "trained": self._centroids is not None}

    @property
    def centroids(self) -> NDArray[np.float32]:
        """(parts, 256, dim / parts). Raises `ValueError` before `train`."""
        if self._centroids is None:
            raise ValueError("The quantiser knows no vectors yet; train it first.")
        return self._centroids

    def train(self, vectors: ArrayLike, rounds: int = 25) -> None:
        """Find each part's centroids in a sample of `vectors` (n, dim), n at least 256, by Lloyd's algorithm.

        Some tens of thousands are plenty. A centroid that is nearest to nothing moves to where the error is largest.
        """
        import numpy as np

        rows = as_rows(vectors, self.dim, "l2")[:, : self.dim]
        if len(rows) < CENTROIDS:
            raise ValueError(f"{CENTROIDS} centroids need at least as many vectors; got {len(rows)}.")
        luck = np.random.default_rng(self.seed)
        centroids = np.empty((self.parts, CENTROIDS, self.dim // self.parts), np.float32)
        for part, values in enumerate(self._cut(rows)):
            centroids[part] = values[luck.choice(len(values), CENTROIDS, replace=False)]
            for _ in range(rounds):
                nearest, errors = _nearest(values, centroids[part])
                counts = np.bincount(nearest, minlength=CENTROIDS)
                for i in range(values.shape[1]):
                    sums = np.bincount(nearest, values[:, i], CENTROIDS)
                    centroids[part, :, i] = sums / np.maximum(counts, 1)
                empty = np.flatnonzero(counts == 0)
                centroids[part, empty] = values[np.argsort(-errors, kind="stable")[: len(empty)]]
        self._centroids = centroids

    def encode(self, vectors: ArrayLike) -> NDArray[np.uint8]:
        """Codes (n, parts) of `vectors` (n, dim)."""
        import numpy as np

        rows = as_rows(vectors, self.dim, "l2")[:, : self.dim]
        codes = np.empty((len(rows), self.parts), np.uint8)
        for part, values in enumerate(self._cut(rows)):
            codes[:, part] = _nearest(values, self.centroids[part])[0]
        return codes

    def plain_encode(self, vector: Sequence[float]) -> list[int]:
        """The code of one vector in plain Python: the text to read, and the oracle in the tests."""
        width = self.dim // self.parts
        code = []
        for part, centroids in enumerate(self.centroids.tolist()):
            values = vector[part * width : (part + 1) * width]
            far = [sum((a - b) ** 2 for a, b in zip(values, centroid, strict=True)) for centroid in centroids]
            code.append(far.index(min(far)))
        return code

    def decode(self, codes: ArrayLike) -> NDArray[np.float32]:
        """The vectors (n, dim) that codes (n, parts) stand for: their centroids, one behind the other."""
        import numpy as np

        given = self._as_codes(codes)
        return self.centroids[np.arange(self.parts), given].reshape(len(given), self.dim)

    def search(
        self, codes: ArrayLike, queries: ArrayLike, k: int = 10
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The `k` nearest rows of `codes` (n, parts) for each query (m, dim) and their distances, both (m, k).

        Nearest first, of equal distances the first row. Where there are fewer than `k`, rows are -1 and distances
        inf. Distances are those of the queries from the decoded vectors.
        """
        import numpy as np

        from windtunnel.blocks.vectors.kernels.product_quantisation import scan

        k = whole(k, "k", 1)
        given = self._as_codes(codes)
        rows = as_rows(queries, self.dim, "l2")[:, : self.dim]
        found = np.empty((len(rows), k), np.int64)
        distances = np.empty((len(rows), k), np.float32)
        for first in range(0, len(rows), CENTROIDS):
            some = slice(first, first + CENTROIDS)
            scan(given, self._tables(rows[some]), found[some], distances[some])
        return found, distances

    def plain_search(self, codes: Sequence[Sequence[int]], query: Sequence[float], k: int) -> list[tuple[float, int]]:
        """Distances and rows of the `k` nearest in plain Python."""
        width = self.dim // self.parts
        tables = []
        for part, centroids in enumerate(self.centroids.tolist()):
            values = query[part * width : (part + 1) * width]
            tables.append([sum((a - b) ** 2 for a, b in zip(values, centroid, strict=True)) for centroid in centroids])
        far = [
            (sum(table[number] for table, number in zip(tables, code, strict=True)), i) for i, code in enumerate(codes)
        ]
        return sorted(far)[:k]

    def to_bytes(self) -> bytes:
        """The trained quantiser, with version and checksum."""
        settings = {"dim": self.dim, "parts": self.parts, "seed": self.seed}
        return seal_arrays(_KIND, _VERSION, settings, {"centroids": self.centroids})

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> Self:
        """The quantiser that `to_bytes` saved. Raises `envelope.DamagedError` for anything else."""
        import numpy as np

        settings, arrays = unseal_arrays(_KIND, _VERSION, data)
        made = cls(settings["dim"], settings["parts"], seed=settings["seed"])
        made._centroids = arrays["centroids"].astype(np.float32)
        return made

    def _cut(self, rows: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The parts of all vectors, each (n, dim / parts)."""
        import numpy as np

        return [np.ascontiguousarray(part) for part in np.split(rows, self.parts, axis=1)]

    def _tables(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Squared distances of each query's parts from their centroids, (m, parts, 256)."""
        import numpy as np

        tables = np.empty((len(rows), self.parts, CENTROIDS), np.float32)
        for part, values in enumerate(self._cut(rows)):
            step = values[:, None, :] - self.centroids[part]
            tables[:, part] = np.einsum("qci,qci->qc", step, step)
        return tables

    def _as_codes(self, codes: ArrayLike) -> NDArray[np.uint8]:
        import numpy as np

        given = plain_array(codes, "Codes")
        if given.ndim != 2 or given.shape[1] != self.parts or given.dtype != np.uint8:
            raise ValueError(f"Codes must be uint8 of shape (n, {self.parts}); got {given.dtype} of {given.shape}.")
        return np.require(given, requirements=["C", "W"])


def _nearest(
    values: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each row the nearest centroid and the squared distance from it."""
    import numpy as np

    # In 64 bits and around the middle: far from the origin the squares would leave nothing of the differences.
    wide = centroids.astype(np.float64)
    middle = wide.mean(axis=0)
    wide -= middle
    lengths = np.einsum("ci,ci->c", wide, wide)
    nearest = np.empty(len(values), np.int64)
    for first in range(0, len(values), _CHUNK):
        # |x - c|² without |x|², which is the same for all centroids
        far = (values[first : first + _CHUNK] - middle) @ wide.T
        far *= -2
        far += lengths
        nearest[first : first + _CHUNK] = far.argmin(axis=1)
    step = values - centroids[nearest]
    return nearest, np.einsum("ni,ni->n", step, step)
