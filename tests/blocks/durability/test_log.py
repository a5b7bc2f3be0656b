"""The log on a disk that keeps its word: offsets, batches, segments, retention, compaction, damage."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from helpers.examples import examples
from helpers.torn_disk import TornDisk
from windtunnel.blocks.durability.log import DamagedLogError, Log, LogFailed, OffsetGone
from windtunnel.blocks.durability.log_frame import Batch, decode, encode, frame_at
from windtunnel.blocks.ground.files import DiskFiles, Files, InUse, read_whole


@pytest.fixture(params=["disk", "torn"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    return DiskFiles(tmp_path / "root") if request.param == "disk" else TornDisk()


def values(log: Log, start: int | None = None) -> list[bytes | None]:
    return [record.value for record in log.records(start)]


def flip(files: Files, path: str, position: int) -> None:
    file = files.open(path)
    file.write_at(position, bytes([file.read_at(position, 1)[0] ^ 1]))
    file.fsync()
    file.close()


def numbered(count: int) -> Iterator[bytes]:
    return (b"%06d" % i for i in range(count))


def test_records_get_consecutive_offsets_and_are_read_back(files: Files) -> None:
    log = Log(files, "l")
    assert log.append(b"a") == 0
    assert log.append_many([b"b", b"c"]) == range(1, 3)
    assert log.append(b"d", key=b"k") == 3
    assert [(r.offset, r.key, r.value) for r in log.records()] == [
        (0, None, b"a"),
        (1, None, b"b"),
        (2, None, b"c"),
        (3, b"k", b"d"),
    ]
    assert values(log, 2) == [b"c", b"d"]
    assert [r.value for r in log.read(1, 2)] == [b"b", b"c"]
    assert log.read(4, 10) == []
    assert log.append_many([]) == range(4, 4)
    log.close()


def test_a_log_that_is_opened_again_goes_on_where_it_was(files: Files) -> None:
    with Log(files, "a/b", segment_bytes=300) as log:
        for value in numbered(100):
            log.append(value)
            log.flush()
    with Log(files, "a/b", segment_bytes=300) as log:
        assert values(log) == list(numbered(100))
        assert log.append(b"x") == 100
        assert values(log, 99) == [b"000099", b"x"]


def test_many_small_appends_become_one_frame_and_one_write() -> None:
    disk = TornDisk()
    log = Log(disk)
    before = disk.operations
    for value in numbered(1000):
        log.append(value)
    assert disk.operations == before
    log.sync()
    assert disk.operations == before + 2  # one write, one fsync
    log.sync()
    assert disk.operations == before + 2  # nothing new, nothing to do


def test_synced_offset_says_what_is_safe(files: Files) -> None:
    log = Log(files)
    log.append(b"a")
    assert (log.synced_offset, log.next_offset) == (0, 1)
    log.sync()
    assert (log.synced_offset, log.next_offset) == (1, 1)
    log.close()


def test_bad_records_are_refused_and_change_nothing(files: Files) -> None:
    log = Log(files)
    bad: Any = "text"
    with pytest.raises(ValueError, match="bytes"):
        log.append(bad)
    with pytest.raises(ValueError, match="A key is bytes"):
        log.append(b"", key=bad)
    with pytest.raises(ValueError, match="tombstone"):
        log.append(None)
    with pytest.raises(ValueError, match="tombstone"):
        log.append_many([b"a", None])
    with pytest.raises(ValueError, match="2 values and 1 keys"):
        log.append_many([b"a", b"b"], [b"k"])
    with pytest.raises(ValueError, match="are bytes"):
        log.append_many([b"a", bad])
    with pytest.raises(ValueError, match="are bytes"):
        log.append_many([b"a"], [bad])
    with pytest.raises(ValueError, match="positive"):
        Log(files, segment_bytes=0)
    assert log.append(b"fine") == 0
    assert values(log) == [b"fine"]
    log.close()


def test_retention_by_size_removes_whole_segments_from_the_front(files: Files) -> None:
    log = Log(files, segment_bytes=1000, retention_bytes=3000)
    for value in numbered(100):
        log.append_many([value] * 5)
    assert log.start_offset > 0
    assert 3000 <= log.size_bytes < 4000 + 1000
    first = log.start_offset
    assert values(log)[0] == b"%06d" % (first // 5)
    with pytest.raises(OffsetGone, match=f"begins at {first}"):
        log.read(first - 1, 1)
    log.close()
    again = Log(files, segment_bytes=1000)
    assert again.start_offset == first
    assert again.next_offset == 500
    again.close()


def test_retention_by_age_removes_segments_whose_last_record_is_too_old(files: Files) -> None:
    now = [1000.0]
    log = Log(files, retention_s=60, clock=lambda: now[0])
    log.append(b"old")
    log.roll()
    now[0] += 50
    log.append(b"middle")
    log.roll()
    now[0] += 20
    log.append(b"new")
    log.retain()
    assert values(log) == [b"middle", b"new"]
    now[0] += 1000
    log.retain()
    assert values(log) == [b"new"], "the active segment stays"
    log.close()


def test_timestamps_never_go_backwards(files: Files) -> None:
    now = [1000.0]
    log = Log(files, clock=lambda: now[0])
    log.append_many([b"a"])
    now[0] = 500.0
    log.roll()
    log.append_many([b"b"])
    log.close()
    again = Log(files, clock=lambda: now[0])
    again.append_many([b"c"])
    assert [r.timestamp_ms for r in again.records()] == [1_000_000] * 3
    again.close()


def test_trimming_keeps_everything_from_the_offset_on(files: Files) -> None:
    log = Log(files, segment_bytes=200)
    for value in numbered(100):
        log.append_many([value])
    log.trim(before=57)
    assert 50 < log.start_offset <= 57
    assert values(log) == list(numbered(100))[log.start_offset :]
    log.trim(before=10**9)
    assert log.append(b"x") == 100
    log.close()


def test_compaction_keeps_the_last_record_of_each_key_at_its_offset(files: Files) -> None:
    now = [1000.0]
    log = Log(files, clock=lambda: now[0])
    log.append_many([b"1", b"2", b"3"], [b"a", b"b", b"a"])
    log.append(b"no key")
    log.append(None, key=b"b")
    log.roll()
    log.append(b"4", key=b"a")
    assert log.compact() == 3
    assert [(r.offset, r.key, r.value) for r in log.records()] == [
        (3, None, b"no key"),
        (4, b"b", None),
        (5, b"a", b"4"),
    ]
    assert [r.offset for r in log.records(1)] == [3, 4, 5]
    now[0] += 86401
    assert log.compact() == 1, "the tombstone has been seen for long enough"
    assert log.compact() == 0
    log.close()
    again = Log(files)
    assert [r.offset for r in again.records()] == [3, 5]
    assert again.next_offset == 6
    again.close()


def test_a_reader_goes_on_over_compaction_and_trimming(files: Files) -> None:
    log = Log(files)
    for _ in range(3):
        for value in numbered(20):
            log.append_many([value], [value])
        log.roll()
    reader = log.records()
    seen = [next(reader).offset for _ in range(5)]
    log.compact()
    seen += [next(reader).offset for _ in range(5)]
    assert seen == [0, 1, 2, 3, 4, 40, 41, 42, 43, 44]
    log.close()


def test_a_record_longer_than_a_segment_has_one_to_itself(files: Files) -> None:
    log = Log(files, segment_bytes=1000)
    big = bytes(range(256)) * 2000
    log.append_many([b"a"])
    log.append_many([big])
    log.append_many([b"b"])
    assert values(log) == [b"a", big, b"b"]
    log.close()
    again = Log(files)
    assert values(again) == [b"a", big, b"b"]
    again.close()


def test_a_lost_or_damaged_index_is_made_again(files: Files) -> None:
    with Log(files, segment_bytes=2000) as log:
        for value in numbered(300):
            log.append_many([value * 5])
        expected = values(log)
    names = [name for name in files.listdir() if name.endswith(".index")]
    files.remove(names[0])
    flip(files, names[1], 50)
    files.open(names[2]).truncate(3)
    again = Log(files)
    assert values(again) == expected
    assert [name for name in files.listdir() if name.endswith(".index")] == names
    again.close()


def test_what_a_crash_left_lying_about_is_removed_and_nothing_else(files: Files) -> None:
    Log(files, "l").close()
    foreign = ["7.log", "books.index", "other", "server.log", "server.log.new"]
    for name in ("00000000000000000099.index", "00000000000000000000.log.new", *foreign):
        files.open(f"l/{name}", create=True).close()
    Log(files, "l").close()
    left = [name for name in files.listdir("l") if name != "log.lock"]
    assert left == ["00000000000000000000.log", *foreign]


def test_a_second_writer_is_refused_until_the_first_has_closed_or_died(tmp_path: Path) -> None:
    files = DiskFiles(tmp_path)
    first = Log(files, "l")
    first.append(b"mine")
    with pytest.raises(InUse, match="has a writer already"):
        Log(DiskFiles(tmp_path), "l")
    Log(files, "elsewhere").close()
    first.close()
    forgotten = Log(files, "l")
    assert values(forgotten) == [b"mine"]
    del forgotten
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(InUse):
            Log(files, "l")
        holder.kill()
    Log(files, "l").close()


HOLDER = """
import sys
from windtunnel.blocks.ground.files import DiskFiles
from windtunnel.blocks.durability.log import Log
log = Log(DiskFiles(sys.argv[1]), "l")
print("open", flush=True)
sys.stdin.read()
"""


def test_a_torn_end_is_cut_and_the_log_goes_on(files: Files) -> None:
    with Log(files) as log:
        log.append_many([b"a" * 50])
        log.append_many([b"b" * 50])
    file = files.open("00000000000000000000.log")
    file.truncate(file.size - 1)
    file.close()
    again = Log(files)
    assert values(again) == [b"a" * 50]
    assert again.append(b"c") == 1
    again.close()


def test_damage_to_what_was_synced_is_an_error_and_not_a_short_log(files: Files) -> None:
    log = Log(files)
    log.append_many([b"a" * 50])
    log.sync()
    log.append_many([b"b" * 50])  # says that what came before was safe
    log.close()
    flip(files, "00000000000000000000.log", 100)
    with pytest.raises(DamagedLogError, match="damaged at byte 28, in a part that had been synced"):
        Log(files)


def test_damage_to_a_full_segment_is_an_error(files: Files) -> None:
    with Log(files) as log:
        log.append_many([b"a" * 50])
        log.roll()
        log.append_many([b"b" * 50])
    flip(files, "00000000000000000000.log", 90)
    again = Log(files)  # its index was trusted
    with pytest.raises(DamagedLogError, match="damaged at byte"):
        values(again)
    again.close()
    files.remove("00000000000000000000.index")
    with pytest.raises(DamagedLogError, match="damaged at byte 28"):
        Log(files)


def test_a_full_segment_that_was_cut_between_two_frames_is_an_error(files: Files) -> None:
    with Log(files) as log:
        log.append_many([b"a" * 50])
        end_of_first = log.size_bytes
        log.append_many([b"b" * 50])
        log.roll()
        log.append_many([b"c" * 50])
    file = files.open("00000000000000000000.log")
    whole = file.size
    file.truncate(end_of_first)
    file.fsync()
    file.close()
    with pytest.raises(DamagedLogError, match=f"has {end_of_first} bytes, and had {whole}"):
        Log(files)


def disk_with(contents: dict[str, bytes]) -> TornDisk:
    disk = TornDisk()
    for name, data in contents.items():
        disk.open(name, create=True).append(data)
    return disk


def test_no_flipped_bit_and_no_cut_anywhere_is_read_as_records() -> None:
    """What opens holds a prefix of the records; one that is shorter, only where the damage is at the very end."""
    kept, luck = [b"%04d" % i * 5 for i in range(32)], Random(1)
    disk = TornDisk()
    with Log(disk, segment_bytes=600) as log:
        for i in range(0, len(kept), 4):
            log.append_many(kept[i : i + 4])
            log.sync()
    contents = {name: read_whole(disk, name) for name in disk.listdir()}
    last = max(name for name in contents if name.endswith(".log"))
    outcomes = Counter[tuple[str, str]]()
    for name, data in contents.items():
        kind = "last" if name == last else name.partition(".")[2]
        cut = [data[:size] for size in range(0, len(data), 5)]
        flipped = [
            data[:place] + bytes([data[place] ^ 1 << luck.randrange(8)]) + data[place + 1 :]
            for place in range(0, len(data), 3)
        ]
        for after in cut + flipped:
            try:
                with Log(disk_with({**contents, name: after}), segment_bytes=600) as log:
                    found = list(log.records())
            except DamagedLogError:
                outcomes[kind, "damaged"] += 1
                continue
            assert [record.value for record in found] == kept[: len(found)]
            assert [record.offset for record in found] == list(range(len(found)))
            outcomes[kind, "whole" if len(found) == len(kept) else "cut"] += 1
    assert set(outcomes) == {("index", "whole"), ("log", "damaged"), ("last", "damaged"), ("last", "cut")}


def test_a_missing_segment_is_an_error(files: Files) -> None:
    with Log(files) as log:
        for value in (b"a", b"b", b"c"):
            log.append_many([value])
            log.roll()
    files.remove("00000000000000000001.log")
    with pytest.raises(DamagedLogError, match="offset 1, which comes before"):
        Log(files)


@pytest.mark.parametrize(("position", "match"), [(3, "header"), (12, "header"), (20, "header")])
def test_a_damaged_segment_header_is_an_error(files: Files, position: int, match: str) -> None:
    with Log(files) as log:
        log.append(b"a")
    flip(files, "00000000000000000000.log", position)
    with pytest.raises(DamagedLogError, match=match):
        Log(files)


def test_after_a_failed_sync_the_log_refuses_and_recovers_only_what_was_safe() -> None:
    disk = TornDisk()
    log = Log(disk)
    log.append(b"safe")
    log.sync()
    log.append(b"in doubt")
    disk.error_at = disk.operations + 2
    with pytest.raises(LogFailed, match="disk failed"):
        log.sync()
    for use in (log.sync, log.flush, lambda: log.append(b"x"), log.roll, lambda: list(log.records())):
        with pytest.raises(LogFailed, match="no more"):
            use()
    log.close()
    again = Log(disk)
    assert values(again) == [b"safe"], "what could be read but was never written must not come back"
    assert again.append(b"next") == 1
    again.close()


def test_a_full_disk_fails_the_write_and_leaves_a_log_that_opens() -> None:
    disk = TornDisk()
    log = Log(disk)
    log.append_many([b"safe"])
    log.sync()
    disk.error_at = disk.operations + 1
    with pytest.raises(LogFailed):
        log.append_many([b"no room"])
    again = Log(disk)
    assert values(again) == [b"safe"]


column = st.lists(st.one_of(st.none(), st.binary(max_size=20)), min_size=1, max_size=20)


@given(st.integers(0, 2**63), st.sets(st.integers(0, 1000), min_size=1, max_size=20), st.data())
def test_a_frame_is_read_as_it_was_written_and_any_flipped_bit_is_seen(
    first: int, steps: set[int], data: st.DataObject
) -> None:
    offsets = [first + step - min(steps) for step in sorted(steps)]
    exact = st.lists(st.one_of(st.none(), st.binary(max_size=20)), min_size=len(offsets), max_size=len(offsets))
    batch = Batch(offsets, -5, data.draw(exact), data.draw(exact))
    frame = bytearray(encode(batch, synced=7))
    found = frame_at(frame, 0, 0)
    assert found is not None
    back = decode(found)
    assert (list(back.offsets), back.timestamp_ms, back.keys, back.values) == (offsets, -5, batch.keys, batch.values)
    assert found.next_offset == offsets[-1] + 1
    bit = data.draw(st.integers(0, 8 * len(frame) - 1))
    frame[bit // 8] ^= 1 << bit % 8
    assert frame_at(frame, 0, 0) is None


class LogMachine(RuleBasedStateMachine):
    """A log against a dictionary of what each offset must hold."""

    @initialize(segment_bytes=st.sampled_from([200, 1000, 10_000]))
    def begin(self, segment_bytes: int) -> None:
        self.now = 1000.0
        self.disk = TornDisk()
        self.segment_bytes = segment_bytes
        self.model: dict[int, tuple[bytes | None, bytes | None]] = {}
        self.next = 0
        self.open()

    def open(self) -> None:
        self.log = Log(self.disk, "l", segment_bytes=self.segment_bytes, buffer_bytes=150, clock=lambda: self.now)

    @rule(value=st.binary(max_size=40), key=st.one_of(st.none(), st.sampled_from([b"", b"a", b"b", b"c"])))
    def append(self, value: bytes, key: bytes | None) -> None:
        assert self.log.append(value, key) == self.next
        self.model[self.next] = key, value
        self.next += 1

    @rule(
        batch=st.lists(
            st.tuples(st.sampled_from([b"a", b"b"]), st.one_of(st.none(), st.binary(max_size=9))), max_size=9
        )
    )
    def append_many(self, batch: list[tuple[bytes, bytes | None]]) -> None:
        got = self.log.append_many([value for _, value in batch], [key for key, _ in batch])
        assert got == range(self.next, self.next + len(batch))
        self.model.update(zip(got, batch, strict=True))
        self.next = got.stop

    @rule(seconds=st.sampled_from([1, 50_000]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def sync(self) -> None:
        self.log.sync()
        assert self.log.synced_offset == self.next

    @rule()
    def roll(self) -> None:
        self.log.roll()

    @rule(back=st.integers(0, 30))
    def trim(self, back: int) -> None:
        before, start = max(0, self.next - back), self.log.start_offset
        self.log.trim(before)
        assert start <= self.log.start_offset <= max(before, start)
        self.model = {offset: r for offset, r in self.model.items() if offset >= self.log.start_offset}

    @rule()
    def compact(self) -> None:
        """Which records may go is decided by the class; here only that no key loses its last value."""
        self.log.compact()
        kept = {record.offset for record in self.log.records()}
        last = {key: offset for offset, (key, _) in self.model.items()}
        for offset, (key, value) in self.model.items():
            if key is None or (last[key] == offset and value is not None):
                assert offset in kept
        self.model = {offset: r for offset, r in self.model.items() if offset in kept}

    @rule()
    def reopen(self) -> None:
        self.log.close()
        self.open()

    @rule(start=st.integers(0, 100))
    def read_from(self, start: int) -> None:
        start += self.log.start_offset
        expected = [(o, *r) for o, r in self.model.items() if o >= start]
        assert [(r.offset, r.key, r.value) for r in self.log.records(start)] == expected

    @invariant()
    def holds_what_was_appended(self) -> None:
        if hasattr(self, "log"):
            assert self.log.next_offset == self.next
            assert [(r.offset, r.key, r.value) for r in self.log.records()] == [(o, *r) for o, r in self.model.items()]


LogMachine.TestCase.settings = settings(max_examples=examples(25), stateful_step_count=30, deadline=None)
TestLogMachine = LogMachine.TestCase
