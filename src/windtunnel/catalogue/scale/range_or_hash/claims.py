"""What is claimed of keys, what a challenger's have to hold to, and what the sources say."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

BIGTABLE, MONGO, COCKROACH, DYNAMO = "Bigtable 2006", "MongoDB", "CockroachDB", "DynamoDB"
SALTING, SUFFIXES, MAPR, REFINE = "Cloud Bigtable", "Using", "MapR", "Refine"

FIVE = {
    "hosts": 5,
    "load": 0.6,
    "star": 0.5,
    "crowd": 0.1,
    "parts": 12,
    "authors": 200,
    "old": 200,
    "watch_s": 0.5,
    "duration_s": 6.0,
}
"""Three hosts' work for five; one author needs one and a half of them."""
NEVER = {**FIVE, "watch_s": 0.0}
LITTLE = {**FIVE, "load": 0.12, "duration_s": 8.0}
OFTEN = {**FIVE, "watch_s": 0.1, "duration_s": 4.0}
NEIGHBOURS = {**FIVE, "star": 0.0, "crowd": 0.8}
NOBODY = {**FIVE, "load": 0.3, "star": 0.1, "crowd": 0.0}
UNWATCHED = {**NEIGHBOURS, "watch_s": 0.0}
TOO_MUCH = {**FIVE, "star": 0.8, "crowd": 0.0}

DESIGNS = ("range_on_time", "range_on_name", "hashed", "hashed_in_parts", "name_and_hash")
FULL = "load * hosts >= 2.8 and hosts >= 4 and (watch_s >= 0.5 or watch_s == 0)"
"""One host could do a third of it, or little more, and is not relieved before clients have lost patience."""
HOT = "star * load * hosts >= 1.3 and load <= 0.7 and hosts >= 4 and parts >= 2 * hosts and 0.2 <= watch_s <= 0.6"
"""One author needs more than a host."""


def worst(measured: str) -> str:
    """The most of it among all designs."""
    return f"max({', '.join(f'{one}.{measured}' for one in DESIGNS)})"


LAST = "range_on_time.stripe > 0.7 and range_on_time.settled < 0.65"
STRIPE = "range_on_time.moves > 2 * hashed.moves and range_on_time.peak_run < 0.75 * params.hosts"
CAP = "max(range_on_name.star_done, hashed.star_done) < 1.05 and hashed.star_done > 0.6"
PARTS = "min(hashed_in_parts.settled, name_and_hash.settled) > max(range_on_name.settled, hashed.settled) + 0.03"
EVEN = "max(hashed_in_parts.peak, name_and_hash.peak) < 0.85 * min(range_on_name.peak, hashed.peak)"
BUSIEST = "hashed.names_found < min(range_on_name.names_found, name_and_hash.names_found)"
ALL = (
    "min(hashed.time_shards, hashed.name_shards) == params.hosts and"
    " min(hashed_in_parts.time_shards, hashed_in_parts.name_shards) == params.hosts"
)
ONCE = f"{worst('astray_looks')} == 0"

CLAIMS = (
    Claim(
        LAST,
        "What is written now has the greatest key there is: whoever has the last range gets nearly all inserts.",
        MONGO,
        breaks="range_on_time",
        where=FULL,
    ),
    Claim(
        "range_on_time.stripe == 1 and range_on_time.peak == params.hosts and range_on_time.done < 1.05",
        "If ranges stay where they are, one host has every insert: five hosts do what one does.",
        given=NEVER,
    ),
    Claim(
        STRIPE,
        "A range that is split and moved takes the inserts along: in the end all hosts had some, at each moment one.",
        MAPR,
        over="mean",
        where=f"{FULL} and 0.4 <= watch_s <= 1 and duration_s >= 6",
    ),
    Claim(
        "0.55 < range_on_time.settled < 0.95 and range_on_time.stripe > 0.7",
        "Moved on before clients lose patience it helps: a host does what waits while the next one gets the rest.",
        given=OFTEN,
    ),
    Claim(
        "range_on_time.posted > 0.99 and range_on_time.time_shards < 2 and hashed.time_shards == params.hosts",
        "Where one host can do it all, what was written at one time lies on one host, and a hash asks all of them.",
        given=LITTLE,
        spares="range_on_time",
    ),
    Claim(
        "range_on_time.author_shards == params.hosts and range_on_name.time_shards == params.hosts",
        "Each order has its question: for any other all hosts are asked.",
        given=LITTLE,
    ),
    Claim(
        "max(range_on_name.author_shards, hashed.author_shards) == 1"
        " and max(range_on_name.star_shards, hashed.star_shards) == 1",
        "An author lies on one host, by name and by hash, however much he writes.",
    ),
    Claim(
        "max(hashed_in_parts.author_shards, name_and_hash.author_shards) < 1.2",
        "Where one of them can lie on several, hardly another does.",
        REFINE,
        over="mean",
        where=f"{HOT} and authors >= 150",
    ),
    Claim(
        "max(range_on_name.name_shards, name_and_hash.name_shards) < 2.5",
        "Neighbours in the alphabet lie on one host, or on two, also where one author lies on several.",
        BIGTABLE,
    ),
    Claim(ALL, "A hash has strewn them: every question but that for an author goes to all hosts.", MONGO),
    Claim(
        "range_on_name.posted < hashed.posted",
        "The price of an order: neighbours who are busy together are on one host until it is split.",
        over="mean",
        given=UNWATCHED,
    ),
    Claim(
        "min(range_on_name.settled, hashed.settled) > 0.9",
        "Where nobody is too much for a host, splitting between keys evens it out.",
        COCKROACH,
        given=NEIGHBOURS,
    ),
    Claim(
        CAP,
        "One key cannot be split: of what its author writes a host does what a host can, by name and by hash.",
        DYNAMO,
        where=HOT,
    ),
    Claim(
        PARTS,
        "Several keys for one author can be on several hosts: hashed ones, or all that begin with his name.",
        SUFFIXES,
        where=HOT,
    ),
    Claim(EVEN, "No host gets many more inserts than another then.", SALTING, over="mean", where=HOT),
    Claim(
        "min(hashed_in_parts.settled, name_and_hash.settled) > 0.9",
        "Nearly all is answered then, by name and by hash.",
        over="mean",
        where=HOT,
    ),
    Claim(
        "min(hashed_in_parts.star_shards, name_and_hash.star_shards) > 0.5 * params.hosts",
        "The price: who asks for that author asks most of the hosts, where it was one.",
        SUFFIXES,
        over="mean",
        where=HOT,
    ),
    Claim(
        BUSIEST,
        "Who has to ask all hosts waits for the busiest of them.",
        over="mean",
        given=TOO_MUCH,
    ),
    Claim(
        "range_on_time.found < 0.6",
        "The stripe leaves work at each host, and whoever asks all of them waits for the busiest.",
        over="mean",
        where=f"{FULL} and 0.4 <= watch_s <= 0.6",
    ),
    Claim(
        "min(hashed_in_parts.answered_moving, name_and_hash.answered_moving) >= 0.9",
        "While an author is split and ranges are moved requests are answered.",
        over="mean",
        where=HOT,
    ),
    Claim(ONCE, "Whenever one looks each key is in one place, at a host or on its way to one."),
    Claim(
        f"{worst('missed')} == 0 and {worst('doubled')} == 0",
        "No answer leaves out what was answered for before, nor holds it twice, while ranges and authors are split.",
    ),
    Claim(f"{worst('lost')} == 0", "What was answered for is on one host in the end."),
    Claim(f"{worst('unseen')} == 0", "And a program that has just been started looks for it there."),
    Claim(
        "max(hashed_in_parts.moved_kb, name_and_hash.moved_kb)"
        " < params.old + 40 * params.load * params.hosts * params.duration_s",
        "All moves together carry less than what is there, a kilobyte each.",
        over="mean",
        where=HOT,
    ),
)

DEMANDS = (
    Claim("yours.settled > 0.9", "One author writes half of it all, and nearly all is answered.", given=FIVE),
    Claim("yours.settled > 0.95", "One writes four of five.", given=TOO_MUCH),
    Claim("yours.settled > 0.88", "Neighbours in the alphabet write more than all others.", given=NEIGHBOURS),
    Claim("yours.found > 0.7", "Most who ask are answered too.", given=FIVE),
    Claim("yours.found > 0.9", "Nearly all are where no host has too much to do.", given=NOBODY),
    Claim("yours.author_shards < 1.6", "Who asks for anybody else asks one host, and hardly ever two.", given=FIVE),
    Claim("yours.star_shards < 2.2", "Nor is an author on many who is not too much for a host.", given=NOBODY),
    Claim("yours.missed == 0", "Answers hold all that was answered for before.", given=FIVE),
    Claim("yours.doubled == 0", "And nothing twice.", given=FIVE),
    Claim("yours.missed == 0", "The same where an author is never split.", given=NOBODY),
    Claim("yours.lost == 0", "What was answered for is on one host in the end.", given=FIVE),
    Claim("yours.unseen == 0", "And a program that has just been started looks for it there.", given=FIVE),
)

FIGURES = (
    Figure(
        "inserts of the host that has the last range, over the mean of five hosts",
        5,
        "range_on_time.peak",
        0.01,
        "D",
        "n: all inserts go to one of n hosts; ranges stay where they are",
        given=NEVER,
    ),
    Figure(
        "speed-up of five hosts where the key is the time",
        1,
        "range_on_time.done",
        0.15,
        "D",
        "1: ranges stay where they are; inserts answered in time, in hosts that do nothing else; "
        "a twentieth of the time goes into questions",
        given=NEVER,
    ),
    Figure(
        "hosts that are worth anything to an author who needs one and a half, his name hashed",
        1,
        "hashed.star_done",
        0.15,
        "D",
        "one key is on one host: a key of share p caps any number of hosts at 1 / p of one; his work that is done, in "
        "hosts that do nothing else",
        given=FIVE,
    ),
)

SOURCES = (
    Source(
        "Chang et al., Bigtable: A Distributed Storage System for Structured Data",
        2006,
        "https://research.google/pubs/pub27898/",
    ),
    Source(
        "MongoDB, Choose a Shard Key",
        2025,
        "https://www.mongodb.com/docs/manual/core/sharding-choose-a-shard-key/",
    ),
    Source(
        "MongoDB, Refine a Shard Key",
        2025,
        "https://www.mongodb.com/docs/manual/core/sharding-refine-a-shard-key/",
    ),
    Source(
        "CockroachDB, Index Sequential Keys with Hash-sharded Indexes",
        2025,
        "https://www.cockroachlabs.com/docs/stable/hash-sharded-indexes",
    ),
    Source(
        "HPE, MapR Database: Table Rowkey Design",
        2025,
        "https://docs.ezmeral.hpe.com/datafabric-customer-managed/79/MapR-DB/designing_row_keys.html",
    ),
    Source(
        "Amazon DynamoDB, Best Practices for Designing and Using Partition Keys Effectively",
        2022,
        "https://github.com/awsdocs/amazon-dynamodb-developer-guide/blob/"
        "028b8fec25782b98b518e1224ed50aa6661cd638/doc_source/bp-partition-key-design.md",
    ),
    Source(
        "Amazon DynamoDB, Using write sharding to distribute workloads evenly",
        2022,
        "https://github.com/awsdocs/amazon-dynamodb-developer-guide/blob/"
        "23686b6b33d872e2f1abb4fb85d9e7618463c01f/doc_source/bp-partition-key-sharding.md",
    ),
    Source(
        "Colella and Jacobson, Cloud Bigtable schema tips: Key salting",
        2022,
        "https://cloud.google.com/blog/products/databases/cloud-bigtable-schema-optimization-key-salting/",
    ),
)
