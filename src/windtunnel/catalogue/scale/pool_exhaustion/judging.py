"""How it is judged: what is measured, what theory says, what is claimed and demanded, and from where that comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from windtunnel import Claim, Event, Figure, Held, History, Source, owed
from windtunnel.parts import rate

WORK_S = 0.02
"""Mean seconds in which the provider answers."""
SLOWED = 0.02
"""What is left of its speed where it is slow."""
SLOW_S = WORK_S / SLOWED
SHORT_S = 0.3
"""The limit of those designs that have a short one."""
WELL_S, AFTER_S = 1.0, 2.0
"""All is well before, and again after the trouble."""
BACK_S = 1.0  # unclaimed: time to work off what has been left
"""From so long after the trouble on it counts who is answered again."""
FOR_READS = 2
"""Connections that a bulkhead keeps for reads: hundreds of them fit into a second."""
HOT, HOT_SHARE = 0, 0.3
"""The item whose row gets locked, and its share of what is read and bought."""
PRICE = 100
STOCK = 10**6  # unclaimed: nobody buys the last
LATE_S = 0.1  # unclaimed: a read takes a hundredth of it
STEP_S = 0.5
"""Between two points of a line."""


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def reads(self) -> float: ...
    @property
    def buys(self) -> float: ...
    @property
    def pool(self) -> int: ...
    @property
    def limit_s(self) -> float: ...
    @property
    def trouble(self) -> str: ...
    @property
    def trouble_s(self) -> float: ...


def run_s(p: Setting) -> float:
    """How long requests come."""
    return WELL_S + p.trouble_s + AFTER_S


def share(events: Sequence[Event]) -> float:
    """The share that was answered; all, where nobody asked."""
    return sum(e.outcome == "ok" for e in events) / len(events) if events else 1.0


def mean_s(events: Sequence[Event]) -> float:
    """The mean time until somebody was told something, whatever it was; 0 where nobody asked."""
    return sum(e.end - e.due for e in events) / len(events) if events else 0.0


def measure(history: History, p: Setting) -> dict[str, float]:
    """Who is answered in the time of trouble, of the purchases those that need no locked row; and what that costs."""
    begin, end = WELL_S, WELL_S + p.trouble_s
    reads = [e for e in history if e.name == "read" and begin <= e.due < end]
    buys = [e for e in history if e.name == "buy" and begin <= e.due < end]
    possible = [e for e in buys if p.trouble != "locked" or e.args[1] != HOT]
    well = [e for e in history if e.name == "buy" and e.due < begin - 2 * LATE_S]
    rows: dict[object, object] = dict(history.facts.get("sales", []))
    late = [e.due - begin for e in reads if e.end - e.due > LATE_S]
    late += [e.due - begin for e in (*reads, *buys) if e.outcome == "fail"]
    full_s = min(late, default=p.trouble_s)
    return {
        "reads": share(reads),
        "buys": share(possible),
        "after": share([e for e in history if e.due >= end + BACK_S]),
        "full_s": full_s,
        "taken": sum(e.due < begin + full_s for e in buys),
        "read_ms": 1e3 * mean_s(reads),
        "longest_s": max((e.end - e.due for e in buys), default=0.0),
        "well_ms": 1e3 * mean_s(well),
        **asked_for(history, p),
        **untrue(history, rows),
    }


def untrue(history: History, rows: Mapping[object, object]) -> dict[str, float]:
    """Purchases that were told and do not stand there as paid; prices that are not those of the items."""
    told = history.where(outcome="ok")
    return {
        "not_paid": sum(rows.get(e.args[0]) != "paid" for e in told if e.name == "buy"),
        "made_up": sum(e.value != PRICE + e.args[0] for e in told if e.name == "read"),
    }


def asked_for(history: History, p: Setting) -> dict[str, float]:
    """What the provider was asked for: a second, once the first calls have ended; without a row; not paid; and of whom
    it was then said that nothing had happened.
    """
    asked: list[tuple[int, float]] = history.facts.get("asked", [])
    orders = {order for order, _ in asked}
    sales: dict[int, str] = dict(history.facts.get("sales", []))
    from_s, to_s = WELL_S + p.limit_s, WELL_S + p.trouble_s
    late = sum(from_s <= at < to_s for _, at in asked)
    return {
        "asked_per_s": late / (to_s - from_s) if to_s > from_s else 0.0,
        "untraced": sum(order not in sales for order, _ in asked),
        "unfinished": sum(state != "paid" for state in sales.values()),
        "denied": sum(e.args[0] in orders for e in history.where(outcome="fail") if e.name == "buy"),
    }


def audit(history: History, held: Held, p: Setting) -> dict[str, float]:
    """What the tables and the provider say: payments of no order or twice, refusals that were paid, purchases told and
    not paid, stock that is not what was sold, connections in use; and how long those who need no locked row wait.
    """
    buys = [e for e in history if e.name == "buy"]
    told = [e for e in buys if e.outcome == "ok"]
    rows = {row["id"]: row["state"] for row in held.rows("sale")}
    which = {round(1e9 * e.args[2]): e.args[0] for e in buys}  # no two purchases are the same work
    asked = Counter(which.get(round(1e9 * work)) for _, _, work in held.jobs)
    done = {which.get(round(1e9 * work)) for _, work in held.done()}
    sold, noted = Counter(e.args[1] for e in told), Counter(e.args[1] for e in buys if e.args[0] in rows)
    taken = Counter({row["id"]: STOCK - row["stock"] for row in held.rows("item")})
    possible = [e for e in buys if p.trouble != "locked" or e.args[1] != HOT]
    return {
        "untraced": sum(count for order, count in asked.items() if order not in rows),
        "twice": sum(count - 1 for count in asked.values()),
        "unpaid": sum(state == "paid" and order not in done for order, state in rows.items()),
        "denied": sum(e.outcome == "fail" and e.args[0] in asked for e in buys),
        **untrue(history, rows),
        "not_taken": (sold - taken).total(),
        "over_taken": (taken - noted).total(),
        "buy_ms": 1e3 * mean_s([e for e in possible if WELL_S <= e.due < WELL_S + p.trouble_s]),
        "owed_s": owed([(e.end, e.args[2]) for e in told], held.done()),
        "connections": sum(held.connections.values()) - (p.trouble == "locked"),
    }


def answered_reads(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Reads that were answered, as a rate."""
    told = [e.end for e in history.where(outcome="ok") if e.name == "read"]
    return {
        "reads": [(k * STEP_S, rate(told, (k - 1) * STEP_S, k * STEP_S)) for k in range(1, int(run_s(p) / STEP_S) + 1)]
    }


def outcomes(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """What became of the purchases that came in the time of trouble."""
    buys = [e for e in history if e.name == "buy" and WELL_S <= e.due < WELL_S + p.trouble_s]
    words = {"ok": "paid", "fail": "refused", "unknown": "nobody knows"}
    return {"purchases": [(word, sum(e.outcome == of for e in buys) / len(buys)) for of, word in words.items() if buys]}


def carried(pool: int, calls: float, held_s: float) -> float:
    """Little's law: the share of so many calls a second, each of which holds a connection for so long."""
    return min(1.0, pool / (calls * held_s))


EIGHT = {"reads": 8.0, "buys": 8.0, "pool": 8, "wait_s": 1.0, "limit_s": 5.0}
HANGS = {"trouble": "hangs"}
SHORT = {**HANGS, "limit_s": 0.2}
SLOW = {**EIGHT, "reads": 4.0, "pool": 6, "wait_s": 0.5, "trouble": "slow", "trouble_s": 4.0}
LOCKED = {**EIGHT, "trouble": "locked", "trouble_s": 6.0, "buys": 12.0, "pool": 6, "wait_s": 0.5}
FEW, MANY_BUYS = 3, 32.0
RUSH = {**LOCKED, "reads": 5.0, "trouble_s": 4.0, "buys": MANY_BUYS, "pool": FEW}
RUSH_PER_S = MANY_BUYS * HOT_SHARE
USES_UP, LEFT, LIMIT_S = 40, 40, 30.0
MANY = {**HANGS, "reads": 20.0, "buys": 40.0, "pool": USES_UP, "limit_s": 10.0, "trouble_s": 2.0, "wait_s": 1.0}
THIRTY = {**HANGS, "reads": 4.0, "buys": 20.0, "pool": LEFT, "limit_s": LIMIT_S, "trouble_s": 60.0, "wait_s": 1.0}
SIM = ("sim",)
HIKARI, POSTGRES, HELAL = "HikariCP README", "Momjian, A Rant", "Helal 2025"

USED_UP = "pool <= 0.25 * buys * min(trouble_s, limit_s) and wait_s <= 0.2 * min(trouble_s, limit_s)"
"""The pool is, long before the first gives up or the provider comes back."""

NONE_LEFT = "shared.reads < 0.7"
LEAK = "leaky.after < 0.3 and shared.after > 0.95"
FREE = "min(given_back.reads, all_three.reads) > 0.97"
GIVEN_BACK = "min(given_back.buys, all_three.buys) > 0.97 and deadlines.buys < 0.35"
KEPT = "min(all_three.buys, deadlines.buys) > 0.95 and split.buys < 0.8"
ONE_EACH = "min(all_three.reads, all_three.buys) > 0.97 and all_three.read_ms < 5 < 0.25 * deadlines.read_ms"

DESIGNS = ("shared", "leaky", "bigger", "deadlines", "split", "given_back", "all_three")


def most(measured: str) -> str:
    """The most of it among all designs."""
    return f"max({', '.join(f'{one}.{measured}' for one in DESIGNS)})"


CLAIMS = (
    Claim(
        NONE_LEFT,
        "Who waits for the provider keeps a connection, and reads, which do not need it, find none.",
        HELAL,
        breaks="shared",
        given=HANGS,
        where=f"{USED_UP} and reads * trouble_s >= 30",
    ),
    Claim(
        "bigger.taken > 2 * shared.taken and bigger.reads < 0.99",
        "Three times the connections are used up three times as late, and that is all.",
        given={**HANGS, "buys": 12.0},
        where=f"{USED_UP} and 4 <= pool <= 0.14 * buys * min(trouble_s, limit_s) and reads * trouble_s >= 30",
    ),
    Claim(
        "shared.reads > 0.95",
        "With a limit so short that rate times limit stays far below the pool, one pool is good enough.",
        given=SHORT,
        spares="shared",
        where="buys <= 2 * pool and pool >= 4 and wait_s >= 0.3",
    ),
    Claim(
        LEAK,
        "Every call that fails takes a connection with it, and the provider that is well again finds no caller.",
        HIKARI,
        given=HANGS,
        where="4 <= pool <= 0.6 * buys * (trouble_s - limit_s) and wait_s <= 1.2",
    ),
    Claim(
        "split.reads > 0.97",
        "Reads have connections that no purchase can take.",
        given=HANGS,
        where="pool >= 4",
    ),
    Claim(
        FREE,
        "Nobody holds a connection while he waits for the provider, so it may hang for as long as it likes.",
        given=HANGS,
        where="pool >= 4",
    ),
    Claim(
        "deadlines.reads > 0.85",
        "Nor does anybody hold one for long.",
        given=HANGS,
        where="buys <= 2 * pool and pool >= 4 and wait_s >= 0.5",
    ),
    Claim(
        "shared.untraced > 0 and given_back.untraced == 0 and given_back.unfinished > 0",
        "Who gives up rolls the order back, and the provider does its work all the same; written first, it is there.",
        given=HANGS,
        where="buys * (trouble_s - limit_s) >= 10 and pool >= 4",
    ),
    Claim(
        f"{most('not_paid')} == 0 and {most('made_up')} == 0",
        "What a buyer is told stands in the table, and a reader is told the price.",
        where="limit_s >= 0.1",
    ),
    Claim(
        "given_back.well_ms > shared.well_ms + 0.5",
        "The price when all is well: one more commit, and one more way there and back.",
        over="mean",
        where="buys <= 5 * pool",
        stages=SIM,
    ),
    Claim(
        GIVEN_BACK,
        "A provider that takes a second sells where that is waited for, and little where the limit is shorter.",
        given=SLOW,
        stages=SIM,
    ),
    Claim(
        "split.buys < shared.buys",
        "A pool from which some are kept carries fewer calls of a second each than a whole one.",
        over="mean",
        given=SLOW,
        stages=SIM,
    ),
    Claim(
        "split.buys > 0.3",
        "The four that are left carry half of them: two are enough for reads.",
        given=SLOW,
        stages=SIM,
    ),
    Claim(
        "given_back.reads < 0.95 and min(split.reads, all_three.reads) > 0.97",
        "Who wants a row that is locked waits in the database, with a connection: giving back does not help there.",
        given=LOCKED,
    ),
    Claim(
        KEPT,
        "Whoever waits for the row gives up soon, and those who buy something else find a connection.",
        POSTGRES,
        given=LOCKED,
    ),
    Claim(
        "all_three.longest_s < 0.4 * params.trouble_s < given_back.longest_s",
        "And who wants the row hears of it before it is free.",
        given=LOCKED,
        stages=SIM,
    ),
    Claim(
        ONE_EACH,
        "Where many want that row even short waits take the pool, unless one at a time asks for it.",
        given=RUSH,
        stages=SIM,
    ),
    Claim(
        f"{most('denied')} == 0 and {most('not_paid')} == 0",
        "Who has paid is told neither no nor yes where no connection is left to write it down.",
        given=RUSH,
        stages=SIM,
    ),
)

DEMANDS = (
    Claim("yours.reads > 0.97", "Reads do not need the provider.", given={**EIGHT, **HANGS}),
    Claim("yours.buys > 0.97", "A provider that takes a second has to be waited for.", given=SLOW),
    Claim("yours.reads > 0.97", "Reads do not need the row that is locked.", given=LOCKED),
    Claim("yours.buys > 0.95", "Nor does who buys something else.", given=LOCKED),
    Claim("yours.reads > 0.97", "Also where many want that row.", given=RUSH),
    Claim("yours.buys > 0.9", "Then, too, who buys something else does not need it.", given=RUSH),
    Claim("yours.read_ms < 50", "And are answered at once.", given={**EIGHT, **HANGS}),
    Claim("yours.read_ms < 50", "Also while the row is locked.", given=LOCKED),
    Claim("yours.read_ms < 50", "Also where many want it.", given=RUSH),
    Claim("yours.buy_ms < 1500", "A purchase waits for the provider's second, not for a connection.", given=SLOW),
    Claim("yours.buy_ms < 300", "Nor for a row that it does not need.", given=LOCKED),
    Claim("yours.longest_s < 3", "Who does need it hears of it before it is free.", given=LOCKED),
    Claim("yours.after > 0.95", "When the provider is well again everybody is answered.", given={**EIGHT, **HANGS}),
    Claim("yours.untraced == 0", "What the provider was asked for has a row.", given=HANGS, always=True),
    Claim("yours.twice == 0", "Nobody is asked to pay twice.", given=HANGS, always=True),
    Claim("yours.denied == 0", "Who is told no has not been asked to pay.", given=HANGS, always=True),
    Claim("yours.denied == 0", "Nor where no connection is left to write down that it is paid.", given=RUSH),
    Claim("yours.unpaid == 0", "What stands in the table as paid is.", always=True),
    Claim("yours.not_paid == 0", "A purchase that was told stands in the table as paid.", always=True),
    Claim("yours.not_taken == 0", "What was sold has been taken from the stock.", always=True),
    Claim("yours.over_taken == 0", "And nothing that no order is for.", always=True),
    Claim("yours.owed_s < 0.001", "It is told after the provider has done its work.", always=True),
    Claim("yours.made_up == 0", "A price is that of the item.", always=True),
    Claim("yours.connections <= params.pool", "There are no more connections than the pool has.", always=True),
)

FIGURES = (
    Figure(
        "purchases that use up the pool",
        USES_UP,
        "shared.taken",
        0.15,
        "D",
        "one connection each: 40 of them, 40 calls a second that hang, so that it takes pool / rate = 1 s",
        given=MANY,
        stages=SIM,
    ),
    Figure(
        "calls a second that forty connections let through",
        LEFT / LIMIT_S,
        "shared.asked_per_s",
        0.25,
        "D",
        "pool / limit: forty connections, a limit of 30 s, a provider that hangs for 60 s; less who wait for a row",
        given=THIRTY,
        stages=SIM,
    ),
    Figure(
        "purchases that the rest of a pool carries",
        carried(8 - FOR_READS, 8.0, SLOW_S),
        "split.buys",
        0.25,
        "D",
        "pool / (rate x time): 8 connections less 2, 8 calls a second, one second each",
        given={**SLOW, "pool": 8, "trouble_s": 12.0},
        stages=SIM,
    ),
)

SOURCES = (
    Source(
        "HikariCP, README",
        2026,
        "https://github.com/brettwooldridge/HikariCP/blob/0035f03555efd0d6e8004d9d131bec65d64ce131/README.md",
    ),
    Source(
        "B. Momjian and others, A Rant on lock_timeout (what PostgreSQL's manual says of its default), pgsql-docs",
        2019,
        "https://postgrespro.com/list/id/20191007191939.GF4732@momjian.us",
    ),
    Source(
        "A. Helal, Spring @Transactional causing database connections to remain open from HTTP calls",
        2025,
        "http://blog.adelhelal.net",
    ),
)
