"""What an interview about it asks."""

from __future__ import annotations

from windtunnel import Ask, Board, Clarify, Estimate, Turn
from windtunnel.catalogue.interview.q10_ticketmaster.claims import (
    COMMIT_S,
    DEATHS,
    FAILS_OVER,
    LOST,
    ROUND_TRIP_S,
    STATEMENT_S,
    TAKEN,
)

ROW_S = ROUND_TRIP_S + STATEMENT_S + COMMIT_S
"""For so long a conditional update keeps the row, where nothing else lies between it and the commit."""

BOARD = Board(
    clarify=(
        Clarify("May a buyer choose a seat?", "No: any ticket is as good as another."),
        Clarify(
            "Is one ticket too many worse than one too few?",
            "One too many is a person in front of a locked door, one too few an empty seat. Neither may happen.",
        ),
        Clarify(
            "How long may a buyer take to pay, and who gets the ticket of one who does not?",
            "A seat is held for a moment. After that it belongs to whoever still waits.",
        ),
        Clarify(
            "May a buyer be told nothing?",
            "Everybody is told: this ticket, or none. Who was never told counts as much as who was told wrongly. Who "
            "hears nothing, since a server has died, asks again with the same number; some go.",
        ),
    ),
    estimates=(
        Estimate("How many buyers come for each ticket?", "buyers / stock", "buyers", "All of them want one."),
        Estimate(
            "How many sales a second does one row take, if a sale keeps it for a statement and the commit?",
            f"1 / {ROW_S:g}",
            "sales/s",
            f"A statement and its way take {(ROUND_TRIP_S + STATEMENT_S) * 1e3:g} ms, a commit {COMMIT_S * 1e3:g} ms.",
        ),
        Estimate(
            "How many tickets go to buyers who then do not pay?",
            "leave * min(stock, buyers)",
            "tickets",
            "Each buyer leaves with the same chance.",
        ),
    ),
    failures=(
        Turn(
            "The cache's primary dies and its copy takes over",
            Ask(
                "How many of 40 tickets does a script in the cache sell twice?",
                "cache_script.sold_twice",
                "tickets",
                0,
                40,
            ),
            FAILS_OVER,
            "cache_script.sold_twice > 0",
        ),
        Turn(
            "Three of ten buyers leave without paying",
            Ask(
                "How many of a hundred tickets are paid for where a sale is final?",
                "conditional_update.paid",
                "tickets",
                0,
                100,
            ),
            {"leave": 0.3},
            "hold_then_pay.paid > max(row_lock.paid, conditional_update.paid, insert_first.paid, cache_script.paid)",
        ),
        Turn(
            "Buyers take twice as long to pay as a seat is held",
            Ask("How many of a hundred seats are paid for in time?", "hold_then_pay.paid", "seats", 0, 100),
            {"pay_s": 0.5, "hold_s": 0.25},
            "hold_then_pay.paid == hold_then_pay.sold and hold_then_pay.paid_late == 0",
        ),
        Turn(
            "A server dies at each of its places, and its buyer asks again",
            Ask(
                "Look-then-write: after how many of 100 deaths is a ticket lost, or a buyer told what is not so?",
                "100 * look_then_write.again",
                "of 100",
                0,
                100,
            ),
            DEATHS,
            LOST,
        ),
        Turn(
            "It dies, and its buyer has gone",
            Ask(
                "A script counts in the cache. After how many of 100 deaths has a number gone that nobody gets?",
                "100 * cache_script.gone",
                "of 100",
                0,
                100,
            ),
            DEATHS,
            TAKEN,
        ),
    ),
    scale=(
        Turn(
            "Twice the connections to the database",
            Ask(
                "How often do buyers at isolation level `serializable` start anew now, for each ticket?",
                "serializable.retries / serializable.sold",
                "retries a sale",
                0.1,
                1000,
                log=True,
            ),
            {"connections": 16},
            "max(serializable.retries, version_column.retries) <= (params.connections - 1) * params.stock",
        ),
        Turn(
            "A ticket for everybody, and all come at once",
            Ask(
                "After how many milliseconds has the last buyer one, by a conditional update?",
                "conditional_update.latency_max_ms",
                "ms",
                10,
                100_000,
                log=True,
            ),
            {"stock": 800, "arrivals_per_s": 1e6},
            "conditional_update.latency_max_ms < 0.85 * row_lock.latency_max_ms",
        ),
    ),
)
