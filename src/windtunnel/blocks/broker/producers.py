"""What a partition knows of idempotent producers: a batch that comes again is known, one that is missing is noticed.

A producer has an id, an epoch, and numbers its records. The partition remembers the last five batches of each producer,
so up to five may be under way at once (KIP-98, *Idempotent Producer Guarantees*; KIP-360 for producers of whom nothing
is known any more). It is learned again from the log: nothing here has to be stored.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from windtunnel.blocks.broker.record_batch import NO_PRODUCER, SEQUENCES, BatchHeader
from windtunnel.blocks.ground.errors import Refused

REMEMBERED = 5
"""Batches of one producer; also the most that Kafka's clients have under way."""


class OutOfOrderSequence(Refused):
    """A batch before this one has not come: it must come first."""


class FencedProducer(Refused):
    """A later epoch of this producer has written: this one is a zombie."""


class Written(NamedTuple):
    """A batch that is in the log: its sequence numbers and its first offset."""

    first: int
    last: int
    base_offset: int
    next_offset: int


class ProducerStates:
    """Of all producers of one partition. The inside of a `BatchLog`: one thread or task at a time."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, deque[Written]]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def check(self, batch: BatchHeader) -> Written | None:
        """None for a batch that is new and may be appended; where it stands for one that has come before.

        Raises:
            OutOfOrderSequence: it does not follow on the last.
            FencedProducer: its epoch is older than that of the last.
        """
        known = self._known.get(batch.producer_id)
        if batch.producer_id == NO_PRODUCER or known is None:
            return None
        epoch, written = known
        if batch.producer_epoch < epoch:
            raise FencedProducer(
                f"Producer {batch.producer_id} has written in epoch {epoch}; {batch.producer_epoch} is over."
            )
        if batch.producer_epoch > epoch:
            if batch.base_sequence:
                raise OutOfOrderSequence(
                    f"Epoch {batch.producer_epoch} of producer {batch.producer_id} begins with {batch.base_sequence}."
                )
            return None
        for one in written:
            if (one.first, one.last) == (batch.base_sequence, batch.last_sequence):
                return one
        due = (written[-1].last + 1) % SEQUENCES
        if batch.base_sequence != due:
            raise OutOfOrderSequence(
                f"Producer {batch.producer_id} sends {batch.base_sequence} where {due} would follow."
            )
        return None

    def note(self, batch: BatchHeader) -> None:
        """It is in the log, under the offset of its header."""
        if batch.producer_id == NO_PRODUCER:
            return
        epoch, written = self._known.get(batch.producer_id, (-1, deque[Written]()))
        if epoch != batch.producer_epoch:
            written = deque(maxlen=REMEMBERED)
        written.append(Written(batch.base_sequence, batch.last_sequence, batch.base_offset, batch.next_offset))
        self._known[batch.producer_id] = batch.producer_epoch, written

    def last_of(self, producer_id: int) -> Written | None:
        """The last batch of a producer, `None` where there is none."""
        known = self._known.get(producer_id)
        return known[1][-1] if known else None
