"""Whatever the interface's own description allows is answered, and never by a fault of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from starlette.testclient import TestClient

from helpers.page_server import PORT, SECRET, error, served
from windtunnel.web.app import application
from windtunnel.web.crew import Crew, Work
from windtunnel.web.guard import TOKEN
from windtunnel.web.schema import schema as document


class Nobody(Crew):
    """Workers that do nothing: what is asked is checked, and then waits."""

    def start(self) -> None:
        """Nobody begins."""

    async def submit(self, task: Mapping[str, Any], exact: bool) -> Work | None:
        """Taken, and over at once."""
        work = Work(task, exact)
        work.tell({"wrong": "Nobody is here to do it."})
        return work


described = schemathesis.openapi.from_dict(document())


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with served(Nobody(2)) as found:
        yield found


@described.parametrize()
@settings(max_examples=3, suppress_health_check=list(HealthCheck))
def test_nothing_that_the_description_allows_breaks_the_server(
    case: schemathesis.Case, client: TestClient, nothing_noted: None
) -> None:
    headers = {**case.headers, TOKEN: SECRET} if case.headers else {TOKEN: SECRET}
    sent = {"json": case.body} if not isinstance(case.body, schemathesis.core.NotSet) else {}
    answer = client.request(case.method, case.formatted_path, headers=headers, params=case.query, **sent)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        error(answer)


@pytest.fixture
def nothing_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "progress.json"))


def test_the_description_names_every_address_that_answers() -> None:
    app = application(PORT, SECRET)
    served = {getattr(route, "path", "") for route in app.routes}
    assert {path for path in served if path.startswith("/api/")} == {*document()["paths"], "/api/openapi.json"}
