"""Tell each of many members his rank: which question takes longer the more there are, and what makes it cheap.

**Clarify.** The first ten, or each one's own rank? Exact, or about? What of two who have as many points: here they
share a rank, 1 + how many have more. A page around me, a board of my friends, a new board each day? Is it kept
elsewhere as well?

**Estimate.** Among {members:,} members COUNT(*) goes through {half:,.0f} entries for a rank, on average. Among a
million it is {half_million:,.0f}; at {row_us} µs each, which a trial with PostgreSQL came to, {million_ms:.0f} ms, and
one core gives {a_second:.0f} ranks a second. A skip list of a million has about {levels:.0f} levels. A million entries
of a hundred bytes are {million_mb:.0f} MB.

**Design.** A table, ORDER BY and COUNT(*): it looks at everybody, each time. With an index on the points the first ten
are its last ten entries, and who stands next to me is next to me in it, so a page around me is found as fast, as long
as it does not say the places. But an index has the order and no counts: for a rank all entries above are gone through.
So it is the rank that grows.

**Deep dive: counts.** Ranks that a job writes into a column by a window function are read at once, and stale with the
next point; and each time every row is written. A row for each step of points that says how many stand there makes a
rank a sum of {steps:.0f} rows at most and a COUNT within one step: exact, in the same database and transaction, for
more statements. A skip list has such counts at each of its links: how many entries it jumps over. A rank is the sum of
those on the way, some dozens of comparisons among thousands; sorted blocks with a running count need fewer still.

**Deep dive: whose memory?** A board in a server's memory is right while there is one server. With two, each knows what
came to itself. In a sorted set of a cache it is the same board for all, and adding is one command. What asks for points
and then for how many have more is two, and the answer can be of two moments: it belongs into a script, or into a
transaction that sees one snapshot.

**Scale.** Shared out by members, a rank is the sum of what each server counts: exact while nothing moves. Two who move
between two of these counts give a rank that was true at no moment. Shared out by points, fewer are asked, but who
crosses a bound is taken out of one and put into the next, and a death in between leaves him out, or where he was.
Friends need no order of all: they are read by their keys and sorted. A day that is over is one command where each day
has its key, and a row for each member to delete where it has not (a partition for each day does it too).

**What real systems do.** Redis and Valkey keep a skip list and a table of members for each sorted set; ZADD, ZRANK and
ZCOUNT take log N steps. An entry climbs with probability 1/4, so that it has 4/3 links.

**Left open.** Who was first of two with as many points (a moment beneath the points in one number does it). Ranks that
need not be exact: a histogram of points is enough. A cache that loses its memory: the board is made again from the
matches. In the tunnel, what a program does in its own memory takes no time, and what a database takes for a row was
fitted to one trial. How long whoever asks waits where COUNT is asked more often than a core can bear.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log2
from random import Random

from windtunnel import Ask, Chart, Experiment, Op, Why, param
from windtunnel.catalogue.interview.q09_leaderboard.board import BOARD
from windtunnel.catalogue.interview.q09_leaderboard.caches import ByPoints, CacheSet as CacheSet, Sharded
from windtunnel.catalogue.interview.q09_leaderboard.claims import (
    AROUND,
    CLAIMS,
    CROSSES,
    DAY,
    DEMANDS,
    FIGURES,
    FRIENDS,
    LOGN,
    MEMORY,
    RANK,
    SCAN,
    SOURCES,
    STALE,
    STEPS,
    STEPS_COST,
    TOP,
    TORN,
)
from windtunnel.catalogue.interview.q09_leaderboard.days import episodes
from windtunnel.catalogue.interview.q09_leaderboard.judging import growth, latency, measure, skip_list, wrong_by
from windtunnel.catalogue.interview.q09_leaderboard.memory import CountedBlocks, SkipList
from windtunnel.catalogue.interview.q09_leaderboard.rig import Rig
from windtunnel.catalogue.interview.q09_leaderboard.tables import (
    COLUMNS as COLUMNS,
    Counts,
    Indexed as Indexed,
    NoIndex,
    RankColumn,
)
from windtunnel.catalogue.interview.q09_leaderboard.world import Desk as Desk, Entry as Entry, Layout as Layout


@dataclass(frozen=True)
class Params:
    """How many play, what is asked, and what goes wrong."""

    members: int = param(5000, "members of the largest board; others have a tenth and a hundredth", 100, 20_000)
    times: int = param(1, "times as many, on real engines", 1, 50)
    most: int = param(5000, "points that members have at most when a large board begins", 100, 50_000)
    days: int = param(2, "small boards of which is asked all day, at each server in turn", 0, 8)
    requests: int = param(60, "requests of such a day", 1, 120)
    places: int = param(8, "places at which somebody stands still, or dies, as far as a request has so many", 0, 12)
    servers: int = param(2, "servers that take requests in turn", 1, 4)
    turn: int = param(10, "requests of a day between two turns of a job", 1, 120)
    width: int = param(50, "points of a step, where members are counted by steps", 1, 5000)
    row_us: float = param(0.38, "microseconds for which the database of the tunnel looks at a row", 0.0, 10.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`board(day, kind, first, one, others, place, size)`: one after the other."""
    for e in episodes(p, luck):
        yield Op(0.0, "clients", "board", tuple(e), think_s=0.0)


__doc__ = (__doc__ or "").format(
    members=5000,
    half=5000 / 2,
    half_million=1e6 / 2,
    row_us=0.38,
    million_ms=1e6 / 2 * 0.38 / 1e3,
    a_second=1e6 / (1e6 / 2 * 0.38),
    levels=log2(1e6) / 2,
    million_mb=1e6 * 100 / 1e6,
    steps=5000 / 50,
)

experiment = Experiment(
    title="Leaderboard",
    question="Which query takes longer the more members there are, even with an index: the first ten, or my rank?",
    params=Params,
    workload=workload,
    designs={
        "no_index": NoIndex,
        "index": Indexed,
        "rank_column": RankColumn,
        "counts": Counts,
        "by_points": ByPoints,
        "sharded": Sharded,
        "skip_list": SkipList,
        "counted_blocks": CountedBlocks,
        "sorted_set": CacheSet,
    },
    measure=measure,
    rig=Rig,
    board=BOARD,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("What is looked at for a rank", "members", "rows, entries or comparisons", growth, log="xy"),
        Chart("How long a rank, and a change of points, takes", "members", "ms, median", latency, log="xy"),
        Chart("Wrong answers", "what was asked", "of 100", wrong_by, kind="bars"),
        Chart(
            "A skip list: 1 a link, 2 a link at which a search looks, 0 there is none",
            "entry, in order",
            "level",
            skip_list,
            kind="heat",
        ),
    ),
    asks=(
        Ask(
            "There is an index by points, and 5,000 members. At how many of its entries does the database look for the "
            "first ten?",
            "index.top_looked",
            "entries",
            1,
            10_000,
            log=True,
        ),
        Ask("And for the rank of one of them, on average?", "index.rank_looked", "entries", 1, 10_000, log=True),
        Ask(
            "And for the page of five before and five behind him?",
            "index.around_looked",
            "entries",
            1,
            10_000,
            log=True,
        ),
        Ask(
            "How often does a skip list compare for that rank?",
            "skip_list.rank_looked",
            "comparisons",
            1,
            10_000,
            log=True,
        ),
        Ask(
            "Two servers, each with the board in its memory. Of 100 answers, how many are wrong?",
            "skip_list.wrong_of_100",
            "of 100",
            0,
            100,
        ),
        Ask(
            "Boards on three servers, by members. While something is asked, or points are given, something else is "
            "served between two steps of it. In how many of 100 cases is an answer true at no moment?",
            "sharded.torn_of_100",
            "of 100",
            0,
            100,
        ),
    ),
    why=(
        Why("Without an index everybody is looked at.", SCAN),
        Why("The first ten are the last ten entries of the index.", TOP),
        Why("Neighbours are next to each other there.", AROUND),
        Why("Nothing there says how many are above.", RANK),
        Why("What was counted is old with the next point.", STALE),
        Why("Counts that are kept with each change make a rank a short sum.", STEPS),
        Why("And each change has more to do.", STEPS_COST),
        Why("A link that says how many it jumps over is such a count.", LOGN),
        Why("What one server has in memory another has not.", MEMORY),
        Why("Counts of two moments may be of none.", TORN),
        Why("Between out and in he is nowhere.", CROSSES),
        Why("Few are sorted at once.", FRIENDS),
        Why("A key goes as a whole.", DAY),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "What does an index by points have, and what does it not have: who comes first, who comes next, how many are "
        "above?",
        "A rank is a sum. Keep what you would count: for each step of points, for each block, or for each link, how "
        "many it spans.",
        "ZINCRBY adds, ZCOUNT counts those who have more. What you read before you count may have changed by then: do "
        "both in one script.",
    ),
    sources=SOURCES,
    stages=("sim", "sqlite", "postgres"),
    seeds=2,
    quick={"members": 1000, "days": 1, "requests": 50, "places": 4, "width": 250},
)
