"""Policies in their compiled form, for caches that were asked for one by its name; and back, for copies and storing.

The text of a policy (`cache_policies`, `cache_s3_fifo`, `cache_tiny_lfu`) is what is read and subclassed. A `Cache`
that alone knows its policy keeps it as the compiled tier does (`native/policies.c`), which sends the same keys away.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from windtunnel.blocks.caching.cache_policies import Clock, Fifo, Lfu, Lru, Policy, Sieve
from windtunnel.blocks.caching.cache_s3_fifo import S3Fifo
from windtunnel.blocks.caching.cache_tiny_lfu import ROWS, WTinyLfu
from windtunnel.tier import native

Rows: TypeAlias = list[tuple[Any, int]]
"""Keys of a queue with their uses (or whether they were used), oldest first."""


def compiled(policy: Policy[Any]) -> Policy[Any]:
    """The compiled form of one of our policies, which must not be used any more; any other as it is."""
    turn = _TO_CORE.get(type(policy)) if native is not None else None
    made: Policy[Any] = policy if turn is None else turn(policy)
    return made


def plain(policy: Policy[Any]) -> Policy[Any]:
    """The text's form of a policy, which stands for itself: it can be copied and stored."""
    if native is None or not isinstance(policy, native.Policy):
        return policy
    made: Policy[Any] = _FROM_CORE[type(policy).__name__](policy)
    return made


def _filled(core: Any, rows: Iterable[Rows], hand: int | None = None, fewest: int = 1, counters: bytes = b"") -> Any:
    core.fill(*[*rows, [], []][:3], hand, fewest, counters, 0)
    return core


def _of_one_queue(policy: Any) -> Any:
    kind = getattr(native, type(policy).__name__)
    return _filled(kind(policy.capacity), [[(key, int(used)) for key, used in policy._queue.items()]])


def _to_one_queue(kind: Callable[[int], Any]) -> Callable[[Any], Any]:
    def turn(core: Any) -> Any:
        made = kind(core.capacity)
        made._queue.update((key, bool(used)) for key, used in core.rows()[0])
        return made

    return turn


def _of_lfu(policy: Any) -> Any:
    rows = [(key, uses) for uses in sorted(policy._queues) for key in policy._queues[uses]]
    return _filled(native.Lfu(policy.capacity), [rows], fewest=policy._fewest)


def _to_lfu(core: Any) -> Any:
    made: Any = Lfu(core.capacity)
    rows, _, _, _, made._fewest, *_ = core.rows()
    for key, uses in rows:
        made._enter(key, uses)
    return made


def _of_sieve(policy: Any) -> Any:
    state = policy.__getstate__()
    rows = [(key, int(used)) for key, used in state["keys"]]
    return _filled(native.Sieve(policy.capacity), [rows], hand=state["hand"])


def _to_sieve(core: Any) -> Any:
    rows, _, _, hand, *_ = core.rows()
    made: Any = Sieve.__new__(Sieve)
    made.__setstate__({"capacity": core.capacity, "keys": [(key, bool(used)) for key, used in rows], "hand": hand})
    return made


def _of_s3_fifo(policy: Any) -> Any:
    core = native.S3Fifo(policy.capacity, policy._small_size, policy._main_size)
    held: list[Rows] = [[(key, policy._uses[key]) for key in queue] for queue in (policy._small, policy._main)]
    return _filled(core, [*held, [(key, 0) for key in policy._ghost]])


def _to_s3_fifo(core: Any) -> Any:
    made: Any = S3Fifo(core.capacity)
    small, main, ghost, *_ = core.rows()
    made._uses.update([*small, *main])
    for queue, rows in ((made._small, small), (made._main, main), (made._ghost, ghost)):
        queue.update((key, None) for key, _ in rows)
    return made


def _of_tiny_lfu(policy: Any) -> Any:
    sketch, sizes = policy._sketch, (policy._window_size, policy._main_size, policy._protected_size)
    core = native.WTinyLfu(policy.capacity, *sizes, 64 - sketch._shift, sketch._sample)
    segments = (policy._window, policy._probation, policy._protected)
    core.fill(*([(key, 0) for key in one] for one in segments), None, 1, b"".join(sketch._rows), sketch._left)
    return core


def _to_tiny_lfu(core: Any) -> Any:
    made: Any = WTinyLfu(core.capacity)
    *segments, _, _, counters, left = core.rows()
    made._window, made._probation, made._protected = (OrderedDict((key, key) for key, _ in one) for one in segments)
    size = len(counters) // ROWS
    made._sketch._rows = [bytearray(counters[i * size : (i + 1) * size]) for i in range(ROWS)]
    made._sketch._left = left
    return made


_TO_CORE: dict[type[Any], Callable[[Any], Any]] = {
    Fifo: _of_one_queue,
    Lru: _of_one_queue,
    Clock: _of_one_queue,
    Lfu: _of_lfu,
    Sieve: _of_sieve,
    S3Fifo: _of_s3_fifo,
    WTinyLfu: _of_tiny_lfu,
}
_FROM_CORE: dict[str, Callable[[Any], Any]] = {
    **{kind.__name__: _to_one_queue(kind) for kind in (Fifo, Lru, Clock)},
    "Lfu": _to_lfu,
    "Sieve": _to_sieve,
    "S3Fifo": _to_s3_fifo,
    "WTinyLfu": _to_tiny_lfu,
}
