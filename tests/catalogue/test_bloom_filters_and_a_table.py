"""bloom: reads are those that the engine ran, and what is there follows from the requests."""

from __future__ import annotations

from pathlib import Path

import pytest

from windtunnel import Event, History, run
from windtunnel.blocks.sketches.bloom import BloomFilter, error_rate_of
from windtunnel.blocks.sketches.bloom_blocked import BLOCK_BITS, BlockedBloomFilter, error_rate_of_blocks
from windtunnel.catalogue.scale.bloom import experiment, server
from windtunnel.catalogue.scale.bloom.designs import Bloom, Fuse, KeysInMemory
from windtunnel.catalogue.scale.bloom.judging import gets
from windtunnel.catalogue.scale.bloom.rig import Table, read_bytes


def event(name: str, *args: object, value: object = None) -> Event:
    return Event("client", name, args, 0.0, 0.0, "ok", value)


def test_what_is_there_follows_from_what_was_put_and_deleted_before() -> None:
    seen = gets(
        History(
            [
                event("put", ("a", "b")),
                event("hand_over"),
                event("get", ("a", "c", "bot:1"), "fresh", value=("100", "101")),
                event("delete", ("a",)),
                event("put", ("c",)),
                event("get", ("a", "c"), "grown", value=("00", "10")),
            ]
        )
    )
    assert [tuple(one) for one in seen] == [
        ("fresh", 2, "there", True, True),
        ("fresh", 2, "new", False, False),
        ("fresh", 2, "known", False, True),
        ("grown", 3, "deleted", False, True),
        ("grown", 3, "there", False, False),
    ]


def test_the_engine_counts_its_reads_and_nothing_else(tmp_path: Path) -> None:
    table = Table(tmp_path / "things.sqlite")
    keys = [f"user:{i:016x}" for i in range(3000)]
    table.put(keys)
    before = read_bytes()
    assert table.have([keys[0], "nobody", keys[-1]]) == [True, False, True]
    assert table.looks == 3
    table.delete(keys[:1])
    assert table.have(keys[:1]) == [False]
    assert table.looks == 4
    assert table.keys() == sorted(keys[1:])
    if before is not None:
        assert (read_bytes() or 0) - before > 4096
    table.connection.close()
    assert (tmp_path / "things.sqlite").stat().st_size > 3000 * 120


@pytest.mark.parametrize("design", [KeysInMemory, Bloom, Fuse])
def test_a_server_knows_what_the_one_before_has_stored(design: type[Bloom]) -> None:
    told = {"keys": 10, "error": 0.01}
    first, second = server.begin(told, design()), server.begin(told, design())
    keys = [f"user:{i:016x}" for i in range(10)]
    first("add", keys)
    text, scanned = first("store", keys)
    assert scanned == (10 if design is Fuse else 0)
    assert second("may", keys).count("1") < 10
    second("load", text)
    assert second("may", keys) == 10 * "1"
    with pytest.raises(ValueError, match="hears"):
        second("forget")


def test_ten_bits_and_six_hashes_are_what_leveldb_and_rocksdb_take() -> None:
    assert int(10 * 0.69) == 6  # LevelDB's bloom.cc: bits a key times .69, cut
    assert error_rate_of(10_000, 6, 1000) == pytest.approx(0.00844, abs=1e-5)
    assert error_rate_of(10_000, 7, 1000) == pytest.approx(0.00819, abs=1e-5)
    assert error_rate_of_blocks(BLOCK_BITS / 10, 6) == pytest.approx(0.00957, abs=1e-5)
    assert BlockedBloomFilter(20_000, 0.01).hash_count == 6
    assert BloomFilter(20_000, 0.01).hash_count == 7


def test_the_file_is_gone_when_the_run_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run(experiment, seeds=[0], designs=["bloom"], quick=True, jobs=1)
    assert list(tmp_path.iterdir()) == []
