"""A host's disk: the promises of the file interface, and nothing more after a loss of power."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from windtunnel.blocks.ground.files import DiskFiles, Files, read_whole, replace_whole
from windtunnel.sim.disk import SECTOR, Disk, Fate
from windtunnel.sim.kernel import Simulator

FATES: list[Fate] = ["nothing", "prefix", "sectors"]


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator() as one:
        yield one


@st.composite
def scripts(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Operations on a few files: what a program may do, right or wrong."""
    path = st.sampled_from(["a", "b", "d/a", "d/b"])
    data = st.integers(0, 1500).map(lambda size: bytes(index % 256 for index in range(size)))
    step = st.one_of(
        st.tuples(st.just("append"), path, data),
        st.tuples(st.just("write_at"), path, st.integers(0, 1500), data),
        st.tuples(st.just("truncate"), path, st.integers(0, 1500)),
        st.tuples(st.just("fsync"), path),
        st.tuples(st.just("fsync_dir"), st.sampled_from(["", "d"])),
        st.tuples(st.just("rename"), path, path),
        st.tuples(st.just("remove"), path),
        st.tuples(st.just("makedirs"), st.just("d")),
    )
    return draw(st.lists(step, max_size=25))


def play(files: Files, script: list[tuple[Any, ...]]) -> list[object]:
    """Do it, and write down what came back."""
    seen: list[object] = []
    for name, *arguments in script:
        try:
            if name in ("append", "write_at", "truncate", "fsync"):
                file = files.open(arguments[0], create=name == "append")
                result = getattr(file, name)(*arguments[1:])
                seen.append((result, file.size, file.read_at(0, 1 << 20)))
                file.close()
            else:
                seen.append(getattr(files, name)(*arguments))
        except (OSError, ValueError) as error:
            seen.append(type(error))
    return seen


def contents(files: Files, directory: str = "") -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for name in files.listdir(directory):
        path = f"{directory}/{name}" if directory else name
        try:
            found[path] = read_whole(files, path)
        except IsADirectoryError:
            found[path] = None
            found |= contents(files, path)
    return found


@given(scripts())
def test_without_a_crash_it_is_the_real_disk(tmp_path_factory: pytest.TempPathFactory, script: list[Any]) -> None:
    real: Path = tmp_path_factory.mktemp("disk")
    with Simulator() as sim:
        ours = Disk(sim, "x")
        theirs = DiskFiles(real)
        assert play(ours, script) == play(theirs, script)
        assert contents(ours) == contents(theirs)


@given(scripts(), st.sampled_from(FATES), st.integers(0, 5))
def test_what_was_synced_survives_a_loss_of_power(script: list[Any], fate: Fate, seed: int) -> None:
    with Simulator(seed) as sim:
        disk = Disk(sim, "x", after_power_loss=fate)
        play(disk, script)
        for path, data in contents(disk).items():
            if data is not None:
                disk.open(path).fsync()
        for directory in ["", *(path for path, data in contents(disk).items() if data is None)]:
            disk.fsync_dir(directory)
        before = contents(disk)
        disk.lose_power()
        assert contents(disk) == before


@given(
    st.lists(st.integers(1, 2000), min_size=1, max_size=6), st.integers(0, 5), st.sampled_from(FATES), st.integers(0)
)
def test_unsynced_appends_survive_as_far_as_the_fate_says(sizes: list[int], synced: int, fate: Fate, seed: int) -> None:
    with Simulator(seed) as sim:
        disk = Disk(sim, "x", after_power_loss=fate)
        file = disk.open("log", create=True)
        disk.fsync_dir()
        whole, kept = b"", b""
        for index, size in enumerate(sizes):
            piece = bytes([index + 1]) * size
            file.append(piece)
            whole += piece
            if index + 1 == synced:
                file.fsync()
                kept = whole
        disk.lose_power()
        after = read_whole(disk, "log")
        assert after[: len(kept)] == kept
        assert len(after) <= len(whole)
        if fate == "nothing":
            assert after == kept
        elif fate == "prefix":
            assert whole.startswith(after)
            ends = {sum(sizes[:index]) for index in range(len(sizes) + 1)}
            begins = max(end for end in ends if end <= len(after))
            assert len(after) in ends or (len(after) - begins) % SECTOR == 0  # torn at a sector
        else:
            assert all(byte in (whole[index], 0) for index, byte in enumerate(after))


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("seed", range(5))
def test_replacing_a_file_leaves_the_old_or_the_new_one(fate: Fate, seed: int) -> None:
    with Simulator(seed) as sim:
        disk = Disk(sim, "x", after_power_loss=fate)
        replace_whole(disk, "state", b"old" * 1000)
        file = disk.open("state.new", create=True)
        file.append(b"new" * 1000)
        file.fsync()
        disk.rename("state.new", "state")  # and the power fails before fsync_dir
        disk.lose_power()
        assert read_whole(disk, "state") in (b"old" * 1000, b"new" * 1000)


def test_a_name_that_was_not_synced_may_be_gone_with_its_synced_bytes(sim: Simulator) -> None:
    disk = Disk(sim, "x", after_power_loss="nothing")
    file = disk.open("a", create=True)
    file.append(b"bytes")
    file.fsync()
    disk.lose_power()
    assert not disk.exists("a")
    with pytest.raises(ValueError, match="open it again"):
        file.append(b"more")


def test_a_crash_of_the_process_keeps_what_was_written_and_a_loss_of_power_does_not(sim: Simulator) -> None:
    host = sim.host("a", after_power_loss="nothing")
    host.disk.open("log", create=True).append(b"written")
    host.disk.fsync_dir()
    host.crash(process_only=True)
    host.restart()
    assert read_whole(host.disk, "log") == b"written"
    host.crash()
    host.restart()
    assert read_whole(host.disk, "log") == b""


def test_a_sync_takes_time_and_covers_what_was_written_before_it(sim: Simulator) -> None:
    host = sim.host("a", fsync_s=0.010, write_bytes_per_s=1e6, after_power_loss="nothing")
    file = host.disk.open("log", create=True)
    host.disk.fsync_dir()
    file.append(bytes(5000))

    async def write() -> None:
        await host.disk.sync(file)

    first, second = sim.spawn(write()), sim.spawn(write())
    sim.run(until=0.001)
    file.append(b"too late for the first")
    sim.run_until(first)
    assert sim.now == 0.015
    assert host.disk.syncs == 2
    sim.run_until(second)
    assert sim.now == pytest.approx(0.030)
    host.crash()
    assert len(read_whole(host.disk, "log")) == 5000


def test_a_crash_in_the_middle_of_a_sync_promises_nothing(sim: Simulator) -> None:
    host = sim.host("a", fsync_s=0.010, after_power_loss="nothing")
    file = host.disk.open("log", create=True)
    host.disk.fsync_dir()
    file.append(b"bytes")
    host.spawn(_sync(host.disk, file))
    sim.faults.crash(host, at_s=0.005)
    sim.run()
    assert read_whole(host.disk, "log") == b""


async def _sync(disk: Disk, file: Any) -> None:
    await disk.sync(file)


def test_a_full_disk_and_a_failed_sync_are_errors(sim: Simulator) -> None:
    disk = Disk(sim, "x", capacity_bytes=1000, after_power_loss="nothing")
    file = disk.open("a", create=True)
    disk.fsync_dir()
    file.append(bytes(900))
    with pytest.raises(OSError, match="No space left") as caught:
        file.append(bytes(101))
    assert caught.value.errno == errno.ENOSPC
    assert file.size == 900
    disk.fail_next_sync()
    with pytest.raises(OSError, match="Input/output error"):
        file.fsync()
    file.fsync()  # says that all is well, and it is not: those bytes are lost
    disk.lose_power()
    assert read_whole(disk, "a") == b""
