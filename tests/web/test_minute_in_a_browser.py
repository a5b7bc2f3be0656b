"""Pages in a browser: what a person does in the first minute, by mouse and by keyboard, and what no page may do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from helpers.browser import PATIENCE_MS, chromium
from helpers.page_server import serving
from windtunnel.lab.discovery import find, modules

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
MOST_BYTES = 150_000
SERIOUS = ("serious", "critical")
HEIGHT = """new Promise(go => requestAnimationFrame(() => requestAnimationFrame(
  () => go(document.documentElement.scrollHeight))))"""


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("progress")) as found:
        yield found


class Watched:
    """A page with everything that went wrong on it, and every address that it asked."""

    def __init__(self, chrome: Browser, theme: str = "light", width: int = 1280) -> None:
        self.context = chrome.new_context(
            color_scheme="dark" if theme == "dark" else "light", viewport={"width": width, "height": 800}
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)

    def close(self, home: str) -> None:
        """No error, and no request to anywhere else."""
        self.context.close()
        assert not self.wrong
        assert all(url.startswith((home, "data:", "blob:")) for url in self.asked)


def unfold(page: Page) -> None:
    """A window in which all of it is laid out: nothing could be said of what is below the screen."""
    size = page.viewport_size
    assert size is not None
    seen, needed = size["height"], page.evaluate(HEIGHT)
    while seen < needed:
        page.set_viewport_size({"width": size["width"], "height": needed})
        seen, needed = needed, page.evaluate(HEIGHT)


def wide(page: Page) -> int:
    """How many pixels all of it needs from side to side."""
    unfold(page)
    found: int = page.evaluate("document.documentElement.scrollWidth")
    return found


def faults(page: Page) -> list[str]:
    """What axe finds that keeps somebody out."""
    from axe_playwright_python.sync_playwright import Axe

    unfold(page)
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found if one["impact"] in SERIOUS]


def guessed(page: Page, home: str) -> None:
    """From the catalogue to what was measured, by keyboard alone."""
    from playwright.sync_api import expect

    page.goto(home)
    page.keyboard.press("/")
    page.keyboard.type("sinkhole")
    expect(page.locator(".card:visible")).to_have_count(1, timeout=PATIENCE_MS)
    page.keyboard.press("Enter")
    page.wait_for_url("**/e/sinkhole")
    assert page.locator("#result").is_hidden()
    page.locator("#ask-number").fill("0.2")
    page.locator("#ask-number").press("Enter")
    page.locator("#ask-told b").wait_for()
    assert "You said 0.2" in page.locator("#ask-told").inner_text()
    assert page.locator("#result").is_visible()
    page.locator("#tunnel canvas").first.wait_for()


def test_a_guess_by_keyboard_opens_what_was_measured_at_a_phones_width_too(chrome: Browser, home: str) -> None:
    seen = Watched(chrome, "dark", 390)
    guessed(seen.page, home)
    assert wide(seen.page) <= 390
    assert not faults(seen.page)
    seen.close(home)


@pytest.mark.soak
def test_the_first_minute(chrome: Browser, home: str) -> None:
    from playwright.sync_api import expect

    seen = Watched(chrome)
    page = seen.page
    page.goto(home)
    assert not faults(page)
    page.goto(f"{home}e/up-or-out")
    assert page.locator("#result").is_hidden()
    assert not faults(page)
    page.locator("#ask-number").fill("0.2")
    page.locator("#ask-number").press("Enter")
    page.locator("#ask-told b").wait_for()
    page.goto(f"{home}e/sinkhole")
    if page.locator("#ask-skip").is_visible():
        page.locator("#ask-skip").click()
    assert not faults(page)

    page.locator("#dial-name").select_option("load")
    with page.expect_response("**/preview") as preview:
        page.locator("#dial-control input").press("ArrowRight")
    assert preview.value.ok
    expect(page.locator("#dial-state")).to_have_text(re.compile("^exact: all designs, 3 seeds"), timeout=PATIENCE_MS)
    assert "p.load=" in page.url
    with page.expect_download() as still:
        page.locator("#as-svg").click()
    assert still.value.suggested_filename.startswith("sinkhole-")
    seen.close(home)


@pytest.mark.soak
def test_the_theme_and_a_phone(chrome: Browser, home: str) -> None:
    seen = Watched(chrome, "dark", 390)
    page = seen.page
    page.goto(f"{home}e/tail-at-scale")
    page.locator("#ask-skip").click()
    assert wide(page) <= 390
    names = page.locator(".measured tbody th")
    assert min(one["width"] for one in (th.bounding_box() for th in names.all())) > 100  # and no letter a line
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert not faults(page)
    page.locator("#theme").click()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != dark
    page.goto(home)
    assert wide(page) <= 390
    seen.close(home)


@pytest.mark.soak
def test_the_walk_in_the_docs_can_be_walked(chrome: Browser, home: str, tmp_path: Path) -> None:
    """With WINDTUNNEL_GOLDEN=write its pictures are made anew."""
    to = PICTURES if os.environ.get("WINDTUNNEL_GOLDEN") == "write" else tmp_path
    seen = Watched(chrome)
    page = seen.page
    page.set_viewport_size({"width": 1080, "height": 800})

    def pictured(name: str, part: str = "") -> None:
        page.wait_for_timeout(1000)  # the picture's fonts and its first frame
        page.evaluate("scrollTo(0, 0)")
        (page.locator(part) if part else page).screenshot(path=to / f"{name}.png")
        assert (to / f"{name}.png").stat().st_size < MOST_BYTES

    page.goto(f"{home}e/metastable-failure")
    page.locator("#tunnel canvas").first.wait_for()
    pictured("page-question")
    page.locator("#ask-number").fill("60")
    page.locator("#ask-number").press("Enter")
    page.locator("#ask-told b").wait_for()
    pictured("page-answer")
    page.get_by_role("link", name="look at that run").click()
    page.locator("#tunnel canvas").first.wait_for()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Home")
    for _ in range(9):
        if "no return" in page.locator(".t-say").inner_text():
            break
        page.keyboard.press("j")
    assert "point of no return" in page.locator(".t-say").inner_text()
    pictured("page-no-return", "#tunnel")
    seen.close(home)


@pytest.mark.soak
def test_the_walk_goes_on_to_a_design_of_ones_own_that_is_graded(chrome: Browser, tmp_path: Path) -> None:
    """With WINDTUNNEL_GOLDEN=write its picture is made anew."""
    from windtunnel.lab.grading.challenge import write_stub

    to = PICTURES if os.environ.get("WINDTUNNEL_GOLDEN") == "write" else tmp_path
    file = write_stub(find("q10-ticketmaster"), tmp_path / "q10_ticketmaster.py")
    with serving(tmp_path, "--design", str(file)) as address:
        seen = Watched(chrome)
        page = seen.page
        page.set_viewport_size({"width": 1080, "height": 1000})
        page.goto(f"{address}e/q10-ticketmaster")
        page.locator("#ask-skip").click()
        page.locator(".t-pane canvas").nth(2).wait_for()
        page.locator("#graded-demands li").first.wait_for()
        assert "✗ q10_ticketmaster.py: yours.sold_twice == 0 fails" in page.locator("#graded-said").inner_text()
        assert page.locator("#graded-text").inner_text().count("ok 24  ✗") == 2
        page.evaluate("document.getElementById('graded').scrollIntoView()")
        page.screenshot(path=to / "page-graded.png", clip={"x": 0, "y": 0, "width": 1080, "height": 700})
        assert (to / "page-graded.png").stat().st_size < MOST_BYTES
        assert not faults(page)
        seen.close(address)


@pytest.mark.soak
def test_a_report_opens_from_a_disk(chrome: Browser, tmp_path: Path) -> None:
    from windtunnel.ui.cli import cli

    file = tmp_path / "sinkhole.html"
    cli.main(["report", "sinkhole", "--quick", "--out", str(file)], standalone_mode=False)
    seen = Watched(chrome)
    seen.context.set_offline(True)
    seen.page.goto(file.as_uri())
    seen.page.locator("#ask-skip").click()
    seen.page.locator("#tunnel canvas").first.wait_for()
    assert seen.page.locator("#result").is_visible()
    assert not faults(seen.page)
    seen.close(file.as_uri())


@pytest.mark.soak
@pytest.mark.parametrize("name", list(modules()))
def test_every_experiment_opens_in_both_themes_without_a_fault(chrome: Browser, home: str, name: str) -> None:
    for theme, width in (("light", 1280), ("dark", 390)):
        seen = Watched(chrome, theme, width)
        seen.page.goto(f"{home}e/{name}")
        if seen.page.locator("#ask-skip").is_visible():  # who has looked once is not asked again
            seen.page.locator("#ask-skip").click()
        assert seen.page.locator("#result").is_visible()
        if "sim" in find(name).stages:
            seen.page.locator("#tunnel canvas, #tunnel .stills, #tunnel .recorded svg").first.wait_for()
        else:
            seen.page.locator("#tunnel .recorded svg").nth(1).wait_for()
        assert wide(seen.page) <= width
        assert not faults(seen.page)
        seen.close(home)
