"""What is asked of boards: a day of requests, two requests at once, somebody's death, and boards of several sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Literal, NamedTuple, Protocol

Kind = Literal["day", "pair", "dies", "size"]
Asked = tuple[Any, ...]
"""The name of a method, and its arguments without the day."""


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def days(self) -> int: ...
    @property
    def requests(self) -> int: ...
    @property
    def members(self) -> int: ...
    @property
    def most(self) -> int: ...
    @property
    def places(self) -> int: ...


class Episode(NamedTuple):
    """One board and what befalls it.

    Args:
        day: its number; no other has it.
        first: asked before, one after the other; in a day, all there is.
        one: who stands still, or dies, at a place.
        others: what is asked meanwhile, one after the other.
        place: from 0, of those that `one` has.
        size: members; 0 where there are no more than are asked about.
    """

    day: int
    kind: Kind
    first: tuple[Asked, ...]
    one: Asked = ()
    others: tuple[Asked, ...] = ()
    place: int = 0
    size: int = 0


PLAYERS = 12
"""Of a day."""
BOARD: tuple[Asked, ...] = tuple(("add", member, points) for member, points in enumerate((40, 20, 30, 30, 10, 5), 1))
"""Before two requests, or a death: two have as many."""
PAIRS: tuple[tuple[Asked, tuple[Asked, ...]], ...] = (
    (("add", 5, 25), (("add", 5, 60),)),
    (("add", 7, 35), (("add", 7, 2),)),
    (("rank", 5), (("add", 5, 60),)),
    (("rank", 3), (("add", 1, -35), ("add", 2, 60))),
    (("rank", 3), (("add", 2, 60), ("add", 1, -35))),
    (("top", 3), (("add", 1, -35), ("add", 2, 60))),
    (("around", 3, 1), (("add", 3, 60),)),
    (("around", 5, 2), (("add", 1, -35), ("add", 2, 60))),
    (("friends", 1, 2, 5), (("add", 1, -35), ("add", 2, 60))),
    (("add", 6, 60), (("rank", 3), ("top", 3))),
    (("add", 6, 60), (("rank", 6), ("around", 6, 1))),
)
DEATHS: tuple[Asked, ...] = (("add", 6, 60), ("add", 1, -35), ("add", 7, 35))
SIZES = (100, 10, 1)
"""Boards with this part of all members."""


def scaled(asked: Asked, p: Setting) -> Asked:
    """The same with points of a hundredth of the most that there are."""
    return (*asked[:2], asked[2] * max(1, p.most // 100)) if asked[0] == "add" else asked


def day(p: Setting, luck: Random) -> tuple[Asked, ...]:
    """Requests of a day: few members, many with as many points."""

    def anybody() -> int:
        return 1 + int(luck.random() * PLAYERS)

    found: list[Asked] = []
    for _ in range(p.requests):
        which = luck.random()
        if which < 0.4:
            found.append(("add", anybody(), luck.choice((-10, 5, 10, 10, 15, 30))))
        elif which < 0.65:
            found.append(("rank", anybody()))
        elif which < 0.75:
            found.append(("top", luck.choice((1, 3, 20))))
        elif which < 0.9:
            found.append(("around", anybody(), luck.choice((1, 2, 20))))
        else:
            found.append(("friends", *luck.sample(range(1, PLAYERS + 1), 4)))
    return tuple(found)


def episodes(p: Setting, luck: Random) -> Iterator[Episode]:
    """All of them, in order."""
    number = 0

    def made(kind: Kind, first: Sequence[Asked], one: Asked = (), others: Sequence[Asked] = (), *rest: int) -> Episode:
        nonlocal number
        number += 1
        return Episode(number, kind, all_of(first), scaled(one, p) if one else (), all_of(others), *rest)

    def all_of(requests: Sequence[Asked]) -> tuple[Asked, ...]:
        return tuple(scaled(one, p) for one in requests)

    for _ in range(p.days):
        yield made("day", day(p, luck))
    for one, others in PAIRS:
        for place in range(p.places):
            yield made("pair", BOARD, one, others, place)
    for one in DEATHS:
        for place in range(p.places):
            yield made("dies", BOARD, one, (), place)
    for part in SIZES:
        if p.members >= part:
            seed = int(luck.random() * 2**31)
            yield made("size", (("seed", seed),), (), (), 0, p.members // part)


def crowd(size: int, most: int, luck: Random) -> list[tuple[int, int]]:
    """Members of a large board, with points."""
    return [(member, int(luck.random() * most)) for member in range(1, size + 1)]


LOOKS = {"add": 6, "rank": 12, "top": 3, "around": 4, "friends": 2}
"""How often each is asked of a large board."""
FRIENDS, PAGE, FIRST = 20, 5, 10


def asked_of(board: Sequence[tuple[int, int]], luck: Random) -> list[Asked]:
    """What is asked of it: of members from all parts of the board alike, so that no part is a matter of luck."""
    members = [member for member, _ in sorted(board, key=lambda one: (one[1], one[0]))]

    def spread(many: int) -> list[int]:
        return [*dict.fromkeys(members[int((i + 0.5) * len(members) / many)] for i in range(many))]

    jump = max(points for _, points in board) + 1
    found: list[Asked] = []
    for i, one in enumerate(spread(LOOKS["add"])):  # first: what was known of ranks before is of no use after it
        found.append(("add", one, jump if i == 0 else 1 + int(luck.random() * 20)))
    found += [("rank", one) for one in spread(LOOKS["rank"])]
    found += [("top", FIRST)] * LOOKS["top"]
    found += [("around", one, PAGE) for one in spread(LOOKS["around"])]
    found += [("friends", *spread(FRIENDS)) for _ in range(LOOKS["friends"])]
    return found
