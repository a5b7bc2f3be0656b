"""Progress is one small file that is the user's, and that merges in any order."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, strategies as st

from windtunnel.blocks.ground.files import DiskLock
from windtunnel.lab import progress
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.progress import Done, Guess, due, merge

numbers = st.integers(0, 99)
guesses = st.builds(
    Guess,
    st.sampled_from(["How many?", "How long?"]),
    st.none() | st.integers(0, 3).map(float),
    st.just(2.0),
    st.just("s"),
    st.dates(date(2026, 1, 1), date(2026, 1, 9)).map(str),
    st.integers(0, 3),
    st.none() | st.just(1.0),
)
each_once = st.lists(guesses, max_size=2, unique_by=lambda one: one.question).map(
    lambda found: tuple(sorted(found, key=lambda one: one.question))
)
done = st.builds(Done, numbers, numbers, st.booleans(), numbers, each_once, st.sampled_from(["", "It waits."]))
files = st.dictionaries(st.sampled_from("abc"), done)


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


def test_of_two_changes_at_the_same_instant_none_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "progress.json"))
    as_it_is = progress.read
    others: list[Thread] = []

    def read(path: Path) -> dict[str, Done]:
        found = as_it_is(path)
        if not others:  # between our reading and our writing another one comes
            others.append(Thread(target=progress.note, args=("other",), kwargs={"ran": True}))
            others[0].start()
            others[0].join(0.05)  # it has written, or waits
        return found

    monkeypatch.setattr(progress, "read", read)
    progress.note("ours", ran=True)
    others[0].join()
    assert as_it_is(progress.default_path()) == {"ours": Done(runs=1), "other": Done(runs=1)}


def test_whoever_never_gives_the_lock_back_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)
    with closing(DiskLock(tmp_path / ".progress.json.lock")):
        progress.note("q10", ran=True)
    assert progress.read(progress.default_path()) == {"q10": Done(runs=1)}


GUESS = Guess("How many are answered?", 120.0, 0.0, "a second", "2026-11-28")


def test_a_guess_is_asked_again_after_a_day_a_week_and_a_month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "progress.json"))
    skipped = Guess("And how long?", None, 3.0, "s", "2026-11-28")
    progress.note("toy", ran=True, guesses=[GUESS, skipped])
    asked = []
    for day in range(28, 28 + 62):
        today = date.fromordinal(date(2026, 11, 1).toordinal() + day - 1)
        known = progress.read(progress.default_path())
        for name, one in due(known, today):
            asked.append((name, one.question, (today - date(2026, 11, 28)).days))
            progress.recalled(name, one.question, 60.0 - one.again)
    assert asked == [("toy", GUESS.question, days) for days in (1, 7, 30)]
    assert progress.read(progress.default_path())["toy"].guesses[1].recalled == 58.0


def test_a_guess_after_the_answer_was_seen_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "progress.json"))
    progress.note("toy", guesses=[GUESS])
    progress.note("toy", guesses=[Guess(GUESS.question, 0.0, 0.0, "a second", "2026-11-29")], why="They ask again.")
    assert progress.read(progress.default_path()) == {"toy": Done(guesses=(GUESS,), why="They ask again.")}


@pytest.mark.parametrize(
    "guess", ['{"question": 3}', '{"question": "?", "said": "x", "measured": 1, "unit": "", "day": "2026-01-01"}', "7"]
)
def test_a_guess_that_is_none_is_a_damaged_file(tmp_path: Path, guess: str) -> None:
    file = tmp_path / "progress.json"
    file.write_text('{"toy": {"guesses": [' + guess + "]}}")
    with pytest.raises(WrongInput, match="is no progress file"):
        progress.read(file)
