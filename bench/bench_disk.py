"""The disk below a log: records of 100 bytes by the size of a batch, pages in a row or here and there, a file sent.

What is asked is the disk's time too, so rows of writes are per second of the wall: they mean something on a machine
that does nothing else. Contenders are all ours; what is compared is one way with another.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from random import Random

from bench.harness import Row, Skip, Spent, Timed

RECORD = bytes(100)
BATCHES = (10_000, 1_000, 100, 10, 1)
MOST_BATCHES, MOST_RECORDS = 300, 200_000
"""Of each size as many as both allow."""
PAGE, FILE_BYTES, PAGES = 4096, 1 << 30, 200
SENT_BYTES, CHUNK = 64 << 20, 64 << 10
WALL = "records/s of the wall"
ROUNDS = 5


def rows() -> Iterator[Row]:
    yield Row(
        "records of 100 bytes, no fsync, by records a batch",
        {f"ours, {size:,} a batch": appending(size, sync=False) for size in BATCHES},
        unit=WALL,
        against="ours, 1 a batch",
        rounds=ROUNDS,
        note="each batch has a header, a checksum and a write of its own: that is what a batch of one pays here",
    )
    yield Row(
        "records of 100 bytes, an fsync for each batch, by records a batch",
        {f"ours, {size:,} a batch": appending(size, sync=True) for size in BATCHES},
        unit=WALL,
        against="ours, 1 a batch",
        rounds=ROUNDS,
        note="a batch waits for the disk once, whatever is in it",
    )
    yield Row(
        "4 KB at a time into a file of 1 GB, each on the disk (O_DSYNC)",
        {
            "ours, in a row": lambda: pages(in_a_row=True),
            "ours, here and there": lambda: pages(in_a_row=False),
        },
        unit="writes/s of the wall",
        against="ours, here and there",
        rounds=ROUNDS,
        note="each write waits for the disk, in a row too; Kafka's 6000 is of megabytes at a time, and of a head",
    )
    yield Row(
        "write a file of 1 GB: 1 MB at a time and an fsync at the end, against 4 KB here and there (O_DSYNC)",
        {"ours, in a row": streaming, "ours, here and there": lambda: pages(in_a_row=False, as_bytes=True)},
        unit="bytes/s of the wall",
        against="ours, here and there",
        rounds=3,
        note="Kafka's 600 MB/s against 100 kB/s, six disks of 7,200 turns, is 6000; a virtual disk has no head, and a "
        "host that may keep much in memory: here it is the wait for each write",
    )
    yield Row(
        "64 MB of a file to a socket",
        {"ours, sendfile": lambda: sending(by_kernel=True), "ours, read and send": lambda: sending(by_kernel=False)},
        unit="bytes/s",
        against="ours, read and send",
        note="processor time of the whole process: who receives is in both",
    )


def waited(job: Callable[[], int]) -> Spent:
    """What a job does in the time of the wall."""
    start = time.perf_counter_ns()
    done = job()
    return Spent(done, max(1, time.perf_counter_ns() - start))


def appending(size: int, *, sync: bool) -> Callable[[], Timed]:
    """A broker's log, batches as a producer would send them."""

    def prepare() -> Timed:
        from windtunnel.blocks.broker import BatchLog, encode_batch
        from windtunnel.blocks.ground import DiskFiles

        batch = encode_batch([(None, RECORD)] * size, 0)
        batches = min(MOST_BATCHES, MOST_RECORDS // size)
        root, number = tempfile.TemporaryDirectory(), count()

        def run() -> Spent:
            mine = next(number)
            shutil.rmtree(Path(root.name) / str(mine - 1), ignore_errors=True)
            with BatchLog(DiskFiles(Path(root.name) / str(mine)), "log") as log:

                def job() -> int:
                    for _ in range(batches):
                        log.append(batch)
                        if sync:
                            log.sync()
                    return batches * size

                return waited(job)

        return run

    return prepare


def pages(*, in_a_row: bool, as_bytes: bool = False) -> Timed:
    """Writes of 4 KB that are on the disk when they return."""
    if not hasattr(os, "O_DSYNC"):
        raise Skip("this system has no O_DSYNC")
    root = tempfile.TemporaryDirectory()
    path = Path(root.name) / "file"
    file_of(path)
    luck, page = Random(1), os.urandom(PAGE)
    last = FILE_BYTES // PAGE - PAGES

    def run() -> Spent:
        assert root
        begin = luck.randrange(last)
        places = [begin + i if in_a_row else luck.randrange(last) for i in range(PAGES)]
        file = os.open(path, os.O_WRONLY | os.O_DSYNC)

        def job() -> int:
            for place in places:
                os.pwrite(file, page, place * PAGE)
            return PAGES * (PAGE if as_bytes else 1)

        try:
            return waited(job)
        finally:
            os.close(file)

    return run


def file_of(path: Path) -> None:
    """A file of 1 GB that is on the disk: no hole is left in it."""
    piece = os.urandom(1 << 20)
    with path.open("wb") as file:
        for _ in range(FILE_BYTES >> 20):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def streaming() -> Timed:
    """All of it once more, in a row, on the disk when it returns."""
    root = tempfile.TemporaryDirectory()
    path, piece = Path(root.name) / "file", os.urandom(1 << 20)
    file_of(path)

    def run() -> Spent:
        assert root
        file = os.open(path, os.O_WRONLY)

        def job() -> int:
            for _ in range(FILE_BYTES >> 20):
                os.write(file, piece)
            os.fsync(file)
            return FILE_BYTES

        try:
            return waited(job)
        finally:
            os.close(file)

    return run


def sending(*, by_kernel: bool) -> Timed:
    """A file that lies in memory, to somebody who reads it all and does nothing with it."""
    if by_kernel and not hasattr(os, "sendfile"):
        raise Skip("this system has no sendfile")
    root = tempfile.TemporaryDirectory()
    path = Path(root.name) / "file"
    path.write_bytes(os.urandom(SENT_BYTES))

    def run() -> int:
        assert root
        ours, theirs = socket.socketpair()
        room = bytearray(CHUNK)

        def reads() -> None:
            while theirs.recv_into(room):
                pass

        reader = threading.Thread(target=reads)
        reader.start()
        with path.open("rb", buffering=0) as file, ours, theirs:
            sent = 0
            while sent < SENT_BYTES:
                if by_kernel:
                    sent += os.sendfile(ours.fileno(), file.fileno(), sent, CHUNK)
                else:
                    piece = file.read(CHUNK)
                    ours.sendall(piece)
                    sent += len(piece)
            ours.shutdown(socket.SHUT_WR)
            reader.join()
        return sent

    return run
