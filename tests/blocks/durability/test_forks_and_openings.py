"""One writer, also after a fork; and what is not understood at opening is an error before anything is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from windtunnel.blocks.chunks.chunk_store import ChunkStore
from windtunnel.blocks.durability.log import DamagedLogError, Log
from windtunnel.blocks.durability.log_frame import Batch, encode
from windtunnel.blocks.durability.log_segment import HEADER, MAGIC_1, NOTHING, header_bytes
from windtunnel.blocks.durability.write_ahead_log import WriteAheadLog
from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.ground.files import DiskFiles


def in_a_child(work: Callable[[], object]) -> str:
    """What a forked process says when it tries this: "done", or the name of the error."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            work()
            said = "done"
        except BaseException as error:
            said = type(error).__name__
        os.write(writer, said.encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(writer)
    said = os.read(reader, 100).decode()
    os.close(reader)
    return said


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def writes_of_a_log(log: Log) -> dict[str, Callable[[], object]]:
    return {
        "append": lambda: (log.append(b"x"), log.sync()),
        "append many": lambda: log.append_many([b"x"]),
        "sync": log.sync,
        "roll": log.roll,
        "trim": lambda: log.trim(100),
        "retain": log.retain,
        "compact": log.compact,
    }


def test_a_forked_process_writes_nothing_into_its_parents_log(tmp_path: Path) -> None:
    with Log(DiskFiles(tmp_path), segment_bytes=60) as log:
        log.append_many([b"one"], [b"k"])
        log.append_many([b"two"], [b"k"])
        before = contents(tmp_path)
        for name, write in writes_of_a_log(log).items():
            assert (name, in_a_child(write)) == (name, "InUse")
        assert in_a_child(lambda: [*log.records()]) == "done", "what was flushed may be read"
        log.append(b"three")
        assert in_a_child(log.close) == "done"
        assert contents(tmp_path) == before
        log.sync()
        assert in_a_child(lambda: Log(DiskFiles(tmp_path))) == "InUse", "the parent's lock outlives its children"
        assert [record.value for record in log.records()] == [b"one", b"two", b"three"]


def test_a_child_that_lives_on_does_not_keep_the_lock_of_a_parent_that_has_closed(tmp_path: Path) -> None:
    log = Log(DiskFiles(tmp_path))
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(reader, 1)
        os._exit(0)
    log.close()
    Log(DiskFiles(tmp_path)).close()
    os.write(writer, b"x")
    os.waitpid(pid, 0)
    os.close(reader)
    os.close(writer)


def test_a_forked_process_writes_nothing_into_its_parents_stores(tmp_path: Path) -> None:
    with ChunkStore(DiskFiles(tmp_path / "chunks")) as store, WriteAheadLog(DiskFiles(tmp_path / "wal")) as wal:
        digest = store.put(b"data")
        before = contents(tmp_path)
        for write in (
            lambda: store.put(b"more"),
            lambda: store.retain([digest]),
            lambda: store.release([digest]),
            store.compact,
            lambda: wal.append([b"x"]),
            lambda: wal.checkpoint(b"state"),
        ):
            assert in_a_child(write) == "InUse"
        assert in_a_child(lambda: store.get(digest)) == "done"
        assert in_a_child(store.close) == "done"
        assert contents(tmp_path) == before


def test_a_lock_is_not_pickled(tmp_path: Path) -> None:
    import pickle

    with Log(DiskFiles(tmp_path)) as log, pytest.raises(TypeError, match=r"one process|pickle"):
        pickle.dumps(log._lock)


# Openings. Each spoils a store that was closed in order.


def filled_log(root: Path) -> None:
    with Log(DiskFiles(root), segment_bytes=100) as log:
        for number in range(9):
            log.append_many([b"%d" % number * 20])


def filled_wal(root: Path) -> None:
    with WriteAheadLog(DiskFiles(root), segment_bytes=100) as wal:
        for number in range(9):
            wal.append([b"%d" % number * 20])
            if number == 5:
                wal.checkpoint(b"state")


def filled_chunks(root: Path) -> None:
    with ChunkStore(DiskFiles(root), pack_bytes=1) as store:
        for number in range(4):
            store.put(b"%d" % number * 20)


def last_log(root: Path) -> Path:
    return max(root.glob("*.log"))


def later_version(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] = 9
    path.write_bytes(data)


def remove_all(root: Path, pattern: str) -> None:
    for path in root.glob(pattern):
        path.unlink()


def remove_last_segments(root: Path) -> None:
    for path in sorted(root.glob("*.log"))[-2:]:
        path.unlink()


def cut_a_full_segment(root: Path) -> None:
    last_log(root).unlink()
    os.truncate(last_log(root), HEADER.size)


def give_packs_another_generation(root: Path) -> None:
    for path in root.glob("*.pack"):
        path.rename(root / path.name.replace("00000001-", "00000007-", 1))


SPOILED: dict[str, tuple[Callable[[Path], None], Callable[[DiskFiles], Any], Callable[[Path], None]]] = {
    "a log whose segments are gone": (filled_log, Log, lambda root: remove_all(root, "*.log")),
    "a log whose last segments are gone": (filled_log, Log, remove_last_segments),
    "a full segment that was cut and is the last": (filled_log, Log, cut_a_full_segment),
    "a segment of a later version": (filled_log, Log, lambda root: later_version(last_log(root), 7)),
    "an empty segment of a later version": (
        lambda root: Log(DiskFiles(root)).close(),
        Log,
        lambda root: later_version(last_log(root), 7),
    ),
    "a write-ahead log without its snapshot": (
        filled_wal,
        WriteAheadLog,
        lambda root: (root / "snapshot").unlink(),
    ),
    "a snapshot without its log": (filled_wal, WriteAheadLog, lambda root: remove_all(root, "0*")),
    "a snapshot of a later version": (filled_wal, WriteAheadLog, lambda root: later_version(root / "snapshot", 7)),
    "chunks without their manifest": (filled_chunks, ChunkStore, lambda root: (root / "MANIFEST").unlink()),
    "chunks without their last pack": (filled_chunks, ChunkStore, lambda root: max(root.glob("*.pack")).unlink()),
    "chunks whose manifest is of another generation": (
        filled_chunks,
        ChunkStore,
        lambda root: (
            [path.rename(root / path.name.replace("00000001-", "00000007-", 1)) for path in root.glob("*.pack")]
            and None
        ),
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_not_understood_is_an_error_and_stays_as_it_is(name: str, tmp_path: Path) -> None:
    fill, opened, spoil = SPOILED[name]
    fill(tmp_path)
    spoil(tmp_path)
    before = contents(tmp_path)
    descriptors = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(2):
        with pytest.raises(DamagedError):
            opened(DiskFiles(tmp_path))
    assert contents(tmp_path) == before
    assert not descriptors or len(os.listdir("/proc/self/fd")) == descriptors, "nothing stays open"


def test_a_torn_record_that_holds_frames_of_another_log_is_cut(tmp_path: Path) -> None:
    with Log(DiskFiles(tmp_path / "other")) as other:
        for _ in range(40):
            other.append(b"x" * 100)
            other.sync()
    inside = last_log(tmp_path / "other").read_bytes()
    log = Log(DiskFiles(tmp_path / "log"))
    log.append(b"safe")
    log.sync()
    log.append(inside)
    log.append(b"y" * 1000)
    log.flush()
    path, whole = last_log(tmp_path / "log"), log.size_bytes
    log.close()
    data = path.read_bytes()
    for size in range(whole - 6000, whole, 500):
        path.write_bytes(data[:size])
        with Log(DiskFiles(tmp_path / "log")) as again:
            assert [record.value for record in again.records()] == [b"safe"]


def test_a_log_of_the_first_version_is_read_and_written_on(tmp_path: Path) -> None:
    files = DiskFiles(tmp_path)
    new = header_bytes(0, NOTHING)
    from zlib import crc32

    head = MAGIC_1 + new[8:-4]
    frame = encode(Batch(range(2), 5, None, [b"a", b"b"]), synced=0, position=None)
    (tmp_path / f"{0:020d}.log").write_bytes(head + crc32(head).to_bytes(4, "little") + frame)
    for values in ([b"a", b"b", b"c"], [b"a", b"b", b"c", b"c"]):
        with Log(files) as log:
            log.append_many([b"c"])
            assert [record.value for record in log.records()] == values
            log.sync()
    with Log(files) as log:
        log.roll()
        log.append_many([b"d"])
        assert [record.value for record in log.records()][-2:] == [b"c", b"d"]


def test_no_reader_skips_records_that_are_there_whatever_is_trimmed_meanwhile(tmp_path: Path) -> None:
    for reading in range(0, 30, 3):
        for trimmed in range(0, 31, 5):
            files = DiskFiles(tmp_path / f"{reading}-{trimmed}")
            with Log(files, segment_bytes=200) as log:
                for number in range(30):
                    log.append_many([b"%d" % number * 10])
                reader = log.records(reading)
                got = [next(reader).offset]
                log.trim(trimmed)
                got += [record.offset for record in reader]
                assert got[0] == reading
                assert got == sorted(set(got))
                assert set(got) >= set(range(max(reading, log.start_offset), 30))


def test_a_frame_with_flags_of_a_later_version_is_not_cut_off(tmp_path: Path) -> None:
    with Log(DiskFiles(tmp_path)) as log:
        log.append_many([b"a"])
    path = last_log(tmp_path)
    data = bytearray(path.read_bytes())
    from zlib import crc32

    at = HEADER.size
    data[at + 40] = 64
    data[at + 4 : at + 8] = crc32(data[at + 8 :], crc32(at.to_bytes(8, "little"))).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(DamagedLogError, match="later version"):
        Log(DiskFiles(tmp_path))
    assert path.read_bytes() == data
