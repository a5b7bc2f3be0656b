"""What is claimed of the designs, what is demanded of a challenger's, and the numbers of the sources."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

PUGH = Source(
    "W. Pugh, Skip Lists: A Probabilistic Alternative to Balanced Trees (CACM)",
    1990,
    "https://dl.acm.org/doi/10.1145/78973.78977",
)
REDIS = Source(
    "Redis: server.h (ZSKIPLIST_P, ZSKIPLIST_MAXLEVEL)",
    2026,
    "https://github.com/redis/redis/blob/unstable/src/server.h",
)
COMMANDS = Source("Redis commands: ZADD, ZRANK, ZCOUNT", 2026, "https://redis.io/docs/latest/commands/zrank/")
SOURCES = (PUGH, REDIS, COMMANDS)

SIM, COUNTED, REAL = ("sim",), ("sim", "sqlite"), ("sqlite", "postgres")
"""Where nothing else takes time; where engines say at what they look; and where time is real."""

CALM = {"days": 0, "places": 0, "most": 5000, "width": 50, "servers": 2, "turn": 10, "times": 1}
FEW = {**CALM, "members": 100, "days": 1, "places": 4}
ALONE = {**CALM, "servers": 1, "members": 100, "days": 1, "places": 4}
SELDOM = {**CALM, "members": 100, "days": 6, "requests": 60, "turn": 30}
ALWAYS = {**SELDOM, "turn": 1}
LARGE = {**CALM, "members": 20_000, "times": 10}
MILLION = {**CALM, "members": 20_000, "times": 50}
HUNDRED = {**CALM, "members": 20_000, "times": 5}

MANY = "members >= 1000"
USUAL = "2 * most / width + members * width / most < 0.2 * members"
PLACES = "places >= 4"

RIGHT = ("no_index", "index", "counts", "sorted_set")


def worst(of: str, designs: tuple[str, ...] = RIGHT) -> str:
    """The most of one measurement among these designs."""
    first, *more = (f"{design}.{of}" for design in designs)
    return f"max({', '.join([first, *more])})" if more else first


def exact(*designs: str) -> str:
    """Nothing is wrong with these."""
    return " and ".join(f"{worst(of, designs)} == 0" for of in ("wrong", "torn", "lost", "left"))


SCAN = "no_index.rank_looked > 7 * no_index.rank_looked_tenth and no_index.top_looked > 20 * index.top_looked"
TOP = "index.top_looked < 1.1 * index.top_looked_tenth"
AROUND = "index.around_looked < 1.1 * index.around_looked_tenth"
RANK = "index.rank_looked > 7 * index.rank_looked_tenth"
HALF = "0.45 * params.members < index.rank_looked < 0.55 * params.members"
STALE = "rank_column.wrong_of_100 > 1"
STEPS = "counts.rank_looked < 0.3 * index.rank_looked"
STEPS_COST = "counts.add_asked >= 2 * index.add_asked"
LOGN = "skip_list.rank_looked < 3 * skip_list.rank_looked_tenth"
BLOCKS = "counted_blocks.rank_looked < skip_list.rank_looked"
SET = "sorted_set.rank_looked < 0.2 * index.rank_looked and sorted_set.rank_asked == 1"
TORN = "sharded.torn > 0 and sharded.lost == 0"
CROSSES = "by_points.lost_of_100 > 0 and by_points.torn > 0"
MEMORY = "min(skip_list.wrong, counted_blocks.wrong) > 0"
FRIENDS = "max(no_index.friends_looked, no_index.friends_looked_tenth) == 20"
DAY = "min(no_index.forget_written, index.forget_written) >= params.members // 10 and sorted_set.forget_asked == 1"
FASTER = "sorted_set.rank_ms < 0.5 * index.rank_ms"

CLAIMS = (
    Claim(
        SCAN,
        "Without an index both the first ten and a rank look at everybody.",
        breaks="no_index",
        where=MANY,
        stages=COUNTED,
    ),
    Claim(TOP, "With an index the first ten are found at once, however many there are.", where=MANY, stages=COUNTED),
    Claim(
        AROUND,
        "So is the page around a member: who stands next to him is next to him in the index.",
        where=MANY,
        stages=COUNTED,
    ),
    Claim(
        RANK,
        "But an index has the order and no counts: COUNT(*) goes through all who have more.",
        where=MANY,
        stages=COUNTED,
    ),
    Claim(HALF, "On average that is half of all.", stages=SIM),
    Claim(
        exact(*RIGHT),
        "Both are right, and so are counts by steps and a sorted set: each answer is that of a sorted list, also where "
        "two ask at once, or a server dies.",
    ),
    Claim(f"{worst('unknown')} == 0", "And everybody is told something."),
    Claim(
        f"{exact('no_index')} and no_index.rank_ms < 6",
        "Among a hundred members no index, no count and no cache is needed.",
        given=FEW,
        spares="no_index",
        stages=SIM,
    ),
    Claim(
        FRIENDS,
        "Nor for a board of twenty friends, among however many: they are read by their keys and sorted.",
        where=MANY,
        spares="no_index",
        stages=SIM,
    ),
    Claim(
        STALE,
        "Ranks in a column that a job fills are right until somebody gets a point.",
        given=SELDOM,
    ),
    Claim(
        "rank_column.wrong_of_100 == 0",
        "Filled anew after each request they are right.",
        given=ALWAYS,
    ),
    Claim(
        "rank_column.rank_asked == 1 and rank_column.turn_written >= params.members // 10",
        "They are read by one look at one row, and each time the window function writes every row.",
        where="members >= 1000",
    ),
    Claim(
        STEPS,
        "A table of how many stand on each step of points makes a rank cheap, in the same database.",
        where=USUAL,
        stages=COUNTED,
    ),
    Claim(STEPS_COST, "Each change of points then asks for twice as much, at least."),
    Claim(
        f"{worst('wrong', ('sharded', 'by_points'))} == 0",
        "Boards on several servers give the exact rank, as a sum of counts, while one request comes after the other.",
    ),
    Claim(
        TORN,
        "While members move, what one server said before and another says after makes an answer that was true at no "
        "moment.",
        where=PLACES,
    ),
    Claim(
        CROSSES,
        "Shared out by points, who crosses a bound is in no set for a moment, and where the server dies then the board "
        "is wrong.",
        where=PLACES,
    ),
    Claim(
        "sharded.rank_asked == 3",
        "And a rank asks every server.",
    ),
    Claim(
        exact("skip_list", "counted_blocks"),
        "A board in the memory of the one server that there is, read from the table when it starts, is right.",
        given=ALONE,
    ),
    Claim(
        MEMORY,
        "With two servers each knows what came to itself.",
        where="servers >= 2 and days >= 1 and requests >= 40",
    ),
    Claim(
        LOGN,
        "In a skip list that counts what its links jump over a rank takes about as many more steps as there are more "
        "digits.",
        PUGH.title,
        where=MANY,
        stages=COUNTED,
    ),
    Claim(
        "counted_blocks.rank_looked < 2 * counted_blocks.rank_looked_tenth",
        "In sorted blocks with a running count over them too.",
        where=MANY,
        stages=COUNTED,
    ),
    Claim(BLOCKS, "And these compare less often.", where=MANY, stages=COUNTED),
    Claim(
        f"{SET} and sorted_set.rank_looked < 4 * sorted_set.rank_looked_tenth",
        "A sorted set of a cache is such a skip list behind one command, the same for all servers.",
        COMMANDS.title,
        where=MANY,
        stages=SIM,
    ),
    Claim(
        "sorted_set.top_looked < 0.2 * params.members and sorted_set.around_looked < 0.2 * params.members"
        " and sorted_set.add_looked < 0.2 * params.members",
        "The first ten, the page around somebody and a change of points cost it no more.",
        COMMANDS.title,
        where=MANY,
        stages=SIM,
    ),
    Claim(
        DAY,
        "A day that is over is a row for each member to delete from a table, and one command where each day has a key.",
        where="members >= 1000",
    ),
    Claim(
        "index.rank_ms > 3 * index.rank_ms_tenth and index.top_ms < 0.5 * index.rank_ms",
        "There the rank grows as well, and the first ten come before it.",
        given=LARGE,
        stages=REAL,
    ),
    Claim(
        FASTER,
        "On real engines a rank among 200,000 is told by a sorted set in less than half of the time.",
        given=LARGE,
        stages=REAL,
    ),
)

TRIED = {**CALM, "members": 2000, "days": 2, "requests": 60, "places": 8, "times": 1}
DEMANDS = (
    Claim("yours.wrong == 0", "Each answer is that of a sorted list, ties and all.", given=TRIED),
    Claim("yours.torn == 0", "Also where two ask at once: some order of theirs explains it.", given=TRIED),
    Claim("yours.lost == 0", "And whoever dies: nobody is missing, or there twice, and no point is lost.", given=TRIED),
    Claim("yours.unknown == 0", "Everybody is told something.", given=TRIED),
    Claim("yours.left == 0", "A day that is over is gone.", given=TRIED),
    Claim("yours.rank_looked < 400", "A rank does not look at a fifth of 2,000 members.", given=TRIED, stages=SIM),
    Claim("yours.top_looked < 400", "Nor do the first ten.", given=TRIED, stages=SIM),
    Claim("yours.around_looked < 400", "Nor does a page.", given=TRIED, stages=SIM),
    Claim(
        "max(yours.rank_asked, yours.add_asked) <= 10",
        "A rank, and a change of points, ask the engines a few times.",
        given=TRIED,
    ),
    Claim("yours.carried < 8000", "And do not carry a whole board.", given=TRIED),
    Claim("yours.add_looked < 400", "Nor does a change of points look at a fifth of all.", given=TRIED, stages=SIM),
    Claim("yours.add_written <= 6", "A change of points writes a few rows.", given=TRIED),
)

TRIAL = "PostgreSQL 15 and Redis 7.0.15 on two busy cores, median with the round trip, a million members"
FIGURES = (
    Figure(
        "links of an entry of a skip list",
        4 / 3,
        "skip_list.links",
        0.1,
        "D",
        "an entry climbs another level with probability 1/4: 1 / (1 - 1/4)",
        source=REDIS.title,
        stages=COUNTED,
    ),
    Figure(
        "members that COUNT goes through for a rank, of all",
        0.5,
        "index.rank_looked / params.members",
        0.05,
        "D",
        "the mean over members from all parts of the board",
        stages=SIM,
    ),
    Figure(
        "rank by COUNT over rank by a sorted set, as a factor",
        188.0 / 0.204,
        "index.rank_ms / sorted_set.rank_ms",
        0.8,
        "R",
        TRIAL,
        given=MILLION,
        stages=("postgres",),
    ),
    Figure(
        "the first ten without an index over those with one, as a factor",
        219.7 / 0.119,
        "no_index.top_ms / index.top_ms",
        0.8,
        "R",
        TRIAL,
        given=MILLION,
        stages=("postgres",),
    ),
    Figure(
        "rank by COUNT at a million over that at a hundred thousand",
        188.0 / 22.9,
        "index.rank_ms / index.rank_ms_tenth",
        0.5,
        "R",
        TRIAL,
        given=MILLION,
        stages=("postgres",),
    ),
    Figure(
        "rank by a sorted set at a million over that at a hundred thousand",
        0.204 / 0.214,
        "sorted_set.rank_ms / sorted_set.rank_ms_tenth",
        0.5,
        "R",
        TRIAL,
        given=MILLION,
        stages=("postgres",),
    ),
    Figure(
        "bytes of an entry of a sorted set",
        98.5,
        "sorted_set.bytes",
        0.3,
        "R",
        "Redis 7.0.15, 96 to 101 bytes with 10,000 to a million members; names of the trial's own",
        given=HUNDRED,
        stages=REAL,
    ),
)
