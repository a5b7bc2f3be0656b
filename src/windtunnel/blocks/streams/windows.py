"""Event-time windows: sums per minute that are right although events come late, twice over, and out of order.

A window belongs to the time at which things happened, not to that at which we heard of them. When is it complete? Never
surely; a *watermark* says "I expect nothing older than this any more", and then the window fires. What comes later
still corrects it, for as long as `allowed_lateness_ms`; after that it is late data, counted and handed out, never
lost in silence (Akidau et al., *The Dataflow Model*, VLDB 2015; semantics as in Apache Flink).

>>> windows = WindowedAggregate(Tumbling(60_000), Sum(), allowed_lateness_ms=10_000)
>>> windows.add("ad 1", 59_000, 5), windows.add("ad 1", 61_000, 7)
([], [])
>>> windows.advance(59_999)
[Result(key='ad 1', window=Window(start_ms=0, end_ms=60000), value=5, revision=0, replaces=())]
>>> windows.add("ad 1", 30_000, 1)                                # late, and still counted: it corrects the window
[Result(key='ad 1', window=Window(start_ms=0, end_ms=60000), value=6, revision=1, replaces=())]

`windows_watermark` makes watermarks, `windows_job` reads a log with checkpoints, so that every event counts exactly
once over crashes, and `windows_batch` aggregates arrays at the speed of C. Kinds of windows and aggregates have no
state; an aggregation is for one thread or task at a time.
"""

from __future__ import annotations

import heapq
import json
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.envelope import seal, unseal
from windtunnel.blocks.ground.numbers import whole

V = TypeVar("V")
A = TypeVar("A")
V_contra = TypeVar("V_contra", contravariant=True)

Key = str | int | tuple["Key", ...]
"""Text, whole numbers (NumPy's become plain ones), and tuples of these."""
KIND, VERSION = "windows", 1
NEVER = -(2**62)
"""A watermark that promises nothing."""
FARTHEST_MS = 2**61
"""Event times and lengths lie within this of 1970: 73 million years, and every sum of two fits 64 bits."""


class Window(NamedTuple):
    """From `start_ms` up to, not including, `end_ms`."""

    start_ms: int
    end_ms: int


class Windows(Protocol):
    """Says to which windows an event belongs."""

    def assign(self, timestamp_ms: int) -> Sequence[Window]:
        """The windows of an event at this time."""


class Tumbling(Block):
    """One window after the other, each `size_ms` long, from `offset_ms` on."""

    def __init__(self, size_ms: int, offset_ms: int = 0) -> None:
        self.size_ms, self.offset_ms = _length(size_ms, "size_ms"), _time(offset_ms, "offset_ms")

    def __repr__(self) -> str:
        return f"Tumbling({self.size_ms}, {self.offset_ms})"

    def assign(self, timestamp_ms: int) -> Sequence[Window]:
        start = timestamp_ms - (timestamp_ms - self.offset_ms) % self.size_ms
        return (Window(start, start + self.size_ms),)


class Sliding(Block):
    """Windows of `size_ms`, a new one each `slide_ms`; an event belongs to all that cover it."""

    def __init__(self, size_ms: int, slide_ms: int, offset_ms: int = 0) -> None:
        if not 1 <= slide_ms <= size_ms:
            raise ValueError(f"There must be 1 <= slide_ms <= size_ms; got {slide_ms} and {size_ms}.")
        self.size_ms, self.slide_ms = _length(size_ms, "size_ms"), _length(slide_ms, "slide_ms")
        self.offset_ms = _time(offset_ms, "offset_ms")

    def __repr__(self) -> str:
        return f"Sliding({self.size_ms}, {self.slide_ms}, {self.offset_ms})"

    def assign(self, timestamp_ms: int) -> Sequence[Window]:
        last = timestamp_ms - (timestamp_ms - self.offset_ms) % self.slide_ms
        starts = range(last, timestamp_ms - self.size_ms, -self.slide_ms)
        return [Window(start, start + self.size_ms) for start in reversed(starts)]


class Session(Block):
    """A window for each spell of activity of a key: it ends once nothing has come for more than `gap_ms`."""

    def __init__(self, gap_ms: int) -> None:
        self.gap_ms = _length(gap_ms, "gap_ms")

    def __repr__(self) -> str:
        return f"Session({self.gap_ms})"

    def assign(self, timestamp_ms: int) -> Sequence[Window]:
        return (Window(timestamp_ms, timestamp_ms + self.gap_ms),)


class Aggregate(Protocol[V_contra, A]):
    """How values become one. States are JSON, so that they can be put into a checkpoint."""

    def zero(self) -> A: ...

    def add(self, state: A, value: V_contra) -> A: ...

    def merge(self, state: A, other: A) -> A: ...

    def result(self, state: A) -> Any: ...


class Fold(Block, Generic[V, A]):
    """An aggregate from functions; `result` is the state itself unless given."""

    def __init__(
        self,
        zero: Callable[[], A],
        add: Callable[[A, V], A],
        merge: Callable[[A, A], A],
        result: Callable[[A], Any] | None = None,
    ) -> None:
        self.zero, self.add, self.merge, self.result = zero, add, merge, result or _itself

    def _told(self) -> dict[str, object]:
        functions = {"add": self.add, "result": self.result}
        return {name: getattr(one, "__qualname__", one) for name, one in functions.items()}


def Count() -> Fold[Any, int]:  # noqa: N802  (a kind of aggregate, used like a class)
    """How many."""
    return Fold(_nothing, _one_more, _both)


def Sum() -> Fold[float, float]:  # noqa: N802
    """The sum; exact for integers."""
    return Fold(_nothing, _both, _both)


def Mean() -> Fold[float, list[float]]:  # noqa: N802
    """The arithmetic mean."""
    return Fold(_no_mean, _mean_and_value, _mean_and_mean, _mean)


def Stats() -> Fold[float, list[float]]:  # noqa: N802
    """[count, sum, least, greatest], as `windows_batch` has it: NaN as soon as one value is, whatever the order."""
    return Fold(_no_stats, _stats_and_value, _stats_and_stats)


class Result(NamedTuple):
    """What a window holds as of now. A later `revision` of the same key and window takes the place of this one.

    `replaces`: sessions that had fired and have grown together into this one; their results are void.
    """

    key: Key
    window: Window
    value: Any
    revision: int = 0
    replaces: tuple[Window, ...] = ()


@dataclass(slots=True)
class _Pane(Generic[A]):
    """One key's share of one window. `revision` counts the results so far."""

    state: A
    revision: int = 0
    replaces: tuple[Window, ...] = ()


class WindowedAggregate(Block, Generic[V, A]):
    """Windows over a stream of (key, timestamp, value); see the module.

    `on_late` is told of each event that came too late for every window of its own; `late` counts them. Results
    depend on nothing but the order of the calls. One thread or task at a time.

    An event whose key, time or value could not be read back from a checkpoint is refused (`ValueError`) and changes
    nothing; NumPy's numbers become plain ones. States of aggregates of one's own are checked by `to_bytes`.
    """

    def __init__(
        self,
        windows: Windows,
        aggregate: Aggregate[V, A],
        *,
        allowed_lateness_ms: int = 0,
        on_late: Callable[[Key, int, V], None] | None = None,
    ) -> None:
        if allowed_lateness_ms < 0:
            raise ValueError(f"allowed_lateness_ms must not be negative; got {allowed_lateness_ms}.")
        self._windows = windows
        self._aggregate = aggregate
        self._lateness_ms = allowed_lateness_ms
        self._on_late = on_late
        self._merging = isinstance(windows, Session)
        self.watermark_ms = NEVER
        self.late = 0
        self._panes: dict[tuple[Key, Window], _Pane[A]] = {}
        self._sessions: dict[Key, list[Window]] = {}
        self._ends: dict[int, dict[tuple[Key, Window], None]] = {}
        """Where the panes of the windows with this end are; fired or not."""
        self._to_fire: list[int] = []
        self._to_drop: list[int] = []

    def _told(self) -> dict[str, object]:
        return {"windows": self._windows, "panes": len(self), "watermark_ms": self.watermark_ms}

    def __len__(self) -> int:
        """Panes in memory."""
        return len(self._panes)

    def add(self, key: Key, timestamp_ms: int, value: V) -> list[Result]:
        """Count one event. Returns corrections of windows that have fired already, at once."""
        if type(key) is not str and type(key) is not int:
            key = _key(key)
        if type(timestamp_ms) is not int or not -FARTHEST_MS < timestamp_ms < FARTHEST_MS:
            timestamp_ms = _time(timestamp_ms, "timestamp_ms")
        if hasattr(value, "dtype") and hasattr(value, "item") and not getattr(value, "shape", ()):
            value = value.item()
        results, taken = [], False
        for window in self._windows.assign(timestamp_ms):
            if self._merging:
                merged = self._merged(key, window)
            else:
                merged = window if window.end_ms - 1 + self._lateness_ms > self.watermark_ms else None
            if merged is None:
                continue
            taken = True
            place = key, merged
            pane = self._panes.get(place)
            if pane is None:
                state = self._aggregate.add(self._aggregate.zero(), value)  # first: it may raise
                pane = self._open(place, _Pane(state))
            else:
                pane.state = self._aggregate.add(pane.state, value)
            if merged.end_ms - 1 <= self.watermark_ms:
                results.append(self._fire(place, pane))
        if not taken:
            self.late += 1
            if self._on_late is not None:
                self._on_late(key, timestamp_ms, value)
        return results

    def advance(self, watermark_ms: int) -> list[Result]:
        """No event at or before `watermark_ms` is expected any more: fire what is complete, forget what is over.

        Results come in the order of their windows' ends. A watermark that is not later than the last does nothing.
        """
        results: list[Result] = []
        if type(watermark_ms) is not int:
            watermark_ms = whole(watermark_ms, "watermark_ms", NEVER)
        if watermark_ms <= self.watermark_ms:
            return results
        self.watermark_ms = watermark_ms
        while self._to_fire and self._to_fire[0] - 1 <= watermark_ms:
            for place in self._ends.get(heapq.heappop(self._to_fire), ()):
                pane = self._panes[place]
                if not pane.revision:
                    results.append(self._fire(place, pane))
        while self._to_drop and self._to_drop[0] - 1 + self._lateness_ms <= watermark_ms:
            for place in self._ends.pop(heapq.heappop(self._to_drop), ()):
                del self._panes[place]
                if self._merging:
                    self._forget_session(*place)
        return results

    # Panes.

    def _open(self, place: tuple[Key, Window], pane: _Pane[A]) -> _Pane[A]:
        self._panes[place] = pane
        end = place[1].end_ms
        if end not in self._ends:
            self._ends[end] = {}
            heapq.heappush(self._to_drop, end)
            if end - 1 > self.watermark_ms:
                heapq.heappush(self._to_fire, end)
        self._ends[end][place] = None
        return pane

    def _fire(self, place: tuple[Key, Window], pane: _Pane[A]) -> Result:
        result = Result(*place, self._aggregate.result(pane.state), pane.revision, pane.replaces)
        pane.revision += 1
        pane.replaces = ()
        return result

    # Sessions.

    def _merged(self, key: Key, window: Window) -> Window | None:
        """The session that `window` belongs to once it has merged with those it touches; `None` if that is over."""
        sessions = self._sessions.get(key, [])
        first = bisect_left(sessions, window.start_ms, key=lambda session: session.end_ms)
        last = first
        while last < len(sessions) and sessions[last].start_ms <= window.end_ms:
            last += 1
        touched = sessions[first:last]
        if len(touched) == 1 and _covers(touched[0], window):
            return touched[0]
        start = min([window.start_ms, *(session.start_ms for session in touched)])
        end = max([window.end_ms, *(session.end_ms for session in touched)])
        if end - 1 + self._lateness_ms <= self.watermark_ms:
            return None
        merged = Window(start, end)
        pane = _Pane(self._aggregate.zero())
        replaced: list[Window] = []
        for session in touched:
            old = self._panes.pop((key, session))
            del self._ends[session.end_ms][key, session]
            pane.state = self._aggregate.merge(pane.state, old.state)
            replaced += old.replaces
            if old.revision:
                replaced.append(session)
        pane.replaces = tuple(replaced)
        self._sessions[key] = sessions
        sessions[first:last] = []
        insort(sessions, merged)
        self._open((key, merged), pane)
        return merged

    def _forget_session(self, key: Key, window: Window) -> None:
        sessions = self._sessions[key]
        sessions.remove(window)
        if not sessions:
            del self._sessions[key]

    # Checkpoints.

    def to_bytes(self) -> bytes:
        """The whole state, with version and checksum. Settings are not in it.

        Raises `ValueError` for the state of an aggregate that JSON would not give back as it was.
        """
        panes = [
            [key, *window, pane.state, pane.revision, pane.replaces] for (key, window), pane in self._panes.items()
        ]
        header = {"watermark": self.watermark_ms, "late": self.late}
        try:
            text = json.dumps(panes)
        except (TypeError, ValueError) as error:
            raise ValueError(f"The state of an aggregate must be JSON, to be stored: {error}.") from error
        for pane, back in zip(self._panes.values(), json.loads(text), strict=True):
            if back[3] != pane.state and not _alike(back[3], pane.state):
                raise ValueError(f"The state {pane.state!r} of an aggregate would come back from JSON as {back[3]!r}.")
        return seal(KIND, VERSION, header, text.encode())

    def restore(self, data: bytes) -> None:
        """Take over the state that `to_bytes` of an object with the same settings gave.

        Raises `DamagedError`, and changes nothing, for anything else.
        """
        header, panes = unseal(KIND, VERSION, data)
        self.watermark_ms, self.late = header["watermark"], header["late"]
        self._panes, self._sessions, self._ends, self._to_fire, self._to_drop = {}, {}, {}, [], []
        for stored, start, end, aggregate, revision, replaces in json.loads(panes):
            key = as_tuples(stored)
            window = Window(start, end)
            self._open((key, window), _Pane(aggregate, revision, tuple(Window(*w) for w in replaces)))
            if self._merging:
                insort(self._sessions.setdefault(key, []), window)


def _covers(outer: Window, inner: Window) -> bool:
    return outer.start_ms <= inner.start_ms and inner.end_ms <= outer.end_ms


def _length(size_ms: int, name: str) -> int:
    if size_ms < 1:
        raise ValueError(f"{name} must be positive; got {size_ms}.")
    return whole(size_ms, name, 1, FARTHEST_MS)


def _time(time_ms: int, name: str) -> int:
    return whole(time_ms, name, 1 - FARTHEST_MS, FARTHEST_MS - 1)


def _key(key: Any) -> Key:
    """A key as it comes back from a checkpoint. Raises `ValueError` for what does not."""
    if isinstance(key, tuple):
        return tuple(map(_key, key))
    if isinstance(key, str):
        return str(key)
    if isinstance(key, bool) or not hasattr(key, "__index__"):
        raise ValueError(f"A key is text, a whole number or a tuple of these; got {key!r}.")
    return index(key)


def as_tuples(key: Any) -> Key:
    return tuple(map(as_tuples, key)) if isinstance(key, list) else key


def _alike(one: Any, other: Any) -> bool:
    """Whether these are equal, NaN being equal to itself."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    return bool(one == other or (one != one and other != other))


def _least(one: float, other: float) -> float:
    return other if other < one or other != other else one


def _greatest(one: float, other: float) -> float:
    return other if other > one or other != other else one


# What aggregates are made of: functions with names, so that an aggregation can be pickled.


def _nothing() -> int:
    return 0


def _one_more(count: int, _: object) -> int:
    return count + 1


def _both(one: Any, other: Any) -> Any:
    return one + other


def _itself(state: Any) -> Any:
    return state


def _no_mean() -> list[float]:
    return [0, 0]


def _mean_and_value(state: list[float], value: float) -> list[float]:
    return [state[0] + 1, state[1] + value]


def _mean_and_mean(state: list[float], other: list[float]) -> list[float]:
    return [state[0] + other[0], state[1] + other[1]]


def _mean(state: list[float]) -> float:
    return state[1] / state[0]


def _no_stats() -> list[float]:
    return [0, 0, float("inf"), float("-inf")]


def _stats_and_value(s: list[float], value: float) -> list[float]:
    return [s[0] + 1, s[1] + value, _least(s[2], value), _greatest(s[3], value)]


def _stats_and_stats(s: list[float], o: list[float]) -> list[float]:
    return [s[0] + o[0], s[1] + o[1], _least(s[2], o[2]), _greatest(s[3], o[3])]
