"""What the experiment claims, demands and compares itself with."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

ROUND_TRIP_S, STATEMENT_S, COMMIT_S = 0.0005, 0.0001, 0.001
"""The model's own times, by which a row's own time can be told beforehand."""
CONNECTIONS = 8


def last_of(buyers: int, statements: int) -> float:
    """Milliseconds that the last of so many waits for a row, which each keeps for some statements and a commit.

    Args:
        statements: those between getting the row and giving it back, the commit among them.
    """
    return buyers * (statements * (ROUND_TRIP_S + STATEMENT_S) + COMMIT_S) * 1e3


STAMPEDE = "tills == 0 and arrivals_per_s >= 600 and connections >= 8 and stock >= 20 and buyers >= 2 * stock"
"""Where many look at the same number. With few connections, or buyers one after the other, hardly anybody does."""
CALM = "fail_over_s == 0"
ENOUGH = (
    "stock >= 20 and buyers >= 4 * stock and leave <= 0.35 and pay_s <= 0.5 * hold_s and patience_s >= 15 * hold_s "
    "and poll_s <= 0.2 * hold_s and servers * door >= 4 and servers * door <= 200"
)
"""Where those who wait are enough for all the seats that come back, and wait long enough."""
AT_ONCE = {
    "stock": 60,
    "buyers": 60,
    "arrivals_per_s": 1e6,
    "tills": 0,
    "connections": CONNECTIONS,
    "fail_over_s": 0.0,
    "places": 0,
}
"""Everybody comes at once, and everybody gets a ticket: what is left is the queue at the row."""
PATIENT_OPTIMISTS = {"backoff_s": 0.1, "stock": 20, "buyers": 100, "arrivals_per_s": 1200.0, "places": 0}
FAILS_OVER = {
    "stock": 40,
    "buyers": 120,
    "arrivals_per_s": 1200.0,
    "tills": 0,
    "connections": CONNECTIONS,
    "fail_over_s": 0.02,
    "lag_s": 0.022,
    "places": 0,
}
HALL = AT_ONCE | {
    "stock": 12,
    "arrivals_per_s": 1200.0,
    "servers": 2,
    "leave": 0.3,
    "pay_s": 0.03,
    "hold_s": 0.1,
    "poll_s": 0.025,
    "patience_s": 4.0,
}
"""Five who want each seat, and holds that run out."""
SIM = ("sim",)
ACTS = {
    "look_then_write": ("read", "update", "insert", "tell", "told"),
    "cache_script": ("script", "insert", "tell", "told"),
}
"""What a server does for a buyer that sells in several steps. It dies before each, and when he has been told."""


def between(design: str, first: str, last: str) -> float:
    """The share of its acts before which a death leaves it behind the one and not yet behind the other."""
    acts = ACTS[design]
    return (acts.index(last) - acts.index(first)) / len(acts)


TORN = between("look_then_write", "update", "insert")
"""Once it has taken from the stock, and until the sale is written down, the ticket is nobody's."""
AGAIN = TORN + (len(ACTS["look_then_write"]) - ACTS["look_then_write"].index("tell")) / len(ACTS["look_then_write"])
"""And who asks again when it is written down takes another ticket along, which nobody gets."""
NUMBER = between("cache_script", "script", "insert")
DEATHS = {"places": 12, "stock": 24, "buyers": 100, "arrivals_per_s": 1200.0}
EVERY = "places >= 9"
"""As far as the design with the most of them goes."""
TRANSACTIONS = ("serializable", "version_column", "row_lock", "conditional_update", "insert_first", "hold_then_pay")


def worst(of: str, designs: tuple[str, ...] = TRANSACTIONS) -> str:
    """The most of one measurement among these designs."""
    return f"max({', '.join(f'{design}.{of}' for design in designs)})"


LOST = f"abs(look_then_write.gone - {TORN:g}) < 0.001 and abs(look_then_write.again - {AGAIN:g}) < 0.001"
TAKEN = f"abs(cache_script.gone - {NUMBER:g}) < 0.001 and unique_number.gone == cache_script.gone"
WHOLE = f"{worst('wrong')} == 0 and min(insert_first.killed, conditional_update.killed) >= 20"
BACK = f"150 < hold_then_pay.after_ms < 300 and {worst('after_ms', TRANSACTIONS[:-1])} < 50"

CLAIMS = (
    Claim(
        "look_then_write.oversold > 0",
        "Between looking and writing others look at the same number, and all of them sell it.",
        breaks="look_then_write",
        where=STAMPEDE,
    ),
    Claim(
        "look_then_write.oversold == 0 and look_then_write.sold_twice == 0 and look_then_write.sold == 40",
        "With one till nobody looks while somebody else writes: the naive design is good enough.",
        given={"tills": 1, "buyers": 100, "stock": 40, "places": 0},
        spares="look_then_write",
    ),
    Claim(
        "look_then_write.sold > 40 + 10",
        "The boundary lies there: two tills are enough to sell a quarter too many.",
        given={"tills": 2, "buyers": 100, "stock": 40, "places": 0},
        stages=SIM,
    ),
    # --- each ticket once, and every ticket ------------------------------------------------------------------------
    Claim(
        "serializable.oversold == 0 and serializable.sold_twice == 0",
        "The database itself notices that what was read has changed, and refuses.",
    ),
    Claim("version_column.oversold == 0 and version_column.sold_twice == 0", "A stale version writes nothing."),
    Claim("row_lock.oversold == 0 and row_lock.sold_twice == 0", "Buyers look at the row one after the other."),
    Claim(
        "conditional_update.oversold == 0 and conditional_update.sold_twice == 0",
        "The test and the write are one step.",
    ),
    Claim("insert_first.oversold == 0", "A sale that finds no ticket is rolled back, however late it looks."),
    Claim(
        "cache_script.oversold == 0 and cache_script.sold_twice == 0",
        "Scripts run one after the other, so that each buyer gets another number.",
        where=CALM,
    ),
    Claim(
        "unique_number.oversold == 0 and unique_number.sold_twice == 0",
        "No two rows can have one number, whoever gave it out.",
    ),
    Claim(
        "hold_then_pay.oversold == 0 and hold_then_pay.sold_twice == 0",
        "A seat is a row, and its state says whose it is.",
    ),
    Claim(
        "min(serializable.sold, version_column.sold, row_lock.sold, conditional_update.sold, insert_first.sold) == "
        "min(params.stock, params.buyers)",
        "Selling too few is as wrong as selling too many.",
    ),
    Claim(
        "min(cache_script.sold, unique_number.sold) == min(params.stock, params.buyers)",
        "Nor does the cache lose a number while it lives.",
        where=CALM,
    ),
    Claim(
        "hold_then_pay.sold == params.stock",
        "Seats that come back are sold to those who wait: all are sold, where enough wait for long enough.",
        where=ENOUGH,
    ),
    Claim(
        "min(look_then_write.answered_share, serializable.answered_share, version_column.answered_share, "
        "row_lock.answered_share, conditional_update.answered_share, insert_first.answered_share, "
        "cache_script.answered_share, unique_number.answered_share, hold_then_pay.answered_share) == 1",
        "Who was never told counts: no design here looks good by leaving buyers without an answer.",
        where=CALM,
    ),
    Claim(
        "max(look_then_write.told_otherwise, serializable.told_otherwise, version_column.told_otherwise, "
        "row_lock.told_otherwise, conditional_update.told_otherwise, insert_first.told_otherwise, "
        "cache_script.told_otherwise, unique_number.told_otherwise, hold_then_pay.told_otherwise) == 0",
        "What is recorded as sold is what buyers were told, ticket by ticket.",
    ),
    Claim(
        "max(look_then_write.not_a_ticket, serializable.not_a_ticket, version_column.not_a_ticket, "
        "row_lock.not_a_ticket, conditional_update.not_a_ticket, cache_script.not_a_ticket, "
        "unique_number.not_a_ticket, hold_then_pay.not_a_ticket) == 0",
        "Tickets have the numbers from 1 to the stock, but where a sale is recorded before its number is known.",
    ),
    # --- what it costs ---------------------------------------------------------------------------------------------
    Claim(
        "min(serializable.retries, version_column.retries) > params.stock and max(row_lock.retries, "
        "conditional_update.retries, insert_first.retries, cache_script.retries) == 0",
        "Optimists pay in retries when everybody wants the same row; locks and conditions do not.",
        where=f"{STAMPEDE} and backoff_s <= 0.02 and {CALM}",
    ),
    Claim(
        "max(serializable.retries, version_column.retries) <= (params.connections - 1) * params.stock",
        "A sale can be in the way of those alone who hold a connection just then, however many wait for one.",
        stages=SIM,
    ),
    Claim(
        "serializable.retries > 2 * 20",
        "Waiting for up to 0.1 s before the next try leaves two retries a sale and more: others take the place.",
        given=PATIENT_OPTIMISTS,
        where=STAMPEDE,
        stages=SIM,
    ),
    Claim(
        "serializable.latency_max_ms > 85",
        "And the answer comes later: who tries again at once is through before, retries and all.",
        given=PATIENT_OPTIMISTS,
        where=STAMPEDE,
        stages=SIM,
    ),
    Claim(
        "serializable.sales_per_s > 1.4 * version_column.sales_per_s",
        "Who finds its version stale has waited for the row, and keeps it until it has heard so; the database's own "
        "refusal gives it back at once.",
        where=f"{STAMPEDE} and backoff_s <= 0.02",
        over="mean",
        stages=SIM,
    ),
    Claim(
        "version_column.queue_jumps > row_lock.queue_jumps",
        "Locks are given in the order in which they were asked for; among those who try again luck decides.",
        where=f"{STAMPEDE} and backoff_s <= 0.02",
        over="mean",
        stages=SIM,
    ),
    Claim(
        "conditional_update.latency_max_ms < 0.85 * row_lock.latency_max_ms",
        "The row is kept from the first statement that locks it to the commit, and one statement fewer lies between.",
        given=AT_ONCE,
        stages=SIM,
    ),
    Claim(
        "insert_first.latency_max_ms < 0.8 * conditional_update.latency_max_ms",
        "Recorded first, the sale keeps the row for the commit alone.",
        given=AT_ONCE,
        stages=SIM,
    ),
    Claim(
        "cache_script.latency_max_ms < 0.3 * insert_first.latency_max_ms",
        "The hot number is in memory, for no longer than a script takes, and each sale is a row of its own.",
        given=AT_ONCE,
        stages=SIM,
    ),
    Claim(
        "cache_script.statements == params.buyers + cache_script.sold and "
        "conditional_update.statements == insert_first.statements == 3 * params.buyers",
        "Who gets nothing costs one script; or two statements and the end of a transaction, since he may have a ticket "
        "and have asked again; or a sale, written in vain, which tells that too.",
        where=f"buyers > stock and {CALM}",
    ),
    Claim(
        "look_then_write.statements == params.buyers + 2 * look_then_write.sold and "
        "row_lock.statements == 3 * params.buyers + row_lock.sold",
        "Who looks and finds nothing asks once; in a transaction its end is a statement, too, and the look at his own.",
    ),
    # --- the cache dies --------------------------------------------------------------------------------------------
    Claim(
        "cache_script.sold_twice > 0",
        "The copy that takes over has not heard of the last numbers, and gives them out again.",
        given=FAILS_OVER,
        stages=SIM,
    ),
    Claim(
        "unique_number.sold == 40 and unique_number.sold_twice == 0 and unique_number.retries > 0",
        "The database refuses the second sale of a number, and the buyer is given the next.",
        given=FAILS_OVER,
        stages=SIM,
    ),
    Claim(
        "min(cache_script.answered_share, unique_number.answered_share) == 1",
        "Who finds the connection broken asks again, until the copy answers.",
        given=FAILS_OVER,
        stages=SIM,
    ),
    # --- servers die -----------------------------------------------------------------------------------------------
    Claim(
        LOST,
        "Between its two writes a ticket is nobody's; and who asks again when all is written takes a second one along.",
        breaks="look_then_write",
        where=EVERY,
    ),
    Claim(
        WHOLE,
        "A sale in one transaction, under its buyer's number, is whole at every place, and told again to who asks.",
        where=EVERY,
    ),
    Claim(
        TAKEN,
        "Who dies between the script and the insert takes a number along, where its buyer has gone.",
        where=EVERY,
    ),
    Claim(
        "cache_script.again == unique_number.again == 0",
        "Where he asks again the script gives him the same number, also when all others have bought.",
        where=EVERY,
    ),
    Claim(
        "cache_script.power == unique_number.power == 1",
        "A cache without a disk forgets in a failure of power what is left to sell.",
        where=EVERY,
        stages=SIM,
    ),
    Claim(
        f"{worst('wrong')} == 0 and look_then_write.wrong > 0",
        "Also where a crowd comes at once, and servers die twice, or the power fails, by lot.",
        given={"places": 0, "drawn": 8, "stock": 1, "buyers": 1},
    ),
    Claim(
        BACK,
        "The hold of a buyer whose server has died ends by itself, and who waits is sold the seat: later.",
        where=EVERY,
        stages=SIM,
    ),
    # --- a sale is not a payment -----------------------------------------------------------------------------------
    Claim(
        "hold_then_pay.paid == hold_then_pay.sold and hold_then_pay.paid_late == 0",
        "Nothing is sold before it is paid, and who pays after the hold has run out does not get the seat.",
    ),
    Claim(
        "hold_then_pay.paid_late == 0 and hold_then_pay.sold < 40",
        "A hold that has run out cannot be paid even where nobody else wants the seat.",
        given={**HALL, "stock": 40, "buyers": 40, "leave": 0.0, "pay_s": 0.08},
    ),
    Claim(
        "hold_then_pay.paid_late == 0",
        "Nor where somebody else holds it by now: it is held, but not by who pays.",
        given={**HALL, "pay_s": 0.1},
    ),
    Claim(
        "hold_then_pay.paid > max(row_lock.paid, conditional_update.paid, insert_first.paid, cache_script.paid)",
        "Those who leave take their tickets with them, unless holds expire.",
        where=f"{ENOUGH} and leave * stock >= 7 and {CALM}",
    ),
    Claim(
        "hold_then_pay.latency_p50_ms > 3 * row_lock.latency_p50_ms",
        "Who gets nothing hears so when the last seat is paid, not when the last is taken.",
        where=f"{ENOUGH} and {STAMPEDE} and hold_s >= 0.1",
        stages=SIM,
    ),
    Claim(
        "hold_then_pay.latency_max_ms < 900 * params.patience_s",
        "Once all is paid nobody waits any longer.",
        where=f"{ENOUGH} and tills == 0",
        stages=SIM,
    ),
    Claim(
        "hold_then_pay.sold == 40 and hold_then_pay.retries == 0",
        "Where there is a seat for everybody nobody holds two.",
        given={**HALL, "stock": 40, "buyers": 40, "leave": 0.0, "pay_s": 0.01, "hold_s": 5.0},
    ),
    Claim(
        "hold_then_pay.sold == 40",
        "Nobody is given a seat that is paid already, however long ago its hold ran out.",
        given={**HALL, "stock": 40, "buyers": 40, "arrivals_per_s": 100.0, "leave": 0.0, "pay_s": 0.0},
        stages=SIM,
    ),
    Claim(
        "500 < hold_then_pay.latency_max_ms < 1500",
        "Where nobody pays, who waits for half a second and more hears that there is nothing.",
        given={**HALL, "leave": 1.0, "hold_s": 5.0, "patience_s": 0.5, "door": 1},
        stages=SIM,
    ),
    Claim(
        "3 * 60 <= hold_then_pay.statements < 9 * 60",
        "At the door of each of two servers one buyer at a time looks for a seat, and the others wait quietly.",
        given={**HALL, "door": 1},
        stages=SIM,
    ),
    Claim(
        "hold_then_pay.statements > 9 * 60",
        "With a door wide enough for everybody all who wait ask again and again.",
        given={**HALL, "door": 60},
        stages=SIM,
    ),
)
DEMANDS = (
    Claim("yours.sold_twice == 0", "Every ticket has one owner.", always=True),
    Claim("yours.oversold == 0", "Nobody stands in front of a locked door with a ticket.", always=True),
    Claim("yours.told_twice == 0", "No two buyers are told the same ticket.", always=True),
    Claim("yours.told_unrecorded == 0", "What a buyer was told stands in the table `sale`.", always=True),
    Claim(
        "yours.recorded_untold == 0",
        "A sale in the table belongs to a buyer who was told so, or was told nothing: one ticket each.",
        always=True,
    ),
    Claim("yours.not_a_ticket == 0", "Tickets have the numbers from 1 to the stock.", always=True),
    Claim("yours.sold > 0.9 * params.stock", "While there are buyers, hardly a ticket stays unsold."),
    Claim("yours.turned_away == 0", "Nobody is sent away while there are tickets."),
    Claim("yours.answered_share == 1", "Everybody is told where they stand."),
    Claim(
        "yours.vanished == 0",
        "Small sales, each with a server that is killed before one of the things it does; another one goes on, your "
        "class made anew, without `start`: no ticket is left that nobody has.",
    ),
    Claim("yours.doubled == 0", "Nor has any two owners, nor any buyer two."),
    Claim(
        "yours.lied == 0",
        "Who asks again, with the number that he had, is told what he has; nobody is told what is not so.",
    ),
    Claim("yours.stuck == 0", "Who goes on asking is told."),
    Claim("yours.wrong == 0", "Nor is anything else wrong where a crowd comes at once.", given={"drawn": 40}),
    Claim(
        "yours.latency_p99_ms < 1500",
        "A buyer who waits for seconds presses the button again.",
    ),
)
AT_ONCE_400 = {"stock": 400, "buyers": 400, "arrivals_per_s": 1e6, "places": 0}
ROW = "the row's own time: statements from its lock to its release, the commit among them, times 400 sales"
FIGURES = (
    Figure(
        "last of 400 at a row lock, ms",
        last_of(400, 3),
        "row_lock.latency_max_ms",
        0.05,
        "D",
        ROW,
        given=AT_ONCE_400,
        stages=SIM,
    ),
    Figure(
        "last of 400 at a conditional update, ms",
        last_of(400, 2),
        "conditional_update.latency_max_ms",
        0.05,
        "D",
        ROW,
        given=AT_ONCE_400,
        stages=SIM,
    ),
    Figure(
        "last of 400 who insert first, ms",
        last_of(400, 1),
        "insert_first.latency_max_ms",
        0.05,
        "D",
        ROW,
        given=AT_ONCE_400,
        stages=SIM,
    ),
    Figure(
        "retries a sale at an isolation level, 8 connections",
        CONNECTIONS - 1,
        "serializable.retries / serializable.sold",
        0.05,
        "D",
        "all others that hold a connection have read the number that is sold, since all came before the first sale",
        given={"stock": 50, "buyers": 100, "arrivals_per_s": 1e6, "places": 0},
        stages=SIM,
    ),
    Figure(
        "tickets that look-then-write sells of 100",
        752,
        "look_then_write.sold",
        0.5,
        "R",
        "PostgreSQL 15, 8 connections of 100 buyers each, read committed",
        given={"tills": 8, "places": 0},
        stages=("postgres",),
    ),
)
SOURCES = (
    Source(
        "PostgreSQL documentation, ch. 13: Concurrency Control",
        2026,
        "https://www.postgresql.org/docs/18/mvcc.html",
    ),
    Source(
        "PostgreSQL documentation, 13.5: Serialization Failure Handling",
        2026,
        "https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html",
    ),
    Source(
        "H. Berenson and others, A Critique of ANSI SQL Isolation Levels, SIGMOD",
        1995,
        "https://doi.org/10.1145/223784.223785",
    ),
    Source(
        "H. T. Kung, J. T. Robinson, On Optimistic Methods for Concurrency Control, TODS 6(2)",
        1981,
        "https://doi.org/10.1145/319566.319567",
    ),
    Source("Redis documentation: WAIT", 2026, "https://redis.io/docs/latest/commands/wait/"),
    Source(
        "nuweb, partner documentation: Waiting Rooms", 2026, "https://partner-docs.nuwebgroup.com/topics/waiting-rooms"
    ),
)
