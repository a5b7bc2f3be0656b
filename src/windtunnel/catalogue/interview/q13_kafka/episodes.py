"""What is tried: small episodes, each of two producers, two members of a group, and a trouble at a place of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Literal, NamedTuple, Protocol

What = Literal["dies", "power", "gone", "stands", "cut", "slow"]
"""A process is killed; a machine loses its power; it comes again with an empty disk; it stands still; it is cut off
from the other servers, and not from clients; or its ways to those are slow."""
Whom = Literal["leader", "others", "heir", "outsider", "insiders", "all"]
"""Who leads; all but him; the first of the others; the last of them; all but the last; all."""
Flush = Literal["never", "each"]
"""When a log calls fsync: never, which leaves it to the operating system; or for each batch."""

OUTAGE_MS, BRIEF_MS = 300.0, 40.0
"""So long a trouble lasts, of which a controller notices after a third; and one of which it does not."""
IN_SYNC_MS, BEHIND_MS = 120.0, 45.0
"""Who is back has caught up and is in sync after so long; and after so long not yet, where its ways are slow."""
STRUCK: tuple[What, ...] = ("dies", "power", "gone", "stands", "cut")
"""What befalls the leader alone."""
READERS = ("reader_dies", "reader_stands")
TWO = ("lagging", "alone", "outsider")
"""Troubles in two steps."""
NEXT = ("behind", "returns", "twice", "empty")
"""Troubles of which the second meets what the first has left: one other lags when the leader dies; who was cut off is
back when the next leader dies, and a producer has waited on for it; the next leader dies too, at the first thing that
it does; one that lost its disk has just come back, with slow ways, when the others die."""


class Strike(NamedTuple):
    """One blow.

    Args:
        place: the how-manieth thing that leaders do it comes before, from 1 on; counted on over the whole episode.
        for_ms: until they are back.
        after_ms: where it has no place (0): so long after the one before it is over.
    """

    place: int
    what: What
    whom: Whom
    for_ms: float
    after_ms: float = 0.0


class Episode(NamedTuple):
    """Batches of two producers, to both partitions by turns, and what goes wrong.

    Args:
        reads: at which record the first member dies or stands still, 0 for none.
        producers: how many there are.
    """

    number: int
    kind: str
    strikes: Sequence[Strike]
    reads: int
    batches: int
    records: int
    flush: Flush
    producers: int = 2


class Setting(Protocol):
    """The parameters that say what is tried."""

    @property
    def places(self) -> int: ...
    @property
    def every(self) -> int: ...
    @property
    def readers(self) -> int: ...
    @property
    def next(self) -> int: ...
    @property
    def drawn(self) -> int: ...
    @property
    def batches(self) -> int: ...
    @property
    def records(self) -> int: ...
    @property
    def long(self) -> int: ...
    @property
    def pours(self) -> int: ...
    @property
    def min_in_sync(self) -> int: ...
    @property
    def unclean(self) -> int: ...
    @property
    def flush(self) -> Flush: ...


POURED = (1, 4, 16)
"""Records of a batch, where throughput is asked for."""
CROWDS, POURED_ON = (1, 3), 120
"""Producers, where it is asked for by their number; and how many batches each has then: of a hundred there is a p99."""
SECOND = 12
"""Of troubles in two steps the second comes so many things later, at the least."""


MORE = 3
"""Batches more, so that there is time for both."""


def strikes_of(kind: str, place: int) -> tuple[Strike, ...]:
    """The blows of this kind, the decisive one at this place."""
    if kind == "all":
        return (Strike(place, "power", "all", OUTAGE_MS),)
    if kind == "lagging":
        return Strike(place, "slow", "leader", OUTAGE_MS), Strike(SECOND + place, "dies", "leader", OUTAGE_MS)
    if kind == "alone":
        return Strike(place, "dies", "others", 2 * OUTAGE_MS), Strike(SECOND + place, "gone", "leader", OUTAGE_MS)
    if kind == "outsider":
        return (
            Strike(place, "dies", "outsider", OUTAGE_MS),
            Strike(SECOND + place, "dies", "insiders", 2 * OUTAGE_MS),
        )
    if kind == "behind":
        return Strike(place, "slow", "heir", OUTAGE_MS), Strike(SECOND + place, "dies", "leader", OUTAGE_MS)
    if kind == "returns":
        return Strike(place, "cut", "leader", OUTAGE_MS), Strike(0, "dies", "leader", OUTAGE_MS, IN_SYNC_MS)
    if kind == "twice":
        return Strike(place, "dies", "leader", OUTAGE_MS), Strike(1 + place, "dies", "leader", OUTAGE_MS)
    if kind == "empty":
        return (
            Strike(place, "slow", "outsider", 2 * OUTAGE_MS),
            Strike(1 + place, "gone", "outsider", BRIEF_MS),
            Strike(0, "dies", "insiders", 2 * OUTAGE_MS, BEHIND_MS),
        )
    (what,) = (one for one in STRUCK if one == kind)
    return (Strike(place, what, "leader", OUTAGE_MS),)


def episodes(p: Setting, luck: Random) -> Iterator[Episode]:
    """All of them, in their order."""
    made: list[tuple[Any, ...]] = [("calm", (), 0, p.batches, p.records, p.flush)]
    for kind in (*STRUCK, "all", *TWO):
        batches = p.batches + MORE * (kind in TWO)
        made += [(kind, strikes_of(kind, 1 + i * p.every), 0, batches, p.records, p.flush) for i in range(p.places)]
    for kind in READERS:
        made += [(kind, (), 2 + i, p.batches, p.records, p.flush) for i in range(p.readers)]
    for kind in NEXT:
        made += [(kind, strikes_of(kind, 2 + 3 * i), 0, p.batches + MORE, p.records, p.flush) for i in range(p.next)]
    for _ in range(p.drawn):
        place, strikes = 0, []
        for _ in range(luck.randint(1, 3)):
            place += luck.randint(1, 14)
            what = luck.choice(STRUCK)
            whom: Whom = "leader" if what == "gone" else luck.choice(("leader", "leader", "outsider", "insiders"))
            strikes.append(Strike(place, what, whom, luck.choice((40.0, OUTAGE_MS, 2 * OUTAGE_MS))))
            if what == "gone":  # a disk that is lost for good is one of three, and no other trouble comes with it
                strikes = strikes[-1:]
                break
        made.append(("drawn", tuple(strikes), luck.choice((0, 0, 3)), p.batches + 2, p.records, p.flush))
    if p.long:
        made.append(("long", (), 0, p.long, p.records, p.flush))
    if p.pours:
        flushes: tuple[Flush, ...] = ("never", "each")
        made += [("pour", (), 0, 4, records, flush) for flush in flushes for records in POURED]
    if p.pours > 1:
        made += [("pour", (), 0, POURED_ON, POURED[-1], "never", producers) for producers in CROWDS]
    for number, one in enumerate(made, 1):
        yield Episode(number, *one)


def name_of(value: bytes) -> str:
    """A record without what only makes it long: episode, producer and number."""
    return value.partition(b".")[0].decode()


def values(episode: Episode, producer: int) -> list[list[bytes]]:
    """What this producer sends, by batch: its name and a number that goes on."""
    numbers = iter(range(10**9))
    pad = b"." * 90 if episode.kind in ("long", "pour") else b""
    return [
        [b"%d:%d:%d" % (episode.number, producer, next(numbers)) + pad for _ in range(episode.records)]
        for _ in range(episode.batches)
    ]
