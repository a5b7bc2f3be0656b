"""Interviews on the page: the server's side, and a whole one in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from helpers.browser import PATIENCE_MS, chromium
from helpers.page_server import WITH_TOKEN, error, served, serving

NAME = "q10-ticketmaster"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with served() as found:
        yield found


def test_answers_are_replied_to_and_the_next_question_comes_with_the_reply(client: TestClient) -> None:
    begun = client.post(f"/api/experiments/{NAME}/interview", json={}, headers=WITH_TOKEN).json()
    address = f"/api/interviews/{begun['key']}"
    step = begun["step"]
    while step["phase"] in ("clarify", "estimate"):
        reply = client.post(address, json={"text": ""}, headers=WITH_TOKEN).json()
        assert reply["told"]["step"] == step
        assert reply["told"]["sentences"]
        step = reply["step"]
    assert step["phase"] == "boxes"
    drawn = client.post(address, json={"text": "a database"}, headers=WITH_TOKEN).json()
    assert "db (database" in drawn["told"]["noted"]
    assert drawn["step"]["phase"] == "deep dive"
    assert drawn["closing"] == []


def test_what_is_no_answer_is_refused_and_the_question_waits(client: TestClient) -> None:
    begun = client.post(f"/api/experiments/{NAME}/interview", json={}, headers=WITH_TOKEN).json()
    address = f"/api/interviews/{begun['key']}"
    while begun["step"]["kind"] == "words":
        begun = client.post(address, json={"text": ""}, headers=WITH_TOKEN).json()
    refused = client.post(address, json={"text": "5 ms"}, headers=WITH_TOKEN)
    assert refused.status_code == 422
    assert error(refused).startswith("'5 ms' is not in buyers")
    taken = client.post(address, json={"text": "8"}, headers=WITH_TOKEN).json()
    assert taken["told"]["far"] == "exactly right"


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/api/interviews/nobody", {"text": ""}, 404, "not kept any more"),
        ("/api/experiments/sinkhole/interview", {}, 422, "sinkhole has no board"),
        (f"/api/experiments/{NAME}/interview", {"file": "/etc/passwd"}, 422, "file"),
    ],
)
def test_what_cannot_be_is_a_sentence(client: TestClient, path: str, body: object, status: int, said: str) -> None:
    refused = client.post(path, json=body, headers=WITH_TOKEN)
    assert refused.status_code == status
    assert said in error(refused)


def test_an_answer_is_bounded_and_needs_the_token(client: TestClient) -> None:
    begun = client.post(f"/api/experiments/{NAME}/interview", json={}, headers=WITH_TOKEN).json()
    address = f"/api/interviews/{begun['key']}"
    assert client.post(address, json={"text": ""}).status_code == 403
    for text in (7, "x" * 3000):
        assert error(client.post(address, json={"text": text}, headers=WITH_TOKEN)).startswith("`text` is what was")


def test_pages_link_to_interviews_where_there_is_a_board(client: TestClient) -> None:
    assert f'href="/e/{NAME}/interview"' in client.get(f"/e/{NAME}").text
    assert "/interview" not in client.get("/e/sinkhole").text
    assert client.get("/e/sinkhole/interview").status_code == 404
    assert 'id="board"' in client.get(f"/e/{NAME}/interview").text


def test_what_is_measured_is_what_was_asked_and_not_a_smaller_one(client: TestClient) -> None:
    begun = client.post(f"/api/experiments/{NAME}/interview", json={}, headers=WITH_TOKEN).json()
    address = f"/api/interviews/{begun['key']}"
    reply = begun
    while reply["step"]["phase"] != "scale":
        text = "2" if reply["step"]["kind"] == "choice" else ""
        reply = client.post(address, json={"text": text}, headers=WITH_TOKEN).json()
    assert reply["told"]["step"]["question"].endswith("of a hundred tickets are paid for where a sale is final?")
    assert 60 < reply["told"]["ours"] < 80, "seven of ten pay, of a hundred"


def test_an_answer_that_is_sent_twice_is_taken_once(client: TestClient) -> None:
    begun = client.post(f"/api/experiments/{NAME}/interview", json={}, headers=WITH_TOKEN).json()
    address = f"/api/interviews/{begun['key']}"
    assert begun["at"] == 0
    first, again = (client.post(address, json={"text": "no", "at": 0}, headers=WITH_TOKEN).json() for _ in range(2))
    assert first == again
    assert first["at"] == 1
    for at in (2, -1, True, "1", 0.5):
        refused = client.post(address, json={"text": "", "at": at}, headers=WITH_TOKEN)
        assert refused.status_code == 422
        assert error(refused).startswith("`at` is the number of the question")
    assert client.post(address, json={"text": "", "at": 1}, headers=WITH_TOKEN).json()["at"] == 2


def test_who_goes_on_when_it_is_over_is_told_so(client: TestClient) -> None:
    begun = client.post(f"/api/experiments/{NAME}/interview", json={}, headers=WITH_TOKEN).json()
    address = f"/api/interviews/{begun['key']}"
    reply = begun
    while reply["step"] is not None:
        reply = client.post(address, json={"text": ""}, headers=WITH_TOKEN).json()
    refused = client.post(address, json={"text": ""}, headers=WITH_TOKEN)
    assert refused.status_code == 422
    assert "is over" in error(refused)
    last = client.post(address, json={"text": "", "at": reply["at"] - 1}, headers=WITH_TOKEN).json()
    assert last == reply


@pytest.mark.soak
def test_an_interview_is_walked_through_by_keyboard_in_a_browser(tmp_path: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with serving(tmp_path) as home, chromium() as chrome:
        page = chrome.new_context(viewport={"width": 390, "height": 800}).new_page()
        page.set_default_timeout(2 * PATIENCE_MS)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{home}e/{NAME}/interview")
        page.wait_for_selector("#answer:not([hidden])")
        asked = 0
        while page.locator("#answer:not([hidden])").count():
            before = page.locator("#question").inner_text()
            page.keyboard.press("Enter")  # an empty answer; on a choice the first, which has the focus
            asked += 1
            page.wait_for_function(
                "before => document.getElementById('answer').hidden"
                " || document.getElementById('question').innerText !== before",
                arg=before,
            )
        assert asked == 14
        assert "numbers were committed to" in page.locator("#talk").inner_text()
        assert "db (database" in page.locator("#board").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        found = Axe().run(page).response["violations"]
        assert not [one["id"] for one in found if one["impact"] in ("serious", "critical")]
        assert not wrong
