"""What the menu looks like: a capture of each room, as an image that a browser shows, in two sizes, coloured and not.

`make captures` writes them into build/captures, as pictures where Chromium is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from helpers.screens import Played, play
from windtunnel.lab.discovery import find
from windtunnel.lab.result import Result
from windtunnel.lab.run import run
from windtunnel.ui.menu.claims import Claims
from windtunnel.ui.menu.help import Help
from windtunnel.ui.menu.opened import Opened
from windtunnel.ui.menu.outcome import Outcome
from windtunnel.ui.menu.parameters import Parameters
from windtunnel.ui.menu.predict import Predict
from windtunnel.ui.menu.room import Room
from windtunnel.ui.menu.setting import Setting

NAME = "honest-measurement"
SIZES = ((80, 24), (120, 40))
ASKS_FOR = re.compile(r"@font-face\s*\{[^}]*\}")
"""Textual's images ask a host of fonts; a capture asks nobody."""
COLOUR = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})\b")
WINDOW = 3
"""The points in the frame that Rich draws around a capture are coloured always."""


@cache
def result() -> Result:
    """A small result, made once."""
    return run(find(NAME), quick=True, seeds=1, jobs=1)


@pytest.fixture(autouse=True)
def own_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress of its own, in a folder of its own."""
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.chdir(tmp_path)


def taken(at: Played) -> str:
    """The screen as an image that needs nothing from elsewhere."""
    return ASKS_FOR.sub("", at.menu.export_screenshot())


async def walk(at: Played, found: dict[str, str]) -> None:
    """From the first room through those of the first minute; each is taken."""
    found["1-home"] = taken(at)
    await at.press("slash")
    await at.type(NAME)
    await at.press("enter")
    opened = await at.reach(Opened)
    await at.until(lambda: opened.setting)
    found["2-experiment"] = taken(at)
    await at.press("p")
    await at.reach(Predict)
    await at.type("120")
    await at.press("enter")
    found["3-prediction"] = taken(at)
    setting = Setting(find(NAME))
    said = {one.question: value for one, value in zip(setting.experiment.asks, (120.0, 31.6), strict=False)}
    rooms: dict[str, Room] = {
        "4-result": Outcome(setting, result(), said),
        "5-claims": Claims(setting, result()),
        "6-parameters": Parameters(setting),
        "7-help": Help(opened),
    }
    for name, room in rooms.items():
        await at.menu.enter(room)
        await at.seen()
        found[name] = taken(at)
        await at.press("escape")


def captures(size: tuple[int, int]) -> dict[str, str]:
    """Every room in this size."""
    found: dict[str, str] = {}
    play(lambda at: walk(at, found), size)
    return found


def kept(found: Mapping[str, str], more: str) -> None:
    """Write captures, where `WINDTUNNEL_CAPTURES` names a folder, and as pictures too."""
    folder = os.environ.get("WINDTUNNEL_CAPTURES")
    if folder is None:
        return
    from helpers.browser import chromium

    to = Path(__file__).parents[3] / folder
    to.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:  # its loop and the menu's cannot be there at the same time
        for name, svg in found.items():
            file = to / f"{name}-{more}.svg"
            file.write_text(svg, "utf-8")
            page = browser.new_page(viewport={"width": 1200, "height": 900})
            page.goto(file.as_uri())
            page.screenshot(path=file.with_suffix(".png"))
            page.close()


@pytest.mark.soak
@pytest.mark.parametrize("coloured", [True, False], ids=["colour", "no-colour"])
@pytest.mark.parametrize("size", SIZES, ids="{0[0]}x{0[1]}".format)
def test_a_capture_shows_each_room_whole_and_asks_nobody_for_anything(
    size: tuple[int, int], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if coloured:
        monkeypatch.delenv("NO_COLOR", raising=False)
    else:
        monkeypatch.setenv("NO_COLOR", "1")
    found = captures(size)
    assert len(found) == 7
    kept(found, f"{size[0]}x{size[1]}{'' if coloured else '-no-colour'}")
    for name, svg in found.items():
        root = ElementTree.fromstring(svg)
        words = "".join(root.itertext())
        assert not re.search(r"https?://(?!www\.w3\.org|textual\.textualize\.io|www\.textualize\.io)", svg), name
        assert "quit" in words or "back" in words, name  # the last line is in the picture too
        bright = [one for one in COLOUR.findall(svg) if max(x := [int(c, 16) for c in one]) - min(x) > 40]
        if not coloured:
            assert len(bright) <= WINDOW, (name, bright)
