"""Clicks, and the streams in which they come: late, twice, out of order; and what goes wrong meanwhile.

A stream has a span of event time of its own, far from that of any other, and ends with a click so much later that every
watermark has passed all before it. What is in the windows before that click is what is judged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import count
from random import Random
from typing import Literal, NamedTuple, Protocol

SPAN_MS = 10**9
"""Of event time for each stream: eleven days."""
SMALL_TURN = 3
"""Clicks between two turns of the job, in a small stream."""
CENTS = (7, 11, 13, 29, 31)
"""What a click costs: numbers of which no few add up to another."""
ADS = 3
HUNDRED = 100

How = Literal["", "dies", "stands", "sleeps"]
"""What befalls who is at a place: nothing; he dies; he stands still for so long that another takes his place, and then
goes on; or that all is over but for the last turn of the job."""


class Click(NamedTuple):
    """A click, as the browser tells it: the very same each time that it tells it.

    Args:
        id: made by the browser.
        ad: which was clicked.
        at_ms: when, by event time.
        cents: what it costs the advertiser.
    """

    id: str
    ad: int
    at_ms: int
    cents: int


class Setting(Protocol):
    """What streams, designs and judges need of the parameters."""

    @property
    def places(self) -> int: ...

    @property
    def stands(self) -> int: ...

    @property
    def drawn(self) -> int: ...

    @property
    def clicks(self) -> int: ...

    @property
    def deaths(self) -> int: ...

    @property
    def doubled(self) -> float: ...

    @property
    def late(self) -> float: ...

    @property
    def rush(self) -> int: ...

    @property
    def turn(self) -> int: ...

    @property
    def window_s(self) -> float: ...

    @property
    def delay_s(self) -> float: ...

    @property
    def lateness_s(self) -> float: ...

    @property
    def keeps(self) -> int: ...


class Stream(NamedTuple):
    """Clicks as they come, and what goes wrong.

    Args:
        number: which stream it is; its event time begins at `number * SPAN_MS`.
        kind: "plain", "places", "drawn", "long" or "rush".
        how: what befalls who is at a place.
        places: at which places, each counted from the one before.
        turn: clicks between two turns of the job.
        clicks: in the order in which they come.
    """

    number: int
    kind: str
    how: How
    places: Sequence[int]
    turn: int
    clicks: Sequence[Click]

    @property
    def began_ms(self) -> int:
        """The first moment of its event time."""
        return self.number * SPAN_MS

    @property
    def until_ms(self) -> int:
        """Windows that begin before this are judged."""
        return self.began_ms + SPAN_MS // 2


def pack(click: Click) -> bytes:
    """A click as a record of a log."""
    return json.dumps(click).encode()


def unpack(record: bytes) -> Click:
    """A click that was packed."""
    return Click(*json.loads(record))


def start_of(at_ms: int, p: Setting) -> int:
    """When the window of this moment begins."""
    return at_ms - at_ms % width_ms(p)


def width_ms(p: Setting) -> int:
    """How long a window is."""
    return ms(p.window_s)


def ms(seconds: float) -> int:
    """Whole milliseconds."""
    return round(1000 * seconds)


def last(number: int) -> Click:
    """The click that ends a stream."""
    return Click(f"{number}.last", 0, number * SPAN_MS + 3 * SPAN_MS // 4, 1)


def small(number: int, p: Setting) -> list[Click]:
    """Ten clicks with all that may be wrong with clicks: doubled, out of order, late, too late, doubled too late."""
    w, d, late = width_ms(p), ms(p.delay_s), ms(p.lateness_s)
    began = start_of(number * SPAN_MS, p) + w

    def at(name: int, ad: int, moment: float) -> Click:
        return Click(f"{number}.{name}", ad, began + round(moment), CENTS[name % len(CENTS)])

    first, second = at(1, 1, 0.1 * w), at(2, 2, 0.3 * w)
    return [
        first,
        second,
        first,
        at(3, 2, w),  # the first moment of a window, when another has just ended
        at(4, 1, 0.8 * w),  # out of order
        at(5, 2, 2 * w + d),  # the watermark passes the first two windows
        at(6, 1, 0.9 * w),  # late
        at(7, 2, 3 * w + d + late),  # and passes what may be late
        at(8, 2, 0.5 * w),  # too late
        second,
        last(number),
    ]


def deck(share: float, luck: Random) -> Iterable[bool]:
    """Yes and no, so that of each hundred so many are yes; which is luck."""
    while True:
        yes = round(HUNDRED * share)
        cards = [True] * yes + [False] * (HUNDRED - yes)
        luck.shuffle(cards)
        yield from cards


def mixed(number: int, many: int, p: Setting, luck: Random) -> list[Click]:
    """So many clicks over ten windows and more, in the order in which they come; some come twice, some far too late."""
    w, beyond = width_ms(p), ms(p.delay_s) + ms(p.lateness_s)
    began = start_of(number * SPAN_MS, p) + w
    doubled, late = iter(deck(p.doubled, luck)), iter(deck(p.late, luck))
    again = iter(deck(0.5, luck))
    coming: list[tuple[int, int, Click]] = []
    order = count()
    for i in range(many):
        at_ms = began + round((10 * w * (i + luck.random())) / many)
        click = Click(f"{number}.{i}", luck.randrange(1, ADS + 1), at_ms, luck.choice(CENTS))
        delay = w * luck.paretovariate(2.0) / 20
        if next(late):
            delay = beyond + 3 * w + luck.randrange(20 * w)
        coming.append((at_ms + round(delay), next(order), click))
        if next(doubled):  # half of them at once, and half when the telephone has a net again
            later = luck.randrange(w // 4) if next(again) else beyond + 3 * w + luck.randrange(20 * w)
            coming.append((at_ms + round(delay) + later, next(order), click))
    return [click for _, _, click in sorted(coming)] + [last(number)]


def hot(number: int, many: int, p: Setting) -> list[Click]:
    """So many clicks on one ad in one window; by twos, they differ in nothing but the id."""
    began = start_of(number * SPAN_MS, p) + width_ms(p)
    return [Click(f"{number}.{i}", 1, began + i // 2, CENTS[i // 2 % len(CENTS)]) for i in range(many)] + [last(number)]


def streams(p: Setting, luck: Random) -> Iterable[Stream]:
    """All that come, one after the other; the first is one with which nothing goes wrong."""
    numbers = count(1)

    def of(kind: str, how: How, places: Sequence[int]) -> Stream:
        number = next(numbers)
        return Stream(number, kind, how, places, SMALL_TURN, small(number, p))

    yield of("plain", "", ())
    for place in range(1, p.places + 1):
        yield of("places", "dies", (place,))
    still: How
    for still in ("stands", "sleeps"):
        for place in range(1, p.stands + 1):
            yield of("places", still, (place,))
    for _ in range(p.drawn):
        number, turn = next(numbers), luck.randrange(1, 6)
        how: How = luck.choice(("dies", "dies", "stands", "sleeps"))
        places = tuple(luck.randrange(1, 25) for _ in range(luck.randrange(1, 4) if how == "dies" else 1))
        yield Stream(number, "drawn", how, places, turn, mixed(number, 12, p, luck))
    if p.clicks:
        number = next(numbers)
        each = max(1, 2 * p.clicks // max(1, p.deaths))
        gaps = tuple(luck.randrange(1, each + 1) for _ in range(p.deaths))
        yield Stream(number, "long", "dies", gaps, p.turn, mixed(number, p.clicks, p, luck))
    if p.rush:
        number = next(numbers)
        yield Stream(number, "rush", "", (), p.rush + 1, hot(number, p.rush, p))
