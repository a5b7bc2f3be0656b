"""What an interview about it asks."""

from __future__ import annotations

from windtunnel import Ask, Board, Clarify, Estimate, Turn
from windtunnel.catalogue.interview.q15_payments.claims import (
    CHANCE,
    DEATHS,
    FORGETS,
    FORGOT,
    LEFT,
    PARTED,
    POWER,
    WAIT_MS,
)

BOARD = Board(
    clarify=(
        Clarify(
            "What may never happen: charged twice, charged for nothing, or told no after all?",
            "None of the three. A payer who was told nothing does not know, and may ask again as often as he likes.",
        ),
        Clarify(
            "Who makes the key, and when?",
            "The payer's own program, before it asks for the first time, and it keeps the key until it is told.",
        ),
        Clarify(
            "Does the bank know our keys, and for how long?",
            "For a day or so. After that the same key is a new charge.",
        ),
        Clarify(
            "What if the payer closes the page and never asks again?",
            "Then nobody asks for him: what was begun has to come to its end by itself.",
        ),
        Clarify(
            "Does the shop have to be told before the payer is?",
            "No. It has to be told, once, and soon.",
        ),
    ),
    estimates=(
        Estimate(
            "Of a hundred payments, how many charges too many are there, where each answer may be lost and is asked "
            "for three times more?",
            "100 * (loss + loss ** 2 + loss ** 3)",
            "charges",
            "Each lost answer is one more charge, and that one's answer may be lost too.",
        ),
        Estimate(
            "And of a million payments a day, how many payers are charged more than once?",
            "1000000 * loss",
            "payers",
            "Those whose first answer is lost.",
        ),
        Estimate(
            "How many milliseconds does a payer wait at the most who asks again after the death of a server's process, "
            "where a key is locked and the bank is asked what it has?",
            WAIT_MS.format(lease="lease_s", bank="bank_s"),
            "ms",
            "Until the lock has ended and he asks the next time, or for the bank's first answer if that takes longer; "
            "then the bank is asked twice. Statements are few milliseconds.",
        ),
    ),
    failures=(
        Turn(
            "A server dies at each of its places, and the payer has gone",
            Ask(
                "The payer's own key is passed on to the bank. After how many of 100 deaths do bank, shop and books "
                "know different things?",
                "100 * passed_on.gone",
                "of 100",
                0,
                100,
            ),
            DEATHS,
            LEFT,
        ),
        Turn(
            "The power fails in the room of both servers and the database",
            Ask(
                "After how many of 100 deaths is who asks again charged twice, where the key is looked up first?",
                "100 * check_then_insert.double",
                "of 100",
                0,
                100,
            ),
            POWER,
        ),
        Turn(
            "The bank has forgotten the keys when the server is back",
            Ask(
                "Recovery points, and a key for the bank. After how many of 100 deaths is the card charged twice?",
                "100 * recovery_points.double",
                "of 100",
                0,
                100,
            ),
            FORGETS,
            FORGOT,
        ),
    ),
    scale=(
        Turn(
            "One answer of five is lost",
            Ask(
                "How many charges too many are there now, of a hundred payments, where the payer asks again?",
                "retry_on_timeout.extra",
                "charges",
                0,
                100,
            ),
            {**CHANCE, "loss": 0.2},
        ),
        Turn(
            "The bank takes six times as long",
            Ask(
                "How many milliseconds does a payment take with a ledger and an outbox?",
                "ledger_outbox.pay_ms",
                "ms",
                10,
                10_000,
                log=True,
            ),
            {"bank_s": 0.3, "places": 0, "seconds": 0, "messages": 2},
        ),
        Turn(
            "The shop is out for a second, again and again",
            Ask(
                "Of 100 payments that meet bank or shop out, of how many does the payer hear nothing, with an outbox?",
                "100 * ledger_outbox.unheard",
                "of 100",
                0,
                100,
            ),
            {"messages": 2},
            PARTED,
        ),
    ),
)
