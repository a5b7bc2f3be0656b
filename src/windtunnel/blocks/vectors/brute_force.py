"""Exact nearest neighbours: measure every distance. What every index is judged against, and what wins below some
thousand vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from windtunnel.blocks.ground.array_file import seal_arrays, unseal_arrays
from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.vectors.vector_input import (
    METRICS,
    MOST_DIMENSIONS,
    as_keys,
    as_rows,
    check_metric,
    kernel_metric,
    next_keys,
    one_row,
    padded,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


class BruteForce(Block):
    """Vectors under integer keys, searched exactly. Searches by several threads are safe while nobody changes it."""

    KIND, VERSION = "brute force", 1

    def __init__(self, dim: int, metric: str = "l2") -> None:
        """No vectors of `dim` numbers yet; `metric` is `l2`, `ip` or `cosine`."""
        import numpy as np

        self.dim = whole(dim, "The number of dimensions", 1, MOST_DIMENSIONS)
        self.metric = check_metric(metric)
        self._vectors = np.empty((0, padded(self.dim)), np.float32)
        self._keys = np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return bool((self._keys == key).any())

    def _told(self) -> dict[str, object]:
        return {"vectors": len(self), "dim": self.dim, "metric": self.metric}

    def delete(self, keys: ArrayLike) -> None:
        """Remove these keys; raises `KeyError`, and removes nothing, if one is not there."""
        import numpy as np

        gone = as_keys(keys)
        missing = gone[~np.isin(gone, self._keys)]
        if missing.size:
            raise KeyError(int(missing[0]))
        kept = ~np.isin(self._keys, gone)
        self._vectors, self._keys = self._vectors[kept], self._keys[kept]

    def to_bytes(self) -> bytes:
        """Vectors and keys, with version and checksum."""
        settings = {"dim": self.dim, "metric": METRICS.index(self.metric)}
        arrays: dict[str, NDArray[Any]] = {"vectors": self._vectors[:, : self.dim], "keys": self._keys}
        return seal_arrays(self.KIND, self.VERSION, settings, arrays)

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> Self:
        """What `to_bytes` saved. Raises `envelope.DamagedError` for anything else."""
        import numpy as np

        settings, arrays = unseal_arrays(cls.KIND, cls.VERSION, data)
        made = cls(settings["dim"], METRICS[settings["metric"]])
        made._vectors = np.zeros((len(arrays["keys"]), padded(made.dim)), np.float32)
        made._vectors[:, : made.dim] = arrays["vectors"]  # as they are: scaling anew might change their last bits
        made._keys = arrays["keys"].astype(np.int64)
        return made

    def add(self, vectors: ArrayLike, keys: ArrayLike | None = None) -> NDArray[np.int64]:
        """Add rows of `vectors` (n, dim) under `keys` (n,), by default the next free integers; returns the keys."""
        import numpy as np

        rows = as_rows(vectors, self.dim, self.metric)
        start = int(self._keys.max(initial=-1)) + 1
        new = next_keys(start, len(rows)) if keys is None else as_keys(keys)
        if len(new) != len(rows):
            raise ValueError(f"There are {len(rows)} vectors and {len(new)} keys.")
        if len(np.unique(new)) < len(new) or np.isin(new, self._keys).any():
            raise ValueError("A key is given twice or already in use.")
        self._vectors = np.concatenate([self._vectors, rows])
        self._keys = np.concatenate([self._keys, new])
        return new

    def search(
        self, queries: ArrayLike, k: int = 10, *, allowed: ArrayLike | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The `k` nearest keys of each query (n, dim) and their distances, both (n, k), nearest first.

        With `allowed` only these keys are found. Of equal distances the vector added first wins. Where there are
        fewer than `k`, keys are -1 and distances inf.
        """
        import numpy as np

        from windtunnel.blocks.vectors.kernels.brute_force import search_rows

        k = whole(k, "k", 1)
        rows = as_rows(queries, self.dim, self.metric)
        places = np.arange(len(self._keys))
        if allowed is not None:
            places = np.flatnonzero(np.isin(self._keys, as_keys(allowed)))
        found = np.empty((len(rows), k), np.int64)
        distances = np.empty((len(rows), k), np.float32)
        search_rows(kernel_metric(self.metric), self._vectors, places, rows, found, distances)
        real = found >= 0
        found[real] = self._keys[found[real]]
        return found, distances

    def nearest(self, vector: ArrayLike, k: int = 10) -> list[tuple[int, float]]:
        """The `k` nearest of one vector as (key, distance), nearest first."""
        keys, distances = self.search(one_row(vector), min(whole(k, "k", 1, 10**30), max(1, len(self))))
        return [(key, far) for key, far in zip(keys[0].tolist(), distances[0].tolist(), strict=True) if key >= 0]
