"""A design of the user's own on the page: of one file, in limits, beside the experiment's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from helpers.browser import PATIENCE_MS, chromium
from helpers.page_server import WITH_TOKEN, error, served, serving
from windtunnel.lab.discovery import find
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.grading.challenge import YOURS, write_stub
from windtunnel.web.own import Own

NAME = "up-or-out"
RIGHT = Path(__file__).parents[1] / "planted" / "up_or_out" / "right_one_big_machine.py"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_stub(find(NAME), tmp_path / "mine.py")


def preview(client: TestClient, name: str = NAME) -> dict[str, Any]:
    found: dict[str, Any] = client.post(
        f"/api/experiments/{name}/preview", json={"yours": True}, headers=WITH_TOKEN
    ).json()
    return found


def test_ones_own_design_is_one_more_pane_and_what_is_wrong_with_it_spoils_no_other(file: Path) -> None:
    with served(own=Own.of(file)) as client:
        assert client.get("/api/own").json() == {"name": NAME, "file": "mine.py", "saved": str(file.stat().st_mtime_ns)}
        found = preview(client)
        assert list(found["traces"]) == ["coin_toss", "one_machine", YOURS]
        assert found["measures"][YOURS] == found["measures"]["coin_toss"]  # the stub is the naive design
        assert client.get(found["traces"][YOURS]).status_code == 200

        file.write_text(file.read_text("utf-8") + "\nimport os\nos.system('true')\n", "utf-8")
        os.utime(file, ns=(1, 1))  # however coarse the clock of the disk is
        found = preview(client)
        assert list(found["traces"]) == ["coin_toss", "one_machine"]
        assert "may not start processes" in found["wrong"]
        assert str(file.parent) not in client.get(f"/e/{NAME}").text
        assert YOURS not in preview(client, "sinkhole")["traces"]


def test_it_is_graded_on_the_page_as_it_stands_now_and_no_other_file_is(file: Path) -> None:
    with served(own=Own.of(file)) as client:
        address = f"/api/experiments/{NAME}/grade"
        found = client.post(address, json={}, headers=WITH_TOKEN).json()
        assert not found["passed"]
        assert "fails" in [one["verdict"] for one in found["demands"]]
        assert found["said"]
        file.write_text(RIGHT.read_text("utf-8"), "utf-8")
        found = client.post(address, json={}, headers=WITH_TOKEN).json()
        assert found["passed"], found
        assert {one["verdict"] for one in found["demands"]} == {"holds"}
        assert "meets all" in found["said"]

        file.write_text("what = is this\n", "utf-8")
        assert error(client.post(address, json={}, headers=WITH_TOKEN))

        refused = client.post("/api/experiments/sinkhole/grade", json={}, headers=WITH_TOKEN)
        assert refused.status_code == 422
        assert "--design FILE" in refused.json()["error"]
        assert client.post(address, json={"file": "/etc/passwd"}, headers=WITH_TOKEN).status_code == 422
        assert client.post(address, json={}).status_code == 403


def test_a_file_that_answers_nothing_is_no_design(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("x = 1\n", "utf-8")
    for wrong in ("other.py", "nothing.py"):
        with pytest.raises(WrongInput, match=r"windtunnel new|does not say what it answers"):
            Own.of(tmp_path / wrong)


@pytest.mark.soak
def test_ones_own_design_is_one_more_column_of_the_table(file: Path, tmp_path: Path) -> None:
    with serving(tmp_path, "--design", str(file)) as home, chromium() as chrome:
        page = chrome.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{home}e/{NAME}")
        page.click("#ask-skip")
        page.wait_for_selector("table.measured thead .yours")
        assert page.locator("table.measured thead .yours").text_content() == "yours, one seed"
        rows = page.locator("table.measured tbody tr").count()
        assert page.locator("table.measured tbody td.yours").count() == rows
        told = [text for text in page.locator("table.measured tbody td.yours").all_text_contents() if text != "–"]
        assert told, "some measurement is a number"
