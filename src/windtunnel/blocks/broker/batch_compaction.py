"""What of a log is left when each key keeps its last record: see `BatchLog.compact`. No state: threads may share it."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.blocks.broker.record_batch import NO_PRODUCER, BatchHeader, batches_in, encode_records, records_of


def compacted(parts: Sequence[bytes], oldest_tombstone_ms: float) -> list[bytes]:
    """Each part with its batches, of which records are left that no later one of the same key follows in any part.

    The last batch of each producer stays, if need be without records, so that the producer is still known.
    """
    last: dict[bytes, int] = {}
    producers: dict[int, int] = {}
    for data in parts:
        for header, at in batches_in(data):
            if header.producer_id != NO_PRODUCER:
                producers[header.producer_id] = header.base_offset
            if not header.compression:
                last |= {record.key: record.offset for record in records_of(data, at) if record.key is not None}
    return [_part(data, last, producers, oldest_tombstone_ms) for data in parts]


def _part(data: bytes, last: dict[bytes, int], producers: dict[int, int], oldest_ms: float) -> bytes:
    made = []
    for header, at in batches_in(data):
        batch = data[at : at + header.size]
        if header.compression or header.attributes >> 4 & 3:  # transactions' markers have no keys of anybody
            made.append(batch)
            continue
        records = records_of(batch)
        kept = [
            one
            for one in records
            if one.key is None
            or (last[one.key] == one.offset and not (one.value is None and one.timestamp_ms < oldest_ms))
        ]
        if len(kept) == len(records):
            made.append(batch)
        elif kept or _needed(header, producers):
            made.append(encode_records(header, kept))
    return b"".join(made)


def _needed(header: BatchHeader, producers: dict[int, int]) -> bool:
    return producers.get(header.producer_id) == header.base_offset
