"""The real disk and the torn one are the same to a program that does not crash, and only to that one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from helpers.torn_disk import Crashed, TornDisk
from windtunnel.blocks.ground.files import DiskFiles, Files, make_directory, read_whole, replace_whole


@pytest.fixture(params=["disk", "torn"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    return DiskFiles(tmp_path / "root") if request.param == "disk" else TornDisk()


def test_bytes_are_appended_overwritten_and_read(files: Files) -> None:
    file = files.open("a", create=True)
    assert file.append(b"hello ") == 0
    assert file.append(memoryview(b"world")) == 6
    file.write_at(6, b"there, you")
    assert file.size == 16
    assert file.read_at(0, 100) == b"hello there, you"
    assert file.read_at(6, 5) == b"there"
    assert file.read_at(16, 5) == b""
    file.truncate(5)
    file.fsync()
    file.close()
    file.close()
    assert read_whole(files, "a") == b"hello"


def test_a_write_cannot_leave_a_hole(files: Files) -> None:
    file = files.open("a", create=True)
    with pytest.raises(ValueError, match="outside"):
        file.write_at(1, b"x")
    with pytest.raises(ValueError, match="Cannot cut"):
        file.truncate(1)
    file.close()


def test_names_are_made_listed_renamed_and_removed(files: Files) -> None:
    make_directory(files, "b/c")
    files.open("b/c/z", create=True).close()
    files.open("b/c/y", create=True).close()
    replace_whole(files, "b/c/y", b"new")
    assert files.listdir("b/c") == ["y", "z"]
    files.rename("b/c/y", "b/c/z")
    assert read_whole(files, "b/c/z") == b"new"
    assert files.listdir() == ["b"]
    files.remove("b/c/z")
    files.fsync_dir("b/c")
    assert files.listdir("b/c") == []
    assert files.exists("b/c")
    assert not files.exists("b/c/z")


@pytest.mark.parametrize("call", [lambda f: f.open("no"), lambda f: f.remove("no"), lambda f: f.listdir("no")])
def test_a_missing_path_is_an_error(files: Files, call: Callable[[Files], object]) -> None:
    with pytest.raises(FileNotFoundError):
        call(files)


def test_a_removed_file_can_still_be_read_through_an_open_handle(files: Files) -> None:
    file = files.open("a", create=True)
    file.append(b"kept")
    files.remove("a")
    assert file.read_at(0, 4) == b"kept"
    file.close()


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../b"])
def test_no_path_leads_out_of_the_root(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="below the root"):
        DiskFiles(tmp_path).open(path)


def test_replacing_a_file_leaves_the_old_or_the_new_bytes_at_every_crash() -> None:
    seen = set()
    for crash_at in range(1, 12):
        for seed in range(60):
            disk = TornDisk()
            replace_whole(disk, "a", b"old" * 500)
            disk.crash_at = disk.operations + crash_at
            try:
                replace_whole(disk, "a", b"new" * 700)
                replace_whole(disk, "a", b"new" * 700)
            except Crashed:
                later = disk.restarted(Random(seed))
                seen.add(read_whole(later, "a"))
    assert seen == {b"old" * 500, b"new" * 700}


def test_without_fsync_the_torn_disk_shows_every_way_to_lose() -> None:
    """If it could not, the crash tests that lean on it would prove nothing."""
    fates = set()
    for seed in range(200):
        disk = TornDisk()
        make_directory(disk, "d")
        file = disk.open("d/a", create=True)
        file.append(b"s" * 600)
        file.fsync()
        file.append(b"u" * 1500)
        later = disk.restarted(Random(seed))
        if not later.exists("d/a"):
            fates.add("no name")
            continue
        found = read_whole(later, "d/a")
        assert found[:600] == b"s" * 600, "synced bytes are kept"
        rest = found[600:]
        if rest.strip(b"u"):
            fates.add("rubbish" if rest.strip(b"u\0") else "holes")
        else:
            fates.add({0: "nothing", 1500: "all"}.get(len(rest), "prefix"))
    assert fates == {"no name", "nothing", "all", "prefix", "holes", "rubbish"}


def test_after_a_failed_fsync_the_bytes_are_lost_though_the_next_fsync_succeeds() -> None:
    disk = TornDisk(error_at=3)
    file = disk.open("a", create=True)
    file.append(b"x")
    with pytest.raises(OSError, match="injected"):
        file.fsync()
    file.fsync()
    disk.fsync_dir()
    assert file.read_at(0, 1) == b"x"
    assert read_whole(disk.restarted(Random(0)), "a") == b""
