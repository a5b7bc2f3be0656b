"""What is claimed of the designs, what is demanded of a challenger's, and the numbers that theory and sources give."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source
from windtunnel.catalogue.scale.isolation_levels.judging import WINDOW_S, overlap

HERMITAGE, SSI, MANUAL, BUSY_SNAPSHOT = (
    "Hermitage 2014",
    "README-SSI",
    "Serialization Failure Handling",
    "SQLITE_BUSY_SNAPSHOT",
)
USUAL = {"people": 2, "rate": 20.0, "gap_s": 0.002, "decide_s": 0.02, "rooms": 4, "matrix": 0}
SAME = {**USUAL, "meetings": 18, "gap_s": 0.0}
"""All who want the same come at the same moment."""
CROWD = {**SAME, "meetings": 12, "people": 4}
BUSY = {**USUAL, "meetings": 60, "rate": 120.0}
APART = {**USUAL, "meetings": 24, "gap_s": 2.0, "decide_s": 0.0, "rate": 5.0}
MANY = {**SAME, "meetings": 102, "rate": 100.0}
"""34 shifts in each run, so that six runs have 204."""
TURN = {**USUAL, "meetings": 36, "people": 6, "rate": 1.0, "gap_s": 0.0, "decide_s": 0.2}
HALF = {**USUAL, "meetings": 300, "rate": 50.0, "gap_s": 0.05, "decide_s": 0.05}
SIM, SQLITE = ("sim",), ("sqlite",)
LEVELS = ("sim", "postgres")
"""SQLite has one level, whatever is asked for."""
RULES = ("alone", "double", "lost", "torn", "untrue", "for_nothing")
RIGHT = ("parent_lock", "own_engine", "serializable", "constraint")
SCRIPTS = "matrix == 1"


def kept(*designs: str) -> str:
    """None of the rules is broken, and nobody was told what is not so, or no for nothing."""
    return f"max({', '.join(f'{one}.{name}' for one in designs for name in RULES)}) == 0"


def lets(design: str, *anomalies: str) -> str:
    """The scripts show these anomalies, and no other."""
    return f"min({', '.join(f'{design}.{one}' for one in anomalies)}) == 1 and {design}.lets == {len(anomalies)}"


BOTH = "min(read_committed.alone, read_committed.double, read_committed.lost) > 0.5 and read_committed.torn > 0"
SKEW = "max(snapshot.lost, snapshot.torn) == 0 and min(snapshot.alone, snapshot.double) > 0.5"
NO_ROW = "max(row_locks.alone, row_locks.lost, row_locks.torn) == 0 and row_locks.double > 0.5"
AS_PUBLISHED = "max(read_committed.differs, snapshot.differs, serializable.differs) == 0"
OWN = "own_engine.differs == 0"
TURNS = "min(parent_lock.off_ms, serializable.off_ms) > 1.25 * constraint.off_ms"
THOUGHT = ", ".join(
    f"{one}.{op}_ms" for one in ("constraint", "read_committed") for op in ("off", "book", "move", "total")
)
THINKS = f"min({THOUGHT}) > 1000 * params.decide_s"
COARSE = "serializable.book_ms > 1.15 * own_engine.book_ms and serializable.aborts > own_engine.aborts"

CLAIMS = (
    Claim(
        AS_PUBLISHED,
        "Each of the thirty cells, found by running its scripts, is that of the published table.",
        HERMITAGE,
        where=SCRIPTS,
        stages=LEVELS,
    ),
    Claim(OWN, "So are those of the engine of 150 lines, at its three levels.", HERMITAGE, where=SCRIPTS),
    Claim(
        lets("row_locks", "pmp", "g2"),
        "Locks on what is found close three more cells, and not those of rows that are not there yet.",
        where=SCRIPTS,
        stages=LEVELS,
    ),
    Claim(
        "constraint.lets == read_committed.lets",
        "A key closes the one hole that it is made for, and leaves the level as it is.",
        where=SCRIPTS,
    ),
    Claim(
        "read_committed.refusals == 0 and snapshot.refusals == 5 and serializable.refusals == 9"
        " and row_locks.waits > 5 * read_committed.waits",
        "What a level stops it stops by rolling back, and what a lock stops by waiting.",
        where=SCRIPTS,
        stages=LEVELS,
    ),
    Claim(
        "max(read_committed.lets, snapshot.lets, serializable.lets) == 0",
        "SQLite lets nothing through at any level: it has one writer, and refuses who read before another wrote.",
        BUSY_SNAPSHOT,
        where=SCRIPTS,
        stages=SQLITE,
    ),
    Claim(
        BOTH,
        "All look before anybody has written, and each writes what was right when it looked.",
        HERMITAGE,
        given=SAME,
        breaks="read_committed",
        stages=LEVELS,
    ),
    Claim(
        "max(read_committed.alone, read_committed.double, read_committed.lost) < 0.5",
        "Who writes at once, and is mostly alone, is seldom in anybody's way.",
        given=APART,
        spares="read_committed",
    ),
    Claim(
        SKEW,
        "One state to look at, and no second writer of a row: hours are kept. Two who write different rows still meet.",
        HERMITAGE,
        given=SAME,
        stages=LEVELS,
    ),
    Claim(
        NO_ROW,
        "Locked rows keep the doctors and the hours. A booking that is not there cannot be locked.",
        given=SAME,
        stages=LEVELS,
    ),
    Claim(kept(*RIGHT), "A lock on the parent, both serializable engines, and keys keep all four rules.", given=SAME),
    Claim(kept(*RIGHT), "Also where four want the same.", given=CROWD),
    Claim(
        TURNS,
        "Who waits for a lock, or starts again, thinks after the other has; a key needs no turns.",
        given=SAME,
        stages=SIM,
    ),
    Claim(
        THINKS,
        "It thinks as long as read committed does, and not in a transaction.",
        given=SAME,
        stages=SIM,
    ),
    Claim(
        "abs(serializable.off_ms - parent_lock.off_ms) < 0.2 * parent_lock.off_ms",
        "To wait and think takes as long as to think, be rolled back and think again.",
        given=SAME,
        stages=SIM,
    ),
    Claim(
        "min(read_committed.alone, snapshot.alone, serializable.off_aborts, own_engine.off_aborts) == 1"
        " and max(serializable.off_aborts, own_engine.off_aborts) == 1",
        "At the same moment that is every shift, and of its two doctors serializable rolls one back, once.",
        SSI,
        given=SAME,
        stages=SIM,
    ),
    Claim(
        "snapshot.off_aborts == 0 and constraint.aborts == 0",
        "A snapshot sees nothing in it, and keys roll nobody back.",
        given=SAME,
        stages=LEVELS,
    ),
    Claim(
        "row_locks.total_ms > 1.05 * snapshot.total_ms and snapshot.aborts > 0",
        "A sum under locks waits for those who write; one of a snapshot waits for nobody.",
        given=SAME,
        stages=SIM,
    ),
    Claim(
        COARSE,
        "What is remembered of a scan is the table: those who book other rooms roll each other back.",
        SSI,
        given=BUSY,
        stages=SIM,
    ),
    Claim(
        "parent_lock.book_ms > 1.2 * constraint.book_ms and parent_lock.aborts == 0",
        "A lock on the room is held against those too who want another slot of it; it rolls nobody back.",
        given=BUSY,
        stages=SIM,
    ),
)

PLAIN = {**SAME, "meetings": 12}
SIX = {**PLAIN, "people": 6}
ALL = kept("yours")

DEMANDS = (
    Claim("yours.alone == 0", "A doctor of each shift stays on call.", given=PLAIN, always=True),
    Claim("yours.double == 0", "No room has two guests.", given=PLAIN, always=True),
    Claim("yours.lost == 0", "Accounts hold what was told, also of what the desk moved.", given=PLAIN, always=True),
    Claim("yours.torn == 0", "A sum is one of hours that were there together.", given=PLAIN, always=True),
    Claim(
        "yours.untrue == 0", "Who is told yes is off, or has the room; who is told no is not.", given=PLAIN, always=True
    ),
    Claim("yours.for_nothing == 0", "Who is told no would have been one too many.", given=PLAIN),
    Claim(ALL, "Also where six want the same.", given=SIX),
    Claim("yours.unanswered == 0", "And everybody is answered.", given=SIX),
    Claim(ALL, "Also where many come who want something else.", given=BUSY),
    Claim(
        "max(yours.off_ms, yours.book_ms, yours.move_ms, yours.total_ms) < 300",
        "Who wants something else waits for nobody.",
        given=BUSY,
    ),
    Claim("yours.statements < 40", "The database is not asked again and again.", given=SIX),
)

FIGURES = (
    *(
        Figure(
            f"anomalies of ten that {level} stops",
            stopped,
            f"10 - {design}.lets",
            0.0,
            "V",
            "PostgreSQL 9.3.5, by hand; here its model, by 14 scripts, with value >= 30 for value % 3 = 0",
            HERMITAGE,
            given={**PLAIN, "meetings": 12, "matrix": 1},
            stages=LEVELS,
        )
        for level, stopped, design in (
            ("read committed", 5.0, "read_committed"),
            ("repeatable read", 8.0, "snapshot"),
            ("serializable", 10.0, "serializable"),
        )
    ),
    *(
        Figure(
            f"shifts of 200 with nobody on call, {level}",
            200.0,
            f"200 * {design}.alone",
            0.0,
            "R",
            "two doctors at the same moment, 34 shifts in each run; the trial on PostgreSQL 15 had two sessions in "
            "lock-step",
            given=MANY,
            stages=LEVELS,
        )
        for level, design in (("read committed", "read_committed"), ("repeatable read", "snapshot"))
    ),
    Figure(
        "transactions rolled back for these 200 shifts, serializable",
        200.0,
        "200 * serializable.off_aborts",
        0.0,
        "R",
        "the same, and no shift with nobody on call",
        given=MANY,
        stages=LEVELS,
    ),
    Figure(
        "mean time of six who take turns at a lock, ms",
        1e3 * 0.2 * (6 + 1) / 2,
        "parent_lock.off_ms",
        0.05,
        "D",
        "(n + 1) / 2 times the thinking: six at the same moment, 0.2 s each; statements and commits come on top",
        given=TURN,
        stages=SIM,
    ),
    Figure(
        "share of shifts with nobody on call, where one comes after the other",
        overlap(0.05, 0.05 + WINDOW_S),
        "read_committed.alone",
        0.15,
        "D",
        "1 - exp(-(thinking + statements and commit) / gap): 50 ms of thinking, gaps of 50 ms, exponential",
        given=HALF,
        stages=SIM,
    ),
)

SOURCES = (
    Source("M. Kleppmann, Hermitage: Testing transaction isolation levels", 2014, "https://github.com/ept/hermitage"),
    Source(
        "PostgreSQL, README-SSI: Serializable Snapshot Isolation and Predicate Locking",
        2011,
        "https://github.com/postgres/postgres/blob/master/src/backend/storage/lmgr/README-SSI",
    ),
    Source(
        "PostgreSQL 18, Serialization Failure Handling",
        2025,
        "https://www.postgresql.org/docs/18/mvcc-serialization-failure-handling.html",
    ),
    Source("SQLite, Result Codes: SQLITE_BUSY_SNAPSHOT", 2025, "https://www.sqlite.org/rescode.html"),
)
