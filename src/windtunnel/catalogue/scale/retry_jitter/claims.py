"""What is claimed of waits and of what is sent again, which figures stand behind it, what a challenger has to do."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

BROOKER = "Brooker, Exponential Backoff and Jitter 2015"
RACE = {"base_ms": 5.0, "cap_ms": 2000.0, "service_ms": 0.0, "lost": 0.0}
"""The model of the source: every call is answered, by a server without a limit."""
RUSH = {"base_ms": 5.0, "cap_ms": 2000.0, "service_ms": 8.0, "lost": 0.0, "patience_s": 0.25, "run_s": 40.0}
"""A server that takes 8 ms for a call."""
STUCK = {**RUSH, "run_s": 10.0}
LOSSY = {**RACE, "lost": 0.2, "patience_s": 0.25, "run_s": 40.0}
DEAF = {**LOSSY, "lost": 1.0, "run_s": 20.0}
"""Long enough for the eleven attempts of a library, which take nine seconds at most."""
ROUNDS = "0.4 * at_once.rounds < at_once.calls < 0.75 * at_once.rounds"
CROWDS = "exponential.crowd > 3 * full.crowd"
MANY = "clients >= 50"

CLAIMS = (
    Claim(
        "at_once.calls > 1.5 * full.calls",
        "To begin again at once costs calls.",
        BROOKER,
        breaks="at_once",
        given=RACE,
        where=MANY,
    ),
    Claim(
        "at_once.calls * full.calls_half > 1.1 * full.calls * at_once.calls_half",
        "And they grow faster with the number of clients than with full jitter.",
        given=RACE,
        where="clients >= 80",
    ),
    Claim(
        ROUNDS,
        "One winner in each round would be N (N + 1) / 2 writes; there is one or two.",
        given=RACE,
        where=MANY,
    ),
    Claim(
        "at_once.time_ms < min(exponential.time_ms, additive.time_ms, equal.time_ms, decorrelated.time_ms,"
        " full.time_ms)",
        "While the server has no limit the naive design is the fastest of the loops, and calls are all that it costs.",
        BROOKER,
        given={**RACE, "width_ms": 500.0},
        spares="at_once",
        where=MANY,
    ),
    Claim(
        "exponential.time_ms > 4 * full.time_ms and exponential.time_ms > 1.5 * max(additive.time_ms, equal.time_ms,"
        " decorrelated.time_ms) and exponential.calls > 0.5 * at_once.calls",
        "Back-off without jitter is the slowest of all, and saves less than half of the calls.",
        BROOKER,
        breaks="exponential",
        given={**RACE, "width_ms": 500.0},
        where=MANY,
    ),
    Claim(
        "1.4 * full.time_ms < exponential.time_ms < 4 * full.time_ms",
        "How much slower is the doing of its cap: at a hundred milliseconds two to three times.",
        given={**RACE, "cap_ms": 100.0},
        where=MANY,
    ),
    Claim(
        CROWDS,
        "Who collided waits for as long as the others, and meets them again.",
        given=RACE,
        where=MANY,
    ),
    Claim(
        "7.5 * params.clients < full.calls < 8.5 * params.clients",
        "With full jitter, from a first wait of up to ten milliseconds, a hundred clients write eight times each.",
        BROOKER,
        given={**RACE, "clients": 100},
    ),
    Claim(
        "abs(equal.calls - full.calls) < 0.15 * full.calls",
        "Equal jitter needs about as many calls as full jitter.",
        BROOKER,
        given=RACE,
        where=MANY,
    ),
    Claim(
        "1.08 * full.calls < decorrelated.calls < 0.7 * at_once.calls",
        "Decorrelated jitter needs more of them.",
        BROOKER,
        given={**RACE, "clients": 100},
    ),
    Claim(
        "additive.calls < 0.75 * full.calls",
        "A jitter of half a second suits many clients better than one that begins with hundredths.",
        given={**RACE, "width_ms": 500.0},
        where=MANY,
    ),
    Claim(
        "additive.held_s_tenth > 1.2 * full.held_s_tenth",
        "Few clients wait half a second for nothing.",
        over="mean",
        given={**RACE, "width_ms": 500.0, "clients": 100},
    ),
    Claim(
        "additive.time_ms > 4 * full.time_ms",
        "Half a millisecond, where the first wait is ten, is no jitter.",
        given={**RACE, "width_ms": 0.5},
        where=MANY,
    ),
    Claim(
        "max(at_once.longest, exponential.longest, additive.longest, equal.longest,"
        " decorrelated.longest, full.longest, budget.longest, named.longest) <= 1",
        "Nobody waits for longer than the cap.",
    ),
    Claim("exponential.longest == 1", "And some wait that long.", given=RACE, where=MANY),
    Claim(
        "max(at_once.applied, exponential.applied, additive.applied, equal.applied, decorrelated.applied,"
        " full.applied, budget.applied, library.applied, named.applied) == 1 == min(at_once.done, exponential.done,"
        " additive.done, equal.done, decorrelated.done, full.done, budget.done, library.done, named.done)",
        "Where every call is answered all changes are made, each of them once.",
        where="service_ms == 0 and lost == 0 and base_ms <= 10 and cap_ms <= 4000",
    ),
    Claim(
        "at_once.done < 0.1 and at_once.backlog_s > 10 * params.patience_s",
        "Who gives up and comes at once keeps the server busy for nobody, and further behind from second to second.",
        breaks="at_once",
        given=STUCK,
        where=MANY,
    ),
    Claim(
        "full.done == 1 and full.backlog_s == 0",
        "Longer waits let it catch up.",
        given=RUSH,
        where="50 <= clients <= 100",
    ),
    Claim(
        "full.done < 0.1 and full.backlog_s > 10 * params.patience_s",
        "Jitter takes no load away: below a cap of 2 (N s - T) the server never catches up.",
        given={**STUCK, "cap_ms": 100.0},
        where=MANY,
    ),
    Claim(
        "full.done < 0.1 and full.jobs < 0.5 * at_once.jobs",
        "A tenth below it comes less often than at once, and is as little done.",
        given={**RUSH, "cap_ms": 1000.0, "clients": 100},
    ),
    Claim(
        "at_once.done == 1 and at_once.time_ms > 1.2 * full.time_ms",
        "With patience for the whole queue nothing collapses, and at once is merely slow.",
        given={**RUSH, "service_ms": 3.0, "patience_s": 2.0, "clients": 100},
    ),
    Claim(
        "equal.time_ms < 0.9 * full.time_ms",
        "Where the load that is left at the cap is most of what the server can do, longer waits are sooner done.",
        given={**RUSH, "clients": 100},
    ),
    Claim(
        "full.applied > 1 == full.done",
        "A version makes no write safe to repeat: who was not answered reads the next one, and writes again.",
        given=LOSSY,
        where=MANY,
    ),
    Claim(
        "library.applied > 1.2",
        "No answer need be lost for that: a client that gives up too early is enough.",
        given=RUSH,
        where=MANY,
    ),
    Claim(
        "library.applied == 11",
        "A library that tries ten times more makes up to eleven changes of one.",
        "redis-py 8.1",
        given=DEAF,
    ),
    Claim(
        "6 < library.held_s < 7.5",
        "Whoever calls it with a quarter of a second of patience hears after seven seconds that there was no answer.",
        given={**DEAF, "clients": 100},
    ),
    Claim(
        "max(library.calls, named.calls) == params.clients",
        "A change that the server carries out itself is no race: one call each.",
        given=RACE,
    ),
    Claim(
        "18 < min(library.time_ms, named.time_ms) and max(library.time_ms, named.time_ms) < 40",
        "And one way there and one way back.",
        given=RACE,
    ),
    Claim(
        "named.applied == 1 == named.done and named.time_ms < 0.5 * min(full.time_ms, equal.time_ms)",
        "With a name that the row remembers a change may be sent again, and is made once.",
        given=RUSH,
        where="50 <= clients <= 100",
    ),
    Claim(
        "named.applied == 1 == named.done",
        "The same where answers get lost.",
        given=LOSSY,
    ),
    Claim(
        "budget.again == 11",
        "While nobody is answered a budget lets eleven retries through for each row: ten that were saved, one earned.",
        given=DEAF,
    ),
    Claim(
        "budget.done == 1 and budget.applied >= 1",
        "It is made for requests of which few fail: one in a hundred, and all are done.",
        given={**LOSSY, "lost": 0.01},
        where=MANY,
    ),
    Claim(
        "budget.done < 0.9 and full.done == 1",
        "One in five, and it gives up clients who would have been answered.",
        given=LOSSY,
        where=MANY,
    ),
    Claim(
        "budget.done < 0.1 and budget.jobs < 0.5 * full.jobs",
        "In a burst that the server cannot take it saves the server, and nobody else.",
        given=RUSH,
        where="50 <= clients <= 100",
    ),
)

DEMANDS = (
    Claim("yours.done == 1", "Every client gets its change."),
    Claim("yours.time_ms < 15_000", "And does not wait for a minute."),
    Claim("yours.jobs < 18", "Nor does anybody call for nothing, again and again."),
    Claim("yours.twice == 0", "No change is made twice.", always=True),
    Claim("yours.done == 1 and yours.jobs < 40", "A rush must not bring the server down.", given=RUSH),
    Claim("yours.done == 1 and yours.twice == 0", "What was not answered is asked again, and made once.", given=LOSSY),
    Claim("yours.owed_s < 0.001", "An answer comes after the server has done its work.", given=RUSH),
    Claim("yours.capacity <= 1", "The servers are those that there are, and no faster.", always=True),
)

LIBRARY_WAITS = [0.01 * 2**retry for retry in range(1, 11)]
LIBRARY_S = 11 * 0.26 + sum(most_s / 2 if most_s < 1 else 1 - 1 / (2 * most_s) for most_s in LIBRARY_WAITS)
"""The mean of min(1 s, u w), where u is uniform in 0 to 1, is w / 2 up to a wait of 1 s, and 1 - 1 / 2w beyond."""

OURS = "the source's own program, mean of 100 runs; 100 clients, base 5 ms, cap 2000 ms"
WIDE = OURS + "; six seeds tell it to 5 % only, the test of all twenty cells by a hundred seeds holds it to 6 %"
"""That test holds all calls to 3 % and times to 6 %, exponential at 10 clients to 15 %. It has the scatter of a hundred
runs on both sides: 50 decorrelated clients once came out 6.3 % above the source's 2,175 ms; a thousand seeds have 2,185
± 30."""

FIGURES = (
    Figure("at once: writes", 2420, "at_once.calls", 0.03, "R", OURS, BROOKER),
    Figure("at once: ms until all are done", 2021, "at_once.time_ms", 0.06, "R", OURS, BROOKER),
    Figure("exponential: ms until all are done", 63_637, "exponential.time_ms", 0.1, "R", WIDE, BROOKER),
    Figure("equal jitter: writes", 811, "equal.calls", 0.03, "R", OURS, BROOKER),
    Figure("full jitter: writes", 797, "full.calls", 0.03, "R", OURS, BROOKER),
    Figure(
        "increments that a library makes of one, no answer heard",
        11,
        "library.applied",
        0.01,
        "V",
        "redis-py as it comes: ten retries after a lost connection or a timeout",
        "redis-py 8.1",
        given=DEAF,
    ),
    Figure(
        "seconds for which it holds its caller, no answer heard",
        LIBRARY_S,
        "library.held_s",
        0.02,
        "D",
        "eleven ways of 10 ms and waits of 250 ms for an answer, ten of the library's own waits between them",
        given=DEAF,
    ),
)

SOURCES = (
    Source(
        "M. Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, and its simulator",
        2015,
        "https://github.com/aws-samples/aws-arch-backoff-simulator",
    ),
    Source(
        "Memorystore for Redis: Exponential backoff",
        2025,
        "https://cloud.google.com/memorystore/docs/redis/exponential-backoff",
    ),
    Source("redis-py 8.1: redis/client.py, redis/backoff.py", 2026, "https://github.com/redis/redis-py"),
)
