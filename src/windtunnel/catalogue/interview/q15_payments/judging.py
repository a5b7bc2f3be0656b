"""How it is judged: by what payers were told, beside the books of the bank, of the shop and of the merchants."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from windtunnel import Event, History
from windtunnel.catalogue.interview.q15_payments.designs import paid
from windtunnel.catalogue.interview.q15_payments.episodes import OTHERS, Episode, Setting
from windtunnel.catalogue.interview.q15_payments.world import Payment, Trouble
from windtunnel.checkers import check_queue
from windtunnel.statistics import not_measurable

Rows = Mapping[str, Sequence[tuple[Any, ...]]]


class Found(NamedTuple):
    """What came of one episode.

    Args:
        double: a card was charged more than once, and it was not given back.
        lost: the payer was told that he has paid, or his card was charged, and bank, books and shop do not have it all.
        lied: somebody was told no and was charged; or that he has paid, by a charge that is not his; or two who asked
            the same were told different things.
        stuck: who went on asking was never told, although bank and shop were there. Of several troubles each may have
            cost a question, and he asks no more than so often.
        twice: something was shipped more than once.
        mixed: two payments with one key were both taken.
        given: something was shipped for which nobody has paid.
        gross: charges beyond the first of a payment, also those that were given back later.
        money: what the bank has charged, less what merchants have; either way.
    """

    episode: Episode
    hit: bool
    before: Sequence[str]
    told: Sequence[str | None]
    double: bool
    lost: bool
    lied: bool
    stuck: bool
    twice: bool
    mixed: bool
    given: bool
    gross: int
    money: int
    took_s: float
    cost: Sequence[int]

    @property
    def broken(self) -> bool:
        """Whether anything of it is not as it has to be."""
        wrong = (self.double, self.lost, self.lied, self.stuck, self.twice, self.mixed, self.given, self.money)
        return any(wrong)

    @property
    def outcome(self) -> int:
        """0: all is as it has to be; 2: charged twice; 1: broken otherwise."""
        return 2 if self.double else int(self.broken)


Bill = tuple[int, int]
"""An order, and what is paid for it."""


def bill(payment: Payment) -> Bill:
    """What it pays."""
    return payment.order, payment.amount


class Books:
    """What bank, shop and merchants have at the end: charges of each bill, goods of each order."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.gross: Counter[Bill] = Counter()
        self.net: Counter[Bill] = Counter()
        self.receipts: defaultdict[Bill, set[str]] = defaultdict(set)
        for number, (order, amount, refunded) in enumerate(facts["charges"], 1):
            self.gross[order, amount] += 1
            if not refunded:
                self.net[order, amount] += 1
                self.receipts[order, amount].add(paid(number))
        self.shipped: dict[int, int] = dict(facts["shipped"])
        self.balance: dict[int, int] = dict(facts["balances"])

    def sent(self, e: Episode) -> Mapping[Bill, int]:
        """How often each of its payments was shipped: of two for one order, the one that was charged."""
        found = {bill(e.payment): 0, bill(e.other): 0}
        for order in {e.payment.order, e.other.order}:
            its = [one for one in found if one[0] == order]
            found[next((one for one in its if self.net[one]), its[0])] = self.shipped.get(order, 0)
        return found


def episode_of(event: Event) -> Episode:
    """What was asked for."""
    number, *trouble, stays = event.args
    return Episode(number, Trouble(*trouble), stays)


def judged(history: History) -> list[Found]:
    """All that were tried."""
    books = Books(history.facts)
    tried = [e for e in history.where(name="cut") if e.outcome == "ok" and e.value is not None]
    return [_of(episode_of(event), event.value, books) for event in tried]


def _of(e: Episode, value: Mapping[str, Any], books: Books) -> Found:
    told: Sequence[str | None] = value["told"]
    mine, others = [*told], []
    if e.trouble.second in OTHERS:
        mine, others = [*told[:1]], [*told[1:]]
    both = [(bill(e.payment), mine), (bill(e.other), others)]
    charged = sum(books.net[one] * one[1] for one, _ in both)
    reachable = e.trouble.how not in UNREACHED and kind_of(e) != "drawn"
    sent = books.sent(e)
    unheard = told if e.stays else told[1:]  # who has gone is told nothing, until he comes back
    return Found(
        e,
        value["hit"],
        value["before"],
        told,
        any(books.net[one] > 1 for one, _ in both),
        any(_lost(one, said, books) for one, said in both),
        any(_lied(one, said, books) for one, said in both),
        reachable and None in unheard,
        any(sent[one] > 1 for one, _ in both),
        e.trouble.second != "beside" and all(books.net[one] for one, _ in both),
        any(sent[one] and not books.net[one] for one, _ in both),
        sum(max(0, books.gross[one] - 1) for one, _ in both),
        charged - books.balance.get(e.payment.merchant, 0),
        value["took_s"],
        value["cost"],
    )


def _yes(said: str | None) -> bool:
    return said is not None and said.startswith("paid")


def _lost(one: Bill, said: Sequence[str | None], books: Books) -> bool:
    charged, shipped = books.net[one] > 0, books.shipped.get(one[0], 0) > 0
    return (charged or any(map(_yes, said))) and not (charged and shipped)


def _lied(one: Bill, said: Sequence[str | None], books: Books) -> bool:
    answers = {answer for answer in said if answer is not None}
    no = any(not _yes(answer) for answer in answers)
    invented = any(_yes(answer) and answer not in books.receipts[one] for answer in answers)
    return len(answers) > 1 or invented or (no and books.net[one] > 0)


def checked(history: History, done: Callable[[Episode], Mapping[Bill, int]]) -> int:
    """What the checker of messages finds: a payment is a message that its payer sends, and a charge its delivery.

    Who was told that he has paid has sent it, who was told nothing may have, who was refused has not.

    Args:
        done: how often each bill of an episode was charged, or shipped.
    """
    ops = []
    for event in history.where(name="cut"):
        if event.outcome != "ok" or event.value is None:
            continue
        e, told = episode_of(event), event.value["told"]
        split = e.trouble.second in OTHERS
        times = done(e)
        for payment, said in ((e.payment, told[:1] if split else told), (e.other, told[1:] if split else ())):
            one = bill(payment)
            yes, unsure = any(map(_yes, said)), any(one is None for one in said)
            outcome = "ok" if yes else "unknown" if unsure else "fail"
            sent = (one,), event.start, event.end
            ops.append(Event(f"payer {one}", "enqueue", *sent, outcome))  # type: ignore[arg-type]
            ops += [
                Event(f"book {n} of {one}", "dequeue", (), event.end, event.end, "ok", one) for n in range(times[one])
            ]
    return sum(one.count for one in check_queue(ops, ordered=False, drained=True).findings)


def share(found: Iterable[Found], what: Callable[[Found], bool]) -> float:
    """The share of them of which that is so; no number where there are none."""
    those = [what(one) for one in found]
    return sum(those) / len(those) if those else not_measurable("no payment meets that with these parameters")


def kinds(found: Iterable[Found]) -> dict[str, list[Found]]:
    """Episodes by what goes wrong: death (who hears nothing asks again), gone (he has gone), ..."""
    by: defaultdict[str, list[Found]] = defaultdict(list)
    for one in found:
        kind = kind_of(one.episode)
        if one.hit or kind in ("chance", "drawn"):
            by[kind].append(one)
    return by


def kind_of(e: Episode) -> str:
    """What goes wrong with it."""
    t = e.trouble
    if (t.place > 0) + (t.at > 0) + (t.message > 0) > 1:
        return "drawn"
    if t.place and not t.second:
        return "death" if e.stays else "gone"
    return str(t.second or t.how) or "plain"


UNREACHED = ("out", "silent", "chance")


def measure(history: History, p: Setting) -> dict[str, float]:
    """What it all comes to."""
    found = judged(history)
    by = kinds(found)
    books = Books(history.facts)
    chance, plain = by["chance"], by["plain"][0] if by["plain"] else None
    return {
        "killed": len(by["death"]) + len(by["gone"]),
        "double": share(by["death"], lambda one: one.double),
        "broken": share(by["death"], lambda one: one.broken),
        "gone": share(by["gone"], lambda one: one.broken),
        "twins": share((*by["twin"], *by["frozen"]), lambda one: one.broken),
        "reused": share(by["other"], lambda one: one.broken),
        "beside": share(by["beside"], lambda one: one.broken),
        "later": share(by["later"], lambda one: one.broken),
        "unheard": share((one for how in ("out", "silent") for one in by[how]), lambda one: not _yes(one.told[0])),
        "most": max(books.net.values(), default=0),
        "tried": len(found),
        "doubles": sum(one.double for one in found),
        "wrong": sum(one.broken for one in found),
        "lies": sum(one.lied for one in found),
        "unserved": 0 if p.declined else sum(_unserved(one) for one in found),
        "stuck": sum(one.stuck for one in found),
        "lost": sum(one.lost for one in found),
        "mixed": sum(one.mixed for one in found),
        "given": sum(one.given for one in found),
        "shipped_twice": sum(one.twice for one in found),
        "money": sum(abs(one.money) for one in found),
        "gross": sum(one.gross for one in found),
        "unbalanced": history.facts["unbalanced"],
        "bank_findings": checked(history, lambda e: books.net),
        "shop_findings": checked(history, books.sent),
        "extra": 100 * sum(one.gross for one in chance) / len(chance) if chance else _nothing(),
        "payers": 100 * share(chance, lambda one: one.gross > 0) if chance else _nothing(),
        "pay_ms": 1e3 * plain.took_s if plain else _nothing(),
        "again_ms": max((1e3 * one.took_s for one in by["death"]), default=_nothing()),
        "calls": plain.cost[0] if plain else _nothing(),
        "writes": plain.cost[1] if plain else _nothing(),
        "commits": plain.cost[2] if plain else _nothing(),
    }


def _unserved(one: Found) -> bool:
    """Whether somebody who stays, and whom nothing keeps from paying, was not told that he has paid."""
    e = one.episode
    comes = e.stays or e.trouble.second == "later"
    everybody = all if e.trouble.second == "beside" else any
    return comes and e.trouble.how not in UNREACHED and kind_of(e) != "drawn" and not everybody(map(_yes, one.told))


def _nothing() -> float:
    return not_measurable("no payment meets that with these parameters")


# --- charts --------------------------------------------------------------------------------------------------------
ROWS = ("death", "gone", "twin", "frozen", "other", "later")
"""Those by which designs differ: another payment beside, and the job meanwhile, are no trouble to any."""


def matrix(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float, float]]]:
    """For each place and each kind of trouble: 0 where all is as it has to be, 1 where it is broken, 2 charged
    twice."""
    cells = []
    for one in judged(history):
        kind, t = kind_of(one.episode), one.episode.trouble
        if one.hit and kind in ROWS and not t.again:
            cells.append((float(t.place or t.at), float(ROWS.index(kind)), float(one.outcome)))
    return {"outcome": cells}


NAMES = {
    **dict.fromkeys(("payment", "account", "entry", "commit"), "note the books"),
    **dict.fromkeys(("begun", "known", "idem"), "note the key"),
    "outbox": "tell the shop",
    "bank:": "ask the bank",
    "shop:": "tell the shop",
    "payer:": "tell the payer",
}
"""Tables, and whom a server speaks to, by what they are for in all designs."""


def statement(what: str) -> str:
    """A thing that a server does, by a name that it has in all designs."""
    whom, _, table = what.partition(" ")
    return NAMES.get(whom) or NAMES.get(table) or what


def by_statement(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """At what the server died: 0, 1, 2 as above, the worst of its places. To read changes nothing, and is left out."""
    worst: dict[str, int] = {}
    for one in judged(history):
        t = one.episode.trouble
        here = one.hit and t.place and not t.again and kind_of(one.episode) in ("death", "gone")
        if here and not one.before[0].startswith("read "):
            name = statement(one.before[0])
            worst[name] = max(worst.get(name, 0), one.outcome)
    return {"outcome": [(name, float(outcome)) for name, outcome in worst.items()]}


def conserved(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """What the bank has charged and no merchant has, so far, by the number of payments."""
    total, number, line = 0, 0, [(0.0, 0.0)]
    for number, one in enumerate(judged(history), 1):
        total += abs(one.money)
        if one.money:
            line.append((float(number), float(total)))
    return {"charged and not credited": [*line, (float(number), float(total))]}
