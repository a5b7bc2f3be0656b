"""The first minute at a terminal: open, choose, commit, run, see; in any size, without colours, in a burst."""

from __future__ import annotations

import io
import os
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from helpers.screens import Played, play
from windtunnel.lab import progress
from windtunnel.lab.discovery import find
from windtunnel.lab.progress import Done, Guess
from windtunnel.lab.result import Result
from windtunnel.lab.run import run
from windtunnel.ui.menu.claims import Claims
from windtunnel.ui.menu.help import Help
from windtunnel.ui.menu.home import Home, mark, next_for
from windtunnel.ui.menu.opened import Opened
from windtunnel.ui.menu.outcome import Outcome
from windtunnel.ui.menu.parameters import Parameters
from windtunnel.ui.menu.predict import Predict
from windtunnel.ui.menu.reading import Reading
from windtunnel.ui.menu.recall import Recall
from windtunnel.ui.menu.setting import Setting
from windtunnel.ui.menu.working import Working

NAME, OTHER = "honest-measurement", "up-or-out"


@pytest.fixture(autouse=True)
def own_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress of its own, in a folder of its own, at a terminal."""
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.chdir(tmp_path)


def known() -> dict[str, Done]:
    return progress.read(progress.default_path())


@cache
def result() -> Result:
    """A small result, made once."""
    return run(find(NAME), quick=True, seeds=1, jobs=1)


async def opened(at: Played, name: str = NAME) -> Opened:
    """The experiment, from the first screen on, with the keys that everybody finds."""
    await at.press("slash")
    await at.type(name)
    await at.press("enter")
    room = await at.reach(Opened)
    await at.until(lambda: room.setting)
    return room


# --- the way -----------------------------------------------------------------------------------------------------
def test_from_the_first_screen_to_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    words = Setting(find(NAME), quick=True).words
    assert words == [NAME, "--quick"]
    monkeypatch.setattr(Setting, "words", [*words, "--seeds", "1", "--jobs", "1"])  # more tell the same, and cost time

    async def scene(at: Played) -> None:
        assert "next for you" in at.text
        assert "The first one. Guess," in at.text
        room = await opened(at)
        assert "from_the_due_time" in at.text
        assert "predict and run" in at.text
        await at.press("f")
        assert "small setting" in at.lines[0]
        await at.press("p")
        await at.reach(Predict)
        assert "Nothing is shown until you commit." in at.text
        assert "●" not in at.text, "a mark that nobody set is an anchor"
        assert "Questions speak of the usual setting. Here: rate 100, not 200;" in at.text
        await at.type("2")
        assert "●" in at.text
        await at.press("enter", "right", "ctrl+r")
        await at.reach(Working)
        outcome = await at.reach(Outcome)
        assert list(outcome.said.values()) == [2.0, 1.0], "the third question was left open"
        assert "◆ measured" in at.text
        assert "○ you 2 ms" in at.text
        assert outcome.found.digest == result().digest
        assert room.is_attached
        await at.press("escape")
        assert await at.reach(Opened) is room

    play(scene)
    assert known() == {NAME: Done(runs=1)}, "in a small setting the questions are not the ones that were asked"


def test_what_was_said_stands_beside_what_was_measured_and_is_remembered() -> None:
    setting = Setting(find(NAME))
    first, *others = setting.experiment.asks

    async def scene(at: Played) -> None:
        await at.menu.enter(Outcome(setting, result(), {first.question: 90.0}))
        await at.seen()
        assert "○ you 90 ms" in at.text
        assert "times too high" in at.text
        assert "p99_ms, every design" in at.text
        await at.press("s")
        await at.type("it waits for q, and does not say so")
        await at.press("enter")
        assert "it waits for q, and does not say so" in at.text
        assert setting.experiment.why[0].sentence[:30] in at.text
        await at.press("2")
        assert "You found it close." in at.text
        await at.press("enter")
        await at.reach(Claims)
        await at.press("down")
        assert result().claims[1].shown.partition("   ")[0][:60] in at.text

    play(scene, (100, 40))
    done = known()[NAME]
    assert (done.runs, done.why) == (1, "it waits for q, and does not say so")
    assert {one.question: one.said for one in done.guesses} == (
        {first.question: 90.0} | dict.fromkeys((ask.question for ask in others), None)
    )


def test_keys_of_a_burst_mean_what_they_mean_slowly() -> None:
    async def scene(at: Played) -> None:
        await at.press("slash", *"tail", "down", "up", "enter", "escape", "escape")
        await at.reach(Home)
        room = await opened(at)
        await at.press("p", "1", "2", "enter", "3", "up", "4", "down", "backspace", "5", "full_stop", "5")
        predict = await at.reach(Predict)
        assert [field.text for field in predict.fields.all] == ["124", "5.5", ""]
        await at.press("escape")
        assert await at.reach(Opened) is room

    play(scene)
    assert known() == {}


def test_a_guess_that_is_no_number_is_told_and_not_left_out() -> None:
    async def scene(at: Played) -> None:
        await at.menu.enter(Predict(Setting(find(NAME))))
        await at.type("--5")
        await at.press("enter", "3", "ctrl+r")
        room = await at.reach(Predict)
        assert room.fields.at == 0
        assert "✘ --5 is no number." in at.text

    play(scene)


def test_a_paste_is_text_and_no_keys() -> None:
    from textual.events import Paste

    async def scene(at: Played) -> None:
        home = await at.reach(Home)
        at.menu.post_message(Paste("qqq"))
        await at.press("slash")
        at.menu.post_message(Paste("meas"))
        await at.until(lambda: home.sought == "meas")
        assert NAME in [card.id for card in home.listed]
        assert len(home.listed) < len(at.menu.cards)

    play(scene)


@pytest.mark.soak
def test_a_parameter_out_of_its_range_is_told_and_not_taken() -> None:
    async def scene(at: Played) -> None:
        room = await opened(at)
        assert room.setting is not None
        await at.press("e")
        form = await at.reach(Parameters)
        name = room.setting.params[0].name
        await at.type("-7")
        await at.press("enter")
        assert f"{name} is -7" in at.text
        await at.press("ctrl+r")
        assert at.menu.screen is form
        await at.press("ctrl+u", "escape")
        await at.reach(Opened)
        assert room.setting.changed == {}

    play(scene)


@pytest.mark.soak
def test_a_run_that_is_stopped_leaves_no_process_and_no_trace() -> None:
    import psutil

    async def scene(at: Played) -> None:
        await opened(at)
        await at.press("x")
        room = await at.reach(Working)
        children = psutil.Process().children(recursive=True)
        assert children
        await at.press("escape")
        await at.reach(Opened)
        assert room.errand is not None
        await at.until(lambda: not any(child.is_running() for child in children))

    play(scene)
    assert known() == {}


def test_what_was_guessed_is_asked_again_and_answered() -> None:
    ask = find(NAME).asks[0]
    yesterday = (date.today() - timedelta(days=1)).isoformat()
    progress.note(NAME, ran=True, guesses=[Guess(ask.question, 90.0, 4.6, ask.unit, yesterday)])

    async def scene(at: Played) -> None:
        assert "r answers" in at.text
        await at.press("r")
        await at.reach(Recall)
        assert "4.6" not in at.text
        await at.type("5")
        await at.press("enter")
        assert "◆ measured 4.6 ms" in at.text
        assert "It is asked again 7 days after that day." in at.text
        await at.press("escape")
        assert "Nothing is due." in at.text

    play(scene)
    assert [(one.again, one.recalled) for one in known()[NAME].guesses] == [(1, 5.0)]


def test_a_damaged_progress_file_is_told_and_stops_nobody(tmp_path: Path) -> None:
    file = tmp_path / "progress.json"
    file.write_text("{broken")

    async def scene(at: Played) -> None:
        assert f"{file.name} is no progress file; move it away" in at.text
        await at.menu.enter(Recall(NAME, Guess("How many?", 1.0, 2.0, "", "2026-01-01")))
        await at.type("3")
        await at.press("enter")
        assert "is no progress file" in at.text
        assert "◆ measured 2" in at.text
        file.unlink()
        file.mkdir()
        await at.press("escape")
        assert f"Is a directory: {file}." in at.text
        assert "next for you" in at.text

    play(scene, (160, 24))


def test_a_fault_of_the_menu_is_told_in_its_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    from windtunnel.ui.menu import menu
    from windtunnel.ui.menu.app import Menu

    for left, status in ((None, 0), (1, 70), (143, 143)):
        monkeypatch.setattr(Menu, "run", lambda self, code=left: code is None or self.exit(return_code=code))
        assert menu() == status


# --- how it looks ------------------------------------------------------------------------------------------------
def test_three_panes_stay_and_marks_are_shapes() -> None:
    from windtunnel.lab.cards import cards

    progress.note(NAME, ran=True)
    passed = cards()[1].id  # one that is seen without scrolling, however long the list gets
    progress.note(passed, graded=True, passed=True)

    async def scene(at: Played) -> None:
        assert f"◐ {NAME}" in at.text
        assert f"✔ {passed}" in at.text
        assert f"1 of {len(at.menu.cards)} passed" in at.lines[0]
        await at.press("left", "down")
        assert at.lines[1].startswith(" ━tracks")
        assert "▸start here" in at.text

    play(scene)
    assert [mark(None), mark(Done(runs=1)), mark(Done(passed=True))] == ["·", "◐", "✔"]


def test_the_next_step_is_one() -> None:
    from windtunnel.lab.cards import cards

    found = cards()
    assert next_for(found, {})[0] == found[0]
    assert next_for(found, {OTHER: Done(runs=1)})[0].id == OTHER
    assert next_for(found, {OTHER: Done(runs=1, passed=True)})[0] == found[0]
    assert "All are passed" in next_for(found, {card.id: Done(passed=True) for card in found})[1]


def rooms() -> list[Any]:
    """Every room that needs nobody else, with much in it."""
    from windtunnel.lab.cards import cards
    from windtunnel.ui import terminal

    setting = Setting(find(NAME))
    card = next(card for card in cards() if card.id == NAME)
    guess = Guess(setting.experiment.asks[0].question, 90.0, 4.6, "s", "2026-01-01")
    first = {setting.experiment.asks[0].question: 90.0}
    lesson = Reading("lesson", lambda width: terminal.experiment(setting.experiment, True, width))
    return [
        Opened(card), Parameters(setting), Predict(setting), Outcome(setting, result(), first),
        Claims(setting, result()), Recall(NAME, guess), Help(), lesson,
    ]  # fmt: skip


async def fit(at: Played, rooms: list[Any], *sizes: tuple[int, int]) -> None:
    """Every room in every size: no line is too long, it is said where one is, and how to go back."""
    for room in rooms:
        await at.menu.enter(room)
        if isinstance(room, Opened):
            await at.until(lambda room=room: room.setting)
        for width, height in sizes:
            await at.resize(width, height)
            lines = at.lines
            assert max(map(cell_len, lines)) <= width
            assert lines[0].strip(), room
            assert any("esc" in line for line in lines), room
        await at.menu.back()


def test_a_narrow_terminal_loses_panes_and_not_the_way_back() -> None:
    async def scene(at: Played) -> None:
        await at.resize(60, 20)
        assert "tracks" not in at.text
        assert NAME in at.text
        await fit(at, [rooms()[3]], (40, 12))

    play(scene)


@pytest.mark.soak
def test_every_room_fits_every_terminal_and_says_where_one_is() -> None:
    play(lambda at: fit(at, rooms(), (80, 24), (120, 40), (40, 12), (24, 8)))


def test_without_colours_every_mark_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def scene(at: Played) -> None:
        await at.menu.enter(Claims(Setting(find(NAME)), result()))
        await at.seen()
        for strip in at.menu.screen._compositor.render_strips():
            for segment in strip.apply_filter(at.menu._filters[-1], at.menu.screen.styles.background):
                colour = segment.style.color if segment.style is not None else None
                assert colour is None or colour.is_default
        assert "▸✔" in at.text

    play(scene)


@pytest.mark.soak
def test_the_palette_finds_keys_and_experiments() -> None:
    async def scene(at: Played) -> None:
        await at.press("ctrl+p")
        await at.until(lambda: "find" in at.text)
        await at.type("ticketmaster")
        await at.until(lambda: "q10-ticketmaster" in at.text)
        await at.press("enter")
        assert (await at.reach(Opened)).card.id == "q10-ticketmaster"

    play(scene)


# --- which menu --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "term", "chosen"),
    [
        ([], "xterm", "rooms"),
        (["--plain"], "xterm", "numbers"),
        ([], "dumb", "numbers"),
        (["--plain"], "dumb", "numbers"),
        ([], "latin-1", "numbers"),
    ],
)
def test_a_terminal_that_has_no_screen_gets_the_menu_of_numbers(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], term: str, chosen: str
) -> None:
    import sys

    import windtunnel.ui.menu
    import windtunnel.ui.numbered
    from windtunnel.ui import cli

    called = []
    if term == "latin-1":  # letters in the place of our signs are wider
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), term))
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(windtunnel.ui.menu, "menu", lambda: called.append("rooms") or 0)
    monkeypatch.setattr(windtunnel.ui.numbered, "menu", lambda: called.append("numbers") or 0)
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    assert (left.value.code, called) == (0, [chosen])


def test_the_list_and_a_run_load_no_screen() -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom windtunnel.ui import cli\n"
        "try:\n    cli.main(['list', '--json'])\nexcept SystemExit:\n    pass\n"
        "assert not {'textual', 'rich', 'numpy'} & set(sys.modules), 'too much'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, env={**os.environ})
    assert (done.returncode, done.stderr) == (0, b"")
