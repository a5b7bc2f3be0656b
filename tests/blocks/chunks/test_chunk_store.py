"""The chunk store on a disk that keeps its word: counts, batches, packs, compaction, damage."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from helpers.examples import examples
from helpers.torn_disk import TornDisk
from windtunnel.blocks.chunks.chunk_store import ChunkStore
from windtunnel.blocks.chunks.chunking import chunks
from windtunnel.blocks.chunks.fastcdc import FastCDC
from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.ground.files import DiskFiles, Files, InUse


@pytest.fixture(params=["disk", "torn"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    return DiskFiles(tmp_path / "root") if request.param == "disk" else TornDisk()


def packs(files: Files) -> list[str]:
    return [name for name in files.listdir() if name.endswith(".pack")]


def flip(files: Files, path: str, position: int) -> None:
    file = files.open(path)
    file.write_at(position, bytes([file.read_at(position, 1)[0] ^ 1]))
    file.fsync()
    file.close()


def test_equal_chunks_are_kept_once_and_counted(files: Files) -> None:
    with ChunkStore(files, "a/b") as store:
        first, second, third = store.put_many([b"one", b"two", b"one"])
        assert first == third == sha256(b"one").digest()
        assert store.references(first) == 2
        assert len(store) == 2
        assert store.get(second) == b"two"
        assert store.missing([first, sha256(b"three").digest()]) == [sha256(b"three").digest()]
        store.retain([second])
        store.release([first, first, second])
        assert first not in store
        assert second in store
        assert store.dead_bytes == 3


def test_a_store_that_is_opened_again_has_what_it_had(files: Files) -> None:
    with ChunkStore(files, pack_bytes=500) as store:
        digests = store.put_many(b"%d" % i * 20 for i in range(100))
        for digest in digests[::2]:
            store.release([digest])
    with ChunkStore(files, pack_bytes=500) as store:
        assert [digest in store for digest in digests] == [False, True] * 50
        assert [store.get(digest) for digest in digests[1::2]] == [b"%d" % i * 20 for i in range(1, 100, 2)]
        assert store.damaged() == []
    assert len(packs(files)) > 3


def test_a_released_chunk_is_taken_up_again_without_writing_its_bytes(files: Files) -> None:
    with ChunkStore(files) as store:
        store.release([store.put(bytes(10_000))])
        size = files.open(packs(files)[0]).size
        digest = store.put(bytes(10_000))
        assert files.open(packs(files)[0]).size - size < 500
        assert store.get(digest) == bytes(10_000)
        assert store.dead_bytes == 0


def test_compaction_gives_dead_bytes_back_and_keeps_counts(files: Files) -> None:
    with ChunkStore(files, pack_bytes=3000) as store:
        digests = store.put_many(bytes([i]) * 1000 for i in range(30))
        store.retain(digests[:3])
        store.release(digests[3:27])
        assert store.dead_bytes == 24_000
        store.compact()
        assert store.dead_bytes == 0
        assert sum(files.open(name).size for name in packs(files)) < 7500
        digests += store.put_many([b"after"])
    with ChunkStore(files) as store:
        assert [store.references(digest) for digest in digests] == [2] * 3 + [0] * 24 + [1] * 4
        assert store.get(digests[-1]) == b"after"
        store.release([*digests[:3] * 2, *digests[27:]])
        store.compact()
        assert len(store) == 0
        assert store.put(b"x") in store


def test_a_new_version_of_a_file_takes_the_place_of_the_old_and_shares_its_chunks(files: Files) -> None:
    data = Random(1).randbytes(300_000)
    with ChunkStore(files) as store:
        old = store.put_many(bytes(chunk) for chunk in chunks(FastCDC(4096), data))
        edited = data[:150_000] + b"a few words" + data[150_000:]
        new = store.exchange((bytes(chunk) for chunk in chunks(FastCDC(4096), edited)), old)
        assert b"".join(store.get(digest) for digest in new) == edited
        assert store.dead_bytes < 20_000
        assert files.open(packs(files)[0]).size < 300_000 + 40_000


def test_a_call_that_is_refused_changes_nothing(files: Files) -> None:
    with ChunkStore(files) as store:
        digest = store.put(b"here")
        gone = sha256(b"gone").digest()
        refused: list[Callable[[], object]] = [
            lambda: store.release([digest, digest]),
            lambda: store.release([gone]),
            lambda: store.retain([digest, gone]),
            lambda: store.exchange([b"new"], [gone]),
            lambda: store.get(gone),
        ]
        for call in refused:
            with pytest.raises(KeyError):
                call()
        assert store.references(digest) == 1
        assert len(store) == 1


def test_bytes_that_rot_are_found_and_the_other_chunks_are_still_read(files: Files) -> None:
    with ChunkStore(files) as store:
        digests = store.put_many([b"a" * 5000, b"b" * 5000, b"c" * 5000])
        flip(files, packs(files)[0], 7000)
        with pytest.raises(DamagedError, match="have changed"):
            store.get(digests[1])
        assert store.damaged() == [digests[1]]
        assert store.get(digests[2]) == b"c" * 5000


def test_rot_before_the_last_batch_is_damage_and_no_torn_write(files: Files) -> None:
    with ChunkStore(files) as store:
        for i in range(5):
            store.put(b"%d" % i * 100)
    flip(files, packs(files)[0], 250)
    with pytest.raises(DamagedError, match="is broken at byte"):
        ChunkStore(files)


def test_a_missing_or_cut_pack_is_damage(files: Files) -> None:
    with ChunkStore(files, pack_bytes=300) as store:
        for i in range(10):
            store.put(b"%d" % i * 300)
    names = packs(files)
    file = files.open(names[1])
    size = file.size
    whole = file.read_at(0, size)
    file.truncate(size - 1)
    with pytest.raises(DamagedError, match="broken"):
        ChunkStore(files)
    file.truncate(0)
    file.append(whole)
    file.close()
    ChunkStore(files).close()
    files.remove(names[2])
    with pytest.raises(DamagedError, match="missing"):
        ChunkStore(files)


def test_a_second_writer_is_refused_and_foreign_files_are_left_alone(tmp_path: Path) -> None:
    files = DiskFiles(tmp_path)
    files.open("pack-of-git.pack", create=True).close()
    with ChunkStore(files) as store:
        store.put(b"mine")
        with pytest.raises(InUse, match="has a writer already"):
            ChunkStore(DiskFiles(tmp_path))
    with ChunkStore(files) as store:
        assert len(store) == 1
    assert files.exists("pack-of-git.pack")


def test_a_store_can_keep_its_own_pack_as_a_chunk(files: Files) -> None:
    """Records inside of a chunk are not taken for records, even where the batch around them is torn."""
    with ChunkStore(files) as store:
        store.put_many([b"x", b"y"])
        name = packs(files)[0]
        kept = files.open(name).size
        whole = files.open(name).read_at(0, kept)
        store.put(whole)
    other = TornDisk()
    with ChunkStore(other) as foreign:
        for i in range(9):
            foreign.put(b"%d" % i)
        later = other.open(packs(other)[0]).read_at(0, 10_000)
    with ChunkStore(files) as store:
        store.put(later)
    file = files.open(name)
    file.truncate(file.size - 10)
    file.close()
    with ChunkStore(files) as store:
        assert sha256(whole).digest() in store
        assert sha256(later).digest() not in store


def test_after_a_failed_write_the_store_reads_on_and_writes_no_more() -> None:
    whole = TornDisk()
    with ChunkStore(whole) as store:
        store.put(b"first")
    for error_at in range(whole.operations + 1, whole.operations + 3):
        disk = TornDisk(error_at=error_at)
        with ChunkStore(disk) as store:
            first = store.put(b"first")
            with pytest.raises(OSError, match="injected"):
                store.put(b"second")
            assert store.get(first) == b"first"
            with pytest.raises(RuntimeError, match="open it anew"):
                store.put(b"third")
        with ChunkStore(disk) as store:
            assert store.get(first) == b"first"
            last = store.put(b"last")
        with ChunkStore(disk.restarted(Random(1))) as store:
            assert store.get(last) == b"last"
            assert store.get(first) == b"first"


class Model(RuleBasedStateMachine):
    """The store against a counter of digests, opened again and compacted at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = TornDisk()
        self.store = ChunkStore(self.disk, pack_bytes=400)
        self.counts = Counter[bytes]()
        self.data: dict[bytes, bytes] = {}

    def some(self, seed: int) -> list[bytes]:
        random = Random(seed)
        held = sorted(self.counts.elements())
        return random.sample(held, random.randrange(1, len(held) + 1))

    @rule(values=st.lists(st.binary(max_size=3), max_size=8))
    def put(self, values: list[bytes]) -> None:
        for value, digest in zip(values, self.store.put_many(values), strict=True):
            self.counts[digest] += 1
            self.data[digest] = value

    @precondition(lambda self: self.counts)
    @rule(seed=st.integers(0, 1000), values=st.lists(st.binary(max_size=2), max_size=3))
    def exchange(self, seed: int, values: list[bytes]) -> None:
        gone = self.some(seed)
        for value, digest in zip(values, self.store.exchange(values, gone), strict=True):
            self.counts[digest] += 1
            self.data[digest] = value
        self.counts -= Counter(gone)

    @precondition(lambda self: self.counts)
    @rule(seed=st.integers(0, 1000))
    def retain(self, seed: int) -> None:
        more = self.some(seed)
        self.store.retain(more)
        self.counts += Counter(more)

    @rule()
    def compact(self) -> None:
        self.store.compact()
        assert self.store.dead_bytes == 0

    @rule()
    def open_again(self) -> None:
        dead = self.store.dead_bytes
        self.store.close()
        self.store = ChunkStore(self.disk, pack_bytes=400)
        assert self.store.dead_bytes == dead

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        assert len(self.store) == len(self.counts)
        for digest, value in self.data.items():
            assert self.store.references(digest) == self.counts[digest]
            if self.counts[digest]:
                assert self.store.get(digest) == value


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=examples(30), stateful_step_count=25, deadline=None)


def test_more_references_than_a_record_can_say_are_counted_kept_and_taken_back(tmp_path: Path) -> None:
    with ChunkStore(DiskFiles(tmp_path)) as store:
        digest = store.put(b"zeros")
        for _ in range(2):
            store._change({}, Counter({digest: 2**31 + 5}))  # as `retain` of so many would
        store.compact()
    with ChunkStore(DiskFiles(tmp_path)) as store:
        assert store.references(digest) == 2**32 + 11
        store._change({}, Counter({digest: -(2**32) - 11}))
        assert digest not in store


@pytest.mark.parametrize("released", [True, False])
def test_a_chunk_that_was_damaged_is_whole_when_it_has_been_put_anew(tmp_path: Path, released: bool) -> None:
    good = b"precious" * 100
    with ChunkStore(DiskFiles(tmp_path)) as store:
        digest, other = store.put_many([good, b"other"])
        pack = next(tmp_path.glob("*.pack"))
        spoilt = pack.read_bytes().replace(b"precious", b"spoiled!", 1)
        pack.write_bytes(spoilt)
        if released:
            store.release([digest])
        else:
            assert store.damaged() == [digest]
            with pytest.raises(DamagedError, match="put it anew"):
                store.compact()
            assert sorted(path.name for path in tmp_path.glob("*.pack")) == [pack.name]
        store.put(good)
        assert store.get(digest) == good
        assert store.references(digest) == (1 if released else 2)
        assert store.dead_bytes == len(good)
        store.compact()
        assert (store.dead_bytes, store.get(digest), store.get(other)) == (0, good, b"other")


def test_a_compaction_that_finds_the_disk_full_leaves_nothing_behind(tmp_path: Path) -> None:
    refused = ""

    class Filling(DiskFiles):
        def open(self, path: str, *, create: bool = False) -> Any:
            file = super().open(path, create=create)
            write = file.append

            def append(data: Any) -> int:
                if refused and path.endswith(refused):
                    write(bytes(data)[: len(data) // 2])
                    raise OSError(errno.ENOSPC, "No space left on device")
                return write(data)

            file.append = append  # type: ignore[method-assign]
            return file

    with ChunkStore(Filling(tmp_path), pack_bytes=1000) as store:
        kept = store.put_many([bytes([number]) * 300 for number in range(20)])
        store.release(kept[::2])
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        for name in ("00000001.pack", "MANIFEST.new"):
            refused = name
            with pytest.raises(OSError, match="No space"):
                store.compact()
            assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
        refused = ""
        assert all(store.get(digest) for digest in kept[1::2])
        store.compact()
        store.put(b"more")
    with ChunkStore(DiskFiles(tmp_path)) as store:
        assert len(store) == 11


def test_a_chunk_is_bytes_that_lie_in_one_piece(tmp_path: Path) -> None:
    with ChunkStore(DiskFiles(tmp_path)) as store:
        numbers = np.arange(6, dtype=">u2").reshape(2, 3)
        assert store.get(store.put(numbers)) == numbers.tobytes()  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="in one piece"):
            store.put(np.asfortranarray(numbers))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="objects"):
            FastCDC().cut_points(np.array([1, None], object))
