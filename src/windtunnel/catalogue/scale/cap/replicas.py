"""Five copies in two data centres: cells with tags, carts that merge, beats by which one tells who is there.

A cell is a value with its tag; of two the one with the higher tag is the newer. A cart merges
in two ways: as siblings, versions of which none has seen the other (Dynamo), and as a set of adds and of removes that
both only grow (an observed-remove set; Shapiro and others, 2011).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from windtunnel import Stage
from windtunnel.blocks.ground import Refused
from windtunnel.parts import Peer, first_answers
from windtunnel.sim import Signal, lognormal

SMALL = (0, 1)
LARGE = (2, 3, 4)
REPLICAS = len(SMALL) + len(LARGE)
MAJORITY = REPLICAS // 2 + 1
PATIENCE_S = 0.4
"""For so long a replica waits for the answers of others."""
BEAT_S = 0.1
GONE_S = 0.3
"""Who has not been heard for so long is thought to be away."""

Tag = tuple[float, int, int]
"""A number, the replica that gave it, and which of its own: no two writes have the same."""
Cell = tuple[Tag, Any]
NOTHING: Cell = ((0, -1, 0), None)
Version = tuple[frozenset[int], frozenset[str]]
"""Of a cart: the requests whose work it has seen, and what is in it."""
Adds = frozenset[tuple[str, int]]
Both = tuple[Adds, frozenset[int]]
"""Of a cart: each add with its request, and the requests of adds that were taken back."""
EMPTY: Both = (frozenset(), frozenset())


class Replica(Peer):
    """One of the five: what it has, and whom it has heard."""

    def __init__(self, stage: Stage, me: int) -> None:
        self.me = me
        self.calls = 0
        super().__init__(stage, f"replica {me}")

    def boot(self) -> None:
        self.cells: dict[str, Cell] = {}
        self.versions: dict[str, tuple[Version, ...]] = {}
        self.sets: dict[str, Both] = {}
        self.hints: dict[tuple[int, str], None] = {}
        """What has to be handed to a replica that was away: its number, and the key."""
        self.heard: dict[int, float] = {}
        self.given = 0

    def tag(self, number: float) -> Tag:
        """A tag of this number that nobody else gives."""
        self.given += 1
        return number, self.me, self.given

    def ask(self, to: Peer, name: str, *args: Any) -> Signal[Any]:
        self.calls += 1
        return super().ask(to, name, *args)

    # --- what others ask ---------------------------------------------------------------------------------------
    def cell(self, key: str) -> Cell:
        """What it has."""
        return self.cells.get(key, NOTHING)

    def keep(self, key: str, cell: Cell, instead: Sequence[int] = ()) -> bool:
        """Take it, if it is newer; `instead` are those for whom one keeps it who need not have it himself."""
        if cell[0] > self.cell(key)[0]:
            self.cells[key] = cell
        self.hints.update(dict.fromkeys((who, key) for who in instead))  # unclaimed: reads repair pages; a test has it
        return True

    def siblings(self, key: str) -> tuple[Version, ...]:
        """The versions of a cart of which none has seen another."""
        return self.versions.get(key, ())

    def keep_siblings(self, key: str, those: Iterable[Version], instead: Sequence[int] = ()) -> bool:
        """Take them, and forget what they have seen."""
        self.versions[key] = newest_of((*self.siblings(key), *those))
        self.hints.update(dict.fromkeys((who, key) for who in instead))
        return True

    def both(self, key: str) -> Both:
        """Adds and removes of a cart."""
        return self.sets.get(key, EMPTY)

    def join(self, sets: Mapping[str, Both]) -> bool:
        """Take what another one has."""
        for key, (adds, removed) in sets.items():
            mine = self.both(key)
            self.sets[key] = (mine[0] | adds, mine[1] | removed)
        return True

    def beat(self, who: int, cells: Mapping[str, Cell], sets: Mapping[str, Both]) -> bool:
        """Another one is there, and tells what it has."""
        self.heard[who] = self.sim.now
        for key, cell in cells.items():
            self.keep(key, cell)
        return self.join(sets)

    # --- what it knows of others -------------------------------------------------------------------------------
    def hears(self, other: int) -> bool:
        """Whether it has heard of that one lately, or is it itself."""
        return other == self.me or self.sim.now - self.heard.get(other, 0.0) < GONE_S


def newest_of(versions: Iterable[Version]) -> tuple[Version, ...]:
    """Those that no other has seen, each once, in an order that does not depend on how they came."""
    each = sorted(set(versions), key=lambda one: (sorted(one[0]), sorted(one[1])))
    return tuple(one for one in each if not any(one[0] < other[0] for other in each))


def contents(both: Both) -> frozenset[str]:
    """What is in a cart of adds and removes."""
    adds, removed = both
    return frozenset(item for item, request in adds if request not in removed)


def make(stage: Stage, far_ms: float) -> list[Replica]:
    """Five replicas in two data centres, one way between which takes `far_ms` in the middle, and half more in 1 %."""
    replicas = [Replica(stage, me) for me in range(REPLICAS)]
    far = lognormal(1e-3 * far_ms, 1.5e-3 * far_ms)
    for one in SMALL:
        for other in LARGE:
            stage.network.connect(replicas[one].host, replicas[other].host, latency=far)
    return replicas


async def beats(me: Replica, replicas: Sequence[Replica], tells: Callable[[], tuple[Any, Any]]) -> None:
    """Tell all others, again and again, that one is there."""
    while True:
        for other in replicas:
            if other is not me:
                me.ask(other, "beat", me.me, *tells())
        await me.sim.sleep(BEAT_S)


async def majority(me: Replica, replicas: Sequence[Replica], name: str, *args: Any) -> list[Any]:
    """What the first three of five answer. Raises TimeoutError."""
    return await first_answers(me, replicas, MAJORITY, name, *args, within_s=PATIENCE_S)


async def newest(me: Replica, replicas: Sequence[Replica], key: str) -> tuple[Cell, bool]:
    """The newest of three answers, and whether they agree. Raises Refused: nothing was written."""
    try:
        found = await majority(me, replicas, "cell", key)
    except TimeoutError as error:
        raise Refused(str(error)) from None
    best = max(found, key=lambda cell: cell[0])
    return best, all(cell[0] == best[0] for cell in found)
