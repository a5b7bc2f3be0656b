"""The chunk store loses power at every operation: nothing acknowledged is lost, nothing torn is read.

The simulated disk (`torn_disk`) keeps what was synced and, of the rest, what the dice leave. The soak test does the
same with `kill -9` of a real process on the real disk.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from helpers.torn_disk import Crashed, TornDisk, TornFile
from windtunnel.blocks.chunks.chunk_store import ChunkStore
from windtunnel.blocks.ground.files import DiskFiles


class Story:
    """A random user of a store who remembers what he was promised, over any number of crashes."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.data: dict[bytes, bytes] = {}
        self.safe = Counter[bytes]()
        self.tried = Counter[bytes]()
        """What the counts are if the call under way, or that was cut short, had its whole effect."""

    def live(self, disk: TornDisk, operations: int) -> None:
        """Use the store until the disk crashes or `operations` have been done."""
        random = self.random
        store = ChunkStore(disk, "store", pack_bytes=2000)
        self.check(store)
        for _ in range(operations):
            new = [random.randbytes(random.choice((0, 3, 100, 900))) for _ in range(random.choice((1, 1, 1, 12)))]
            old = [digest for digest in sorted(self.safe.elements()) if random.random() < 0.3]
            dice = random.random()
            if dice < 0.5:
                self.expect(new, [])
                store.put_many(new)
            elif dice < 0.65:
                self.expect([], old)
                store.release(old)
            elif dice < 0.9:
                self.expect(new, old)
                store.exchange(new, old)
            else:
                store.compact()
            self.safe = self.tried
        self.check(store)

    def expect(self, new: list[bytes], old: list[bytes]) -> None:
        self.data.update((sha256(chunk).digest(), chunk) for chunk in new)
        self.tried = self.safe + Counter(sha256(chunk).digest() for chunk in new)
        self.tried.subtract(Counter(old))
        self.tried = +self.tried

    def check(self, store: ChunkStore) -> None:
        """The store holds what was acknowledged, and all or nothing of the call cut short. Go on from there."""
        found = Counter({digest: store.references(digest) for digest in self.data if digest in store})
        assert found in (self.safe, self.tried), "nothing acknowledged is lost, no call is half done"
        assert len(store) == len(found)
        for digest in found:
            assert store.get(digest) == self.data[digest], "nothing torn is read"
        self.safe = self.tried = found


def crash_everywhere(seed: int, kind: type[TornDisk] = TornDisk, steps: int = 40) -> int:
    """One story, replayed with a crash at each of its operations, and a second crash soon after the first.

    A third of the first crashes kill the process only: what it wrote is in memory, to be read, and not yet on the disk.
    """
    whole = kind()
    Story(seed).live(whole, steps)
    for crash_at in range(1, whole.operations + 1):
        dice = Random(seed * 1_000_003 + crash_at)
        story, disk = Story(seed), kind(crash_at)
        with pytest.raises(Crashed):
            story.live(disk, steps)
        if dice.random() < 2 / 3:
            disk = disk.restarted(dice)
        disk.crash_at = disk.operations + dice.randrange(1, 20)
        try:
            story.live(disk, 8)
        except Crashed:
            disk = disk.restarted(dice)
        disk.crash_at = None
        story.live(disk, 8)
    return whole.operations


def test_the_store_survives_a_crash_at_each_of_three_hundred_operations() -> None:
    points = sum(crash_everywhere(seed, steps=25) for seed in range(2))
    assert points >= 300


def test_the_store_survives_an_error_at_each_operation_and_then_a_crash() -> None:
    whole = TornDisk()
    Story(3).live(whole, 25)
    for error_at in range(1, whole.operations + 1):
        dice = Random(error_at)
        story, disk = Story(3), TornDisk(error_at=error_at)
        with pytest.raises(OSError, match="injected"):
            story.live(disk, 25)
        story.live(disk, 5)  # opened again by the same process, or another one
        story.live(disk.restarted(dice), 5)


class Forgetful(TornDisk):
    """A disk whose `fsync` returns at once and does nothing."""

    def open(self, path: str, *, create: bool = False) -> TornFile:
        file = super().open(path, create=create)
        file.fsync = lambda: None  # type: ignore[method-assign]
        return file


def test_this_test_notices_a_store_that_does_not_sync() -> None:
    with pytest.raises((AssertionError, ValueError)):
        for seed in range(5):
            crash_everywhere(seed, Forgetful)


@pytest.mark.soak
def test_the_store_survives_a_crash_at_each_of_twenty_thousand_operations() -> None:
    assert sum(crash_everywhere(seed) for seed in range(1000, 1200)) >= 20_000


WRITER = """
import sys
from test_chunk_store_crash import chunk, following
from windtunnel.blocks.chunks.chunk_store import ChunkStore
from windtunnel.blocks.ground.files import DiskFiles
from hashlib import sha256
store = ChunkStore(DiskFiles(sys.argv[1]), pack_bytes=100_000)
start, end = int(sys.argv[2]), int(sys.argv[3])
while True:
    next_start, next_end = following(start, end)
    if next_end > end:
        store.put_many(chunk(i) for i in range(end, next_end))
    else:
        store.release(sha256(chunk(i)).digest() for i in range(start, next_start))
    start, end = next_start, next_end
    print(start, end, flush=True)
    if end % 29 == 0:
        store.compact()
"""


HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}


def chunk(number: int) -> bytes:
    return b"%d," % number * (number % 900 + 1)


def following(start: int, end: int) -> tuple[int, int]:
    """The chunks that the writer keeps after its next call: more of them, or the older ones released."""
    return (end - 300, end) if end - start > 500 else (start, end + end % 40 + 1)


@pytest.mark.soak
def test_a_killed_process_loses_nothing_that_it_had_announced(tmp_path: Path) -> None:
    """1000 kills at random moments of a real process on the real disk."""
    dice, state = Random(1), (0, 0)
    for _ in range(1000):
        command = [sys.executable, "-c", WRITER, str(tmp_path), *map(str, state)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE, env=ENVIRONMENT) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline() for _ in range(dice.randrange(1, 30))]
            writer.send_signal(signal.SIGKILL)
            lines += [line for line in writer.stdout if line.endswith("\n")]  # announced before it died
        start, end = map(int, lines[-1].split())
        with ChunkStore(DiskFiles(tmp_path)) as store:
            near = range(max(0, start - 1000), end + 100)
            found = [number for number in near if sha256(chunk(number)).digest() in store]
            assert store.damaged() == []
            assert len(store) == len(found)
            state = (found[0], found[-1] + 1)
            assert found == list(range(*state))
            assert state in ((start, end), following(start, end))
