"""The thirteen requests that a producer and a consumer need, in the versions before the flexible ones.

Source: Apache Kafka, *A Guide To The Kafka Protocol*, The Messages. What aiokafka 0.14 and librdkafka 2.16 send is
among it. No state: threads and tasks may share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from windtunnel.blocks.broker.wire import Field, many, one


@dataclass(frozen=True)
class Kind:
    """One kind of request: its number, its versions, what is asked and what is answered."""

    key: int
    name: str
    least: int
    most: int
    asked: Sequence[Field]
    answered: Sequence[Field]


THROTTLE = "throttle_time_ms"

PRODUCE = Kind(
    0, "produce", 3, 7,
    (
        one("transactional_id", "string", default=None),
        one("acks", "i16"),
        one("timeout_ms", "i32"),
        many("topics", (one("name", "string"), many("partitions", (one("index", "i32"), one("records", "bytes"))))),
    ),
    (
        many("topics", (
            one("name", "string"),
            many("partitions", (
                one("index", "i32"), one("error_code", "i16"), one("base_offset", "i64", default=-1),
                one("log_append_time_ms", "i64", default=-1), one("log_start_offset", "i64", 5, default=-1),
            )),
        )),
        one(THROTTLE, "i32"),
    ),
)  # fmt: skip

FETCH = Kind(
    1, "fetch", 4, 11,
    (
        one("replica_id", "i32"),
        one("max_wait_ms", "i32"),
        one("min_bytes", "i32"),
        one("max_bytes", "i32"),
        one("isolation_level", "i8"),
        one("session_id", "i32", 7),
        one("session_epoch", "i32", 7),
        many("topics", (
            one("name", "string"),
            many("partitions", (
                one("index", "i32"), one("current_leader_epoch", "i32", 9), one("fetch_offset", "i64"),
                one("log_start_offset", "i64", 5), one("partition_max_bytes", "i32"),
            )),
        )),
        many("forgotten", (one("name", "string"), many("partitions", "i32")), 7),
        one("rack_id", "string", 11, default=""),
    ),
    (
        one(THROTTLE, "i32"),
        one("error_code", "i16", 7),
        one("session_id", "i32", 7),
        many("topics", (
            one("name", "string"),
            many("partitions", (
                one("index", "i32"), one("error_code", "i16"), one("high_watermark", "i64", default=-1),
                one("last_stable_offset", "i64", default=-1), one("log_start_offset", "i64", 5, default=-1),
                many("aborted", (one("producer_id", "i64"), one("first_offset", "i64"))),
                one("preferred_read_replica", "i32", 11, default=-1), one("records", "bytes", default=b""),
            )),
        )),
    ),
)  # fmt: skip

LIST_OFFSETS = Kind(
    2, "list_offsets", 1, 3,
    (
        one("replica_id", "i32"),
        one("isolation_level", "i8", 2),
        many("topics", (
            one("name", "string"), many("partitions", (one("index", "i32"), one("timestamp", "i64"))),
        )),
    ),
    (
        one(THROTTLE, "i32", 2),
        many("topics", (
            one("name", "string"),
            many("partitions", (
                one("index", "i32"), one("error_code", "i16"), one("timestamp", "i64", default=-1),
                one("offset", "i64", default=-1),
            )),
        )),
    ),
)  # fmt: skip

METADATA = Kind(
    3, "metadata", 1, 7,
    (many("topics", "string"), one("allow_auto_topic_creation", "bool", 4)),
    (
        one(THROTTLE, "i32", 3),
        many("brokers", (
            one("node_id", "i32"), one("host", "string"), one("port", "i32"), one("rack", "string", default=None),
        )),
        one("cluster_id", "string", 2, default=None),
        one("controller_id", "i32"),
        many("topics", (
            one("error_code", "i16"), one("name", "string"), one("is_internal", "bool"),
            many("partitions", (
                one("error_code", "i16"), one("index", "i32"), one("leader_id", "i32"), one("leader_epoch", "i32", 7),
                many("replicas", "i32"), many("isr", "i32"), many("offline", "i32", 5),
            )),
        )),
    ),
)  # fmt: skip

OFFSET_COMMIT = Kind(
    8, "offset_commit", 2, 6,
    (
        one("group_id", "string"),
        one("generation_id", "i32"),
        one("member_id", "string"),
        one("retention_time_ms", "i64", 2, 4),
        many("topics", (
            one("name", "string"),
            many("partitions", (
                one("index", "i32"), one("offset", "i64"), one("leader_epoch", "i32", 6), one("metadata", "string"),
            )),
        )),
    ),
    (
        one(THROTTLE, "i32", 3),
        many("topics", (one("name", "string"), many("partitions", (one("index", "i32"), one("error_code", "i16"))))),
    ),
)  # fmt: skip

OFFSET_FETCH = Kind(
    9, "offset_fetch", 1, 5,
    (one("group_id", "string"), many("topics", (one("name", "string"), many("partitions", "i32")))),
    (
        one(THROTTLE, "i32", 3),
        many("topics", (
            one("name", "string"),
            many("partitions", (
                one("index", "i32"), one("offset", "i64"), one("leader_epoch", "i32", 5, default=-1),
                one("metadata", "string", default=""), one("error_code", "i16"),
            )),
        )),
        one("error_code", "i16", 2),
    ),
)  # fmt: skip

FIND_COORDINATOR = Kind(
    10, "find_coordinator", 0, 2,
    (one("key", "string"), one("key_type", "i8", 1)),
    (
        one(THROTTLE, "i32", 1),
        one("error_code", "i16"),
        one("error_message", "string", 1, default=None),
        one("node_id", "i32"), one("host", "string"), one("port", "i32"),
    ),
)  # fmt: skip

JOIN_GROUP = Kind(
    11, "join_group", 0, 3,
    (
        one("group_id", "string"),
        one("session_timeout_ms", "i32"),
        one("rebalance_timeout_ms", "i32", 1),
        one("member_id", "string"),
        one("protocol_type", "string"),
        many("protocols", (one("name", "string"), one("metadata", "bytes"))),
    ),
    (
        one(THROTTLE, "i32", 2),
        one("error_code", "i16"),
        one("generation_id", "i32", default=-1),
        one("protocol_name", "string", default=""),
        one("leader", "string", default=""),
        one("member_id", "string", default=""),
        many("members", (one("member_id", "string"), one("metadata", "bytes"))),
    ),
)  # fmt: skip

HEARTBEAT = Kind(
    12, "heartbeat", 0, 1,
    (one("group_id", "string"), one("generation_id", "i32"), one("member_id", "string")),
    (one(THROTTLE, "i32", 1), one("error_code", "i16")),
)  # fmt: skip

LEAVE_GROUP = Kind(
    13, "leave_group", 0, 1,
    (one("group_id", "string"), one("member_id", "string")),
    (one(THROTTLE, "i32", 1), one("error_code", "i16")),
)  # fmt: skip

SYNC_GROUP = Kind(
    14, "sync_group", 0, 1,
    (
        one("group_id", "string"), one("generation_id", "i32"), one("member_id", "string"),
        many("assignments", (one("member_id", "string"), one("assignment", "bytes"))),
    ),
    (one(THROTTLE, "i32", 1), one("error_code", "i16"), one("assignment", "bytes", default=b"")),
)  # fmt: skip

API_VERSIONS = Kind(
    18, "api_versions", 0, 2,
    (),
    (
        one("error_code", "i16"),
        many("api_keys", (one("key", "i16"), one("least", "i16"), one("most", "i16"))),
        one(THROTTLE, "i32", 1),
    ),
)  # fmt: skip

INIT_PRODUCER_ID = Kind(
    22, "init_producer_id", 0, 1,
    (one("transactional_id", "string", default=None), one("transaction_timeout_ms", "i32")),
    (
        one(THROTTLE, "i32"), one("error_code", "i16"),
        one("producer_id", "i64", default=-1), one("producer_epoch", "i16"),
    ),
)  # fmt: skip

KINDS = {
    kind.key: kind
    for kind in (
        PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR, JOIN_GROUP, HEARTBEAT,
        LEAVE_GROUP, SYNC_GROUP, API_VERSIONS, INIT_PRODUCER_ID,
    )
}  # fmt: skip
"""By their numbers."""
