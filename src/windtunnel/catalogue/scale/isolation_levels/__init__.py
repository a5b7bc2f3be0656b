"""Two transactions look at the same rows, and each writes something else. The level says what of that is let through.

**Clarify.** Is the rule about one row (these hours), about rows that are there (one of these doctors stays on call), or
about rows that are not there yet (nobody else has booked)? How long does a program think between a look and the write
that follows? May it be rolled back and begin again? Which engine is it, and at which level does it begin?

**Estimate.** Who looks after the other has looked, and before that one has committed, sees nothing of it. With gaps of
{gap:.0f} ms, exponential, {think:.0f} ms of thinking and {window:.1f} ms of statements, that is a share of {share:.2f};
with {even_gap:.0f} ms of each {even:.2f}. Where n take turns the mean is (n + 1) / 2 times the thinking, {turns} for
{crowd}.

**Design.** The first proposal is a transaction. At read committed, where PostgreSQL begins, it changes nothing here:
shifts have nobody on call, rooms two guests, hours are lost, and a sum is one that never was.

**Deep dive: the matrix.** {scripts} scripts of Hermitage, of two or three sessions, are stepped through statement by
statement, and each cell is what they show. Read committed lets through five of ten anomalies, repeatable read two,
serializable none: all thirty cells are the published ones, on the model, on PostgreSQL, and on an engine of 150 lines
(`mvcc.py`) that is there to be changed. SQLite lets nothing through, whatever level is asked for.

**Deep dive: snapshots.** Repeatable read sees one state and rolls back the second writer of a row. Hours are kept, and
a sum is right, without waiting. Two doctors write different rows, so both go: write skew, in every shift where two come
together.

**Deep dive: locks.** SELECT ... FOR UPDATE keeps the doctors. It closes three cells of read committed and leaves the
two about rows that are not there: both guests lock nothing, and both insert. A lock on the parent, the room, is always
there to be had; it is held against those too who want another slot.

**Deep dive: serializable.** One of two is rolled back, begins again, and is told no. It costs no thought about rules,
and as much time as a lock. What matters is what is remembered of a look: the model, as PostgreSQL without an index,
remembers a scan as the whole table, so that at {busy:.0f} meetings a second guests of other rooms roll each other back;
the small engine remembers the condition, and rolls back fewer.

**Deep dive: constraints.** Give the rule a key: one row for each place that may be empty, one for each slot. Add in the
update, and read both accounts in one statement. Nobody waits for a turn, and none is rolled back. The level is the same
as before, with the same holes for the rule that nobody thought of.

**Real systems.** PostgreSQL's serializable looks for Tin -> Tpivot -> Tout, two reads of what another has overwritten,
in a row. It may roll back one that would have been right. Its manual wants serialization failures tried again, and says
that a unique key can be the error for one. In SQLite who has read and wants to write after another has is refused.

**Left open.** InnoDB, whose repeatable read lets a lost update through by the same table: there is none here. Indexes,
which make what is remembered finer; read-only transactions that wait until they are safe; many processes that share a
lock outside of the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from windtunnel import Ask, Chart, Experiment, Map, Op, Why, param
from windtunnel.catalogue.scale.isolation_levels.claims import (
    BOTH,
    BUSY,
    CLAIMS,
    DEMANDS,
    FIGURES,
    NO_ROW,
    SKEW,
    SOURCES,
    TURNS,
)
from windtunnel.catalogue.scale.isolation_levels.designs import (
    BACKOFF_S as BACKOFF_S,
    CONNECTIONS as CONNECTIONS,
    Constraint,
    Desk,
    OwnEngine,
    ParentLock,
    ReadCommitted,
    RowLocks,
    Serializable,
    Snapshot,
    T as T,
)
from windtunnel.catalogue.scale.isolation_levels.edges import edges as edges
from windtunnel.catalogue.scale.isolation_levels.judging import (
    HOURS as HOURS,
    KINDS,
    WINDOW_S,
    Setting as Setting,
    audit,
    beside_published,
    circles,
    measure,
    overlap,
    transcripts,
)
from windtunnel.catalogue.scale.isolation_levels.programs import Programs
from windtunnel.catalogue.scale.isolation_levels.stepping import (
    Speaks as Speaks,
    Steppable as Steppable,
    step_through as step_through,
)
from windtunnel.catalogue.scale.isolation_levels.transcripts import ANOMALIES, BY_NAME as BY_NAME, SCRIPTS
from windtunnel.workload import poisson


@dataclass(frozen=True)
class Params:
    """Who wants the same at the same moment, and how long one thinks between looking and writing."""

    meetings: int = param(120, "moments at which several want the same, a third of each kind", 12, 300)
    people: int = param(2, "who want it; a shift has so many doctors, of whom one has to stay", 2, 6)
    rate: float = param(20.0, "meetings a second", 1.0, 200.0)
    gap_s: float = param(0.002, "mean seconds between one of them and the next, exponential", 0.0, 2.0)
    decide_s: float = param(0.02, "seconds between a look and the write that follows from it", 0.0, 0.2)
    rooms: int = param(4, "rooms that slots are booked in", 1, 20)
    matrix: int = param(1, "1: also run the scripts of Hermitage; 0: do not", 0, 1)
    cell: str = param("G2-item", "the anomaly whose transcripts are drawn", choices=ANOMALIES)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`off(shift, doctor, ...)`, `book(slot, room, ...)`, `move(pair, ...)` and `total(pair, ...)`, several at a time.

    A slot is booked in two rooms, by one meeting each, where there are two. Of those who move hours one is the desk,
    another program (`adjust`). Each request says how long it thinks.
    """
    slot = room = 0
    if p.matrix:
        yield from (Op(0.0, "terminals", "cell", (script.name,), think_s=0.0) for script in SCRIPTS)
    for i, at in enumerate(poisson(p.rate, luck, count=p.meetings)):
        kind, n = KINDS[i % len(KINDS)], i // len(KINDS)
        if kind == "book":
            slot, again = divmod(n, min(2, p.rooms))
            room = (room + 1 + luck.randrange(p.rooms - 1)) % p.rooms if again else luck.randrange(p.rooms)
        *comes, last = [at, *(at + later for later in later_ones(p, luck))]
        for j, moment in enumerate(comes):
            who = n * p.people + j
            if kind == "off":
                yield Op(moment, f"doctor {who}", "off", (n, who, p.decide_s))
            elif kind == "book":
                yield Op(moment, f"guest {who}", "book", (slot, room, who, p.decide_s))
            else:
                hours = luck.choice((1, 2, 3))
                yield Op(moment, f"clerk {who}", "move", (n, hours, p.decide_s))
        if kind == "move":
            yield Op(last, f"auditor {n}", "total", (n, p.decide_s))
            yield Op(last + p.decide_s / 2, "desk", "adjust", (n, 5))


def later_ones(p: Params, luck: Random) -> list[float]:
    """How many seconds after the first one of a meeting each other comes, and last of all who looks."""
    return list(poisson(1 / p.gap_s, luck, count=p.people)) if p.gap_s else [0.0] * p.people


SAID = Params()
EVEN_S = 0.05
CROWD = 6
__doc__ = (__doc__ or "").format(
    gap=1e3 * SAID.gap_s,
    think=1e3 * SAID.decide_s,
    window=1e3 * WINDOW_S,
    share=overlap(SAID.gap_s, SAID.decide_s + WINDOW_S),
    even_gap=1e3 * EVEN_S,
    even=overlap(EVEN_S, EVEN_S + WINDOW_S),
    crowd=CROWD,
    turns=(CROWD + 1) / 2,
    scripts=len(SCRIPTS),
    busy=BUSY["rate"],
)

experiment = Experiment(
    title="Isolation levels",
    question="Two transactions look at the same rows and each writes something else: what does your level let through?",
    params=Params,
    workload=workload,
    designs={
        "read_committed": ReadCommitted,
        "snapshot": Snapshot,
        "row_locks": RowLocks,
        "parent_lock": ParentLock,
        "own_engine": OwnEngine,
        "serializable": Serializable,
        "constraint": Constraint,
    },
    rig=Programs,
    others=Desk,
    measure=measure,
    audit=audit,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("The matrix", "anomaly", "1: shown here, or said to occur", beside_published, kind="bars"),
        Chart("What was said", "statement", "session", transcripts, kind="gantt"),
        Chart("Who has to come first", "transaction", "transaction", circles, kind="graph"),
    ),
    asks=(
        Ask(
            "Two doctors of a shift ask at the same moment, in repeatable read. Of 100 shifts, how many have nobody?",
            "100 * snapshot.alone",
            "of 100",
            0,
            100,
        ),
        Ask(
            "Two guests book with SELECT ... FOR UPDATE before they insert. Of 100 slots, how many have two guests?",
            "100 * row_locks.double",
            "of 100",
            0,
            100,
        ),
        Ask(
            "And in serializable: how many transactions are rolled back for each answer?",
            "serializable.aborts",
            "an answer",
            0,
            3,
        ),
    ),
    why=(
        Why("A transaction at the first level sees, statement by statement, what others have committed.", BOTH),
        Why("A snapshot stops a second writer of a row, and these two write different rows.", SKEW),
        Why("What is not there yet cannot be locked; its parent can.", NO_ROW),
        Why("Nobody waits for a turn where the key decides at the end.", TURNS),
    ),
    maps=(
        Map(
            "read_committed.alone > 0.5",
            "gap_s",
            "decide_s",
            (0.01, 0.1),
            (0.005, 0.1),
            line="decide_s + 0.0023 > 0.693 * gap_s",
            given={"meetings": 300, "people": 2, "rate": 100.0, "matrix": 0},
        ),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "What has the other one committed when you look, and what when you write?",
        "Your level stops two who write one row. Which row do two doctors both write, or two guests?",
        "Make them write the same thing: lock what the rule is about, or let a key allow it once. Or let the database "
        "find out, and begin again.",
    ),
    sources=SOURCES,
    stages=("sim", "sqlite", "postgres"),
    seeds=6,
    quick={"meetings": 24},
)
