"""What is read off a sale: counts, costs, the judge's own look at the tables, and the charts."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import ceil, nan, sqrt
from typing import Any, Protocol

from windtunnel import Event, Held, History
from windtunnel.catalogue.interview.q10_ticketmaster.deaths import deaths, wrongs
from windtunnel.parts import so_far

Line = Sequence[tuple[float, float]]


class Terms(Protocol):
    """The parameters that matter here."""

    @property
    def stock(self) -> int: ...

    @property
    def hold_s(self) -> float: ...


def won(history: History) -> list[Event]:
    """The buyers who were told that they have a ticket."""
    return [e for e in history.where(outcome="ok") if e.value is not None]


def retries_of(history: History) -> Mapping[int, int]:
    """How often each buyer tried again, where the design says so."""
    return dict(history.facts.get("retries_of", ()))


def measure(history: History, p: Terms) -> dict[str, float]:
    """What was sold, more than once, to whom, how fairly, and at which cost."""
    tickets: list[int] = history.facts["sold"]
    winners = won(history)
    told, recorded = Counter(e.value for e in winners), Counter(tickets)
    first, last = min((e.due for e in history), default=nan), max((e.end for e in winners), default=nan)
    return {
        "sold": len(tickets),
        "oversold": max(0, len(tickets) - p.stock),
        "sold_twice": len(tickets) - len(recorded),
        "not_a_ticket": sum(not _is_ticket(n, p) for n in recorded),
        "told_otherwise": (told - recorded).total() + (recorded - told).total(),
        "paid": sum(e.args[1] is not None for e in winners),
        "paid_late": sum(e.args[1] is not None and e.args[1] > p.hold_s for e in winners),
        "sales_per_s": len(winners) / (last - first) if winners else 0.0,
        "retries": sum(retries_of(history).values()),
        "statements": history.facts.get("statements", 0),
        "queue_jumps": inversions([e.due for e in sorted(winners, key=lambda e: e.end)]),
        **deaths(history),
    }


def inversions(dues: Sequence[float]) -> float:
    """Share of the pairs of winners that were served in another order than they came: (1 - Kendall's tau) / 2."""
    pairs = len(dues) * (len(dues) - 1) // 2
    seen: list[float] = []
    wrong = 0
    for due in dues:
        place = bisect_right(seen, due)
        wrong += len(seen) - place
        seen.insert(place, due)
    return wrong / pairs if pairs else 0.0


def _is_ticket(number: Any, p: Terms) -> bool:
    return type(number) is int and 1 <= number <= p.stock


def audit(history: History, held: Held, p: Terms) -> dict[str, float]:
    """What buyers were told, beside what the table `sale` holds: a row for each sale, with its ticket and its state."""
    recorded = [row for row in held.rows("sale") if row.get("state") in ("sold", "paid")]
    tickets = Counter(row.get("ticket") for row in recorded)
    told = Counter(e.value for e in won(history))
    return {
        "sold": len(recorded),
        "oversold": max(0, len(recorded) - p.stock, sum(told.values()) - p.stock),
        "sold_twice": sum(tickets.values()) - len(tickets),
        "told_twice": sum(told.values()) - len(told),
        "told_unrecorded": sum((told - tickets).values()),
        "recorded_untold": _untold(history, recorded, tickets, told),
        "not_a_ticket": sum(not _is_ticket(n, p) for n in (*told, *tickets)),
        "turned_away": _turned_away(history, p),
        **wrongs(history),
    }


def _untold(history: History, recorded: Sequence[Mapping[str, Any]], tickets: Counter[Any], told: Counter[Any]) -> int:
    """Recorded sales that no buyer knows of, beyond those of buyers whose request has no answer."""
    of_buyer: dict[Any, Event] = {e.args[0]: e for e in history}
    open_requests = sum(e.outcome == "unknown" for e in history)
    extra = max(0, sum((tickets - told).values()) - open_requests)
    winners = {e.args[0] for e in won(history)}
    rows = {row["id"]: row.get("ticket") for row in recorded}
    if not rows.keys() <= of_buyer.keys() or any(buyer not in rows for buyer in winners):
        return extra  # rows that do not say whose they are can only be counted
    wrong = 0
    for buyer, ticket in rows.items():
        event = of_buyer[buyer]
        wrong += event.outcome == "fail" or (event.outcome == "ok" and event.value != ticket)
    return max(extra, wrong)


def _turned_away(history: History, p: Terms) -> int:
    """Buyers who were told that there is nothing while there was: even if all who might have held a ticket had one."""
    takes: list[tuple[float, int]] = []
    for e in history:
        pays_s = e.args[1]
        if e.outcome == "unknown" or (e.outcome == "ok" and e.value is not None):
            takes.append((e.start, 1))
        elif pays_s is None or e.end - e.start >= pays_s:
            takes += [(e.start, 1), (e.end + p.hold_s, -1)]
    takes.sort()
    times = [at for at, _ in takes]
    out = [0, *accumulate(change for _, change in takes)]
    wrong = 0
    for e in history:
        if e.args[1] is None or e.outcome == "unknown" or (e.outcome == "ok" and e.value is not None):
            continue
        own = e.end - e.start >= e.args[1]  # it may have held one itself, and paid too late
        most = max(out[bisect_right(times, e.start) : bisect_right(times, e.end) + 1])
        wrong += most - own < p.stock and not own
    return wrong


# --- charts --------------------------------------------------------------------------------------------------------
def sold(history: History, p: Terms) -> Mapping[str, Line]:
    """Tickets sold by then; whoever crosses the stock has sold what is not there."""
    return {"sold": [(0.0, 0.0), *so_far(e.end for e in won(history))]}


def seats(history: History, p: Terms) -> Mapping[str, Sequence[tuple[float, float, float]]]:
    """The hall: 0 for a seat that nobody has, 1 for one that is sold, 2 where two buyers or more were told its number.

    Tickets whose numbers are none of the hall's are seated in their own order.
    """
    owners = Counter(e.value for e in won(history))
    if any(not 1 <= number <= p.stock for number in owners):
        owners = Counter({place: owners[number] for place, number in enumerate(sorted(owners), 1)})
    wide = ceil(sqrt(p.stock))
    cells = [(float(n % wide), float(n // wide), float(min(2, owners[n + 1]))) for n in range(p.stock)]
    return {"owners of a seat": cells}


def tries(history: History, p: Terms) -> Mapping[str, Line]:
    """Tries that a buyer needed, mean, by how many others were inside when it came: 1, 2, 4, 8, ..."""
    again = retries_of(history)
    starts, ends = sorted(e.start for e in history), sorted(e.end for e in history)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for e in history:
        inside = bisect_right(starts, e.start) - bisect_left(ends, e.start)
        groups[max(0, inside - 1).bit_length()].append(1 + again.get(e.args[0], 0))
    return {"tries": [(float(2**bits), _mean(found)) for bits, found in sorted(groups.items())]}


def _mean(found: Iterable[int]) -> float:
    numbers = list(found)
    return sum(numbers) / len(numbers)
