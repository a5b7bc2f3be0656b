"""The log of a partition: what was synced is there after any crash, replicas can cut, and nothing comes twice."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, strategies as st

from helpers.torn_disk import Crashed, TornDisk
from windtunnel.blocks.broker import (
    BatchHeader,
    BatchLog,
    DamagedBatchError,
    FencedProducer,
    OutOfOrderSequence,
    batches_in,
    encode_batch,
    records_of,
)
from windtunnel.blocks.durability import DamagedLogError, OffsetGone
from windtunnel.blocks.ground import DiskFiles


def batch(*values: str, producer: int = -1, epoch: int = 0, first: int = -1, key: bytes | None = None) -> bytes:
    return encode_batch(
        [(key, value.encode()) for value in values], 0, producer_id=producer, producer_epoch=epoch, base_sequence=first
    )


def all_of(log: BatchLog) -> list[tuple[int, str | None]]:
    """Every record, by reading from the start on."""
    found, offset = [], log.start_offset
    while data := log.read(offset, 200):
        for header, at in batches_in(data, checked=True):
            found += [
                (one.offset, None if one.value is None else one.value.decode())
                for one in records_of(data, at)
                if one.offset >= offset
            ]
            offset = header.next_offset
    return found


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=12), most=st.integers(1, 600))
def test_offsets_are_dense_and_every_one_of_them_can_be_read_from(sizes: list[int], most: int) -> None:
    log = BatchLog(TornDisk(), "p", segment_bytes=300)
    told = 0
    for size in sizes:
        place = log.append(batch(*(f"v{told + i}" for i in range(size))))
        assert (place.base_offset, place.next_offset, place.again) == (told, told + size, False)
        told += size
    assert all_of(log) == [(i, f"v{i}") for i in range(told)]
    for offset in range(told):
        data = log.read(offset, most)
        headers = [header for header, _ in batches_in(data, checked=True)]
        assert headers[0].base_offset <= offset < headers[0].next_offset
        assert len(data) <= most or len(headers) == 1
        assert log.read(offset, most, below=headers[0].next_offset - 1) == b""
    assert log.read(told) == b""
    for gone in (-1, told + 1):
        with pytest.raises(OffsetGone):
            log.read(gone)


@given(crash_at=st.integers(1, 40), seed=st.integers(0, 10**6), steps=st.lists(st.booleans(), min_size=4, max_size=14))
def test_after_any_loss_of_power_there_is_a_prefix_with_all_that_was_synced(
    crash_at: int, seed: int, steps: list[bool]
) -> None:
    disk = TornDisk(crash_at)
    written = safe = 0
    try:
        log = BatchLog(disk, "p", segment_bytes=400)
        for sync in steps:
            written += 2  # it may have been written, whether or not we hear of it
            log.append(batch(f"v{written - 2}", f"v{written - 1}"))
            if sync:
                log.sync()
                safe = written
    except Crashed:
        pass
    again = BatchLog(disk.restarted(Random(seed)), "p", segment_bytes=400)
    found = all_of(again)
    assert found == [(i, f"v{i}") for i in range(len(found))]
    assert safe <= len(found) <= written
    assert again.append(batch("next")).base_offset == len(found)


@given(
    one=st.lists(st.integers(1, 3), max_size=6),
    two=st.lists(st.integers(1, 3), max_size=6),
    three=st.lists(st.integers(1, 3), max_size=6),
)
def test_two_logs_that_part_find_where_by_their_epochs(one: list[int], two: list[int], three: list[int]) -> None:
    """A follower with records of an old leader cuts them, and nothing that both have (KIP-101)."""
    leader, follower = BatchLog(TornDisk(), "l", segment_bytes=300), BatchLog(TornDisk(), "f", segment_bytes=300)
    for size in one:
        leader.append(batch(*"x" * size), 1)
    if leader.next_offset:
        data = b"".join(leader.read(h.base_offset, 1) for h in headers_of(leader))
        follower.append_copies(data)
    common = leader.next_offset
    for size in two:
        follower.append(batch(*"old"[:size]), 2)
    for size in three:
        leader.append(batch(*"new"[:size]), 3)
    epoch, end = leader.end_of_epoch(follower.latest_epoch)
    _, mine = follower.end_of_epoch(epoch)
    cut = min(end, mine)
    assert cut == common
    follower.truncate(cut)
    assert all_of(follower) == all_of(leader)[:common]
    assert follower.latest_epoch == (1 if common else -1)


def headers_of(log: BatchLog) -> list[BatchHeader]:
    found, offset = list[BatchHeader](), log.start_offset
    while data := log.read(offset):
        for header, _ in batches_in(data):
            found.append(header)
            offset = header.next_offset
    return found


def test_a_copy_has_to_follow_on_what_is_there() -> None:
    one, two = BatchLog(TornDisk(), "a"), BatchLog(TornDisk(), "b")
    one.append(batch("x"))
    two.append_copies(one.read(0))
    with pytest.raises(ValueError, match="cannot follow"):
        two.append_copies(one.read(0))
    with pytest.raises(DamagedBatchError):
        two.append_copies(one.read(0)[:-1])
    assert two.next_offset == 1


def test_a_batch_that_comes_again_is_known_also_by_the_next_life() -> None:
    disk = TornDisk()
    log = BatchLog(disk, "p")
    for i in range(4):
        assert log.append(batch("a", "b", producer=9, first=2 * i)).base_offset == 2 * i
    for known in (log, BatchLog(disk, "p")):
        again = known.append(batch("a", "b", producer=9, first=4))
        assert again == (4, 6, True)
        assert known.next_offset == 8
        with pytest.raises(OutOfOrderSequence):
            known.append(batch("c", producer=9, first=10))
        assert known.next_offset == 8


def test_sequence_numbers_go_round_and_a_later_epoch_fences_the_one_before() -> None:
    log = BatchLog(TornDisk(), "p")
    log.append(batch("a", "b", producer=9, first=2**31 - 1))  # the second has number 0
    assert log.append(batch("c", producer=9, first=1)).base_offset == 2
    assert log.append(batch("d", producer=9, epoch=1, first=0)).base_offset == 3
    with pytest.raises(FencedProducer):
        log.append(batch("e", producer=9, epoch=0, first=2))
    with pytest.raises(OutOfOrderSequence):
        log.append(batch("e", producer=9, epoch=2, first=5))


def test_what_a_replica_cuts_it_does_not_know_any_more() -> None:
    log = BatchLog(TornDisk(), "p")
    log.append(batch("a", producer=9, first=0))
    log.append(batch("b", producer=9, first=1))
    log.truncate(1)
    assert log.append(batch("b", producer=9, first=1)) == (1, 2, False)


def test_whole_segments_go_by_size_and_by_age_and_readers_are_told() -> None:
    now = [1000.0]
    log = BatchLog(TornDisk(), "p", segment_bytes=200, retention_bytes=500, clock=lambda: now[0])
    for i in range(20):
        log.append(batch(f"value {i}"))
    assert 500 <= log.size_bytes <= 900
    with pytest.raises(OffsetGone):
        log.read(0)
    assert all_of(log)[0] == (log.start_offset, f"value {log.start_offset}")
    aged = BatchLog(TornDisk(), "q", segment_bytes=200, retention_s=10, clock=lambda: now[0])
    for i in range(6):
        aged.append(batch(f"value {i}"))  # of 1970
    aged.retain()
    assert aged.start_offset > 0
    assert aged.next_offset == 6


@given(told=st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=40))
def test_compaction_keeps_of_each_key_the_last_record_and_its_offset(told: list[tuple[int, bool]]) -> None:
    disk = TornDisk()
    log = BatchLog(disk, "p", segment_bytes=250, clock=lambda: 1e9)
    for i, (key, deleted) in enumerate(told):
        pair = (b"k%d" % key, None if deleted else b"v%d" % i)
        sent = sum(1 for other, _ in told[:i] if other == key)
        log.append(encode_batch([pair], 0, producer_id=key, producer_epoch=0, base_sequence=sent))
    before = {}
    for i, (key, deleted) in enumerate(told):
        before[key] = (i, None if deleted else f"v{i}")
    size = log.size_bytes
    assert log.compact(keep_tombstones_s=1e9) == size - log.size_bytes
    for known in (log, BatchLog(disk, "p", segment_bytes=250)):
        found = all_of(known)
        assert known.next_offset == len(told)
        assert [offset for offset, _ in found] == sorted(offset for offset, _ in found)
        last = {}
        for offset, value in found:
            last[told[offset][0]] = (offset, value)
        assert last == before
        assert known.producers.last_of(told[-1][0]) is not None
    log.compact(keep_tombstones_s=0)
    full = sum(1 for key, (_, value) in before.items() if value is not None)
    assert len({told[offset][0] for offset, value in all_of(log) if value is not None}) >= full


def test_a_broken_full_segment_is_told_and_not_cut(tmp_path: Path) -> None:
    with BatchLog(DiskFiles(tmp_path), "p", segment_bytes=200) as log:
        for i in range(8):
            log.append(batch(f"value {i}"))
    first = sorted((tmp_path / "p").glob("*.log"))[0]
    first.write_bytes(first.read_bytes()[:-5])
    with pytest.raises(DamagedLogError, match="damaged at byte"):
        BatchLog(DiskFiles(tmp_path), "p", segment_bytes=200)


def test_the_first_record_of_a_time_is_found() -> None:
    log = BatchLog(TornDisk(), "p", segment_bytes=300)
    for i in range(9):
        log.append(encode_batch([(None, b"x")], 100 * i))
    assert log.offset_at(250) == (3, 300)
    assert log.offset_at(0) == (0, 0)
    assert log.offset_at(801) is None
