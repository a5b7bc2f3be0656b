"""Bill each click once, by the minute in which it happened, whatever comes late, twice, or dies on the way.

**Clarify.** A bill, or a number on a screen? By which clock does a click belong to a minute: its own, and a telephone
may tell hours later. May it come twice? Yes: who hears no answer tells again, so the browser makes an id. How late is
late, and how soon does an advertiser look?

**Estimate.** With {doubled:.0f} of 100 clicks told twice, a counter bills {over:,.0f} clicks of a million too many. A
row that is kept until its commit is on the disk, 1 ms, bears {hot:,.0f} updates a second; a job that adds up {turn}
clicks first needs one for all of them. A minute is first told {first:.0f} s after it began, where a watermark is
{delay:.0f} s behind.

**Design.** A counter by event time does not mind what is late or out of order, and counts what comes twice; of
{places} places at which a server may die, {again} make it count again. Counters in a cache with a script that knows
ids are right while the cache lives; with the power goes what nobody has copied. A row for each click under its id is
right at every place, and dear: each is a commit, and a bill reads them all. Who keeps clicks in a log and counts it at
night, each id once, needs nothing of what follows; by day nobody sees a bill.

**Deep dive: who counts once.** So servers append to a log, and a job counts. It dies between a batch and the note of
it, and counts again; ids in its memory die too. Three ways out. Ids, sums and offset in one transaction: no watermark,
nothing behind, but a row for each click. Or a checkpoint of all that is open together with the offset, and a sink to
which the same sum can be sent again: who stands still and goes on later changes nothing there either. Or neither: the
log itself, read again from where the oldest open window began (a planted design).

**Deep dive: when is a minute over?** Never surely. A watermark is a guess, and windows that believe it drop what comes
later, as Flink does unless it is told otherwise: less is billed, by just that. Allowed lateness corrects a window that
has fired. What is later still, and what comes again when its id is forgotten, nobody can tell apart but by the log: at
night the windows that it belongs to are counted again, each id once.

**Scale.** What a job adds up is one write for all clicks of a turn on an ad. What does not become fewer are ids:
whoever has to know a click again writes it down, as a row that stays, or in each checkpoint until it is too late.

**Real systems.** Uber counts ad events with Flink, gives records ids, and has a sink that takes the same one twice.
Kafka says that offset and results in one transaction are stronger than its own note of an offset. Photon joins clicks
for Google's bills: no duplicates at any moment, and all in the end.

**Left open.** Clicks that are no person's. Several jobs that share a log; here it is one. Browsers that make a new id.
A day that is closed while a click is still out. Photon's rates are its own. Flink and Spark do this job beside it, over
one file of clicks (docs/flink-and-spark.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal

from windtunnel import Ask, Chart, Experiment, Map, Op, Why, param
from windtunnel.catalogue.interview.q11_ad_clicks.board import BOARD
from windtunnel.catalogue.interview.q11_ad_clicks.claims import (
    BEHIND,
    CALM,
    CHECKPOINT,
    CLAIMS,
    CLICKS,
    DEAR,
    DEMANDS,
    DOUBLED,
    DROPPED,
    EXACT,
    FIGURES,
    IDS,
    LOST,
    MOVED,
    NEW,
    NOTED,
    SOURCES,
    TOLD,
    TWICE,
)
from windtunnel.catalogue.interview.q11_ad_clicks.clicks import (
    Click as Click,
    Setting as Setting,
    start_of as start_of,
    streams,
)
from windtunnel.catalogue.interview.q11_ad_clicks.designs import (
    CacheCounters,
    Design as Design,
    InsertEach,
    UpdateCounter,
)
from windtunnel.catalogue.interview.q11_ad_clicks.jobs import Batches, ClickWindows, Corrected, OneTransaction
from windtunnel.catalogue.interview.q11_ad_clicks.judging import by_effect, matrix, measure, skew, told_so_far
from windtunnel.catalogue.interview.q11_ad_clicks.machines import Bill as Bill, Desk as Desk, Tables as Tables
from windtunnel.catalogue.interview.q11_ad_clicks.rig import Rig


@dataclass(frozen=True)
class Params:
    """Which clicks come, and what goes wrong."""

    places: int = param(40, "places at which somebody dies, as far as a stream has so many", 0, 60)
    stands: int = param(40, "places at which somebody stands still, or sleeps, and another takes his place", 0, 60)
    drawn: int = param(0, "streams with clicks and troubles that are drawn by lot", 0, 60)
    clicks: int = param(1000, "clicks of a long stream", 0, 2000)
    deaths: int = param(0, "places of the long stream at which somebody dies, by lot", 0, 100)
    doubled: float = param(0.02, "share of its clicks that a browser tells of twice", 0.0, 0.5)
    late: float = param(0.01, "share of its clicks that come later than any window waits", 0.0, 0.5)
    rush: int = param(64, "clicks on one ad at one moment", 0, 500)
    turn: int = param(20, "clicks of the long stream between two turns of the job", 1, 1000)
    window_s: float = param(60.0, "seconds of event time in a window", 1.0, 3600.0)
    delay_s: float = param(30.0, "seconds by which the watermark is behind the newest click", 0.0, 600.0)
    lateness_s: float = param(120.0, "seconds for which a window that has fired is corrected", 0.0, 3600.0)
    keeps: int = param(0, "1: the cache writes each change to its disk before it answers", 0, 1)
    dies: Literal["process", "power"] = param(
        "process",
        "who dies: one process; or the power fails, for all processes and engines",
        choices=("process", "power"),
    )


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`stream(number, kind, how, places, turn, clicks)`: one after the other."""
    for s in streams(p, luck):
        yield Op(0.0, "browsers", "stream", (*s[:-1], tuple(map(tuple, s.clicks))), think_s=0.0)


__doc__ = (__doc__ or "").format(
    doubled=100 * 0.02,
    over=1e6 * 0.02,
    hot=1 / 0.001,
    turn=20,
    first=60.0 + 30.0,
    delay=30.0,
    places=len(TOLD) * CLICKS + NEW,
    again=round(TWICE * (len(TOLD) * CLICKS + NEW)),
)

experiment = Experiment(
    title="Ad clicks",
    question="Clicks come late, twice and out of order, and somebody dies: is the bill right, and what does it cost?",
    params=Params,
    workload=workload,
    designs={
        "update_counter": UpdateCounter,
        "insert_each": InsertEach,
        "cache_counters": CacheCounters,
        "batches": Batches,
        "one_transaction": OneTransaction,
        "windows": ClickWindows,
        "corrected": Corrected,
    },
    measure=measure,
    rig=Rig,
    board=BOARD,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart(
            "What came of it: 0 the same bill, 1 less of it, 2 more",
            "place at which it happened",
            "0 somebody dies, 1 he stands still and goes on, 2 he sleeps until the end",
            matrix,
            kind="heat",
        ),
        Chart(
            "Of the places before each effect, those at which a death changed the bill",
            "effect",
            "of 100",
            by_effect,
            kind="bars",
        ),
        Chart(
            "Clicks: 0 in time, 1 late, 2 too late for every window",
            "when it was clicked, in windows",
            "when it came, in windows, by the newest click",
            skew,
            kind="heat",
        ),
        Chart("What is billed so far", "clicks that have come", "cents", told_so_far),
    ),
    asks=(
        Ask(
            "A counter for each ad and minute, and two of a hundred clicks come twice. Of 100 cents that are owed, how "
            "many too many are billed?",
            "update_counter.over_of_100",
            "of 100",
            0,
            100,
        ),
        Ask(
            "A job adds batches to counters, then notes how far it has come, and knows ids in its memory. At how many "
            "of 100 places does its death, or a server's, change the bill?",
            "100 * batches.moved",
            "of 100",
            0,
            100,
        ),
        Ask(
            "Windows with a watermark, a checkpoint and a sink that takes the same sum twice. At how many of 100 "
            "places now?",
            "100 * windows.moved",
            "of 100",
            0,
            100,
        ),
        Ask(
            "Sums, ids and offset are one transaction. How many rows are written for a click?",
            "one_transaction.rows",
            "rows",
            0,
            10,
        ),
        Ask(
            "And where windows are corrected, and their ids are in the checkpoint?",
            "corrected.rows",
            "rows",
            0,
            10,
        ),
    ),
    why=(
        Why("A counter knows how many, and not whom.", DOUBLED),
        Why("Who dies before he has said so is asked again.", MOVED),
        Why("What is in memory alone is gone with it.", LOST),
        Why("A note behind the work is a note too late.", NOTED),
        Why("What can be sent again does no harm.", CHECKPOINT),
        Why("A watermark is a guess, and who is later than it is dropped.", DROPPED),
        Why("The log has them all, each with its id.", EXACT),
        Why("A row for each click is read again with each bill.", DEAR),
        Why("To know a click again is to have written it down.", IDS),
        Why("To wait until a minute is over is to be behind.", BEHIND),
    ),
    maps=(
        Map(
            "windows.short_of_100 > 5",
            "late",
            x_range=(0.0, 0.2),
            line="late > 0.05",
            given={**CALM, "clicks": 500, "turn": 50},
        ),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "A server has counted a click and dies before it says so. What does the browser do, and how would you know "
        "that it is the same click?",
        "Append to a log first, and let one job count. It dies between its sums and the note of how far it has come: "
        "put both into one transaction, or let the same sum be sent again.",
        "You keep ids for a while. A click comes again when its id is forgotten: the log still has the first one.",
    ),
    sources=SOURCES,
    stages=("sim", "sqlite", "postgres"),
    seeds=2,
    quick={"stands": 0, "clicks": 200, "rush": 16},
)
