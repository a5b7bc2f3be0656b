"""Small sales, each with a server that dies at one of its places, and what became of each ticket and each buyer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple, Protocol

from windtunnel import Event, History
from windtunnel.checkers import check_unique_ids
from windtunnel.statistics import not_measurable

TICKETS = 2
FIRST = 1001
"""The number of the buyer whose server dies; the others have the next. Nothing else goes by such a number."""
OTHERS = 2
"""As many as there are tickets: with him, one more."""
CROWD = 5
"""Of sales whose troubles are drawn by lot."""
KINDS = ("again", "late", "gone", "power")
"""He asks again, at once; or long after the others have bought; or never. Or the power of the room fails, in which
servers, database and cache stand, and he asks again long after the others have bought."""
LOT = "lot"


class Setting(Protocol):
    """What the list needs of the parameters."""

    @property
    def places(self) -> int: ...

    @property
    def drawn(self) -> int: ...


class Trouble(NamedTuple):
    """What goes wrong with one sale.

    Args:
        place: what the server is killed before, counted from 1.
        again: the same once more, counted from then on; 0: never.
        power: whether the power fails, rather than a process.
        leave: how many of a crowd never ask again.
    """

    kind: str
    place: int
    again: int = 0
    power: bool = False
    leave: int = 0


def troubles(p: Setting, luck: Random) -> list[Trouble]:
    """All of them: every place of each kind, and those that are drawn."""
    found = [Trouble(kind, place, power=kind == "power") for kind in KINDS for place in range(1, p.places + 1)]
    return found + [_drawn(luck) for _ in range(p.drawn)]


def _drawn(luck: Random) -> Trouble:
    """A crowd that comes at once, one of them with two requests, and one death or two."""
    again = luck.randint(1, 25) if luck.random() < 0.5 else 0
    return Trouble(LOT, luck.randint(1, 25), again, luck.random() < 0.3, luck.randint(0, CROWD - TICKETS))


class Sale(NamedTuple):
    """What came of one.

    Args:
        hit: whether everything has happened that was to go wrong.
        asked: each question of each buyer, in the order of the answers: `fail` is an error, `unknown` silence.
        stays: who goes on asking until he is told.
        rows: what the table `sale` holds: whose, and which ticket.
        slow_s: the longest that any of the others waited.
    """

    trouble: Trouble
    hit: bool
    asked: Sequence[Event]
    stays: Sequence[int]
    rows: Sequence[tuple[Any, Any]]
    slow_s: float

    @property
    def told(self) -> Mapping[int, list[Any]]:
        """What each buyer was told: tickets, or None: there is nothing."""
        found: dict[int, list[Any]] = {buyer: [] for buyer in self.stays}
        for event in self.asked:
            if event.outcome == "ok":
                found.setdefault(event.args[0], []).append(event.value)
        return found

    @property
    def doubled(self) -> bool:
        """A ticket with two owners, one too many, or a buyer with two."""
        tickets = Counter(ticket for _, ticket in self.rows)
        mine = [event for event in self.asked if event.value is not None and event.outcome == "ok"]
        first = {event.args[0]: event for event in reversed(mine)}  # who is told the same again has one
        verdict = check_unique_ids([event._replace(name="generate", args=()) for event in first.values()])
        two = any(len({ticket for ticket in said if ticket is not None}) > 1 for said in self.told.values())
        many = len(self.rows) > TICKETS or max(tickets.values(), default=0) > 1
        return many or two or verdict.status == "invalid" or self._beyond > 0

    @property
    def _beyond(self) -> int:
        """Sales that nobody can have bought."""
        buyers = {event.args[0] for event in self.asked}
        if {owner for owner, _ in self.rows} <= buyers:
            return 0
        empty = sum(said == [] or set(said) != {None} for said in (self.told.get(buyer, []) for buyer in buyers))
        return max(0, len(self.rows) - empty)

    @property
    def lied(self) -> int:
        """Buyers who were told a ticket that is not sold to them, or that there is nothing although they have one, or
        although there is one."""
        owned, buyers = dict(self.rows), {event.args[0] for event in self.asked}
        known = owned.keys() <= buyers
        tickets = [ticket for _, ticket in self.rows]
        wrong = 0
        for buyer, said in self.told.items():
            for answer in dict.fromkeys(said):
                if answer is None:
                    wrong += (known and buyer in owned) or self._left(buyer)
                else:
                    wrong += owned.get(buyer) != answer if known else answer not in tickets
        return wrong

    def _left(self, buyer: int) -> bool:
        """Whether there was a ticket yet for one who was told that there is nothing: few others can have one."""
        told = max(e.end for e in self.asked if e.args[0] == buyer and e.outcome == "ok" and e.value is None)
        before = [e for e in self.asked if e.args[0] != buyer and e.start < told]
        return len({e.args[0] for e in before if e.outcome != "ok" or e.value is not None}) < TICKETS

    @property
    def vanished(self) -> int:
        """Tickets that nobody has, though more wanted one than there are, and asked until they were told."""
        return max(0, TICKETS - len(self.rows))

    @property
    def stuck(self) -> int:
        """Who went on asking and was never told."""
        return sum(not self.told[buyer] for buyer in self.stays)

    @property
    def wrong(self) -> bool:
        """Whether anything of it is not as it has to be."""
        return bool(self.doubled or self.lied or self.vanished or self.stuck)

    @property
    def outcome(self) -> int:
        """0: all is as it has to be; 2: a ticket or a buyer is doubled; 1: wrong otherwise."""
        return 2 if self.doubled else int(self.wrong)


def as_data(one: Sale) -> list[Any]:
    """As a history keeps it."""
    asked = [[e.args[0], e.start, e.end, e.outcome, e.value] for e in one.asked]
    return [list(one.trouble), one.hit, asked, list(one.stays), [list(row) for row in one.rows], one.slow_s]


def sales(history: History) -> list[Sale]:
    """Those in which it went wrong as it was to."""
    found = []
    for trouble, hit, asked, stays, rows, slow_s in history.facts.get("deaths", ()):
        events = [Event(f"buyer {e[0]}", "buy", (e[0],), *e[1:]) for e in asked]
        if hit:
            found.append(Sale(Trouble(*trouble), hit, events, stays, [(row[0], row[1]) for row in rows], slow_s))
    return found


def deaths(history: History) -> dict[str, float]:
    """What it all comes to."""
    found = sales(history)
    by: defaultdict[str, list[Sale]] = defaultdict(list)
    for one in found:
        by[one.trouble.kind].append(one)
    processes = [one.slow_s for kind in KINDS[:-1] for one in by[kind]]
    return {
        "killed": len(found),
        "wrong": sum(one.wrong for one in found),
        "again": _share([*by["again"], *by["late"]], lambda one: one.wrong),
        "gone": _share(by["gone"], lambda one: one.wrong),
        "power": _share(by["power"], lambda one: one.wrong),
        "after_ms": 1e3 * max(processes) if processes else _nothing(),
    }


def wrongs(history: History) -> dict[str, float]:
    """What was wrong, by what it is; nothing where no report could be had."""
    if "deaths" not in history.facts:
        return {}
    found = sales(history)
    return {
        "doubled": sum(one.doubled for one in found),
        "vanished": sum(one.vanished for one in found),
        "lied": sum(one.lied for one in found),
        "stuck": sum(one.stuck for one in found),
    }


def _share(found: Iterable[Sale], what: Callable[[Sale], bool]) -> float:
    those = [what(one) for one in found]
    return sum(those) / len(those) if those else _nothing()


def _nothing() -> float:
    return not_measurable("no server dies with these parameters")


def matrix(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float, float]]]:
    """For each place and each kind: 0 where all is as it has to be, 1 where something is lost or wrong, 2 doubled."""
    cells = [
        (float(one.trouble.place), float(KINDS.index(one.trouble.kind)), float(one.outcome))
        for one in sales(history)
        if one.trouble.kind in KINDS
    ]
    return {"outcome": cells}
