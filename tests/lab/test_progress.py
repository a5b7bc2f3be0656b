"""Progress is one small file that is the user's, and that merges in any order."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from windtunnel.lab import progress
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.progress import Done, merge

numbers = st.integers(0, 99)
files = st.dictionaries(st.sampled_from("abc"), st.builds(Done, numbers, numbers, st.booleans(), numbers))


@given(files, files, files)
def test_merging_is_the_same_in_any_order_and_once_more_changes_nothing(
    a: dict[str, Done], b: dict[str, Done], c: dict[str, Done]
) -> None:
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(merge(a, b), b) == merge(a, b)


def test_what_was_done_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "deep" / "progress.json"))
    progress.note("q10", graded=True)
    progress.note("q10", graded=True, passed=True, hint=True)
    assert progress.read(progress.default_path()) == {"q10": Done(grades=2, passed=True, hints=1)}


def test_a_damaged_file_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "progress.json"
    file.write_text("{broken")
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(file))
    with pytest.raises(WrongInput, match="is no progress file"):
        progress.note("q10", graded=True)
    assert file.read_text() == "{broken"


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "file" / "progress.json"))
    monkeypatch.setattr(progress, "read", lambda path: {})
    assert progress.note("q10", graded=True) == Done(grades=1)
