"""The log: records of about 100 bytes appended, recovered and read, against SQLite and LMDB.

They are databases and do more; what is compared is the one thing that a log does. CPU time: the disk's own time, which
is what a sync mostly costs, is not in these figures.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from random import Random

from bench.harness import Row, Timed

BATCHES, BATCH = 200, 1000
RECORDS = BATCHES * BATCH
VALUES = [bytes(50 + 37 * i % 101) for i in range(BATCH)]
"""Of 50 to 150 bytes."""
LMDB_BYTES = 1 << 30
PACKAGES = ("lmdb",)


def rows() -> Iterator[Row]:
    yield Row(
        "append, 1,000 records a batch, no sync",
        {
            "ours": lambda: appends(ours_append(many=True, sync=False)),
            "SQLite WAL": lambda: appends(sqlite_append(sync=False)),
            "lmdb": lambda: appends(lmdb_append(sync=False)),
        },
        unit="records/s",
        bar=1.0,
        packages=PACKAGES,
    )
    yield Row(
        "append, 1,000 records a batch, each batch synced",
        {
            "ours": lambda: appends(ours_append(many=True, sync=True)),
            "SQLite WAL": lambda: appends(sqlite_append(sync=True)),
            "lmdb": lambda: appends(lmdb_append(sync=True)),
        },
        unit="records/s",
        bar=1.0,
        packages=PACKAGES,
    )
    yield Row(
        "append one record a call, 1,000 a transaction, no sync",
        {
            "ours": lambda: appends(ours_append(many=False, sync=False)),
            "SQLite WAL": lambda: appends(sqlite_append(sync=False, many=False)),
            "lmdb": lambda: appends(lmdb_append(sync=False, many=False)),
        },
        unit="records/s",
        packages=PACKAGES,
    )
    yield Row(
        "recover: open, check every record and read it",
        {"ours": ours_recover, "SQLite WAL": sqlite_scan, "lmdb": lmdb_scan},
        unit="records/s",
        bar=1.0,
        packages=PACKAGES,
        note="ours checks each checksum twice, in recovery and in reading; the peers have none to check",
    )
    yield Row(
        "read one record by offset",
        {"ours": ours_read, "SQLite WAL": sqlite_read, "lmdb": lmdb_read},
        unit="records/s",
        packages=PACKAGES,
        note="ours finds a frame of a thousand records and checks all of it: a log is for reading on from an offset",
    )


def appends(into: Callable[[Path], None]) -> Timed:
    """A fresh directory for each run; the one before is removed."""
    root, number = tempfile.TemporaryDirectory(), count()

    def run() -> int:
        run_number = next(number)
        path = Path(root.name) / str(run_number)
        shutil.rmtree(Path(root.name) / str(run_number - 1), ignore_errors=True)
        path.mkdir()
        into(path)
        return RECORDS

    return run


def ours_append(*, many: bool, sync: bool) -> Callable[[Path], None]:
    from windtunnel.blocks.durability import Log
    from windtunnel.blocks.ground import DiskFiles

    def into(path: Path) -> None:
        log = Log(DiskFiles(path))
        for _ in range(BATCHES):
            if many:
                log.append_many(VALUES)
            else:
                for value in VALUES:
                    log.append(value)
                log.flush()
            if sync:
                log.sync()
        log.flush()

    return into


def sqlite_append(*, sync: bool, many: bool = True) -> Callable[[Path], None]:
    batch = [(value,) for value in VALUES]

    def into(path: Path) -> None:
        connection = sqlite3.connect(path / "db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if sync else 'OFF'}")
        connection.execute("CREATE TABLE log (offset INTEGER PRIMARY KEY, value BLOB)")
        for _ in range(BATCHES):
            connection.execute("BEGIN")
            if many:
                connection.executemany("INSERT INTO log (value) VALUES (?)", batch)
            else:
                for row in batch:
                    connection.execute("INSERT INTO log (value) VALUES (?)", row)
            connection.execute("COMMIT")
        connection.close()

    return into


def lmdb_append(*, sync: bool, many: bool = True) -> Callable[[Path], None]:
    import lmdb

    def into(path: Path) -> None:
        environment = lmdb.open(str(path), map_size=LMDB_BYTES, sync=sync, metasync=sync)
        offset = 0
        for _ in range(BATCHES):
            with environment.begin(write=True) as transaction:
                if many:
                    items = [(number.to_bytes(8, "big"), value) for number, value in enumerate(VALUES, offset)]
                    with transaction.cursor() as cursor:
                        cursor.putmulti(items, append=True)
                else:
                    for number, value in enumerate(VALUES, offset):
                        transaction.put(number.to_bytes(8, "big"), value, append=True)
            offset += BATCH
        environment.close()

    return into


# Reading


def filled(into: Callable[[Path], None]) -> tempfile.TemporaryDirectory[str]:
    root = tempfile.TemporaryDirectory()
    into(Path(root.name))
    return root


def ours_recover() -> Timed:
    from windtunnel.blocks.durability import Log
    from windtunnel.blocks.ground import DiskFiles

    root = filled(ours_append(many=True, sync=False))

    def run() -> int:
        log = Log(DiskFiles(root.name))  # one segment: recovery reads it all
        return sum(len(batch.values) for batch in log.batches())

    return run


def sqlite_scan() -> Timed:
    root = filled(sqlite_append(sync=False))

    def run() -> int:
        connection = sqlite3.connect(f"{root.name}/db")
        found = sum(
            len(rows) for rows in iter(connection.execute("SELECT value FROM log ORDER BY offset").fetchall, [])
        )
        connection.close()
        return found

    return run


def lmdb_scan() -> Timed:
    import lmdb

    root = filled(lmdb_append(sync=False))

    def run() -> int:
        environment = lmdb.open(root.name, map_size=LMDB_BYTES, readonly=True, lock=False)
        with environment.begin() as transaction:
            found = len(list(transaction.cursor().iternext(keys=False)))
        environment.close()
        return found

    return run


def offsets() -> list[int]:
    random = Random(1)
    return [random.randrange(RECORDS) for _ in range(300)]


def ours_read() -> Timed:
    from windtunnel.blocks.durability import Log
    from windtunnel.blocks.ground import DiskFiles

    root, wanted = filled(ours_append(many=True, sync=False)), offsets()
    log = Log(DiskFiles(root.name))

    def run() -> int:
        assert root
        return sum(len(log.read(offset, 1)) for offset in wanted)

    return run


def sqlite_read() -> Timed:
    root, wanted = filled(sqlite_append(sync=False)), offsets()
    connection = sqlite3.connect(f"{root.name}/db")

    def run() -> int:
        assert root
        return sum(
            len(connection.execute("SELECT value FROM log WHERE offset = ?", (offset + 1,)).fetchall())
            for offset in wanted
        )

    return run


def lmdb_read() -> Timed:
    import lmdb

    root, wanted = filled(lmdb_append(sync=False)), offsets()
    environment = lmdb.open(root.name, map_size=LMDB_BYTES, readonly=True, lock=False)

    def run() -> int:
        assert root
        with environment.begin() as transaction:
            return sum(transaction.get(offset.to_bytes(8, "big")) is not None for offset in wanted)

    return run
