"""Content-defined chunking: megabytes a second, against the compiled packages."""

from __future__ import annotations

from collections.abc import Iterator

from bench.harness import Row, Skip, Timed

MEGABYTES = 32
AVERAGES = (8192, 16384, 65536)


def rows() -> Iterator[Row]:
    import numpy as np

    data = np.random.default_rng(1).integers(0, 256, MEGABYTES * 1_000_000, np.uint8).tobytes()
    for average in AVERAGES:
        yield Row(
            f"FastCDC, cut {MEGABYTES} MB, average {average // 1024} KiB",
            {
                "ours": lambda average=average: ours(data, average),
                "pyfastcdc (Cython)": lambda average=average: pyfastcdc(data, average),
                "fastcdc (Cython)": lambda average=average: fastcdc(data, average),
            },
            unit="MB/s",
            bar=0.9,
            against="pyfastcdc (Cython)",
            note="ours and pyfastcdc find the same cuts; fastcdc is the version of 2016, with masks of its own",
            rounds=15,
            packages=("pyfastcdc", "fastcdc"),
        )


def ours(data: bytes, average: int) -> Timed:
    from windtunnel.blocks.chunks import FastCDC

    chunker = FastCDC(average)

    def run() -> int:
        chunker.cut_points(data)
        return MEGABYTES

    return run


def pyfastcdc(data: bytes, average: int) -> Timed:
    import pyfastcdc

    chunker = pyfastcdc.FastCDC(average)
    from windtunnel.blocks.chunks import FastCDC

    if [c.offset + c.length for c in chunker.cut_buf(data)] != FastCDC(average).cut_points(data).tolist():
        raise Skip("its cuts differ from ours: this row would compare two different jobs")

    def run() -> int:
        for _ in chunker.cut_buf(data):
            pass
        return MEGABYTES

    return run


def fastcdc(data: bytes, average: int) -> Timed:
    from fastcdc.fastcdc_cy import fastcdc_cy

    def run() -> int:
        for _ in fastcdc_cy(data, average // 4, average, average * 4):
            pass
        return MEGABYTES

    return run
