"""Chunks on disk under their SHA-256, each kept once however often it is put, with counts of who needs it.

The parts are those of every deduplicating store (Venti, FAST 2002; git; restic): a chunk's name is the digest of its
bytes, so equal chunks meet, and a reader can check what it reads. Chunks and changes of their reference counts are
appended to *pack* files in batches, one write and one `fsync` for each (see `chunk_pack`). Nothing is overwritten;
`ChunkStore.compact` copies what is still referenced into a new generation of packs and switches to it by
replacing one small file.

The promise: when a call has returned, its effect survives the loss of power; a call that was cut short happened wholly
or not at all; what is read was once put. Bytes that rot afterwards are found out (`DamagedError`), and repaired by
whoever puts the chunk anew after that.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from windtunnel.blocks.chunks.chunk_pack import CHUNK, CHUNK_BYTES, Batch, BatchWriter, Record, holds_later_batch, scan
from windtunnel.blocks.chunks.chunking import as_view
from windtunnel.blocks.ground.closing import Closing
from windtunnel.blocks.ground.envelope import DamagedError, seal, unseal
from windtunnel.blocks.ground.files import File, Files, check, make_directory, read_whole, replace_whole, take

_MANIFEST = "MANIFEST"
_KIND, _VERSION = "chunk store", 1
_COMPACTION_BYTES = 8 << 20
_PACK = re.compile(r"chunks-\d{8,}-\d{8,}\.pack")
"""The names of the packs; all others in the directory are left alone."""


@dataclass(slots=True)
class _Place:
    """Where a chunk stands, and how many need it."""

    pack: int
    position: int
    size: int
    references: int


class ChunkStore(Closing):
    """A directory of chunks; `ChunkStore(DiskFiles("some/directory"))` opens it, or makes it.

    For one process and one thread at a time. Calls block on the disk: hand many chunks over in one call, which costs
    one `fsync`, and in asyncio code give calls to a thread. After an `OSError` from a write the store takes no more
    of them: what reached the disk is then known only after opening it anew.
    """

    def __init__(self, files: Files, directory: str = "", *, pack_bytes: int = 64 << 20) -> None:
        """Open the store, dropping what an earlier process did not finish; a pack is closed beyond `pack_bytes`.

        Raises `DamagedError`, and leaves all files as they are, if bytes that had been acknowledged are broken or
        missing, or if what is found is of another version. On a real disk
        `windtunnel.blocks.ground.files.InUse` if another writer has the store open; a process that was forked off is
        another.
        """
        self._files = files
        self._directory = directory
        self._pack_bytes = pack_bytes
        self._chunks: dict[bytes, _Place] = {}
        self._packs: dict[int, File] = {}
        self._bad: set[bytes] = set()
        """Chunks whose bytes were found to have changed: put anew, they are written anew."""
        self._writable = True
        self.dead_bytes = 0
        """Bytes of chunks that nobody needs: what `compact` would give back."""
        make_directory(files, directory)
        self._lock = take(files, self._path("chunks.lock"))
        try:
            if not files.exists(self._path(_MANIFEST)):
                self._require_nothing()
                self._create(1, 1).close()
                files.fsync_dir(directory)
                self._switch(generation=1, store=secrets.randbits(32), batch=0, packs=1)
            header, _ = unseal(_KIND, _VERSION, read_whole(files, self._path(_MANIFEST)))
            self._generation: int = header["generation"]
            self._store: int = header["store"]
            self._batch: int = header["batch"]
            self._before = self._batch
            self._recover(header.get("packs", 1))
        except BaseException:
            self.close()
            raise

    def _told(self) -> dict[str, object]:
        return {"directory": self._directory, "chunks": len(self._chunks), "dead_bytes": self.dead_bytes}

    # Reading.

    def __len__(self) -> int:
        """Chunks that are referenced."""
        return sum(1 for place in self._chunks.values() if place.references)

    def __contains__(self, digest: bytes) -> bool:
        return self.references(digest) > 0

    def references(self, digest: bytes) -> int:
        """How often the chunk was put or retained, less how often it was released."""
        place = self._chunks.get(digest)
        return 0 if place is None else place.references

    def missing(self, digests: Iterable[bytes]) -> list[bytes]:
        """Those that the store does not hold: what a client that asks first has to upload."""
        return [digest for digest in digests if digest not in self]

    def get(self, digest: bytes) -> bytes:
        """The chunk. Raises `KeyError` if it is not referenced, `DamagedError` if its bytes have changed."""
        place = self._chunks.get(digest)
        if place is None or not place.references:
            raise KeyError(digest.hex())
        return self._read(digest, place)

    def damaged(self) -> list[bytes]:
        """Read every referenced chunk; the digests of those whose bytes have changed."""
        broken = []
        for digest in [digest for digest, place in self._chunks.items() if place.references]:
            try:
                self.get(digest)
            except DamagedError:
                broken.append(digest)
        return broken

    # Changing.

    def put(self, data: bytes) -> bytes:
        """Keep a chunk, or count one more need of it; returns its digest."""
        return self.exchange([data], [])[0]

    def put_many(self, chunks: Iterable[bytes]) -> list[bytes]:
        """Keep all of these chunks or, cut short, none; returns a digest for each."""
        return self.exchange(chunks, [])

    def retain(self, digests: Iterable[bytes]) -> None:
        """Count one more need of chunks that are here. Raises `KeyError`, and counts none, if one is not."""
        self._change({}, Counter(digests))

    def release(self, digests: Iterable[bytes]) -> None:
        """Count one need less, of each; raises `KeyError`, and counts none, for one that nobody needs."""
        self.exchange([], digests)

    def exchange(self, chunks: Iterable[bytes], released: Iterable[bytes]) -> list[bytes]:
        """Put and release in one step, as when a file's new version takes the place of the old."""
        data, change, digests = dict[bytes, bytes](), Counter[bytes](), list[bytes]()
        for chunk in chunks:
            whole = bytes(as_view(chunk))
            if len(whole) > CHUNK_BYTES:
                raise ValueError(f"A chunk has at most {CHUNK_BYTES} bytes; got {len(whole)}. Cut it first.")
            digests.append(sha256(whole).digest())
            data[digests[-1]] = whole
            change[digests[-1]] += 1
        change.subtract(Counter(released))
        self._change(data, change)
        return digests

    def compact(self) -> None:
        """Copy the referenced chunks into new packs and remove the old ones; time and disk grow with what is kept."""
        self._require_writable()
        old = dict(self._packs)
        packs: dict[int, File] = {}
        generation, before = self._generation + 1, self._batch
        try:
            chunks, batch = self._copy(packs)
            self._writable = False  # until it is known which generation counts
            self._switch(generation, self._store, before, len(packs))
        except OSError:  # the disk is full, say: give back what this has taken
            if self._generation_on_disk() != generation:
                self._drop(packs, generation)
                self._writable = True
            raise
        except DamagedError:
            self._drop(packs, generation)
            raise
        self._generation, self._batch, self._packs, self._chunks = generation, batch, packs, chunks
        self._before, self.dead_bytes = before, 0
        self._bad.clear()
        self._writable = True
        for file in old.values():
            file.close()
        for number in old:
            self._files.remove(self._path(_name(generation - 1, number)))

    def _drop(self, packs: dict[int, File], generation: int) -> None:
        """Close and remove packs that came to nothing; what cannot be removed now is when the store is opened."""
        for number, file in packs.items():
            file.close()
            with suppress(OSError):
                self._files.remove(self._path(_name(generation, number)))

    def _generation_on_disk(self) -> int:
        header, _ = unseal(_KIND, _VERSION, read_whole(self._files, self._path(_MANIFEST)))
        return int(header["generation"])

    def _copy(self, packs: dict[int, File]) -> tuple[dict[bytes, _Place], int]:
        """Write the referenced chunks into new `packs`, durably. Returns where they stand then, and the last batch."""
        kept = [(digest, place) for digest, place in self._chunks.items() if place.references]
        chunks, generation = dict[bytes, _Place](), self._generation + 1
        batch, at, number = self._batch, 0, 0
        while at < len(kept) or not packs:
            if not packs or packs[number].size > self._pack_bytes:
                number += 1
                packs[number] = self._create(generation, number)
            batch += 1
            writer, size = BatchWriter(self._store, batch, packs[number].size), 0
            while at < len(kept) and size < _COMPACTION_BYTES:
                digest, place = kept[at]
                writer.add(digest, place.references, self._read(digest, place))
                size += place.size
                at += 1
            packs[number].append(writer.finish())
            for record in writer.records:
                if record.kind == CHUNK:
                    chunks[record.digest] = _Place(number, record.position, record.size, 0)
                chunks[record.digest].references += record.references
        for file in packs.values():
            file.fsync()
        self._files.fsync_dir(self._directory)
        return chunks, batch

    def close(self) -> None:
        """Give the files back. Everything acknowledged is on the disk already."""
        for file in self._packs.values():
            file.close()
        self._packs.clear()
        self._writable = False
        if self._lock is not None:
            self._lock.close()

    # The machinery.

    def _change(self, data: dict[bytes, bytes], change: Counter[bytes]) -> None:
        """Write one batch that changes references, with the bytes of chunks that the packs do not hold; then count."""
        for digest, count in change.items():
            if self.references(digest) + count < 0 or (digest not in data and digest not in self):
                raise KeyError(digest.hex())
        self._require_writable()
        wanted = {digest: count for digest, count in change.items() if count}
        if not wanted:
            return
        number = max(self._packs)
        if self._packs[number].size > self._pack_bytes:
            self._writable = False  # until the new pack is safe
            number += 1
            self._packs[number] = self._create(self._generation, number)
            self._files.fsync_dir(self._directory)
            self._switch(self._generation, self._store, self._before, number)
            self._writable = True
        file = self._packs[number]
        writer = BatchWriter(self._store, self._batch + 1, file.size)
        for digest, count in wanted.items():
            writer.add(digest, count, None if digest not in data or self._holds(digest) else data[digest])
        self._writable = False  # until it is known what happened
        file.append(writer.finish())
        file.fsync()
        self._writable = True
        self._batch += 1
        for record in writer.records:
            self._count(number, record)

    def _read(self, digest: bytes, place: _Place) -> bytes:
        data = self._packs[place.pack].read_at(place.position, place.size)
        if sha256(data).digest() != digest:
            self._bad.add(digest)
            raise DamagedError(f"The bytes of chunk {digest.hex()} have changed on disk; put it anew to repair it.")
        return data

    def _holds(self, digest: bytes) -> bool:
        """Whether good bytes of this chunk are in the packs, as far as is known; those that nobody needed are read."""
        place = self._chunks.get(digest)
        if place is None or digest in self._bad:
            return False
        if not place.references:
            try:
                self._read(digest, place)
            except DamagedError:
                return False
        return True

    def _count(self, pack: int, record: Record) -> None:
        """Take a committed record into the index."""
        if record.kind == CHUNK:  # for the first time, or again after its bytes had changed
            before = self.references(record.digest)
            self._chunks[record.digest] = _Place(pack, record.position, record.size, before)
            self._bad.discard(record.digest)
            self.dead_bytes += record.size
        place = self._chunks[record.digest]
        before = place.references
        place.references += record.references
        self.dead_bytes += place.size * ((place.references == 0) - (before == 0))

    def _path(self, name: str) -> str:
        return f"{self._directory}/{name}" if self._directory else name

    def _require_writable(self) -> None:
        check(self._lock)
        if not self._writable:
            raise RuntimeError("The store is closed, or a write to it failed: open it anew.")

    def _require_nothing(self) -> None:
        """Without a manifest there may be the empty pack of a store that was being made, and no other."""
        for name in self._files.listdir(self._directory):
            if _PACK.fullmatch(name) and (name != _name(1, 1) or read_whole(self._files, self._path(name))):
                raise DamagedError(
                    f"There are packs here ({name}), and the {_MANIFEST} that belongs to them is missing."
                )

    def _switch(self, generation: int, store: int, batch: int, packs: int) -> None:
        """Make a generation the one that counts; `batch` is the last before it, `packs` how many it has at least."""
        header = {"generation": generation, "store": store, "batch": batch, "packs": packs}
        replace_whole(self._files, self._path(_MANIFEST), seal(_KIND, _VERSION, header, b""))

    def _create(self, generation: int, number: int) -> File:
        """An empty pack; its name is not yet safe."""
        file = self._files.open(self._path(_name(generation, number)), create=True)
        file.truncate(0)
        return file

    def _recover(self, packs: int) -> None:
        """Read the packs, cut off what was not committed, and make what is left safe."""
        names = [name for name in self._files.listdir(self._directory) if _PACK.fullmatch(name)]
        ours = [name for name in names if name.startswith(_prefix(self._generation))]
        others = sorted(set(names) - set(ours))
        for name in others:
            if not name.startswith((_prefix(self._generation - 1), _prefix(self._generation + 1))):
                raise DamagedError(
                    f"The pack {name} is of another time than the {_MANIFEST}, which says {self._generation}."
                )
        for number in range(1, max(packs, len(ours)) + 1):
            if _name(self._generation, number) not in ours:
                raise DamagedError(f"The pack {_name(self._generation, number)} is missing.")
            self._packs[number] = self._files.open(self._path(_name(self._generation, number)))
            self._replay(number, last=number == len(ours))
        for name in others:  # of a compaction that was cut short, before the switch or after it
            self._files.remove(self._path(name))

    def _replay(self, number: int, *, last: bool) -> None:
        """Count the batches of a pack; only the last pack may end in a torn one."""
        file, tail = self._packs[number], None
        for batch in scan(file, self._store, payloads=last):
            self._take(batch, number)
            tail = batch
        end = 0 if tail is None else tail.end
        if end < file.size and (not last or holds_later_batch(file, end, self._store, self._batch + 1)):
            raise DamagedError(f"The pack {_name(self._generation, number)} is broken at byte {end}.")
        if last:
            file.truncate(end)
            if tail is not None:
                # Its writer may have been killed before the fsync, or told that it failed: then these bytes are in
                # memory alone, and a second fsync would not write them unless they are written again.
                file.write_at(tail.start, file.read_at(tail.start, end - tail.start))
            file.fsync()
            self._files.fsync_dir(self._directory)

    def _take(self, batch: Batch, pack: int) -> None:
        if batch.number != self._batch + 1:
            raise DamagedError(f"Batch {self._batch + 1} is missing: batch {batch.number} stands in its place.")
        self._batch = batch.number
        for record in batch.records:
            self._count(pack, record)


def _prefix(generation: int) -> str:
    return f"chunks-{generation:08}-"


def _name(generation: int, number: int) -> str:
    return f"{_prefix(generation)}{number:08}.pack"
