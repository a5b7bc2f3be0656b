"""Which leader wrote which offsets: what tells two replicas where their logs part (KIP-101, KIP-279)."""

from __future__ import annotations

from bisect import bisect_right


class LeaderEpochs:
    """Epochs and the offset at which each began, oldest first. One thread or task at a time."""

    def __init__(self) -> None:
        self._epochs: list[int] = []
        self._starts: list[int] = []

    @property
    def latest(self) -> int:
        """The epoch of the last batch, -1 where there is none."""
        return self._epochs[-1] if self._epochs else -1

    def note(self, epoch: int, base_offset: int) -> None:
        """A batch of this epoch begins here."""
        if epoch > self.latest:
            self._epochs.append(epoch)
            self._starts.append(base_offset)

    def end_of(self, epoch: int, next_offset: int) -> tuple[int, int]:
        """The greatest epoch here that is not above `epoch`, and the offset behind its last record.

        -1 and the offset at which this log begins to know, where all its epochs are above.
        """
        at = bisect_right(self._epochs, epoch)
        end = self._starts[at] if at < len(self._starts) else next_offset
        return (self._epochs[at - 1] if at else -1), end

    def cut(self, offset: int) -> None:
        """Nothing at or after this offset is there any more."""
        while self._starts and self._starts[-1] >= offset:
            self._starts.pop()
            self._epochs.pop()
