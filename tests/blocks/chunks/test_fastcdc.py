"""FastCDC against its plain Python and against pyfastcdc; and what it is for."""

from __future__ import annotations

import hashlib
import json
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from windtunnel.blocks.chunks.chunking import Chunker, chunks, stream_chunks
from windtunnel.blocks.chunks.fastcdc import FastCDC
from windtunnel.blocks.chunks.fixed_blocks import FixedBlocks


def text_like(seed: int, size: int) -> bytes:
    """Bytes with long repeats and few values in places, as files have them."""
    random = Random(seed)
    parts: list[bytes] = []
    while sum(map(len, parts)) < size:
        kind = random.randrange(4)
        if kind == 0:
            parts.append(random.randbytes(random.randrange(1, 3000)))
        elif kind == 1:
            parts.append(bytes([random.randrange(256)]) * random.randrange(1, 3000))
        elif kind == 2:
            parts.append(bytes(random.choices(b"etaoin shrdlu\n", k=random.randrange(1, 2000))))
        elif parts:
            parts.append(random.choice(parts))
    return b"".join(parts)[:size]


sizes = st.tuples(st.integers(64, 300), st.integers(0, 400), st.integers(0, 1500)).map(
    lambda s: (s[0], max(256, s[0] + s[1]), max(1024, s[0] + s[1] + s[2]))
)


cases = given(seed=st.integers(0, 2**32), size=st.integers(0, 9000), bounds=sizes, normalization=st.integers(0, 3))


@settings(max_examples=examples(50), deadline=None)
@cases
def test_the_kernel_cuts_where_the_plain_python_cuts(
    seed: int, size: int, bounds: tuple[int, int, int], normalization: int
) -> None:
    data = text_like(seed, size)
    smallest, average, largest = bounds
    ours = FastCDC(average, min_bytes=smallest, max_bytes=largest, normalization=normalization)
    assert ours.cut_points(data).tolist() == ours.plain_cut_points(data)


@settings(max_examples=examples(60), deadline=None)
@cases
def test_the_kernel_cuts_where_pyfastcdc_cuts(
    seed: int, size: int, bounds: tuple[int, int, int], normalization: int
) -> None:
    peer = pytest.importorskip("pyfastcdc")
    data = text_like(seed, size)
    smallest, average, largest = bounds
    ours = FastCDC(average, min_bytes=smallest, max_bytes=largest, normalization=normalization)
    theirs = peer.FastCDC(average, min_size=smallest, max_size=largest, normalized_chunking=normalization)
    assert ours.cut_points(data).tolist() == [chunk.offset + chunk.length for chunk in theirs.cut_buf(data)]


def test_a_large_buffer_is_cut_as_pyfastcdc_cuts_it() -> None:
    peer = pytest.importorskip("pyfastcdc")
    data = Random(4).randbytes(3_000_001)
    for average in (1024, 8192, 65536):
        ends = [chunk.offset + chunk.length for chunk in peer.FastCDC(average).cut_buf(data)]
        assert FastCDC(average).cut_points(data).tolist() == ends


PEERS_CUTS = [
    (dict[str, int](), 1024, 208, [823, 2400, 2857, 4256, 4558, 5645], "4c2cb630baa9b231"),
    (dict[str, int](), 8192, 30, [11908, 17147, 24798, 39510, 49058, 58400], "1b8760b30bf17d93"),
    ({"normalization": 3}, 16384, 15, [17147, 39510, 58400, 75327, 94150, 111489], "286373cccef333cc"),
    (
        {"min_bytes": 256, "max_bytes": 5000, "normalization": 0},
        4096,
        88,
        [823, 5823, 10823, 11908, 16908, 21051],
        "283d8ee1e382c811",
    ),
]
"""What pyfastcdc 0.3.1 found in 256 KiB of SHA-256 digests of 0, 1, 2 ... (eight bytes each, little-endian): average
size, number of cuts, the first six, and the front of the SHA-256 of all of them as a JSON list. Kept here so that they
are compared where that package cannot be had."""


@pytest.mark.parametrize(("bounds", "average", "count", "first", "digest"), PEERS_CUTS)
def test_the_cuts_are_those_that_pyfastcdc_has_found(
    bounds: dict[str, int], average: int, count: int, first: list[int], digest: str
) -> None:
    data = b"".join(hashlib.sha256(i.to_bytes(8, "little")).digest() for i in range(8192))
    ours = FastCDC(average, **bounds)
    for ends in (ours.cut_points(data).tolist(), ours.plain_cut_points(data)):
        assert (len(ends), ends[:6]) == (count, first)
        assert hashlib.sha256(json.dumps(ends).encode()).hexdigest().startswith(digest)


@settings(max_examples=examples(25), deadline=None)
@given(seed=st.integers(0, 2**32), pieces=st.lists(st.integers(0, 700_000), max_size=6), fixed=st.booleans())
def test_a_stream_is_cut_as_the_whole_however_it_arrives(seed: int, pieces: list[int], fixed: bool) -> None:
    chunker: Chunker = FixedBlocks(5000) if fixed else FastCDC(4096)
    data = np.random.default_rng(seed).integers(0, 40, sum(pieces), np.uint8).tobytes()
    reads, start = [], 0
    for size in pieces:
        reads.append(data[start : start + size])
        start += size
    got = list(stream_chunks(chunker, reads))
    assert got == [bytes(chunk) for chunk in chunks(chunker, data)]
    assert b"".join(got) == data


def test_sizes_keep_their_bounds_and_gather_around_the_average() -> None:
    data = Random(5).randbytes(4_000_000)
    lengths = np.diff(FastCDC(8192).cut_points(data), prepend=0)
    assert lengths[:-1].min() >= 2048
    assert lengths.max() <= 4 * 8192
    assert 8192 < lengths.mean() < 1.3 * 8192


@pytest.mark.parametrize(
    ("chunker", "at_the_head", "in_place"),
    [(FixedBlocks(8192), (0.99, 1), (0, 0.01)), (FastCDC(8192), (0, 0.01), (0, 0.01))],
)
def test_an_inserted_byte_uploads_every_fixed_block_and_one_chunk(
    chunker: Chunker, at_the_head: tuple[float, float], in_place: tuple[float, float]
) -> None:
    data = Random(1).randbytes(4_000_000)
    known = {digest(chunk) for chunk in chunks(chunker, data)}

    def uploaded(changed: bytes) -> float:
        new = [chunk for chunk in chunks(chunker, changed) if digest(chunk) not in known]
        return sum(map(len, new)) / len(changed)

    assert at_the_head[0] <= uploaded(b"!" + data) <= at_the_head[1]
    overwritten = data[:2_000_000] + bytes([data[2_000_000] ^ 1]) + data[2_000_001:]
    assert in_place[0] <= uploaded(overwritten) <= in_place[1]


def digest(chunk: memoryview) -> bytes:
    return hashlib.sha256(chunk).digest()


def test_any_buffer_can_be_cut() -> None:
    data = bytearray(Random(2).randbytes(10_000))
    ends = FastCDC(1024).cut_points(bytes(data)).tolist()
    for same in (data, memoryview(data), np.frombuffer(data, np.uint8), np.frombuffer(data, np.uint32)):
        assert FastCDC(1024).cut_points(same).tolist() == ends
    assert FastCDC(1024).cut_points(b"").tolist() == []
    assert FixedBlocks(3).cut_points(b"").tolist() == []
    with pytest.raises(ValueError, match="in one piece"):
        FastCDC(1024).cut_points(np.zeros(100, np.uint8)[::2])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"average_bytes": 100}, "average size"),
        ({"min_bytes": 63}, "smallest size"),
        ({"min_bytes": 20_000}, "smallest size"),
        ({"max_bytes": 16_383}, "largest size"),
        ({"normalization": 4}, "normalization"),
    ],
)
def test_sizes_out_of_bounds_are_refused(arguments: dict[str, int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        FastCDC(**arguments)
    with pytest.raises(ValueError, match="at least 1 byte"):
        FixedBlocks(0)
