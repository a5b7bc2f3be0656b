"""What happened: the only thing that measurements, checkers and claims may look at.

Three outcomes, not two. `ok`: the operation answered. `fail`: it certainly did not happen. `unknown`: nobody can
tell; a request that timed out may have been carried out, and may still be (Kingsbury, *Knossos*, 2013, calls it
`info`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, overload

from windtunnel.sim.tier import native

if TYPE_CHECKING:
    from windtunnel.lab.held import Held

Outcome = Literal["ok", "fail", "unknown"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("ok", "fail", "unknown")
"""In the order in which the files of traces number them."""


# Tuples, not dataclasses: a run makes one of each per request, and a frozen dataclass costs six times as much.
class Op(NamedTuple):
    """A request that is due at second `at`: call the design's method `name` with `args` for `client`.

    `id` is its place in the workload. The luck of a request is derived from it, so that taking another request away
    changes nothing for this one. With `think_s` of 0 or more the loop is closed: the request is due that many
    seconds after the client's previous one ended, and not before `at`.
    """

    at: float
    client: str
    name: str
    args: tuple[Any, ...] = ()
    id: int = -1
    think_s: float = -1.0


class Event(NamedTuple):
    """One operation and its outcome. All times are in seconds of the stage's clock.

    `due` is when the workload wanted it, `start` when it was really called, `end` when the caller learned the
    outcome. Latency counts from `due`. An `unknown` operation may take effect at any time after `start`, also
    after `end`.
    """

    client: str
    name: str
    args: tuple[Any, ...]
    start: float
    end: float
    outcome: Outcome
    value: Any = None
    due: float = -1.0
    id: int = -1

    @property
    def latency(self) -> float:
        """Seconds from when the request was due until its caller knew."""
        return self.end - (self.due if self.due >= 0 else self.start)


if not TYPE_CHECKING and native is not None:
    native.learn(Event=Event, Op=Op)


class History(Sequence[Event]):
    """The events of one run in the order in which they ended, and what the design itself reported at the end.

    `facts` holds what no client saw: the final state of the stage (stock left, bytes on disk, hosts' counters), put
    there by the design's optional `report()`. `facts["unsent"]` counts requests that were not due before the end.
    `held` is what the harness itself read off the stage, where the run is graded.
    """

    __slots__ = ("_events", "duration", "facts", "held")

    def __init__(
        self,
        events: Iterable[Event],
        facts: dict[str, Any] | None = None,
        duration: float | None = None,
        held: Held | None = None,
    ) -> None:
        self._events = tuple(events)
        self.facts: dict[str, Any] = dict(facts or {})
        self.held = held
        self.duration = duration if duration is not None else max((e.end for e in self._events), default=0.0)

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        return self._events[index]

    def __repr__(self) -> str:
        return f"<History of {len(self)} events in {self.duration:.3f} s>"

    def where(self, *, name: str | None = None, client: str | None = None, outcome: Outcome | None = None) -> History:
        """Those events that match everything given."""
        found: Sequence[Event] = self._events
        # A pass each, in lists: a generator would be a call an event.
        if name is not None:
            found = [e for e in found if e.name == name]
        if client is not None:
            found = [e for e in found if e.client == client]
        if outcome is not None:
            found = [e for e in found if e.outcome == outcome]
        return History(found, self.facts, self.duration, self.held)

    def since(self, second: float) -> History:
        """Those events that were due at this second or later: what is left after a warm-up."""
        return History([e for e in self._events if e.due >= second], self.facts, self.duration, self.held)

    def latencies(self, unanswered: float | None = None) -> list[float]:
        """Seconds from due to answered, of the operations that were answered.

        Who reads a distribution off them forgets those who never were, and the worst design looks best: give
        `unanswered` (infinity, say) to have it stand for each operation that failed or is unknown.
        """
        found = [e.end - (e.due if e.due >= 0 else e.start) for e in self._events if e.outcome == "ok"]
        return found if unanswered is None else found + [unanswered] * (len(self) - len(found))
