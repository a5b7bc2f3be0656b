"""What an interview about it asks."""

from __future__ import annotations

from windtunnel import Ask, Board, Clarify, Estimate, Turn
from windtunnel.catalogue.interview.q01_rate_limiter.claims import BACKWARDS, EACH, FORGETS, LENT, LET, SHUT, SILENT
from windtunnel.catalogue.interview.q01_rate_limiter.designs import PARTS

BOARD = Board(
    clarify=(
        Clarify(
            "Does the limit hold for windows of the clock, or for any window of that length?",
            "For any. What stands behind it does not know where our windows begin.",
        ),
        Clarify(
            "Is one too many worse than one too few?",
            "Too many is what the limit is there for. But who stays below it is refused never.",
        ),
        Clarify("May a client send all that he may at once?", "Yes: a limit is a number in a window, and no pace."),
        Clarify(
            "What is said while the count cannot be asked for?",
            "Not everybody yes, and not everybody no; and nobody waits long for it.",
        ),
    ),
    estimates=(
        Estimate(
            "How many requests of a client get through in a window where each node counts to the limit?",
            "nodes * limit",
            "requests",
            "Each has a count of its own.",
        ),
        Estimate(
            "How many megabytes are the logs of a million clients who use the limit, at 8 bytes a time?",
            "1000000 * limit * 8 / 1000000",
            "MB",
            "A time for each request that was let through.",
        ),
        Estimate(
            f"And {PARTS + 1} counts of a byte with one number of 8 bytes?",
            f"1000000 * ({PARTS + 1} + 8) / 1000000",
            "MB",
            "It does not grow with the limit, up to 255.",
        ),
        Estimate(
            "How many too many can get through where each node takes several at once from the count?",
            "nodes * (lease - 1)",
            "requests",
            "What nodes still hold when the window has moved on: each what it took, less the one that it gave out.",
        ),
    ),
    failures=(
        Turn(
            "The cache is dead, and who cannot ask lets through",
            Ask(
                "A client sends four times the limit within half a window. How many limits does a log let through?",
                "sliding_log.flood",
                "limits",
                0,
                4,
            ),
            {"trouble": "dies", "when_dead": "open"},
            LET,
        ),
        Turn(
            "The cache is dead for a window, and who cannot ask refuses",
            Ask(
                "Of 100 requests of a client who stays below the limit, how many are refused in the whole run?",
                "100 * sliding_log.steady_refused",
                "requests",
                0,
                100,
            ),
            {"trouble": "dies", "when_dead": "closed"},
            SHUT,
        ),
        Turn(
            "The cache stands still for a window",
            Ask(
                "How many milliseconds does a decision take, mean, where who got no answer asks nobody for a while?",
                "small_windows.ms",
                "ms",
                0.1,
                100,
                log=True,
            ),
            {"trouble": "stalls", "when_dead": "closed"},
            SILENT,
        ),
        Turn(
            "The cache dies and is back at once",
            Ask(
                "A client has had his limit a quarter of a window ago, and sends again. How many limits does he get "
                "together?",
                "small_windows.flood",
                "limits",
                0,
                4,
            ),
            {"trouble": "restarts"},
            FORGETS,
        ),
        Turn(
            "The cache's clock goes back by two windows",
            Ask(
                "Of 100 requests of a client who stays below the limit, how many does a log refuse?",
                "100 * sliding_log.steady_refused",
                "requests",
                0,
                100,
            ),
            {"trouble": "clock back", "when_dead": "closed"},
            BACKWARDS,
        ),
    ),
    scale=(
        Turn(
            "Twice as many nodes",
            Ask(
                "Each counts to the limit. How many limits does a client get who sends four?",
                "in_process.flood",
                "limits",
                0,
                4,
            ),
            {"nodes": 8},
            EACH,
        ),
        Turn(
            "A limit of 100, of which a node takes ten at once",
            Ask("How many calls to the cache does a decision cost?", "leases.calls", "calls", 0, 2),
            {"limit": 100, "lease": 10},
            LENT,
        ),
    ),
)
