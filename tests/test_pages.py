"""What pages quote is what the source says and what runs show."""

from __future__ import annotations

import os
import re
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import pytest

from windtunnel.faces import FACES

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "windtunnel"


def snippets(page: str) -> list[str]:
    """The blocks of Python on a page."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)


TOUR = [(quoted[2:], text) for quoted, _, text in (s.partition("\n") for s in snippets("docs/tour.md"))]


def found_at(lines: list[str], wanted: list[str], start: int) -> int:
    """Where these lines end in a file, whatever they are indented by; -1 where they do not stand in it."""
    for at in range(start, len(lines) - len(wanted) + 1):
        if dedent("\n".join(lines[at : at + len(wanted)])).splitlines() == wanted:
            return at + len(wanted)
    return -1


@pytest.mark.parametrize(("file", "text"), TOUR, ids=[file for file, _ in TOUR])
def test_a_snippet_of_the_tour_stands_in_its_file(file: str, text: str) -> None:
    lines, at = (SOURCE / file).read_text("utf-8").splitlines(), 0
    for part in re.split(r"^ *\.\.\.\n", text, flags=re.MULTILINE):
        at = found_at(lines, dedent(part).splitlines(), at)
        assert at >= 0, f"docs/tour.md quotes lines that {file} does not have:\n{part}"


def test_the_tour_has_a_stop_for_each_floor() -> None:
    assert len(TOUR) == (ROOT / "docs" / "tour.md").read_text("utf-8").count("\n## ") == 11


def test_the_service_at_work_forgets_and_is_found_out() -> None:
    page: dict[str, object] = {}
    for block in snippets("docs/at-work.md"):
        exec(compile(block, "docs/at-work.md", "exec"), page)  # the page is the program
    seed, verdict = page["first_wrong"](range(20))  # type: ignore[operator]
    assert verdict.status == "invalid"
    with pytest.raises(AssertionError, match="Not linearizable"):
        page["test_it_keeps_what_it_acknowledged"](seed)  # type: ignore[operator]


MARK = re.compile(r"<!-- (\S+) (\w+) -->\n```text\n(.*?)```\n", re.DOTALL)
"""A block of the README that shows what a run printed: the experiment, which part of it, and the lines."""


def part(shown: str, name: str) -> str:
    """A part of what a run printed."""
    match name:
        case "table":
            found = re.search(r"^Measured .*?(?=\n  \d+ seeds)", shown, re.DOTALL | re.MULTILINE)
        case "claims":
            found = re.search(r"^Claims .*?(?=\n  ✔ row_lock)", shown, re.DOTALL | re.MULTILINE)
        case _:
            found = re.search(r"^Goodput\n.*?(?=\n\n)", shown, re.DOTALL | re.MULTILINE)
    assert found is not None, name
    return found[0]


def test_the_readme_shows_what_is_committed() -> None:
    """`make golden` writes it anew."""
    page = ROOT / "README.md"
    before = page.read_text("utf-8")

    def now(block: re.Match[str]) -> str:
        shown = (ROOT / "results" / "quick" / f"{block[1]}.txt").read_text("utf-8")
        return f"<!-- {block[1]} {block[2]} -->\n```text\n{part(shown, block[2])}\n```\n"

    after = MARK.sub(now, before)
    if os.environ.get("WINDTUNNEL_GOLDEN") == "write":
        page.write_text(after, "utf-8")
    assert len(MARK.findall(after)) == 3
    assert after == page.read_text("utf-8"), "If this is meant: make golden, and read the diff."


def test_the_readme_shows_the_smallest_case_as_grading_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from windtunnel.lab.discovery import find
    from windtunnel.lab.grading.challenge import write_stub
    from windtunnel.lab.grading.grade import grade_file

    monkeypatch.setattr("windtunnel.lab.grading.grade.FULL_TRIALS", 0)
    file = write_stub(find("q10-ticketmaster"), tmp_path / "mine.py")
    found = grade_file(str(file), seeds=1).case
    assert found is not None
    case = found.to_dict()
    now = f"{case['sentence']}\n\n" + "\n".join(line.rstrip() for line in str(case["text"]).splitlines())
    page = ROOT / "README.md"
    before = page.read_text("utf-8")
    after = re.sub(r"(?<=<!-- the smallest case -->\n```text\n).*?(?=\n```)", lambda _: now, before, flags=re.DOTALL)
    if os.environ.get("WINDTUNNEL_GOLDEN") == "write":
        page.write_text(after, "utf-8")
    assert after == page.read_text("utf-8"), "If this is meant: make golden, and read the diff."


def test_the_readme_shows_every_face_and_what_it_says_of_itself() -> None:
    told = [f"| `{name}` | {(import_module(name).__doc__ or '').splitlines()[0].removesuffix('.')} |" for name in FACES]
    page = ROOT / "README.md"
    before = page.read_text("utf-8")
    after = re.sub(r"(?:^\| `windtunnel\S* \|.*\n)+", lambda _: "\n".join(told) + "\n", before, flags=re.MULTILINE)
    if os.environ.get("WINDTUNNEL_GOLDEN") == "write":
        page.write_text(after, "utf-8")
    assert "\n".join(told) in page.read_text("utf-8"), "If this is meant: make golden, and read the diff."


def test_the_readme_shows_the_menu_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so does docs/first-hour.md."""
    from dataclasses import replace

    from helpers.screens import Played, play
    from windtunnel.lab.discovery import find
    from windtunnel.lab.run import run
    from windtunnel.ui.menu.opened import Opened
    from windtunnel.ui.menu.outcome import Outcome
    from windtunnel.ui.menu.predict import Predict

    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "progress.json"))
    shown: dict[str, str] = {}

    async def scene(at: Played) -> None:
        def take(name: str) -> None:
            shown[name] = "\n".join(line[1:79].rstrip() for line in at.lines).rstrip("\n") + "\n"

        take("home")
        await at.press("enter")
        room = await at.reach(Opened)
        await at.until(lambda: room.setting)
        assert room.setting is not None
        take("experiment")
        await at.press("p")
        await at.reach(Predict)
        await at.type("120")
        await at.press("enter", *["right"] * 16)
        take("prediction")
        experiment = find(room.card.id)
        asks = experiment.asks
        found = run(experiment, quick=True, seeds=1, jobs=1)
        room.setting.quick = True
        said = {asks[0].question: 120.0, asks[1].question: 32.0}
        await at.menu.instead(Outcome(room.setting, replace(found, provenance={}), said))
        await at.seen()
        take("result")

    play(scene)
    for page in (ROOT / "README.md", ROOT / "docs" / "first-hour.md"):
        before = page.read_text("utf-8")
        after = re.sub(
            r"<!-- the menu: (\w+) -->\n```text\n.*?```\n",
            lambda block: f"<!-- the menu: {block[1]} -->\n```text\n{shown[block[1]]}```\n",
            before,
            flags=re.DOTALL,
        )
        if os.environ.get("WINDTUNNEL_GOLDEN") == "write":
            page.write_text(after, "utf-8")
        assert "<!-- the menu: home -->" in after
        assert after == page.read_text("utf-8"), "If this is meant: make golden, and read the diff."
