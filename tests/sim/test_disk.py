"""A host's disk: the promises of the file interface, and nothing more after a loss of power."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from windtunnel.blocks.ground.files import DiskFiles, Files, read_whole, replace_whole
from windtunnel.sim.disk import Disk
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.pages import SECTOR, Fate

FATES: list[Fate] = ["nothing", "prefix", "sectors", "rubbish"]


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator() as one:
        yield one


@st.composite
def scripts(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Operations on a few files: what a program may do, right or wrong."""
    path = st.sampled_from(["a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "f"])
    folder = st.sampled_from(["d", "d/e", "f", "a"])
    data = st.integers(0, 1500).map(lambda size: bytes(index % 256 for index in range(size)))
    step = st.one_of(
        st.tuples(st.just("append"), path, data),
        st.tuples(st.just("write_at"), path, st.integers(0, 1500), data),
        st.tuples(st.just("truncate"), path, st.integers(0, 1500)),
        st.tuples(st.just("fsync"), path),
        st.tuples(st.just("fsync_dir"), st.sampled_from(["", "d"])),
        st.tuples(st.just("rename"), path, path),
        st.tuples(st.just("remove"), path),
        st.tuples(st.just("makedirs"), folder),
        st.tuples(st.just("listdir"), folder),
        st.tuples(st.just("exists"), path),
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
            assert len(after) in ends or len(after) % SECTOR == 0  # torn at a sector of the file
        elif fate == "sectors":
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


# --- what a loss of power may leave, and what not -------------------------------------------------------------------
def after_losses(fate: Fate, write: Callable[[Disk], object], seeds: int = 300) -> Counter[bytes]:
    """What is found in "log" after many losses of power, behind 450 bytes that were synced."""
    found: Counter[bytes] = Counter()
    for seed in range(seeds):
        with Simulator(seed) as sim:
            disk = Disk(sim, "x", after_power_loss=fate)
            disk.open("log", create=True).append(b"h" * 450)
            disk.open("log").fsync()
            disk.fsync_dir()
            write(disk)
            disk.lose_power()
            found[read_whole(disk, "log")[450:]] += 1
    return found


@pytest.mark.parametrize("size", [100, 511, 1000])
def test_a_record_over_a_boundary_of_sectors_is_torn_there_however_small_it_is(size: int) -> None:
    found = after_losses("prefix", lambda disk: disk.open("log").append(b"r" * size))
    assert {len(data) for data in found} == {0, *range(62, size, SECTOR), size}
    assert min(found.values()) > 20


def test_a_record_within_a_sector_is_never_torn() -> None:
    for fate in FATES:
        found = after_losses(fate, lambda disk: disk.open("log").append(b"r" * 62))
        assert found.keys() <= {b"", b"r" * 62}


def test_scattered_sectors_are_those_of_the_file_and_hold_what_they_held_at_some_moment() -> None:
    def write(disk: Disk) -> None:
        file = disk.open("log")
        for letter in b"abcd":
            file.append(bytes([letter]) * 40)  # the first within a sector, the second over its end

    first = [b"a" * 40, b"a" * 40 + b"b" * 22]  # what the first sector may have of them, at its full length
    second = [b"b" * 18, b"b" * 18 + b"c" * 40, b"b" * 18 + b"c" * 40 + b"d" * 40]
    found = after_losses("sectors", write, 1000)
    heads, tails = {data[:62].rstrip(b"\0") for data in found}, {data[62:].rstrip(b"\0") for data in found}
    assert heads == {b"", *first}
    assert tails == {b"", *second}
    assert any(data[:62] == bytes(62) and data[62:].strip(b"\0") for data in found)  # the second without the first


def test_where_a_file_grew_a_sector_that_did_not_come_may_hold_what_stood_there_before() -> None:
    def write(disk: Disk) -> None:
        disk.open("log").append(b"u" * 1600)

    assert all(not set(found) - set(b"u\0") for found in after_losses("sectors", write))
    strange = [found for found in after_losses("rubbish", write) if set(found) - set(b"u\0")]
    assert strange
    assert all(set(found[:62]) <= set(b"u\0") for found in strange), "the rest of a sector with synced bytes is ours"


def test_names_keep_their_order_within_a_directory_and_across_two_if_the_fate_says_so() -> None:
    seen: dict[Fate, set[str]] = {"prefix": set(), "sectors": set(), "nothing": set()}
    for fate, found in seen.items():
        for seed in range(100):
            with Simulator(seed) as sim:
                disk = Disk(sim, "x", after_power_loss=fate)
                for directory in "ab":
                    disk.makedirs(directory)
                disk.fsync_dir()
                for path in ("a/1", "b/1", "a/2"):
                    disk.open(path, create=True).close()
                disk.lose_power()
                found.add(" ".join(path for path in ("a/1", "b/1", "a/2") if disk.exists(path)))
    assert seen["nothing"] == {""}
    assert seen["prefix"] == {"", "a/1", "a/1 b/1", "a/1 b/1 a/2"}
    assert seen["sectors"] == {*seen["prefix"], "b/1", "a/1 a/2"}


def test_scattered_sectors_never_show_what_was_cut_off() -> None:
    def write(disk: Disk) -> None:
        file = disk.open("log")
        file.append(b"old" * 400)
        file.fsync()
        file.truncate(450)
        file.append(b"new" * 400)

    for data in after_losses("sectors", write):
        assert data == b"old" * 400 or not any(letter in data for letter in b"old" if letter not in b"new")


def test_bytes_that_a_failed_sync_lost_come_back_only_with_their_sector() -> None:
    def write(disk: Disk) -> None:
        file = disk.open("log")
        file.append(b"l" * 600)  # to the end of its sector, one whole, and a piece of the next
        disk.fail_next_sync()
        with pytest.raises(OSError, match="Input/output error"):
            file.fsync()
        file.append(b"n" * 10)
        file.fsync()

    for fate in FATES:
        assert after_losses(fate, write, 20).keys() == {bytes(574) + b"l" * 26 + b"n" * 10}


# --- directories and handles -----------------------------------------------------------------------------------------
def test_a_directory_is_renamed_with_all_that_is_in_it(sim: Simulator) -> None:
    disk = Disk(sim, "x", after_power_loss="nothing")
    disk.makedirs("tmp/deep")
    disk.open("tmp/deep/x", create=True).append(b"1")
    for path in ("", "tmp", "tmp/deep"):
        disk.fsync_dir(path)
    disk.rename("tmp", "final")
    assert read_whole(disk, "final/deep/x") == b"1"
    assert not disk.exists("tmp/deep/x")
    disk.lose_power()
    assert disk.exists("tmp/deep/x")
    disk.rename("tmp", "final")
    disk.fsync_dir()
    disk.lose_power()
    assert (disk.exists("final/deep/x"), disk.exists("tmp")) == (True, False)


@pytest.mark.parametrize(
    ("call", "number"),
    [
        (lambda disk: disk.remove("full"), errno.EISDIR),
        (lambda disk: disk.remove("empty"), errno.EISDIR),
        (lambda disk: disk.rename("file", "full"), errno.EISDIR),
        (lambda disk: disk.rename("file", "empty"), errno.EISDIR),
        (lambda disk: disk.rename("empty", "full"), errno.ENOTEMPTY),
        (lambda disk: disk.rename("full", "file"), errno.ENOTDIR),
        (lambda disk: disk.rename("full", "full/below"), errno.EINVAL),
        (lambda disk: disk.rename("full/x", "full"), errno.ENOTEMPTY),
        (lambda disk: disk.rename("file/x", "y"), errno.ENOTDIR),
        (lambda disk: disk.rename("file", "nowhere/x"), errno.ENOENT),
        (lambda disk: disk.open("file/x", create=True), errno.ENOTDIR),
        (lambda disk: disk.makedirs("file/x"), errno.ENOTDIR),
        (lambda disk: disk.makedirs("file"), errno.EEXIST),
        (lambda disk: disk.listdir("file"), errno.ENOTDIR),
    ],
)
def test_directories_are_no_files_and_say_so_as_a_real_disk_does(
    sim: Simulator, tmp_path: Path, call: Callable[[Files], object], number: int
) -> None:
    for files in (Disk(sim, "x"), DiskFiles(tmp_path)):
        files.makedirs("full")
        files.makedirs("empty")
        for path in ("file", "full/x"):
            files.open(path, create=True).close()
        with pytest.raises(OSError, match=r"\w") as caught:
            call(files)
        assert caught.value.errno == number
        assert files.listdir() == ["empty", "file", "full"]


def test_a_file_moved_to_another_directory_never_comes_back_under_both_names() -> None:
    seen = set()
    for seed in range(200):
        with Simulator(seed) as sim:
            disk = Disk(sim, "x")
            disk.makedirs("a")
            disk.makedirs("b")
            disk.fsync_dir()
            disk.open("a/x", create=True).fsync()
            disk.rename("a/x", "b/x")
            if seed % 2:
                disk.fsync_dir("b")
            disk.lose_power()
            seen.add((seed % 2, disk.exists("a/x"), disk.exists("b/x")))
    assert seen == {(1, False, True), (0, False, False), (0, True, False), (0, False, True)}


def test_a_handle_of_before_a_crash_of_the_process_is_closed(sim: Simulator) -> None:
    host = sim.host("a")
    file = host.disk.open("n", create=True)
    file.append(b"1")
    host.crash(process_only=True)
    host.restart()
    for use in (lambda: file.append(b"2"), file.fsync, lambda: file.read_at(0, 1), lambda: file.truncate(0)):
        with pytest.raises(ValueError, match="open it again"):
            use()
    file.close()
    assert read_whole(host.disk, "n") == b"1"


def test_the_space_of_a_removed_file_is_free_when_nobody_has_it_open(sim: Simulator) -> None:
    host = sim.host("a", capacity_bytes=100)
    disk = host.disk
    first, second = disk.open("n", create=True), disk.open("n")
    first.append(bytes(100))
    disk.remove("n")
    other = disk.open("m", create=True)
    first.close()
    with pytest.raises(OSError, match="No space left"):
        other.append(b"x")
    assert second.read_at(0, 100) == bytes(100)
    second.close()
    second.close()
    other.append(bytes(100))
    disk.open("k", create=True)
    disk.rename("k", "m")  # its file had the space, and is still open
    assert disk.used_bytes == 100
    host.crash(process_only=True)
    assert disk.used_bytes == 0
