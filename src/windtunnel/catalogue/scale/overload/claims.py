"""What is claimed of an overloaded service, what a challenger has to do, and from where that comes."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

TRIPLE = {"load": 3.0, "refuse": 0.1, "critical": 0.2, "k": 2.0, "memory_s": 1.0}
"""The defaults: what is said of three times the capacity is said of that."""
ASKED = {**TRIPLE, "storm_s": 1.0}
"""What a challenger has to do is asked in storms that leave clients a little time to notice."""
ONE = {**TRIPLE, "steps": 1}
FREE = {**ONE, "refuse": 0.0, "cap": 20}
"""A refusal costs nothing, and the bounded queue has few places."""
FOURFOLD = {**ONE, "load": 4.0, "storm_s": 2.0}
EIGHT = {**ONE, "load": 8.0, "critical": 0.0, "cap": 20, "storm_s": 1.0}
LASTING = {**ONE, "capacity": 400.0, "workers": 4, "deadline_s": 0.1, "storm_s": 2.5}
MANY = {**ONE, "workers": 16, "deadline_s": 0.3}
STEADY = {**ONE, "critical": 0.0, "storm_s": 3.0}
"""Long enough for clients to have forgotten the calm."""
EAGER = {**STEADY, "k": 1.1}
SHORT_MEMORY = {**ONE, "memory_s": 0.2}

PATIENT = "capacity * deadline_s >= max(30, 6 * workers)"
"""An answer may wait for many others, and takes a small part of the deadline itself."""
LATE = "deadline_s <= 0.3 * storm_s"
"""Early in a storm the queue is longer than anybody would wait."""
QUICK = f"{PATIENT} and deadline_s >= 0.1"
"""What waits 5 ms, or 100 where that is allowed, is not late."""

MAURER, SRE, NETFLIX, FOLLY = "Fail at Scale 2015", "The SRE book", "Netflix", "Folly"
WASTE = "unbounded.good < 0.05 and unbounded.wasted > 0.9 and unbounded.refused == 0"
TIMELY = "bigger_queue.good > 0.65 and bigger_queue.late < 0.1"
COLLAPSE = "bigger_queue.good > 0.5"
BETTER = "client_throttle.good > 2 * short_wait.good"

CLAIMS = (
    Claim(
        WASTE,
        "The queue grows as long as the storm lasts; whoever is served has waited too long.",
        given=TRIPLE,
        breaks="unbounded",
        where=LATE,
    ),
    Claim(
        "unbounded.low > 0.97 and unbounded.low >= vegas_limit.low - 0.02",
        "At half of the capacity nobody needs a cure.",
        given=TRIPLE,
        spares="unbounded",
        where=f"{PATIENT} and steps >= 2",
    ),
    Claim(
        "bigger_queue.good < 0.05 and bigger_queue.refused > 0.4",
        "Who gets in waits for a full queue: beyond capacity times deadline a bound refuses many and saves nobody.",
        given={**ONE, "capacity": 400.0, "workers": 4, "deadline_s": 0.1, "cap": 100},
    ),
    Claim(
        TIMELY,
        "Twenty places are served within the deadline: the cure is a smaller queue.",
        given=FREE,
        where=f"{PATIENT}",
    ),
    Claim(
        COLLAPSE,
        "Where a full queue takes less than the deadline most who get in are served in time.",
        given=FREE,
        where=f"{PATIENT}",
    ),
    Claim(
        "router_codel.good < 0.05 and 0.005 < router_codel.refused < 0.2",
        "It drops one, and the next a little sooner, for senders that slow down; these do not.",
        FOLLY,
        given=TRIPLE,
        where=f"{LATE} and storm_s <= 3",
    ),
    Claim(
        "gradient_limit.late > 0.08 > 2 * vegas_limit.late and gradient_limit.good > 0.1",
        "Its measure of a usual answer is an average, which learns the queue that it lets in.",
        given=LASTING,
    ),
    Claim(
        "vegas_limit.good < 0.8 * short_wait.good",
        "Beside the fastest answer ever, work that varies looks like a queue, and 16 workers get too little to do.",
        NETFLIX,
        given=MANY,
    ),
    Claim(
        "max(vegas_limit.late, short_wait.late, critical_first.late, client_throttle.late) < 0.05",
        "Whoever is let in is answered in time.",
        given=TRIPLE,
        where=QUICK,
    ),
    Claim(
        "min(vegas_limit.kept, short_wait.kept, critical_first.kept, client_throttle.kept, newest_first.kept) > 0.5",
        "From half of the capacity to three times of it there is no cliff.",
        given=TRIPLE,
        where=f"{QUICK} and workers <= 8",
    ),
    Claim(
        "min(short_wait.good, critical_first.good, newest_first.good) > 0.65",
        "If it costs nothing to say no, any of them uses the server fully.",
        given=FREE,
        where=QUICK,
    ),
    Claim(
        "newest_first.good > 0.7 and newest_first.refused == 0 and newest_first.never_told > 0.3"
        " and short_wait.never_told < 0.05",
        "Who refuses nobody pays for no refusal, and many hear nothing.",
        MAURER,
        given=TRIPLE,
        where=QUICK,
    ),
    Claim(
        "newest_first.good > 2 * short_wait.good",
        "So at eight times the capacity all of it still goes into answers.",
        given=EIGHT,
        where=QUICK,
    ),
    Claim(
        "short_wait.good < 0.4 and short_wait.wasted > 0.5",
        "At eight times the capacity saying no is most of the work.",
        SRE,
        given=EIGHT,
        where=QUICK,
    ),
    Claim(
        "bigger_queue.late > 0.3 > short_wait.late",
        "Twenty places are a longer time for a server that is busy saying no; 5 ms are 5 ms.",
        given=EIGHT,
        where=f"{QUICK} and capacity * deadline_s <= 50",
    ),
    Claim(
        "bigger_queue.good < 0.5 * short_wait.good",
        "Less than half as many are answered in time, on average: a storm leaves too few answers to tell by one.",
        over="mean",
        given=EIGHT,
        where=f"{QUICK} and capacity * deadline_s <= 50",
    ),
    Claim(
        BETTER,
        "Clients that send twice what was accepted leave the server its work.",
        SRE,
        given=EIGHT,
        where=QUICK,
    ),
    Claim(
        "client_throttle.wasted < 0.65 * short_wait.wasted",
        "At three times it much less of the work goes into refusals.",
        SRE,
        given=STEADY,
        where=QUICK,
    ),
    Claim(
        "client_throttle.after < critical_first.after - 0.1",
        "The price: they hold back for as long as they remember, also when the storm is over.",
        given=TRIPLE,
        where=QUICK,
    ),
    Claim(
        "client_throttle.after > 0.4 and client_throttle.good > 0.6",
        "A shorter memory comes back sooner.",
        given=SHORT_MEMORY,
        where=QUICK,
    ),
    Claim(
        "client_throttle.per_answer < 0.5 and client_throttle.after < 0.6",
        "Who sends 1.1 times what is accepted is refused less, and hears later that the storm is over.",
        SRE,
        given=EAGER,
        where=QUICK,
    ),
    Claim(
        "max(critical_first.critical_lost, client_throttle.critical_lost) < 0.3 and short_wait.critical_lost > 0.5",
        "A fifth of the requests is critical, and fits; only who looks at them first keeps them.",
        SRE,
        given=TRIPLE,
        where=QUICK,
    ),
    Claim(
        "critical_first.critical_lost > 0.05",
        "At four times the capacity the critical need four fifths of it, and refusing the others leaves two thirds.",
        over="mean",
        given=FOURFOLD,
        where=f"{QUICK} and workers <= 8",
    ),
    Claim(
        "critical_first.other_lost > short_wait.other_lost",
        "The others pay for that.",
        given=TRIPLE,
        where=QUICK,
    ),
    Claim(
        "unbounded.after < 0.2 and min(short_wait.after, newest_first.after, critical_first.after) > 0.5",
        "Once the storm is over those are well at once; an endless queue has its backlog to serve.",
        given=TRIPLE,
        where=f"{QUICK} and deadline_s <= 0.3 * storm_s",
    ),
)

DEMANDS = (
    Claim("yours.low > 0.97", "Nobody is refused while there is time for all.", given=ASKED),
    Claim("yours.kept > 0.6", "Whatever comes, most of the capacity goes into answers in time.", given=ASKED),
    Claim("yours.good > 0.6", "Also when eight times the capacity comes.", over="mean", given=EIGHT),
    Claim("yours.critical_lost < 0.2", "What is critical, and fits, is answered.", given=ASKED),
    Claim("yours.never_told < 0.05", "Who is not served is told.", given=ASKED),
    Claim("yours.told_late < 0.05", "Who is refused hears so soon, and not when the storm is over.", given=ASKED),
    Claim("yours.after > 0.2", "Afterwards the service comes back.", over="mean", given=ASKED),
    Claim("yours.owed_s < 0.001", "An answer comes after its server has done the work.", always=True),
    Claim("yours.capacity <= 1", "The servers are those that there are.", always=True),
    Claim(
        "yours.unpaid == 0",
        "A refusal takes the server's work, but for those that a client makes itself.",
        given=ASKED,
    ),
)

FIGURES = (
    Figure(
        "requests refused by the server for each that it answers",
        1.0,
        "client_throttle.per_answer",
        0.25,
        "Vq",
        "k = 2; three times the capacity comes",
        SRE,
        given=STEADY,
    ),
)

SOURCES = (
    Source("B. Maurer, Fail at Scale, ACM Queue 13(8)", 2015, "https://queue.acm.org/detail.cfm?id=2839461"),
    Source("The SRE book, chapter 21, Handling Overload", 2016, "https://sre.google/sre-book/handling-overload/"),
    Source(
        "Netflix, concurrency-limits, README and Gradient2Limit",
        2018,
        "https://github.com/Netflix/concurrency-limits",
    ),
    Source(
        "Folly, executors/Codel.h",
        2018,
        "https://github.com/facebook/folly/blob/main/folly/executors/Codel.h",
    ),
)
