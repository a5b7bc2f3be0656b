"""Rate limits for arrays of requests: the decisions of `rate_limit`, at the speed of C.

For what comes in batches: a gateway that drains its sockets, a log that is replayed to choose a limit. Each request has
a key and a time; decisions are those that `Gcra` or `TokenBucket` would make one after the other (cost 1), which
are the reference in the tests.

>>> limiter = BatchGcra(rate_per_s=2, burst=2)
>>> limiter.decide([7, 7, 7, 8, 7], [0.0, 0.0, 0.0, 0.0, 0.5]).tolist()
[True, True, False, True, True]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.hashing import stable_hashes
from windtunnel.blocks.resilience.rate_limit import SLACK_S

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


class _Batch(Block):
    """The table of keys and the loop that grows it. Not safe for several threads.

    Before the table grows, keys that have been idle for long enough to be as good as new are forgotten, as of the time
    of the request that found no room: memory is bounded by the keys that are active.
    """

    def __init__(self, rate_per_s: float, burst: float) -> None:
        import numpy as np

        if not rate_per_s > 0 or not burst >= 1:
            raise ValueError("rate_per_s must be positive and burst at least 1.")
        self.rate_per_s = float(rate_per_s)
        self.burst = float(burst)
        self._table: NDArray[np.float64] = np.full((1024, 3), -np.inf)
        self._used = 0

    def _told(self) -> dict[str, object]:
        return {"rate_per_s": self.rate_per_s, "burst": self.burst, "tracked": self.tracked}

    @property
    def tracked(self) -> int:
        """Keys that are remembered."""
        return self._used

    def decide(self, keys: ArrayLike | Sequence[str] | Sequence[bytes], at_s: ArrayLike) -> NDArray[np.bool_]:
        """Which requests pass, in the order given. `at_s`: seconds, one for each request or one for all.

        `keys` are integers (array, Arrow array or list), or strings or bytes in a list, which are told apart by
        their 64-bit hash.
        """
        import numpy as np

        from windtunnel.blocks.resilience.kernels import rate_limit as kernels

        numbers = as_keys(keys)
        times = np.require(at_s, np.float64, ["C", "W"])
        if times.shape != numbers.shape:
            times = np.broadcast_to(times, numbers.shape).copy()
        if not np.isfinite(times).all():
            raise ValueError("Times must be finite.")
        allowed = np.empty(numbers.size, np.bool_)
        done = 0
        while True:
            done, self._used = self._kernel(kernels)(
                self._table.view(np.uint64), self._table, self._used, numbers, times, done, *self._settings(), allowed
            )
            if done == numbers.size:
                return allowed
            self._make_room(float(times[done]), kernels)

    def _make_room(self, now: float, kernels: Any) -> None:
        import numpy as np

        table = self._table
        with np.errstate(invalid="ignore"):  # free slots are infinite
            idle = self._is_idle(table[:, 2], (now - table[:, 1]) * self.rate_per_s)
        table[idle, 1] = -np.inf
        self._used = int(np.count_nonzero(table[:, 1] != -np.inf))
        size = len(table)
        while 4 * self._used > size:  # at most a quarter is taken afterwards, so that this is not soon done again
            size *= 2
        while size > 1024 and 16 * self._used < size:
            size //= 2
        fresh = np.full((size, 3), -np.inf)
        kernels.rehash(table.view(np.uint64), table, fresh.view(np.uint64), fresh)
        self._table = fresh

    def _is_idle(self, left: Any, refilled: Any) -> Any:
        raise NotImplementedError

    def _kernel(self, kernels: Any) -> Any:
        raise NotImplementedError

    def _settings(self) -> tuple[float, float, float]:
        raise NotImplementedError


class BatchGcra(_Batch):
    """`Gcra` over arrays: a debt and a time for each key."""

    def _kernel(self, kernels: Any) -> Any:
        return kernels.gcra

    def _settings(self) -> tuple[float, float, float]:
        return self.rate_per_s, self.burst, SLACK_S

    def _is_idle(self, left: Any, refilled: Any) -> Any:
        return left <= refilled


class BatchTokenBucket(_Batch):
    """`TokenBucket` over arrays: tokens and a time for each key."""

    def _kernel(self, kernels: Any) -> Any:
        return kernels.token_bucket

    def _settings(self) -> tuple[float, float, float]:
        return self.rate_per_s, self.burst, SLACK_S

    def _is_idle(self, left: Any, refilled: Any) -> Any:
        return left + refilled >= self.burst


def as_keys(keys: ArrayLike | Sequence[str] | Sequence[bytes]) -> NDArray[np.uint64]:
    """Keys as uint64: integers as they are, strings and bytes by a hash that is the same in every process."""
    import numpy as np

    if isinstance(keys, list | tuple) and keys and isinstance(keys[0], str | bytes):
        return stable_hashes(keys)
    array = np.asarray(keys)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(f"Keys must be integers, or a list of strings or bytes; got an array of {array.dtype}.")
    if array.dtype == np.int64:
        array = array.view(np.uint64)
    return np.require(array, np.uint64, ["C", "W"])  # the one kind of array that the kernels are compiled for
