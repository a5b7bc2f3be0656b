"""Copies share nothing with their originals, pickles come back whole, and every block says what it is."""

from __future__ import annotations

import copy
import pickle
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.block_cases import CASES, UNCHANGING, batch_limiter, blocks
from helpers.in_memory import database
from windtunnel.blocks.broker import BatchLog, CommittedOffsets, ConsumerGroup, KafkaBroker, PartitionReplica
from windtunnel.blocks.caching import Cache, LoadingCache, SingleFlight
from windtunnel.blocks.chunks import ChunkStore
from windtunnel.blocks.durability import (
    IdempotencyStore,
    Log,
    OutboxState,
    Relay,
    Sagas,
    SqlInbox,
    SqlOutbox,
    WriteAheadLog,
)
from windtunnel.blocks.ground import DiskFiles, stable_hash
from windtunnel.blocks.ground.closing import Closing
from windtunnel.blocks.ordered import PlainSkipList
from windtunnel.blocks.resilience import (
    AdaptiveLimiter,
    Attempt,
    BatchGcra,
    Bulkhead,
    CircuitBreaker,
    ClientThrottle,
    CoDelQueue,
    Deadline,
    FixedLimit,
    Gcra,
    Hedge,
    LoadShedder,
    RedisBulkhead,
    RedisCircuitBreaker,
    RedisRateLimiter,
    Retry,
)
from windtunnel.blocks.streams import (
    BoundedDisorder,
    Count,
    Fold,
    SqlSink,
    StreamJob,
    Tumbling,
    WindowedAggregate,
)
from windtunnel.blocks.text import (
    PlainPrefixCompletion,
)

COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda made: pickle.loads(pickle.dumps(made)),
    "old pickle": lambda made: pickle.loads(pickle.dumps(made, 2)),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("name", CASES)
def test_a_copy_is_the_same_and_shares_nothing(name: str, how: str) -> None:
    case = CASES[name]
    made = case.make()
    before = case.state(made)
    twin = COPIES[how](made)
    assert type(twin) is type(made)
    assert case.state(twin) == before
    if name in UNCHANGING:
        return
    case.change(twin)
    changed = case.state(twin)
    assert changed != before
    assert case.state(made) == before
    case.change(made)
    assert case.state(made) == changed
    assert case.state(twin) == changed


INSIDE = {"Clock", "Fifo", "Lfu", "Lru", "PlainCountedBlocks", "PlainSkipList", "S3Fifo", "Sieve", "WTinyLfu"}
"""They are copied inside of a `Cache` or a `PlainSortedSet`."""


def live(folder: Path) -> dict[str, Any]:
    """One of each block that has no copy."""
    files, connection = DiskFiles(folder), database()

    class Client:
        def register_script(self, script: str) -> Any:
            return len

    outbox = SqlOutbox(connection)
    source = Log(files, "source")
    retry = Retry(2)
    made = [
        AdaptiveLimiter(FixedLimit(1)), Attempt(retry, 0, 0.0), Bulkhead(1), CircuitBreaker(), ClientThrottle(),
        CoDelQueue[int](), Deadline(1), Hedge(1), LoadShedder(1), retry, RedisBulkhead(Client(), "a", 1, lease_s=1),
        RedisCircuitBreaker(Client(), "a"), RedisRateLimiter(Client(), Gcra(1, 1)), SingleFlight[str, int](),
        LoadingCache[str, int](9, None, ttl_s=1),
        BatchLog(files, "batches"), CommittedOffsets(files, "offsets"), ConsumerGroup("group"),
        KafkaBroker(files, "broker"), PartitionReplica(BatchLog(files, "replica"), 1, [1, 2]),
        ChunkStore(files, "chunks"), IdempotencyStore(files, "keys"), source, OutboxState(files, "outbox"),
        Relay(outbox, None), Sagas(files, "sagas", []), SqlInbox(connection), outbox, WriteAheadLog(files, "wal"),
        SqlSink(connection),
        StreamJob(files, "job", source, None, WindowedAggregate(Tumbling(5), Count()), BoundedDisorder(1), None),
    ]  # fmt: skip
    return {type(one).__name__: one for one in made}


def test_every_block_has_copies_of_its_own_or_says_why_not(tmp_path: Path) -> None:
    tied = live(tmp_path)
    copied = {name.partition(",")[0] for name in CASES} | INSIDE
    assert blocks().keys() == copied | tied.keys()
    for name, made in tied.items():
        assert repr(made).startswith(f"<{name}")
        assert " at 0x" not in repr(made)
        for how in COPIES.values():
            with pytest.raises(TypeError, match=rf"^A {name} is tied to .*: make a new one where a copy is wanted\.$"):
                how(made)
        if isinstance(made, Closing):
            made.close()


def test_a_disk_is_the_same_directory_everywhere_and_an_open_file_nowhere(tmp_path: Path) -> None:
    disk = DiskFiles(tmp_path)
    with closing(disk.open("a", create=True)) as file:
        file.append(b"there")
        for how in COPIES.values():
            twin = how(disk)
            with closing(twin.open("a")) as again:
                assert again.read_at(0, 9) == b"there"
            with pytest.raises(TypeError, match="tied to a file that is open here"):
                how(file)


def test_a_block_with_a_function_of_no_name_has_copies_and_no_pickle() -> None:
    fold = Fold(lambda: 0, max, max)
    windows = WindowedAggregate(Tumbling(5), fold)
    late = WindowedAggregate(Tumbling(5), Count(), on_late=lambda *_: None)
    timed = Cache[str, int](9, clock=lambda: 3.0)
    for made, name in ((fold, "Fold"), (windows, "Fold"), (late, "WindowedAggregate"), (timed, "Cache")):
        for how in (copy.copy, copy.deepcopy):
            assert type(how(made)) is type(made)
        with pytest.raises(TypeError, match=rf"^A {name} can be pickled where .* make it a `def` of a module\.$"):
            pickle.dumps(made)
    assert [twin.add("a", 1, 7) for twin in (copy.copy(windows), windows)] == [[], []]


def test_keys_of_a_pickled_batch_limiter_are_those_of_another_process() -> None:
    made = batch_limiter(BatchGcra(1, 2))
    held = made._table.view(np.uint64)[:, 0].tolist()
    assert {stable_hash("a"), stable_hash("b")} <= set(held)


def test_a_long_chain_of_keys_needs_no_recursion() -> None:
    terms = PlainPrefixCompletion()
    terms.add("t" * 5000, 1)
    assert COPIES["pickle"](terms).complete("t") == copy.copy(terms).complete("t") == terms.complete("t")
    links: PlainSkipList[int] = PlainSkipList()
    for i in range(5000):
        links.insert(float(i), i)
    assert COPIES["pickle"](links).slice(0, 5000) == copy.copy(links).slice(0, 5000) == links.slice(0, 5000)
    made: Cache[int, int] = Cache(20_000, policy="sieve")
    for i in range(20_000):
        made[i] = i
    assert COPIES["pickle"](made).items() == copy.copy(made).items() == made.items()


@pytest.mark.parametrize("name", CASES)
def test_a_block_says_what_it_is(name: str) -> None:
    told = repr(CASES[name].make())
    kind = name.split(",")[0]
    assert told.startswith((f"<{kind}: ", f"{kind}("))
    assert " at 0x" not in told
    assert len(told) < 200
