"""How often a session guarantee is broken: which reads miss what their client had to see already.

`check_sessions` answers whether a history can be explained at all. Where the order of the versions is known, each read
can be judged alone, so that a rate can be told. What a read must see is said as there: what its client wrote before
(read your writes) or read before (monotonic reads), and, of every client of whom it has read a write w, what that had
written before w (monotonic writes) or read before w (writes follow reads).

The guarantees are those of Terry et al. (1994) as clients see them. There the two about writes are promises of each
server (who has the later write has the earlier one), which servers keep that apply one log in its order. A client that
reads at two of them may see the later write at one, and miss the earlier at the other. That counts here, as in Jepsen's
words: what was written after a read must be visible after what was read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from windtunnel.lab.checkers.calls import prepare
from windtunnel.lab.checkers.describe import shown
from windtunnel.lab.checkers.models import KeyValue, Model
from windtunnel.lab.checkers.sequential import lanes_of, unanswered_of
from windtunnel.lab.checkers.sessions import GUARANTEES, Guarantee, written_again
from windtunnel.lab.checkers.values import freeze
from windtunnel.lab.checkers.verdict import accuse
from windtunnel.lab.history import Event

Key = Hashable
Value = Hashable


@dataclass(frozen=True, slots=True)
class Missed:
    """What became of one guarantee.

    Attributes:
        judged: reads of which it says that they must see something.
        reads: those of them that do not.
    """

    judged: int
    reads: Sequence[Event]

    def __post_init__(self) -> None:
        accuse(self.reads)

    @property
    def share(self) -> float:
        """Of the judged; 0 where there are none."""
        return len(self.reads) / self.judged if self.judged else 0.0


@dataclass(slots=True)
class _Newest:
    """The newest version that one client had written (or read) of each key, by how many steps it had taken."""

    steps: dict[Key, tuple[list[int], list[int]]] = field(default_factory=dict)

    def note(self, key: Key, place: int, rank: int) -> None:
        places, ranks = self.steps.setdefault(key, ([], []))
        places.append(place)
        ranks.append(max(rank, ranks[-1]) if ranks else rank)

    def before(self, key: Key, place: int) -> int:
        """Among the steps before that one; -1 where there is none."""
        places, ranks = self.steps.get(key, ((), ()))
        at = bisect_left(places, place)
        return ranks[at - 1] if at else -1


def missed_reads(
    history: Sequence[Event],
    versions: Mapping[Any, Iterable[Value]],
    *,
    model: Model | None = None,
) -> dict[Guarantee, Missed]:
    """Count the reads of a history of `get(key)` and `put(key, value)` that miss something, guarantee by guarantee.

    Args:
        versions: for each key, its written values from the oldest to the newest, each once. A value that is not among
            them is passed over: nobody is asked to see it, and who reads it is not judged. So leave out writes of which
            nobody knows when, or whether, they happened. Where the store says so, a write that nobody answered
            follows what its client had done before, and nobody is asked to see it of itself.

    Raises:
        ValueError: a client has two operations at once, an operation is neither a plain read nor a plain write, or a
            value stands, or is written, a second time (what is there first counts as the first).
    """
    model = model if model is not None else KeyValue()
    first = next(iter(model.operations))
    rank: dict[tuple[Key, Value], int] = {}
    for name, values in versions.items():
        key = model.partition(first, (freeze(name),))
        for i, value in enumerate(map(freeze, values), start=1):
            if rank.setdefault((key, value), i) != i or value == model.initial():
                raise ValueError(f"The versions of {shown(name)} have {shown(value)} twice, or what was there first.")
    calls = prepare(history, model)
    lanes = lanes_of(calls)
    wrote = {client: _Newest() for client in lanes}
    read = {client: _Newest() for client in lanes}
    made: dict[tuple[Key, Value], tuple[str, int]] = {}
    steps: dict[str, list[tuple[bool, Key, Value, int, Event]]] = {}
    for client, lane in lanes.items():
        steps[client] = []
        for place, call in enumerate(lane):
            access = model.access(call.op, call.args, call.value)
            if access is None:
                raise ValueError(f"Session guarantees are judged on plain reads and writes, not on {call.op!r}.")
            key, value = model.partition(call.op, call.args), access[1]
            version = rank.get((key, value), 0 if value == model.initial() else -1)
            steps[client].append((access[0] == "write", key, value, version, call.event))
            if version >= 0:
                (wrote if access[0] == "write" else read)[client].note(key, place, version)
                if access[0] == "write":
                    if (key, value) in made or version == 0:
                        raise written_again(call.event, value)
                    made[key, value] = client, place
    for call, place in unanswered_of(calls, lanes):
        access = model.access(call.op, call.args, call.value)
        if access is not None:
            of = model.partition(call.op, call.args), access[1]
            if of in made:
                raise written_again(call.event, access[1])
            made[of] = call.event.client, place
    judged = dict.fromkeys(GUARANTEES, 0)
    missed: dict[Guarantee, list[Event]] = {guarantee: [] for guarantee in GUARANTEES}
    for client, lane_steps in steps.items():
        seen: dict[str, int] = {}
        for place, (writes, key, value, version, event) in enumerate(lane_steps):
            if writes or version < 0:
                continue
            must: dict[Guarantee, int] = {
                "read your writes": wrote[client].before(key, place),
                "monotonic reads": read[client].before(key, place),
                "monotonic writes": max((wrote[one].before(key, to) for one, to in seen.items()), default=-1),
                "writes follow reads": max((read[one].before(key, to) for one, to in seen.items()), default=-1),
            }
            for guarantee, newest in must.items():
                judged[guarantee] += newest >= 0
                if newest > version:
                    missed[guarantee].append(event)
            by = made.get((key, value))
            if by is not None and by[0] != client and by[1]:
                seen[by[0]] = max(by[1], seen.get(by[0], -1))
    return {guarantee: Missed(judged[guarantee], missed[guarantee]) for guarantee in GUARANTEES}
