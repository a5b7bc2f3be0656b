"""What is claimed of the designs, what is demanded of a challenger's, what theory says, and the sources."""

from __future__ import annotations

from math import exp

from windtunnel import Claim, Figure, Source

KLEPPMANN, REDIS, ANTIREZ = "Kleppmann 2016", "Redis: Distributed Locks", "Sanfilippo 2016"
CHUBBY, JEPSEN = "Burrows 2006", "Kingsbury 2020"

CALM: dict[str, object] = {
    "edits": 24,
    "pages": 2,
    "work_s": 1.0,
    "busy": 0.75,
    "lease_s": 10.0,
    "stops": 0.0,
    "stop_s": 8.0,
    "strikes": "the worker",
    "durable": 0,
    "trouble": "none",
}
STOPPED = {**CALM, "stops": 0.4, "stop_s": 30.0}
SHORT = {**CALM, "stops": 0.3, "stop_s": 0.5}
"""A stop that lasts as long as what is left of the lease after the work has a chance of one in 65 million."""
WAY = {**STOPPED, "strikes": "the way"}
START = {**STOPPED, "strikes": "the start", "edits": 60}
LONG = {**CALM, "edits": 72, "work_s": 8.0, "stops": 0.4, "stop_s": 12.0}
RESTART = {**CALM, "edits": 48, "work_s": 8.0, "busy": 0.9, "trouble": "restart"}
JUMP = {**RESTART, "trouble": "jump"}
DURABLE = {**RESTART, "edits": 20, "durable": 1}
LATE_RESTART = {**RESTART, "edits": 20, "trouble": "late restart"}
CUT = {**CALM, "edits": 81, "work_s": 5.0, "trouble": "cut"}
RARE = {**CALM, "edits": 30, "busy": 0.05}

SIM, VALKEY = ("sim",), ("valkey",)

BREAKS = "deletes.late > 0 and deletes.lost > 0"
OWNER = "deletes.lost > 0 and lease.lost == 0"
LOOKS = "max(in_time.lost, redlock.lost) == 0 and min(in_time.refused, redlock.refused) > 0"
ARRIVES = "min(in_time.late, redlock.late, in_time.lost, redlock.lost) > 0"
FORGETS = "min(redlock.together, redlock.lost) > 0"
WRITES_ALONE = "numbered.late == 0 and numbered.lost > 0"
FENCED = "max(fenced.lost, fenced.late) == 0"
WASTE = (
    "versioned.works > 1.1 and max(fenced.works, in_the_row.works) <= 1 and fenced.together == in_the_row.together == 0"
)
KEPT = ", ".join(f"{design}.{what}" for design in ("fenced", "versioned", "in_the_row") for what in ("lost", "late"))
BOTH = f"max({KEPT}) == 0"
NEARER = "in_the_row.over_ms < 1.1 * lease.over_ms and in_the_row.asked <= 0.6 * lease.asked"

MODELLED = (
    Claim(
        BREAKS,
        "Who is stopped for longer than the lease goes on as if nothing had been, and writes over the next one's text.",
        KLEPPMANN,
        given=STOPPED,
        stages=SIM,
        breaks="deletes",
    ),
    Claim(
        "max(deletes.lost, deletes.late) == 0",
        "Where no stop is nearly as long as the lease, a key that expires and a delete are enough.",
        given=SHORT,
        stages=SIM,
        spares="deletes",
    ),
    Claim(
        OWNER,
        "A delete that was held up on its way deletes the lock of somebody else; one that looks whose it is does not.",
        REDIS,
        given=CUT,
        stages=SIM,
    ),
    Claim(
        "min(lease.late, lease.lost) > 0",
        "Whose lock it is does not matter to the store, which takes what comes.",
        given=STOPPED,
        stages=SIM,
    ),
    Claim(
        LOOKS,
        "Who was stopped at work and then looks at its clock does not write.",
        given=STOPPED,
        stages=SIM,
    ),
    Claim(
        ARRIVES,
        "But a text that was sent in time and is held up on its way comes late, with one lock server and with five.",
        KLEPPMANN,
        given=WAY,
        stages=SIM,
    ),
    Claim(
        FORGETS,
        "A lock server that dies and is back at once has forgotten, and two clients have three of five.",
        REDIS,
        given=RESTART,
        stages=SIM,
    ),
    Claim(
        "max(redlock.together, redlock.lost, lease.together) == 0",
        "One that stays away for longer than a lease may forget: nobody has the locks of that time any more.",
        REDIS,
        given=LATE_RESTART,
        stages=SIM,
    ),
    Claim(
        "redlock.together == 0",
        "One that answers when it is on its disk does not forget.",
        REDIS,
        given=DURABLE,
        stages=SIM,
    ),
    Claim(
        FORGETS,
        "A clock that jumps ends a lock before its time, and two clients have three of five.",
        REDIS,
        given=JUMP,
        stages=SIM,
    ),
    Claim(
        "lease.refused > 0.15 and redlock.refused < 0.5 * lease.refused",
        "What five are good for: one of them may be out of reach.",
        REDIS,
        given=CUT,
        stages=SIM,
    ),
    Claim(
        "redlock.asked > 4 * lease.asked and 2 <= lease.asked == in_time.asked < 3",
        "Its price where nobody waits is five times the commands; to look at a clock costs none.",
        given=RARE,
        stages=SIM,
    ),
    Claim(
        "max(lease.refused, redlock.refused, numbered.refused, in_the_row.refused) == 0",
        "Who is done gives the lock back: where nothing stops nobody waits in vain.",
        given=CALM,
        stages=SIM,
    ),
    Claim(
        "abs(numbered.asked - lease.asked) < 0.1 * lease.asked",
        "A number costs no further command.",
        given=STOPPED,
        stages=SIM,
    ),
    Claim(
        "numbered.late == 0",
        "A store that takes no lower number than it has refuses who comes after the next one has written.",
        KLEPPMANN,
        given=STOPPED,
        stages=SIM,
    ),
    Claim(
        WRITES_ALONE,
        "But before that it takes the old one's text, and then that of the next one, who had read before: an edit that "
        "was told done is lost.",
        given=LONG,
        stages=SIM,
    ),
    Claim(
        "numbered.lost == 0 and numbered.refused > 0.3",
        "Numbers that begin again at one after a restart are lower than what the store has: it refuses everybody.",
        given=RESTART,
        stages=SIM,
    ),
    Claim("numbered.refused < 0.3", "Numbers have to be on a disk.", given=DURABLE, stages=SIM),
    Claim(
        BOTH,
        "Who shows its token when it reads, or the version that it has read, loses nothing, whatever is set.",
        ANTIREZ,
        stages=SIM,
    ),
    Claim(BOTH, "Nor where stops are long beside the work.", given=LONG, stages=SIM),
    Claim(BOTH, "Nor on the way.", given=WAY, stages=SIM),
    Claim(
        "versioned.refused > 0",
        "Without a lock, too, who was held up for long is refused: it does not begin again for ever.",
        given=WAY,
        stages=SIM,
    ),
    Claim(
        f"{FENCED} and fenced.together > 0 and fenced.refused > 0",
        "The lock fails as before, and two work at once: the store takes one of the two texts.",
        given=RESTART,
        stages=SIM,
    ),
    Claim(
        WASTE,
        "What the lock is good for: without it work is done for nothing, and done again.",
        ANTIREZ,
        given={**CALM, "edits": 48},
        stages=SIM,
    ),
    Claim(
        "versioned.works < 1.2 and versioned.over_ms < lease.over_ms",
        "Where two seldom want the same page the version alone is enough, and sooner there.",
        given=RARE,
        stages=SIM,
    ),
    Claim(
        "redlock.over_ms < fenced.over_ms < redlock.over_ms + 3",
        "The mark costs less than a statement more.",
        given=RARE,
        stages=SIM,
    ),
    Claim(
        NEARER,
        "The store that compares can keep the lock too: it takes half the commands, and answers as soon.",
        given=RARE,
        stages=SIM,
    ),
    Claim(
        "in_the_row.together == 0 and fenced.together > 0",
        "What becomes of lock servers is nothing to a lock that is where the page is.",
        given=RESTART,
        stages=SIM,
    ),
)

FAST = 0.1
"""Real servers take real seconds, so there a lease lasts one."""


def fast(given: dict[str, object]) -> dict[str, object]:
    """The same, ten times as fast, with fifty edits."""
    times = {name: FAST * value for name in ("work_s", "lease_s", "stop_s") if isinstance(value := given[name], float)}
    return {**given, **times, "edits": 50}


REAL = (
    Claim(
        "min(deletes.late, deletes.lost) > 0",
        "So it is with real servers.",
        given=fast(STOPPED),
        stages=VALKEY,
    ),
    Claim(
        "min(lease.late, lease.lost) > 0", "And with a key that says whose it is.", given=fast(STOPPED), stages=VALKEY
    ),
    Claim("max(deletes.lost, deletes.late) == 0", "Short stops harm nobody.", given=fast(SHORT), stages=VALKEY),
    Claim(LOOKS, "Who looks at the clock does not write.", given=fast(STOPPED), stages=VALKEY),
    Claim("numbered.late == 0", "The store refuses low numbers.", given=fast(STOPPED), stages=VALKEY),
    Claim(
        f"{FENCED} and max(versioned.lost, versioned.late, in_the_row.lost, in_the_row.late) == 0",
        "And texts of those who read before others.",
        given=fast(STOPPED),
        stages=VALKEY,
    ),
    Claim(
        "redlock.together > 0 and redlock.lost > 0",
        "Killed and started again, a server has forgotten.",
        given=fast(RESTART),
        stages=VALKEY,
    ),
    Claim(
        f"{FENCED} and fenced.together > 0",
        "Two are at work, and one of the texts is taken.",
        given=fast(RESTART),
        stages=VALKEY,
    ),
    Claim("redlock.together == 0", "Not so after a lease.", given=fast(LATE_RESTART), stages=VALKEY),
    Claim(
        "lease.refused > 0.1 and redlock.refused < 0.5 * lease.refused",
        "One of five may be out of reach.",
        given=fast(CUT),
        stages=VALKEY,
    ),
)
CLAIMS = (*MODELLED, *REAL)


def late_each(lease_s: float, work_s: float, stop_s: float, stops: float = 0.0) -> float:
    """Of jobs that stop, the share that write after the next holder has written, where somebody always waits.

    A stop is exponential with mean `stop_s`. The next holder has the lock when the lease is over and writes `work_s`
    later, unless it stops too, as a share `stops` of them does: then what writes first is it, or whoever has the lock
    after it, who is taken not to stop.
    """
    first = exp(-work_s / stop_s)
    stopped = (first + exp((work_s - 2 * (lease_s + work_s)) / stop_s)) / 2
    return exp(-(lease_s - work_s) / stop_s) * ((1 - stops) * first + stops * stopped)


def written_between(lease_s: float, work_s: float, stop_s: float) -> float:
    """Of jobs that stop, the share that write between the next holder's lock and its text, if it does not stop."""
    return exp(-(lease_s - work_s) / stop_s) - exp(-lease_s / stop_s)


DEMANDS: tuple[Claim, ...] = (
    Claim("yours.lost == 0", "What was told done is in the page.", always=True),
    Claim("yours.lost == 0", "Also where stops are longer than a lease.", given=STOPPED),
    Claim("yours.lost == 0", "Also where what is held up is on its way.", given=WAY),
    Claim("yours.lost == 0", "Also where stops are long beside the work.", given=LONG),
    Claim("yours.lost == 0", "Also where stops come between lock, read and work.", given=START),
    Claim("yours.lost == 0", "Also where a lock server comes back at once.", given=RESTART),
    Claim("yours.lost == 0 and yours.refused < 0.2", "One lock server is out of reach, and edits go on.", given=CUT),
    Claim("yours.refused == 0", "In calm nobody is refused.", given=CALM),
    Claim("yours.works <= 1.05", "And nobody works for nothing.", given=CALM),
    Claim(
        "yours.over_ms < 3 * in_the_row.over_ms",
        "Where nobody waits for a lock, it takes little beside the work.",
        given=RARE,
    ),
    Claim("yours.refused < 1.3 * in_the_row.refused + 0.05", "Nor are more refused than have to be.", given=STOPPED),
    Claim("yours.strange == 0", "A text is what work has made of the one before it.", always=True),
    Claim("yours.denied == 0", "What was told as not done is not there.", always=True),
)
TENTH = {**CALM, "stops": 0.1, "busy": 0.9, "edits": 800, "pages": 8}

FIGURES = (
    Figure(
        "late texts of 100,000 edits of which 1 % stop",
        1000 * late_each(10.0, 1.0, 8.0),
        "1000 * lease.late_each",
        0.2,
        "D",
        "e^(-10/8) of the stops: lease 10 s, work 1 s, stops exponential with mean 8 s, and the next holder has "
        "written; counted here for each stop, of which there are ten times as many",
        given=TENTH,
        stages=SIM,
    ),
    Figure(
        "late texts in a trial of 100,000 edits",
        280.0,
        "1000 * lease.late_each",
        0.2,
        "R",
        "an earlier trial of ours, of the same distributions, with locks and a store that were tables in memory",
        given=TENTH,
        stages=SIM,
    ),
)

SOURCES = (
    Source(
        "Redis: Distributed Locks with Redis",
        2024,
        "https://redis.io/docs/latest/develop/use/patterns/distributed-locks/",
    ),
    Source(
        "Kleppmann: How to do distributed locking",
        2016,
        "https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html",
    ),
    Source("Sanfilippo: Is Redlock safe?", 2016, "http://antirez.com/news/101"),
    Source(
        "Burrows: The Chubby lock service for loosely-coupled distributed systems, OSDI",
        2006,
        "https://research.google/pubs/the-chubby-lock-service-for-loosely-coupled-distributed-systems/",
    ),
    Source("Kingsbury: Jepsen, etcd 3.4.3", 2020, "https://jepsen.io/analyses/etcd-3.4.3"),
)
