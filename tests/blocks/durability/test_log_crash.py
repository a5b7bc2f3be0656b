"""The log loses power at every operation, with every kind of loss: nothing safe is lost, nothing torn is read.

The simulated disk (`torn_disk`) keeps what was synced and, of the rest, what the dice leave. The soak test does the
same with `kill -9` of a real process on the real disk.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from helpers.torn_disk import Crashed, TornDisk
from windtunnel.blocks.durability.log import Log
from windtunnel.blocks.ground.files import DiskFiles

KEYS = (None, b"a", b"b", b"c", b"d")


class Story:
    """A random user of a log who remembers what he was promised, over any number of crashes."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.appended: list[tuple[bytes | None, bytes | None]] = []
        self.batches: list[range] = []
        self.safe = 0
        self.trimmed = 0
        self.compacted = 0
        """Records below this may be missing if a later one has their key."""

    def live(self, disk: TornDisk, operations: int) -> None:
        """Use the log until the disk crashes or `operations` have been done."""
        random = self.random
        log = Log(disk, "d/log", segment_bytes=2000, buffer_bytes=400, clock=lambda: 1000.0)
        self.check(log)
        for _ in range(operations):
            dice = random.random()
            if dice < 0.45:
                record = random.choice(KEYS), random.randbytes(random.choice((0, 5, 60, 700)))
                self.appended.append(record)
                log.append(record[1], record[0])
            elif dice < 0.70:
                batch = [(random.choice(KEYS), random.randbytes(30)) for _ in range(random.randrange(1, 30))]
                self.batches.append(range(len(self.appended), len(self.appended) + len(batch)))
                self.appended += batch
                log.append_many([value for _, value in batch], [key for key, _ in batch])
            elif dice < 0.90:
                log.sync()
                self.safe = len(self.appended)
                assert log.synced_offset == self.safe
            elif dice < 0.94:
                log.roll()
            elif dice < 0.98:
                self.trimmed = max(self.trimmed, random.randrange(len(self.appended) + 1))
                log.trim(self.trimmed)
            else:
                self.compacted = len(self.appended)
                log.compact()

    def check(self, log: Log) -> None:
        """The log is a prefix of what was appended, holds all that is safe, and has no half batch. Go on from there."""
        end = log.next_offset
        assert self.safe <= end <= len(self.appended), "nothing safe is lost, nothing unknown appears"
        assert log.start_offset <= max(self.trimmed, 0)
        found = {record.offset: (record.key, record.value) for record in log.records()}
        last = {key: offset for offset, (key, _) in enumerate(self.appended[:end])}
        for offset in range(log.start_offset, end):
            key, value = self.appended[offset]
            if offset in found:
                assert found[offset] == (key, value), "nothing torn is read"
            else:
                assert offset < self.compacted, f"record {offset} is lost"
                assert key is not None
                assert last[key] > offset, f"the last record of {key!r} is lost"
        assert all(offset >= log.start_offset for offset in found)
        for batch in self.batches:
            assert not batch.start < end < batch.stop, "a batch is whole or absent"
        del self.appended[end:]
        self.batches = [batch for batch in self.batches if batch.stop <= end]
        self.compacted = min(self.compacted, end)
        self.safe = end  # what was read after a crash has been synced by opening


def crash_everywhere(seed: int, steps: int = 40) -> int:
    """One story, replayed with a crash at each of its operations, and a second crash soon after the first.

    A third of the first crashes kill the process only: what it wrote is in memory, to be read, and not yet on the disk.
    """
    whole = TornDisk()
    Story(seed).live(whole, steps)
    for crash_at in range(1, whole.operations + 1):
        dice = Random(seed * 1_000_003 + crash_at)
        story, disk = Story(seed), TornDisk(crash_at)
        with pytest.raises(Crashed):
            story.live(disk, steps)
        if dice.random() < 2 / 3:
            disk = disk.restarted(dice)
        disk.crash_at = disk.operations + dice.randrange(1, 30)
        try:
            story.live(disk, 10)
        except Crashed:
            disk = disk.restarted(dice)
        disk.crash_at = None
        story.live(disk, 10)
    return whole.operations


def test_the_log_survives_a_crash_at_each_of_three_hundred_operations() -> None:
    points = sum(crash_everywhere(seed, steps=25) for seed in range(4))
    assert points >= 300


@pytest.mark.soak
def test_the_log_survives_a_crash_at_each_of_fifty_thousand_operations() -> None:
    assert sum(crash_everywhere(seed) for seed in range(1000, 1450)) >= 50_000


WRITER = """
import sys
from windtunnel.blocks.ground.files import DiskFiles
from windtunnel.blocks.durability.log import Log
log = Log(DiskFiles(sys.argv[1]), segment_bytes=20_000)
number = log.next_offset
while True:
    if number % 7 == 0:
        log.append_many([b"%d" % i * 20 for i in range(number, number + 30)])
        number += 30
    else:
        log.append(b"%d" % number * 20)
        number += 1
    if number % 5 == 0:
        log.sync()
        print(number, flush=True)
    if number % 400 == 0:
        log.trim(number - 2000)
"""


@pytest.mark.soak
def test_the_log_survives_kill_9_at_a_thousand_moments(tmp_path: Path) -> None:
    """The process dies, the machine lives: every acknowledged number is there, in order, whole."""
    random = Random(9)
    safe = 0
    for _ in range(1000):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(random.randrange(1, 60)):
            safe = int(writer.stdout.readline())
        writer.kill()
        rest = writer.stdout.read().split("\n")
        safe = max([safe, *(int(line) for line in rest[:-1] if line)])
        writer.wait()
        writer.stdout.close()
        with Log(DiskFiles(tmp_path), segment_bytes=20_000) as log:
            assert log.next_offset >= safe
            for expected, record in enumerate(log.records(), start=log.start_offset):
                assert record.offset == expected
                assert record.value == b"%d" % expected * 20
            safe = log.next_offset
