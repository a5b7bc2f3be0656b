"""What is claimed, what a challenger has to answer, and what the sources say."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

FLAJOLET, HEULE, ERTL, REDIS, WHANG, THETA = (
    "HyperLogLog 2007",
    "HyperLogLog in Practice 2013",
    "Ertl 2017",
    "PFCOUNT",
    "Whang 1990",
    "Bar-Yossef 2002",
)
PLAIN = {"visitors": 1200, "visits": 3, "shards": 4, "days": 8, "overlap": 0.3, "precision": 8}
FEW = {**PLAIN, "visitors": 60, "precision": 12}
HALF = {**PLAIN, "visitors": 128}
SMALL = {**PLAIN, "visitors": 1500, "visits": 1, "precision": 10}
LARGE = {**PLAIN, "visitors": 5000, "visits": 1, "days": 4, "precision": 6}
FULLER = {**PLAIN, "visitors": 3 * 6 * 64, "visits": 1, "shards": 1, "days": 16, "overlap": 0.0, "precision": 6}
"""Three visitors a bit, where there are as many bits as registers have."""
FULLEST = {**FULLER, "visitors": 8 * 6 * 64}
"""Eight of them."""
RARE = {**PLAIN, "visits": 1, "days": 16, "overlap": 0.02, "precision": 10}
OFTEN = {**PLAIN, "overlap": 0.9, "precision": 12}

SET = "exact.rms == 0 and exact.bytes > 8 * hll.bytes and exact.held > 8 * hll.held"
TWICE = (
    "abs(sum_of_shards.bias - (params.shards * (1 - (1 - 1 / params.shards) ** params.visits) - 1))"
    " < 0.1 * (params.shards - 1) / params.shards"
)
VISITS = "1.4 < sample_of_visits.bias < 2.3 and 0.04 * exact.bytes < sample_of_visits.bytes < 0.1 * exact.bytes"
FULL = "0.52 < linear.rms < 0.57 and hll.rms < 5 * hll.theory"
MERGED = "hll.merge_gap == 0 and max(exact.merge_gap, linear.merge_gap, raw.merge_gap) < 0.000001"
TRAP = "hll.both_rms > 0.5 and hll.rms < 3 * hll.theory"
LEAST = "least.both_rms < hll.both_rms and 1.4 * hll.theory < least.rms < 3.6 * hll.theory"

CLAIMS = (
    Claim(
        SET,
        "A set is right, and as large as what it holds.",
        FLAJOLET,
        breaks="exact",
        where="visitors >= 2 ** (precision + 2) and shards <= 4 and visits >= 2",
    ),
    Claim(
        "exact.rms == 0 and hll.bytes < exact.bytes < 0.75 * 2 ** params.precision",
        "Few visitors take less in a set than registers do; a table of their hashes takes less still.",
        HEULE,
        given=FEW,
        spares="exact",
    ),
    Claim(
        "max(least.rms, least.all_error, least.both_rms) == 0",
        "While fewer come than hashes are sent all hashes are known, and nothing is estimated.",
        given=FEW,
    ),
    Claim(
        TWICE,
        "Who was seen by several shards is counted by each: the sum is that of the shards a visitor meets.",
        where="visitors >= 1000 and shards >= 2",
    ),
    Claim(
        "sum_of_shards.rms == 0 and sum_of_shards.all_error > 0.2",
        "Where each visitor meets one shard a day's counts add up; the days' do not.",
        given={**PLAIN, "visits": 1},
    ),
    Claim(
        VISITS,
        "A sample of one visit in twenty counts visits: who comes often is in it more often.",
        given=PLAIN,
    ),
    Claim(
        "linear.rms < 0.7 * hll.theory and linear.bytes <= 0.75 * 2 ** params.precision",
        "While there are no more visitors than bits, linear counting is better than registers.",
        WHANG,
        given=SMALL,
    ),
    Claim(
        "linear.rms < 0.85 * hll.rms",
        "It still is with three visitors for each bit.",
        WHANG,
        given=FULLER,
        over="mean",
    ),
    Claim("linear.rms > 1.4 * hll.theory", "With eight it is worse.", WHANG, given=FULLEST),
    Claim(FULL, "When all its bits are set it can count no further, and says so to nobody.", WHANG, given=LARGE),
    Claim(
        "raw.bias > 0.5 and abs(hll.bias) < 3 * hll.theory",
        "Registers that nobody has touched yet count as if somebody had: hence the corrections.",
        HEULE,
        given=HALF,
    ),
    Claim(
        "abs(raw.bias) < 4 * raw.theory",
        "Where visitors are many for each register nothing need be corrected.",
        FLAJOLET,
        given=LARGE,
    ),
    Claim(
        "hll.rms < 2.5 * hll.theory and hll.all_error < 5 * hll.theory",
        "It errs by 1.04 / sqrt(m), for a day as for all days together.",
        FLAJOLET,
        where="days >= 8 and overlap <= 0.5",
    ),
    Claim(
        MERGED,
        "The maximum of the shards' registers is the register of who saw everything.",
        FLAJOLET,
    ),
    Claim(
        "sum_of_shards.merge_gap > 0.5 and sum_of_shards.bytes == 8",
        "A sum of counts is not, though each is but eight bytes.",
        given=PLAIN,
    ),
    Claim(
        TRAP,
        "Who came twice is a difference of large counts, and their errors are as large as the counts.",
        given=RARE,
    ),
    Claim(
        LEAST,
        "The least hashes, in as many bytes, tell better who came twice, and worse how many came.",
        THETA,
        given=RARE,
        over="mean",
    ),
    Claim(
        "max(hll.both_rms, least.both_rms) < 0.1 and least.bytes <= 0.75 * 2 ** params.precision",
        "Where most come again the difference is large, and good enough.",
        given=OFTEN,
    ),
    Claim(
        "least.held < 5 * least.bytes",
        "Of hashes, too, no more are kept while visitors come than twice those that are sent.",
        given=PLAIN,
    ),
    Claim(
        "hll.bytes < 0.75 * 2 ** params.precision + 120",
        "Six bits a register, however many come; and a few words that say what it is.",
        ERTL,
    ),
)

DEMANDS = (
    Claim("yours.rms < 3 * yours.theory", "A day is counted within the error of so many registers.", given=PLAIN),
    Claim("yours.rms < 3 * yours.theory", "So are few visitors.", given=HALF),
    Claim("yours.rms < 3 * yours.theory", "And many.", given=LARGE),
    Claim("yours.all_error < 5 * yours.theory", "And all days together.", given=PLAIN),
    Claim("yours.bytes < 2 ** params.precision + 200", "In a byte a register.", given=PLAIN),
    Claim("yours.bytes < 2 ** params.precision + 200", "However many come.", given=LARGE),
    Claim(
        "yours.held < 4 * 2 ** params.precision + 1000",
        "And a shard keeps no more than some bytes a register while they come.",
        given=LARGE,
    ),
    Claim(
        "yours.both_rms < 0.6",
        "Who came on both days is told, within what a difference of counts can be.",
        given={**RARE, "overlap": 0.3},
    ),
    Claim(
        "yours.merge_gap < 0.000001",
        "What shards have seen together is what one would have seen who was everywhere.",
        always=True,
        given=PLAIN,
    ),
)

ENOUGH = {"visitors": 8000, "visits": 1, "shards": 1, "days": 16, "overlap": 0.0}
FIGURES = (
    Figure(
        "root mean square error, 1,024 registers",
        0.0325,
        "hll.rms",
        0.4,
        "D",
        "1.04 / sqrt(m), of 16 days a seed",
        given={**ENOUGH, "visitors": 4000, "precision": 10},
    ),
    Figure(
        "typical error in 1.5 KB",
        0.02,
        "hll.rms",
        0.4,
        "Vq",
        "2,048 registers; the source speaks of more than 10^9 visitors, and these are 8,000",
        FLAJOLET,
        given={**ENOUGH, "precision": 11},
    ),
    Figure(
        "times too many, four shards and three visits",
        4 * (1 - 0.75**3),
        "1 + sum_of_shards.bias",
        0.02,
        "D",
        "s (1 - (1 - 1/s)^v)",
        given=PLAIN,
    ),
    Figure(
        "root mean square error of PFCOUNT",
        0.0081,
        "hll.server_rms",
        0.4,
        "V",
        "16,384 registers",
        REDIS,
        given={**ENOUGH, "visitors": 20_000, "precision": 14},
        stages=("valkey",),
    ),
    Figure(
        "bytes of PFCOUNT's registers",
        12_288,
        "hll.server_bytes",
        0.005,
        "V",
        "12k bytes; in the server's code 16 more are a header",
        REDIS,
        given={**ENOUGH, "visitors": 20_000, "precision": 14},
        stages=("valkey",),
    ),
)

SOURCES = (
    Source(
        "Flajolet, Fusy, Gandouet and Meunier, HyperLogLog: the analysis of a near-optimal cardinality estimation "
        "algorithm",
        2007,
        "https://doi.org/10.46298/dmtcs.3545",
    ),
    Source(
        "Heule, Nunkesser and Hall, HyperLogLog in Practice",
        2013,
        "https://doi.org/10.1145/2452376.2452456",
    ),
    Source(
        "Ertl, New cardinality estimation algorithms for HyperLogLog sketches", 2017, "https://arxiv.org/abs/1702.01284"
    ),
    Source(
        "Whang, Vander-Zanden and Taylor, A Linear-Time Probabilistic Counting Algorithm for Database Applications",
        1990,
        "https://doi.org/10.1145/78922.78925",
    ),
    Source(
        "Bar-Yossef, Jayram, Kumar, Sivakumar and Trevisan, Counting Distinct Elements in a Data Stream",
        2002,
        "https://doi.org/10.1007/3-540-45726-7_1",
    ),
    Source("Redis, PFCOUNT", 2024, "https://redis.io/commands/pfcount/"),
)
