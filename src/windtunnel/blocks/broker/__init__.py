"""A broker: record batches in a partitioned log, replicas, groups of consumers, and the requests of Kafka's clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.broker.batch_log import BatchLog as BatchLog, BatchPlace as BatchPlace
    from windtunnel.blocks.broker.broker import KafkaBroker as KafkaBroker
    from windtunnel.blocks.broker.checksum import crc32c as crc32c
    from windtunnel.blocks.broker.group import ConsumerGroup as ConsumerGroup, Joined as Joined, Synced as Synced
    from windtunnel.blocks.broker.offsets import CommittedOffsets as CommittedOffsets
    from windtunnel.blocks.broker.producers import (
        FencedProducer as FencedProducer,
        OutOfOrderSequence as OutOfOrderSequence,
    )
    from windtunnel.blocks.broker.record_batch import (
        BatchHeader as BatchHeader,
        BatchRecord as BatchRecord,
        DamagedBatchError as DamagedBatchError,
        batches_in as batches_in,
        encode_batch as encode_batch,
        records_of as records_of,
    )
    from windtunnel.blocks.broker.replica import (
        NotEnoughReplicas as NotEnoughReplicas,
        NotLeading as NotLeading,
        PartitionReplica as PartitionReplica,
        ReplicaAnswer as ReplicaAnswer,
    )

__getattr__, __dir__ = lend(__name__)
