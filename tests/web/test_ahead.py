"""What a server makes before it tells its address is what every page needs."""

from __future__ import annotations

import pytest

from windtunnel.lab.errors import WrongInput
from windtunnel.web import ahead, files, pages


def test_templates_and_first_files_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    pages.environment.cache_clear()
    files.file.cache_clear()
    ahead.ready()
    cached = pages.environment().cache
    assert cached is not None
    assert {name for _, name in cached} >= {"base.html", "experiment.html", "parts/result.html", "parts/charts.html"}
    assert files.file.cache_info().currsize == len(ahead.FIRST)


def test_an_experiment_that_cannot_be_loaded_keeps_no_server_from_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def broken(name: str) -> None:
        asked.append(name)
        raise WrongInput("It is being written.")

    monkeypatch.setattr(ahead, "experiment_of", broken)
    ahead.ready()
    assert asked
