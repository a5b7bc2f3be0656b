"""What is claimed of the designs, what is demanded of a challenger's, and the numbers that counting gives."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

NETDB = Source(
    "J. Kreps, N. Narkhede, J. Rao, Kafka: a Distributed Messaging System for Log Processing (NetDB)",
    2011,
    "https://notes.stephenholiday.com/Kafka.pdf",
)
DESIGN = Source("Apache Kafka documentation: Design", 2026, "https://kafka.apache.org/41/design/design/")
ELIGIBLE = Source(
    "Apache Kafka documentation: Eligible Leader Replicas (KIP-966)",
    2026,
    "https://kafka.apache.org/41/operations/eligible-leader-replicas",
)
IDEMPOTENT = Source(
    "KIP-98: Exactly Once Delivery and Transactional Messaging",
    2017,
    "https://cwiki.apache.org/confluence/display/KAFKA/KIP-98+-+Exactly+Once+Delivery+and+Transactional+Messaging",
)
TWO_MILLION = Source(
    "J. Kreps, Benchmarking Apache Kafka: 2 Million Writes Per Second (On Three Cheap Machines)",
    2014,
    "https://engineering.linkedin.com/kafka/benchmarking-apache-kafka-2-million-writes-second-three-cheap-machines",
)
SOURCES = (NETDB, DESIGN, ELIGIBLE, IDEMPOTENT, TWO_MILLION)

CALM = {
    "places": 0,
    "every": 8,
    "readers": 0,
    "next": 0,
    "drawn": 0,
    "batches": 4,
    "records": 2,
    "long": 0,
    "pours": 0,
    "min_in_sync": 2,
    "unclean": 0,
    "flush": "never",
}
FEW = {**CALM, "places": 2}
SYNCED = {**FEW, "flush": "each"}
ONE = {**CALM, "places": 1, "min_in_sync": 1}
UNCLEAN = {**CALM, "places": 1, "unclean": 1}
NEXT = {**CALM, "next": 3}
MORE = {**CALM, "next": 4}
DRAWN = {**CALM, "drawn": 8, "flush": "each"}
LONG = {**CALM, "long": 20}
LONGER = {**CALM, "long": 50}

KAFKA = "min_in_sync == 2 and unclean == 0"
HERE = f"places >= 2 and every == 8 and batches == 4 and records <= 8 and flush == 'never' and {KAFKA}"
"""Where places fall as they are counted here."""
STEADY = "long >= 10 and records <= 8"
POUR = "pours >= 1"
LOGS = ("one_log", "acks_nobody", "acks_leader", "acks_all")
ONE_BLOW = ("dies", "power", "gone", "stands", "cut")


def most(*measured: str) -> str:
    """The greatest of these."""
    return f"max({', '.join(measured)})"


LOST_LIST = "list_in_memory.lost_leader > 0"
IN_HAND = "deleting_queue.missed_reader_dies == 1 and max(deleting_queue.read_later, list_in_memory.read_later) == 0"
WAITS = "one_log.waits_ms > 300 and one_log.waits_ms > 1.5 * acks_all.waits_ms"
KEPT = "deleting_queue.syncs > 0.9 and deleting_queue.told_ms > 1.8 * list_in_memory.told_ms"
DISK = "one_log.lost_gone > 0"
NOBODY = "acks_nobody.lost_leader == 1"
ZOMBIE = "acks_leader.gone_cut > 0.5"
AHEAD = "acks_leader.gone_lagging == 1"
SAFE = most(*(f"acks_all.gone_{kind}" for kind in (*ONE_BLOW, "lagging", "alone", "outsider"))) + " == 0"
DARK = "acks_all.gone_all > 0"
TWICE = "acks_all.doubled == 0 and one_log.doubled > 0"
FENCED = f"min({', '.join(f'{design}.fenced' for design in LOGS)}) == 1"
ONE_OWNER = most(*(f"{design}.shared" for design in LOGS)) + " == 0"
COPIED = ", ".join(f"{design}.copied" for design in LOGS[1:])
COSTS = "acks_all.told_ms > 1.8 * acks_leader.told_ms and acks_leader.told_ms > acks_nobody.told_ms"
BATCHED = "acks_all.never_16 > 10 * acks_all.never_1 and acks_all.each_16 > 10 * acks_all.each_1"

CLAIMS = (
    Claim(
        LOST_LIST,
        "What is in memory alone dies with it: told, and not yet handed to anybody.",
        breaks="list_in_memory",
        where=HERE,
    ),
    Claim(
        "list_in_memory.lost_calm == 0 and list_in_memory.wrong_calm == 0 and list_in_memory.told_ms < 1.2"
        " and acks_all.told_ms > 1.8 * list_in_memory.told_ms",
        "Where nothing befalls it a list in memory loses and doubles nothing, and answers in half the time.",
        given=LONG,
        spares="list_in_memory",
    ),
    Claim(
        IN_HAND,
        "A queue that deletes what it hands out loses what a member had in hand when it died; and nobody who comes "
        "later reads anything, of the list either.",
        where=f"readers >= 1 and {STEADY} and {KAFKA} and flush == 'never'",
    ),
    Claim(
        KEPT,
        "The queue says yes after an fsync for each batch, which takes as long as all the rest.",
        where=f"{HERE} and {STEADY}",
    ),
    Claim(
        "max(one_log.lost_dies, one_log.lost_power, one_log.lost_all, one_log.missed_reader_dies) == 0"
        " and one_log.read_later == 1",
        "A log on one disk, synced before it says yes, loses nothing when processes, machines or readers die; who "
        "comes later reads all of it.",
        where=f"places >= 1 and readers >= 1 and long >= 1 and {KAFKA}",
    ),
    Claim(WAITS, "But nobody is served until it is back; of three, another one leads after a session.", where=HERE),
    Claim(DISK, "And with its disk all is gone that nobody had read.", where=HERE),
    Claim(
        NOBODY,
        "Who waits for nobody (acks=0) goes on sending to a leader that is not there.",
        DESIGN.title,
        where=HERE,
    ),
    Claim(
        AHEAD,
        "Who waits for the leader alone (acks=1) was told of records that no other server had yet, where those lag.",
        DESIGN.title,
        where=f"{HERE}",
    ),
    Claim(
        ZOMBIE,
        "A leader that is cut off from the others goes on saying yes with acks=1; when it is back, it cuts that off.",
        where=HERE,
    ),
    Claim(
        "acks_leader.lost_calm == 0 and acks_leader.wrong_calm == 0 and acks_all.told_ms > 1.8 * acks_leader.told_ms",
        "Where nothing befalls a leader acks=1 loses nothing, and answers in half the time of acks=all.",
        given=LONG,
        spares="acks_leader",
    ),
    Claim(
        SAFE,
        "With acks=all and two in sync nothing that was told is lost, whatever befalls one server, disk included; nor "
        "when the others die and then the leader's disk is gone.",
        DESIGN.title,
        where="places >= 1 and unclean == 0 and min_in_sync >= 2 and records <= 8",
    ),
    Claim(
        "acks_all.wrong == 0 and acks_all.untold == 0",
        "And nothing stands twice, none before one that was sent earlier, no reader saw what is no longer there, and "
        "every producer is told in the end.",
        where=f"places >= 1 and drawn == 0 and {KAFKA} and records <= 8",
    ),
    Claim(
        "max(acks_all.gone_next, acks_all.missed_next, acks_all.wrong) == 0 and acks_leader.gone_next > 0",
        "Nor where a second trouble meets what the first has left: a follower lags, who was cut off is back, the next "
        "leader dies too, one has just come back with an empty disk. With acks=1 it is enough that one lags.",
        DESIGN.title,
        given=NEXT,
    ),
    Claim(
        DARK,
        "Without an fsync acks=all trusts that not all lose their power at once: if they do, what was told is lost.",
        DESIGN.title,
        where=HERE,
    ),
    Claim(
        f"acks_all.gone_all == 0 and {SAFE}",
        "With an fsync for each batch, on every server before it says that it has it, that is not lost either.",
        given=SYNCED,
    ),
    Claim(
        "acks_all.gone_alone > 0",
        "With one in sync as the minimum the leader says yes alone, and what it said yes to goes with its disk.",
        ELIGIBLE.title,
        given=ONE,
    ),
    Claim(
        "acks_all.gone_outsider > 0",
        "Where any server may lead, one that was out of sync does, and the others cut off what it never had.",
        DESIGN.title,
        given=UNCLEAN,
    ),
    Claim(
        "acks_all.gone_drawn == 0 and acks_all.wrong == 0",
        "Where troubles are drawn by lot, up to three, and each batch is synced, acks=all loses and doubles nothing.",
        given=DRAWN,
    ),
    Claim(
        TWICE,
        "Who was not told sends again: without numbers the record stands twice, with them it is known.",
        IDEMPOTENT.title,
        where=HERE,
    ),
    Claim(
        FENCED,
        "A member that stood still past its session is refused when it goes on.",
        where=f"readers >= 1 and {KAFKA}",
    ),
    Claim(
        ONE_OWNER,
        "At no moment two members have one partition in one generation.",
    ),
    Claim(
        "min(one_log.again, acks_leader.again, acks_all.again) > 0 and max(one_log.missed_reader_dies,"
        " acks_leader.missed_reader_dies, acks_all.missed_reader_dies) == 0",
        "What a member had in hand when it died is handed out again: at least once, not once.",
        where=f"readers >= 1 and {KAFKA} and records >= 2",
    ),
    Claim(
        COSTS,
        "To wait for all in sync is to wait for one round trip more, to the slower of two followers.",
        where=f"{STEADY} and flush == 'never' and {KAFKA}",
    ),
    Claim(
        f"min({COPIED}) > 1.9 and max({COPIED}) < 2.1 and one_log.copied == 0",
        "Three servers that have a log send each byte twice more.",
        where=f"{STEADY} and {KAFKA}",
    ),
    Claim(
        "acks_all.syncs < 0.1 and one_log.syncs > 0.5",
        "Replicas in the place of fsync: none for a batch, where one server needs one for each, or for two at once.",
        DESIGN.title,
        where=f"{STEADY} and flush == 'never' and {KAFKA}",
    ),
    Claim(
        BATCHED,
        "A batch costs its round trips and its fsync once, however many records it has.",
        TWO_MILLION.title,
        where=POUR,
    ),
    Claim(
        "one_log.each_1 > acks_all.each_1 and acks_all.never_1 > 1.3 * acks_all.each_1",
        "An fsync for each batch costs acks=all a third of its records a second, where batches are small.",
        where=POUR,
    ),
)

DAY = {**FEW, "readers": 2}
NIGHT = {**FEW, "flush": "each"}
SMALL = {**CALM, "places": 1, "flush": "each"}
DEMANDS = (
    Claim("yours.lost == 0", "What a producer was told is handed to somebody or can be read.", given=NIGHT),
    Claim(
        most(*(f"yours.gone_{kind}" for kind in (*ONE_BLOW, "lagging", "alone"))) + " == 0",
        "And who comes later reads it, whatever befalls one server, its disk included.",
        given=DAY,
    ),
    Claim("yours.gone_all == 0", "Also where all lose their power, if each batch is synced.", given=NIGHT),
    Claim("yours.wrong == 0", "Nothing stands twice, out of order, or where another was read.", given=DAY),
    Claim("yours.gone_drawn == 0", "Nothing told is lost either where troubles are drawn by lot.", given=DRAWN),
    Claim("yours.wrong == 0", "Whatever else fails.", given=SMALL, always=True),
    Claim("yours.untold == 0", "Every producer is told in the end.", given=DAY),
    Claim("max(yours.gone_next, yours.wrong) == 0", "Nor where a second trouble meets the first one's.", given=MORE),
    Claim("yours.missed_next == 0", "A group is handed all that is there, whoever leads.", given=MORE),
    Claim("yours.again_returns < 0.5", "And a new leader knows how far it is.", given=MORE),
    Claim("yours.again_calm == 0", "Where nothing goes wrong a group is handed nothing twice.", given=LONG),
    Claim("yours.read_later == 1", "Who comes later reads all from the beginning.", given=LONG),
    Claim("yours.told_ms < 10", "And producers do not wait longer than some trips and an fsync take.", given=LONG),
    Claim("yours.missed_reader_dies == 0", "What a member had in hand when it died is handed out again.", given=DAY),
    Claim("yours.fenced == 1", "A member of an older generation is refused.", given=DAY),
    Claim("yours.waits_ms < 250", "When the leader dies, producers are served before it is back.", given=DAY),
)

TRIP = "a one-way trip takes .5 ms on the average, and nothing else takes time"
POURED = {**LONGER, "pours": 1}
CROWD = {**CALM, "pours": 2}
MACHINES = "2014, records of 100 bytes, three machines with six disks of 7,200 turns each, a gigabit network"
OURS = "ours: batches of 16, one of a producer under way, nothing but trips takes time"
FIGURES = (
    Figure(
        "one-way trips until a producer is told, acks=1",
        2.0,
        "acks_leader.told_ms / 0.5",
        0.05,
        "D",
        f"to the leader and back; {TRIP}",
        given=POURED,
    ),
    Figure(
        "one-way trips until a producer is told, acks=all",
        4.0,
        "acks_all.told_ms / 0.5",
        0.1,
        "D",
        f"to the leader, to each follower, back with its next question, and back; {TRIP}; the slower follower decides",
        given=POURED,
    ),
    Figure(
        "bytes between servers for each byte of a producer",
        2.0,
        "acks_all.copied",
        0.05,
        "D",
        "three replicas: two followers ask for all that the leader has",
        given=POURED,
    ),
    Figure(
        "records a second, one producer, no replication",
        821_557,
        "list_in_memory.of_1",
        0.1,
        "Vq",
        f"{MACHINES}; {OURS}, and who has no replicas has no disk either",
        TWO_MILLION.title,
        given=CROWD,
    ),
    Figure(
        "records a second, asynchronous replication",
        786_980,
        "acks_leader.of_1",
        0.1,
        "Vq",
        f"{MACHINES}; one producer, three replicas; {OURS}",
        TWO_MILLION.title,
        given=CROWD,
    ),
    Figure(
        "records a second, synchronous replication",
        421_823,
        "acks_all.of_1",
        0.1,
        "Vq",
        f"{MACHINES}; one producer, three replicas; {OURS}",
        TWO_MILLION.title,
        given=CROWD,
    ),
    Figure(
        "records a second, three producers, asynchronous replication",
        2_024_032,
        "acks_leader.of_3",
        0.1,
        "Vq",
        f"{MACHINES}; each producer on a machine of its own; {OURS}",
        TWO_MILLION.title,
        given=CROWD,
    ),
    Figure(
        "asynchronous replication over none",
        786_980 / 821_557,
        "acks_leader.of_1 / list_in_memory.of_1",
        0.1,
        "Vq",
        f"{MACHINES}; one producer; {OURS}: who waits for the leader alone waits for no replica",
        TWO_MILLION.title,
        given=CROWD,
    ),
    Figure(
        "synchronous replication over asynchronous",
        421_823 / 786_980,
        "acks_all.of_1 / acks_leader.of_1",
        0.05,
        "Vq",
        f"{MACHINES}; one producer; {OURS}: two trips over four, and the slower follower decides",
        TWO_MILLION.title,
        given=CROWD,
    ),
    Figure(
        "three producers over one",
        2_024_032 / 786_980,
        "acks_leader.of_3 / acks_leader.of_1",
        0.1,
        "Vq",
        f"{MACHINES}; asynchronous replication; {OURS}, and nothing that three share is ever full",
        TWO_MILLION.title,
        given=CROWD,
    ),
    *(
        Figure(
            f"ms from a producer to a consumer, {name}",
            of_kafka,
            f"acks_all.shown_{key}_ms",
            0.05,
            "Vq",
            f"{MACHINES}; one producer; ours: acks=all, and who follows asks again at once",
            TWO_MILLION.title,
            given=CROWD,
        )
        for name, key, of_kafka in (("the median", "50", 2.0), ("p99", "99", 3.0), ("p99.9", "999", 14.0))
    ),
    Figure(
        "times as fast in a row as here and there, on disks",
        6000.0,
        "one_log.in_a_row",
        0.1,
        "V",
        "six disks of 7,200 turns in a RAID-5: 600 MB/s in a row, 100 kB/s here and there",
        DESIGN.title,
        given=CROWD,
    ),
)
