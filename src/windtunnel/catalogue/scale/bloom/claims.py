"""What is claimed, what a challenger's filter has to do, and what the sources say."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

BLOOM, XOR, FUSE, ROCKS, PYTHON, SCALABLE = (
    "Bloom 1970",
    "Xor Filters 2020",
    "Binary Fuse Filters 2022",
    "RocksDB bloom_impl",
    "PYTHONHASHSEED",
    "Scalable Bloom Filters 2007",
)
PLAIN = {"keys": 1000, "gets": 1000, "hits": 0.2, "again": 0.2, "growth": 2.0, "deleted": 0.0, "error": 0.01}
ALONE = {**PLAIN, "processes": 1}
STEADY = {**ALONE, "growth": 1.0}
ASKED = "hits <= 0.8 and again <= 0.8 and gets >= 1000"
FEW_BITS = 2**-8
"""Of strangers that a fingerprint of eight bits lets pass."""


def keeps(design: str, phase: str = "fresh", rate: str = "params.error") -> str:
    """That it lets no more strangers through than this rate and five standard errors."""
    seen = f"{design}.strangers_{phase}"
    return f"{design}.wasted_{phase} < 1.1 * {rate} + 5 * ({rate} / {seen}) ** 0.5 + 3 / {seen}"


READS = "no_filter.wasted_fresh == 1 and no_filter.looks == no_filter.reads"
RIGHT = "known_absent.wasted_fresh == 1 and known_absent.wasted_known < 0.2"
SALT = "salted.missed_fresh > 0.9 and max(bloom.missed, fuse.missed) == 0"
FULL = "bloom.wasted_grown > 6 * params.error"
COUNTS = "bloom.wasted_deleted == 1 and counting.wasted_deleted < 0.1 and keys_in_memory.wasted_deleted == 0"
SMALL = f"fuse.bits < bloom.bits - 0.5 and {keeps('fuse', rate=str(FEW_BITS))}"

CLAIMS = (
    Claim(READS, "Every key that is not there costs a read of the table.", breaks="no_filter", where=ASKED),
    Claim(
        "no_filter.kib_read > 10 * bloom.kib_read",
        "A read for nothing is a page of the file, where the page is not in memory by chance.",
        given={**STEADY, "keys": 2000, "hits": 0.0, "again": 0.0},
    ),
    Claim(
        "bloom.reads == no_filter.reads == 1",
        "Where everything is there that is asked for, a filter saves nothing.",
        given={**STEADY, "hits": 1.0},
        spares="no_filter",
    ),
    Claim(
        "keys_in_memory.wasted_fresh == 0 and keys_in_memory.bits > 10 * bloom.bits",
        "All keys in memory are never wrong, and take as much as the keys do.",
        where="error >= 0.005 and hits <= 0.8 and again <= 0.8",
    ),
    Claim(
        RIGHT,
        "It saves the reads for those who come again, and none of the others.",
        given={**STEADY, "keys": 2000, "again": 0.5},
    ),
    Claim(
        SALT,
        "Python salts `hash` for each process: the bits of one mean nothing to another; those of a stable hash do.",
        PYTHON,
        given={**STEADY, "processes": 2},
    ),
    Claim("salted.missed == 0", "In one process nobody notices.", PYTHON, given=ALONE),
    Claim(
        " and ".join(keeps(one) for one in ("bloom", "cache_lines", "counting", "growing")),
        "Each keeps its rate while no more keys come than it was made for.",
        BLOOM,
        where=ASKED,
    ),
    Claim(
        "bloom.bits < cache_lines.bits < 1.15 * bloom.bits",
        "Lines fill unevenly, so that a filter of cache lines takes some bits more for the same rate.",
        ROCKS,
        given=STEADY,
    ),
    Claim(FULL, "Past its capacity a filter errs, and does not say so.", BLOOM, given=ALONE),
    Claim(
        keeps("growing", "grown") + " and 1.5 * bloom.bits < growing.bits_again < 2.2 * bloom.bits",
        "One that grows keeps its rate, and pays with bits.",
        SCALABLE,
        given=ALONE,
    ),
    Claim(
        COUNTS,
        "A bit belongs to many keys, so that none can be taken out: deleted keys are read for as before.",
        BLOOM,
        given={**STEADY, "deleted": 0.3},
    ),
    Claim("counting.bits > 3.5 * bloom.bits", "A counter takes four bits.", where="keys >= 1000 and error <= 0.02"),
    Claim(
        SMALL,
        "At the rate of eight bits of fingerprint a binary fuse filter takes less than a Bloom filter does.",
        FUSE,
        given={**STEADY, "keys": 5000, "error": FEW_BITS},
    ),
    Claim(
        "fuse.bits > bloom.bits",
        "Where keys are few and one error of a hundred is few enough a Bloom filter takes less: a cell has eight bits.",
        FUSE,
        given=STEADY,
    ),
    Claim(
        "fuse.scanned == 1 and max(bloom.scanned, growing.scanned) == 0",
        "Its price: whenever it is stored, all keys are read.",
        FUSE,
    ),
    Claim(
        keeps("fuse", "grown", f"(params.error + {FEW_BITS})") + " and " + keeps("fuse", "again", str(FEW_BITS)),
        "What came since it was made is in a filter that grows; when it is made anew all is in it.",
        given=ALONE,
    ),
    Claim(
        "fuse.bits_again < growing.bits_again and fuse.reads < bloom.reads",
        "So it stores less than what grew, and saves reads that a full filter does not.",
        given={**ALONE, "deleted": 0.2},
    ),
    Claim(
        "max(keys_in_memory.missed, known_absent.missed, bloom.missed, cache_lines.missed) == 0"
        " and max(no_filter.missed, counting.missed, growing.missed, fuse.missed) == 0",
        "No key that is there is ever told not to be, whichever process looks.",
        where="hits >= 0.05",
    ),
)

DEMANDS = (
    Claim(
        "yours.missed == 0",
        "Who is there is found, whichever server looks.",
        always=True,
        given={"hits": 0.5, "deleted": 0.3, "processes": 2},
    ),
    Claim("yours.wasted_fresh < 0.05", "Hardly a stranger is read for, seen before or not.", given=ALONE),
    Claim("yours.wasted_grown < 0.05", "Nor when twice as many keys have come as were expected.", given=ALONE),
    Claim("yours.wasted_again < 0.05", "Nor at the server after.", given=ALONE),
    Claim("yours.bits < 24", "What is stored is a few bits a key.", given=ALONE),
    Claim("yours.held_bits < 60", "And so is what a server has in its memory.", given=ALONE),
)

MANY = {**STEADY, "keys": 5000, "gets": 9000, "hits": 0.0, "again": 0.0}
FIGURES = (
    Figure(
        "bits a key for 1 %",
        9.585,
        "bloom.bits",
        0.03,
        "D",
        "log2(1 / error) / ln 2; as stored, with 110 bytes that say what it is, for 5,000 keys",
        given=MANY,
    ),
    Figure(
        "strangers that pass, 1 % filter at capacity",
        0.01004,
        "bloom.wasted_fresh",
        0.15,
        "D",
        "(1 - e^(-kn/m))^k for 9.585 bits a key and 7 hashes",
        given=MANY,
    ),
    Figure(
        "strangers that pass, 1 % filter at twice its capacity",
        0.157,
        "bloom.wasted_grown",
        0.06,
        "D",
        "(1 - e^(-14 / 9.585))^7",
        given={**MANY, "growth": 2.0},
    ),
    Figure(
        "strangers that pass, cache lines of 512 bits, 6 probes",
        0.00957,
        "cache_lines.wasted_fresh",
        0.15,
        "V",
        "10 bits a key, as the comment of its code says of FastLocalBloom; here 9.98 bits for many keys and 6 probes",
        ROCKS,
        given=MANY,
    ),
    Figure(
        "strangers that pass, fingerprints of 8 bits",
        0.003892,
        "fuse.wasted_fresh",
        0.3,
        "V",
        "Xor8, ten million keys; the law is 2^-8 for xor and fuse filters alike",
        "fastfilter_cpp",
        given=MANY,
    ),
)

SOURCES = (
    Source(
        "B. H. Bloom, Space/Time Trade-offs in Hash Coding with Allowable Errors",
        1970,
        "https://dl.acm.org/doi/10.1145/362686.362692",
    ),
    Source(
        "Almeida, Baquero, Preguiça and Hutchison, Scalable Bloom Filters",
        2007,
        "https://doi.org/10.1016/j.ipl.2006.10.007",
    ),
    Source(
        "Graf and Lemire, Xor Filters: Faster and Smaller Than Bloom and Cuckoo Filters",
        2020,
        "https://arxiv.org/abs/1912.08258",
    ),
    Source(
        "Graf and Lemire, Binary Fuse Filters: Fast and Smaller Than Xor Filters",
        2022,
        "https://arxiv.org/abs/2201.01174",
    ),
    Source("FastFilter, fastfilter_cpp, README", 2021, "https://github.com/FastFilter/fastfilter_cpp"),
    Source(
        "RocksDB, util/bloom_impl.h",
        2024,
        "https://github.com/facebook/rocksdb/blob/0e0b53056ef5fcee6e86e2d109b554916bc6736a/util/bloom_impl.h",
    ),
    Source(
        "RocksDB wiki, RocksDB Bloom Filter",
        2024,
        "https://github.com/facebook/rocksdb/wiki/RocksDB-Bloom-Filter",
    ),
    Source(
        "Python, command line and environment: PYTHONHASHSEED",
        2025,
        "https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHASHSEED",
    ),
)
