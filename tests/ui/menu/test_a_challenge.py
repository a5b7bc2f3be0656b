"""A challenge at a terminal: a wrong design, its verdict, a hint, the editor, the cure."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from helpers.screens import Played, play
from windtunnel.lab import progress
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.progress import Done
from windtunnel.ui.menu import challenge
from windtunnel.ui.menu.challenge import Challenge, changed, editor
from windtunnel.ui.menu.reading import Reading

NAME = "up-or-out"
CURE = """from windtunnel.catalogue.scale.up_or_out import OneMachine

challenge = "up-or-out"


class Yours(OneMachine):
    pass
"""


@pytest.fixture(autouse=True)
def own_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress of its own, in a folder of its own."""
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.chdir(tmp_path)


def test_a_wrong_design_is_told_why_and_its_cure_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenge, "SEEDS", 1)

    async def scene(at: Played) -> None:
        card = next(card for card in at.menu.cards if card.id == NAME)
        room = Challenge(card)
        await at.menu.enter(room)
        await at.until(lambda: room.grade)
        assert not room.grade["passed"]
        assert "✘ not yet" in at.text
        assert "The file holds the naive" in at.text
        assert "first hidden seed" in at.text
        await at.press("h")
        assert room.experiment is not None
        assert f"Hint 1: {room.experiment.hints[0][:40]}" in at.text
        if room.can(next(key for key in room.KEYS if key.what == "case")):
            await at.press("enter")
            await at.reach(Reading)
            await at.press("escape")
        (tmp_path / "up_or_out.py").write_text(CURE)
        await at.until(lambda: len(room.verdicts) > 1)
        assert room.verdicts == [False, True]
        assert "✔ holds on" in at.text
        assert "+ class Yours(OneMachine):" in at.text
        assert room.file == tmp_path / "up_or_out.py"
        await at.press("escape")

    play(scene)
    assert progress.read(progress.default_path()) == {NAME: Done(hints=1)}, "all of it has not been graded"


@pytest.mark.soak
def test_all_of_it_is_graded_and_that_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "up_or_out.py").write_text("class Yours(:")

    async def scene(at: Played) -> None:
        room = Challenge(next(card for card in at.menu.cards if card.id == NAME))
        await at.menu.enter(room)
        await at.until(lambda: room.wrong)
        assert "invalid syntax in line 1" in room.wrong
        room.file.write_text(CURE)
        await at.until(lambda: room.grade)
        await at.press("g")
        await at.until(lambda: room.whole)
        assert "✔ passed" in at.text
        await at.press("escape")
        assert f"1 of {len(at.menu.cards)} passed" in at.lines[0]

    play(scene)
    assert progress.read(progress.default_path()) == {NAME: Done(grades=1, passed=True)}


def test_the_editor_gets_the_screen_and_gives_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import contextmanager

    suspended = []

    @contextmanager
    def suspend() -> object:
        suspended.append("away")
        yield
        suspended.append("back")

    write = f"import pathlib, sys; pathlib.Path(sys.argv[1]).write_text({CURE!r})"
    monkeypatch.setenv("EDITOR", shlex.join([sys.executable, "-c", write]))
    monkeypatch.delenv("VISUAL", raising=False)

    async def scene(at: Played) -> None:
        room = Challenge(next(card for card in at.menu.cards if card.id == NAME))
        monkeypatch.setattr(at.menu, "suspend", suspend)
        monkeypatch.setattr(at.menu, "send", lambda words, heard: at.menu)  # nobody watches
        monkeypatch.setattr(at.menu, "stop", lambda errand: None)
        await at.menu.enter(room)
        await at.until(lambda: room.errand)
        await at.press("o")
        assert suspended == ["away", "back"]
        assert (tmp_path / "up_or_out.py").read_text() == CURE
        await at.press("escape")

    play(scene)


@pytest.mark.soak
def test_a_challenge_that_cannot_be_taken_says_why(tmp_path: Path) -> None:
    (tmp_path / "up_or_out.py").mkdir()

    async def scene(at: Played) -> None:
        room = Challenge(next(card for card in at.menu.cards if card.id == NAME))
        await at.menu.enter(room)
        await at.until(lambda: room.wrong)
        assert "up_or_out.py" in at.text
        await at.press("escape")

    play(scene)


def test_the_editor_is_the_persons_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "code --wait")
    monkeypatch.delenv("VISUAL", raising=False)
    assert editor() == ["code", "--wait"]
    monkeypatch.setenv("EDITOR", "'code --wait")
    with pytest.raises(WrongInput, match="no closing quotation"):
        editor()
    monkeypatch.delenv("EDITOR")
    monkeypatch.setenv("PATH", os.devnull)
    assert editor() == []


def test_what_was_changed_is_told_line_by_line() -> None:
    assert changed("a = 1\nb = 2\n", "a = 1\n\nb = 3\n") == ["- b = 2", "+ b = 3"]
