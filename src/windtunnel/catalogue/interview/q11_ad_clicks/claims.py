"""What is claimed of the designs, what is demanded of a challenger's, and the numbers that counting gives."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

UBER = Source(
    "J. Tsafatinos et al., Real-Time Exactly-Once Ad Event Processing with Apache Flink, Kafka, and Pinot",
    2021,
    "https://www.uber.com/blog/real-time-exactly-once-ad-event-processing/",
)
PHOTON = Source(
    "R. Ananthanarayanan et al., Photon: Fault-tolerant and Scalable Joining of Continuous Data Streams (SIGMOD)",
    2013,
    "https://research.google/pubs/photon-fault-tolerant-and-scalable-joining-of-continuous-data-streams/",
)
DATAFLOW = Source(
    "T. Akidau et al., The Dataflow Model (VLDB)", 2015, "https://www.vldb.org/pvldb/vol8/p1792-Akidau.pdf"
)
FLINK = Source(
    "Apache Flink documentation: Windows, Allowed Lateness",
    2026,
    "https://nightlies.apache.org/flink/flink-docs-stable/docs/dev/datastream/operators/windows/",
)
KAFKA = Source(
    "Apache Kafka: KafkaConsumer, Storing Offsets Outside Kafka",
    2026,
    "https://kafka.apache.org/41/javadoc/org/apache/kafka/clients/consumer/KafkaConsumer.html",
)
SOURCES = (DATAFLOW, UBER, PHOTON, FLINK, KAFKA)

SIM = ("sim",)
"""Where nothing else takes time, and power can fail."""

CALM = {
    "places": 0,
    "stands": 0,
    "drawn": 0,
    "clicks": 0,
    "deaths": 0,
    "rush": 0,
    "keeps": 0,
    "dies": "process",
    "window_s": 60.0,
    "delay_s": 30.0,
    "lateness_s": 120.0,
}
DEATHS = {**CALM, "places": 40}
POWER = {**DEATHS, "dies": "power", "drawn": 6, "doubled": 0.4, "late": 0.1}
KEPT = {**POWER, "drawn": 4, "keeps": 1}
BESIDE = {**CALM, "stands": 12}
DRAWN = {**CALM, "drawn": 16, "clicks": 60, "deaths": 10, "doubled": 0.4, "late": 0.1}
LONG = {**CALM, "clicks": 500, "turn": 20, "doubled": 0.02, "late": 0.01}
GOOD = {**LONG, "clicks": 200, "doubled": 0.0}
RUSH = {**CALM, "rush": 64}
TURN = "window_s == 60 and delay_s == 30 and lateness_s == 120 and dies == 'process'"
"""How small streams fall into windows, and what dies."""
HERE = f"places >= 32 and {TURN}"
STREAM = "clicks >= 100 and deaths == 0 and window_s == 60 and delay_s == 30 and lateness_s == 120"
DEFAULTS = f"{STREAM} and clicks >= 200 and turn == 20 and doubled <= 0.05 and late <= 0.05"

TOLD = ("update", "told")
"""What a server that counts does for a click; where the row is new it also inserts it, between the two."""
CLICKS, NEW, TURNS = 11, 6, 4
"""Of a small stream: clicks, with the last, which is not judged; ads' windows in it; turns of the job."""
TWICE = (CLICKS - 1) / (len(TOLD) * CLICKS + NEW)
"""The places between a count and the word to the browser, of all."""
AGAIN = (TURNS + TURNS - 1) / (2 * CLICKS + 2 * TURNS)
"""Those between a batch and the note of it; and those before a later batch, where the ids of the first are lost."""

RIGHT = ("insert_each", "one_transaction", "corrected")
ALL = ("update_counter", "insert_each", "cache_counters", "batches", "one_transaction", "windows", "corrected")


def worst(of: str, designs: tuple[str, ...] = RIGHT) -> str:
    """The most of one measurement among these designs."""
    return f"max({', '.join(f'{design}.{of}' for design in designs)})"


def least(of: str, designs: tuple[str, ...] = RIGHT) -> str:
    """The least."""
    return f"min({', '.join(f'{design}.{of}' for design in designs)})"


EXACT = f"{worst('wrong')} == 0"
DOUBLED = "update_counter.over_of_100 == update_counter.doubled_of_100"
MOVED = f"abs(update_counter.moved - {TWICE:.6f}) < 0.001"
NOTED = f"abs(batches.moved - {AGAIN:.6f}) < 0.001 and batches.short == 0"
LOST = "cache_counters.moved > 0.5 and cache_counters.short > 0"
DROPPED = "windows.short_of_100 == windows.late_of_100 and windows.over_of_100 == 0"
CHECKPOINT = "windows.moved == 0 and windows.killed >= 25"
DEAR = "insert_each.looked > 0.9 and insert_each.commits >= 1 and corrected.looked < 0.3"
IDS = "one_transaction.rows > 1 and one_transaction.kept > 0.9 and corrected.kept < 0.3 and corrected.bytes > 50"
BEHIND = "corrected.behind_of_100 > 4 and max(one_transaction.behind_of_100, insert_each.behind_of_100) == 0"

CLAIMS = (
    Claim(
        DOUBLED,
        "A counter does not know whom it has counted: each click that a browser tells twice is billed twice.",
        UBER.title,
        breaks="update_counter",
        where=f"{STREAM} and doubled > 0",
    ),
    Claim(
        MOVED,
        "And who has counted and dies before he says so counts again when the browser asks again.",
        breaks="update_counter",
        where=HERE,
    ),
    Claim(
        "update_counter.over_of_100 == 0 and update_counter.short_of_100 == 0 and update_counter.rows == 1"
        " and update_counter.kept < 0.2 and update_counter.behind_of_100 == 0",
        "Where nothing is told twice and nobody dies, a counter by event time is right, at once and with few rows; "
        "clicks that are late or out of order do it no harm.",
        given=GOOD,
        spares="update_counter",
    ),
    Claim(
        EXACT,
        "A row for each click under the browser's id; ids, sums and offset in one transaction; windows whose sums can "
        "be sent again, with a recount of what came too late: each is right to the cent, whoever dies and wherever.",
        PHOTON.title,
    ),
    Claim(
        f"{worst('unheard', ALL)} == 0",
        "And every browser is told in the end that it need not tell again.",
    ),
    Claim(
        f"{least('killed')} >= 20 and {worst('moved')} == 0",
        "At no place does it make a difference that somebody dies there.",
        where=HERE,
    ),
    Claim(
        f"{worst('moved_beside')} == 0 and {least('stood')} >= 10",
        "Nor that somebody stands still there, another takes his place, and he goes on soon, or when all is over.",
        given=BESIDE,
    ),
    Claim(
        "cache_counters.moved_beside == 0 and cache_counters.stood >= 10",
        "A cache that lives does not mind that either: who goes on too late notes no sum smaller than the last.",
        given=BESIDE,
    ),
    Claim(
        f"{EXACT} and {least('killed')} >= 20",
        "Nor that the power fails for all processes and engines.",
        given=POWER,
        stages=SIM,
    ),
    Claim(f"{EXACT} and {least('tried')} == 18", "Also where clicks and troubles are drawn by lot.", given=DRAWN),
    Claim(
        DEAR,
        "A row for each click is right and dear: each is a commit, and a bill reads them all.",
        where=DEFAULTS,
    ),
    Claim(
        "cache_counters.wrong == 0 and cache_counters.killed >= 25",
        "A script that looks for the id and counts in one step is right while the cache lives.",
        where=HERE,
    ),
    Claim(
        "cache_counters.commits < 0.1 and cache_counters.rows < 0.5 and cache_counters.over_of_100 == 0",
        "And the database has little to do.",
        where=DEFAULTS,
    ),
    Claim(LOST, "What the cache has counted and nobody has copied is gone with its power.", given=POWER, stages=SIM),
    Claim(
        "cache_counters.wrong == 0 and cache_counters.killed >= 25",
        "A cache that writes each change down before it answers has lost nothing; then it is a database.",
        given=KEPT,
        stages=SIM,
    ),
    Claim(
        NOTED,
        "Between a batch and the note of it a death counts it again; and ids in memory die with who knows them.",
        KAFKA.title,
        where=HERE,
    ),
    Claim(
        "batches.rows < 0.5 and batches.commits < 0.1 and batches.over_of_100 == 0 and batches.short_of_100 == 0",
        "While nobody dies it is right, and writes a fraction of a row a click.",
        where=DEFAULTS,
    ),
    Claim(
        "one_transaction.commits < 0.1 and one_transaction.rows > insert_each.rows and one_transaction.looked < 0.3",
        "Sums, ids and offset in one transaction need no watermark: few commits, short bills, a row for each id.",
        KAFKA.title,
        where=DEFAULTS,
    ),
    Claim(
        CHECKPOINT,
        "A checkpoint of all that is open, and a sink that knows what it has: no death changes what windows say.",
        where=HERE,
    ),
    Claim(
        DROPPED,
        "But what comes behind the watermark is dropped: less is billed, by just that.",
        FLINK.title,
        where="clicks >= 1",
    ),
    Claim(
        "windows.rows < corrected.rows and corrected.rows < 0.4 and windows.bytes < corrected.bytes",
        "Corrections cost rows, and ids that are kept for longer; both are far below a row a click.",
        where=f"{DEFAULTS} and late > 0",
    ),
    Claim(
        IDS,
        "Whoever has to know a click again writes it down: as a row that stays, or in each checkpoint until it is too "
        "late for every window.",
        where=DEFAULTS,
    ),
    Claim(
        BEHIND,
        "A window tells its sum when it is complete, as far as the watermark knows: its bill is behind, a counter's "
        "is not.",
        DATAFLOW.title,
        where=DEFAULTS,
    ),
    Claim(
        "update_counter.rush_ms > 2 * insert_each.rush_ms",
        "Clicks on one ad wait for one row, each for the commit of the one before; rows of their own do not.",
        where="rush >= 16 and dies == 'process'",
        stages=SIM,
    ),
    Claim(
        "update_counter.rush_rows == 1 and max(batches.rush_rows, corrected.rush_rows) * params.rush < 1.001"
        f" and {worst('rush_wrong', ALL)} == 0",
        "A job that adds up first writes that row once for all of them.",
        where="rush >= 1",
    ),
)

SMALL = {**CALM, "places": 8, "stands": 4}
DAY = {**DEATHS, "stands": 40, "rush": 32, "clicks": 200, "turn": 20, "doubled": 0.02, "late": 0.02}
NIGHT = {**POWER, "drawn": 12}
DEMANDS = (
    Claim("yours.over == 0", "Nobody is billed what he does not owe, wherever somebody dies.", given=DAY),
    Claim("yours.over == 0", "Whatever else fails.", given=SMALL, always=True),
    Claim("yours.short == 0", "What a browser was told is counted is billed.", given=DAY),
    Claim("yours.over == 0", "Also where the power fails.", given=NIGHT),
    Claim("yours.short == 0", "And nothing is lost with it.", given=NIGHT),
    Claim("yours.wrong == 0", "Also where clicks and deaths are drawn by lot.", given=DRAWN),
    Claim("yours.unheard == 0", "Every browser is told in the end.", given=DAY),
    Claim("yours.looked < 0.5", "A bill reads fewer rows than there were clicks.", given=DAY),
    Claim("yours.commits < 0.5", "Not every click is a commit.", given=DAY),
    Claim("yours.behind_of_100 < 30", "By day an advertiser sees most of what he owes.", given=DAY),
)

COUNTED = "counted by hand: before each commit and append, and before the browser is told"
FIGURES = (
    Figure(
        "ms between two updates of one hot row",
        1.0,
        "update_counter.rush_ms",
        0.05,
        "D",
        "at most one update for each time that a row's lock is held, which is until its commit is on the disk (1 ms)",
        given=RUSH,
        stages=SIM,
    ),
    Figure(
        "updates of a hot row that a batch of 64 saves, as a factor",
        64.0,
        "update_counter.rush_rows / batches.rush_rows",
        0.001,
        "D",
        "B clicks in one update are B times fewer updates",
        given=RUSH,
    ),
    Figure(
        "of the clicks that are late, share that is dropped",
        1.0,
        "windows.short_of_100 / windows.late_of_100",
        0.001,
        "V",
        "allowed lateness at its default, which is 0: elements behind the watermark are dropped",
        source=FLINK.title,
        given=LONG,
    ),
    Figure(
        "places at which a counter counts again",
        TWICE,
        "update_counter.moved",
        0.001,
        "D",
        COUNTED,
        given=DEATHS,
    ),
    Figure(
        "places at which a batch, or an id, is counted again",
        AGAIN,
        "batches.moved",
        0.001,
        "D",
        COUNTED,
        given=DEATHS,
    ),
)
