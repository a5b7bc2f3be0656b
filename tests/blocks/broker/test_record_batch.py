"""Record batches are Kafka's to the byte: aiokafka's own code, which we did not write, reads ours, and we read its."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from windtunnel.blocks.broker import DamagedBatchError, batches_in, crc32c, encode_batch, records_of
from windtunnel.blocks.broker.checksum import LONG_BYTES, plain_crc32c
from windtunnel.blocks.broker.kernels.checksum import checksum
from windtunnel.blocks.broker.record_batch import check_batch, header_at, placed, read_varint, varint

records = pytest.importorskip("aiokafka.record.default_records")
util = pytest.importorskip("aiokafka.record.util")

BYTES = st.none() | st.binary(max_size=200)
RECORDS = st.lists(st.tuples(BYTES, BYTES), min_size=1, max_size=30)
HEADERS = st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=9)), max_size=3)


@given(data=st.binary(max_size=300))
def test_the_checksum_is_crc_32c(data: bytes) -> None:
    assert crc32c(data) == plain_crc32c(data) == checksum(data) == util.calc_crc32c_py(data)


def test_the_checksum_of_the_standard_is_that_of_the_standard() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    long = bytes(range(256)) * (LONG_BYTES // 128)
    assert crc32c(long) == plain_crc32c(long)


@given(number=st.integers(-(2**62), 2**62))
def test_a_number_comes_back_from_its_varint(number: int) -> None:
    assert read_varint(varint(number), 0) == (number, len(varint(number)))


@given(told=RECORDS, base=st.integers(0, 2**40), producer=st.integers(-1, 2**40))
def test_what_we_write_aiokafka_reads(told: list[tuple[bytes | None, bytes | None]], base: int, producer: int) -> None:
    batch = encode_batch(told, 1_700_000_000_000, base_offset=base, producer_id=producer, base_sequence=7)
    read = records._DefaultRecordBatchPy(bytearray(batch))
    assert read.validate_crc()
    assert [(one.offset, one.key, one.value) for one in read] == [(base + i, *one) for i, one in enumerate(told)]
    assert read.producer_id == producer
    assert [(one.offset, one.key, one.value) for one in records_of(batch)] == [
        (base + i, *one) for i, one in enumerate(told)
    ]


@given(told=st.lists(st.tuples(st.integers(0, 10**6), BYTES, BYTES, HEADERS), min_size=1, max_size=20))
def test_what_aiokafka_writes_we_read(
    told: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]],
) -> None:
    made = records._DefaultRecordBatchBuilderPy(2, 0, 0, 5, 1, 3, 1 << 20)
    for i, (at, key, value, headers) in enumerate(told):
        made.append(i, at, key, value, headers)
    batch = bytes(made.build())
    assert check_batch(batch).records == len(told)
    assert [(one.timestamp_ms, one.key, one.value, list(one.headers)) for one in records_of(batch)] == told


@given(told=RECORDS, offset=st.integers(0, 2**60), epoch=st.integers(0, 2**30))
def test_a_leader_gives_offset_and_epoch_without_touching_the_checksum(
    told: list[tuple[bytes | None, bytes | None]], offset: int, epoch: int
) -> None:
    batch = encode_batch(told, 5, producer_id=3, producer_epoch=1, base_sequence=9)
    at = check_batch(placed(batch, offset, epoch))
    assert (at.base_offset, at.leader_epoch, at.next_offset) == (offset, epoch, offset + len(told))
    assert (at.producer_id, at.producer_epoch, at.base_sequence) == (3, 1, 9)
    assert placed(batch, offset, epoch)[16:] == batch[16:]


@given(told=RECORDS, data=st.data())
def test_a_batch_that_was_cut_or_changed_is_damaged(
    told: list[tuple[bytes | None, bytes | None]], data: st.DataObject
) -> None:
    batch = encode_batch(told, 5)
    with pytest.raises(DamagedBatchError):
        check_batch(batch[: data.draw(st.integers(0, len(batch) - 1))])
    at = data.draw(st.integers(16, len(batch) - 1))  # before that stand offset, length and epoch, which are not covered
    broken = bytearray(batch)
    broken[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DamagedBatchError):
        check_batch(bytes(broken))


def test_a_torn_batch_at_the_end_is_left_out_and_one_in_the_middle_refused() -> None:
    one, two = encode_batch([(None, b"one")], 0), encode_batch([(None, b"two")], 0, base_offset=1)
    assert [header.base_offset for header, _ in batches_in(one + two[:-1])] == [0]
    with pytest.raises(DamagedBatchError):
        list(batches_in(one + two[:-1], checked=True))


def test_a_batch_without_records_is_refused_and_one_of_an_old_magic_too() -> None:
    with pytest.raises(ValueError, match="at least one record"):
        encode_batch([], 0)
    old = bytearray(encode_batch([(None, b"x")], 0))
    old[16] = 1
    with pytest.raises(DamagedBatchError, match="magic 2"):
        header_at(bytes(old))


def test_gzip_is_read_and_what_python_has_no_library_for_is_refused() -> None:
    made = records._DefaultRecordBatchBuilderPy(2, 1, 0, -1, -1, -1, 1 << 20)
    for i in range(50):
        made.append(i, 7, b"key", b"value" * 20, [])
    assert [one.value for one in records_of(bytes(made.build()))] == [b"value" * 20] * 50
    snappy = bytearray(encode_batch([(None, b"x")], 0))
    snappy[22] = 2
    snappy[17:21] = crc32c(snappy[21:]).to_bytes(4, "big")
    with pytest.raises(ValueError, match="Compression 2"):
        records_of(bytes(snappy))
