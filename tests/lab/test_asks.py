"""Questions before a run: what whoever is asked has to know."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from windtunnel.lab.asks import elsewhere
from windtunnel.lab.discovery import find
from windtunnel.lab.params import param, settings
from windtunnel.web.asked import Asked
from windtunnel.web.pages import context


@dataclass(frozen=True)
class Params:
    load: float = param(0.8, "of what the hosts can do", 0.1, 2.0)
    hosts: int = param(16, "hosts", 1, 64)
    order: str = param("turns", "who is next", choices=("turns", "dice"))


def test_a_run_in_the_usual_setting_needs_no_word() -> None:
    assert elsewhere(Params, settings(Params, {})) == ""


def test_what_is_not_usual_is_named_with_both_values() -> None:
    here = settings(Params, {"load": 1.25, "order": "dice"})
    told = "Questions speak of the usual setting. Here: load 1.25, not 0.8; order dice, not turns."
    assert elsewhere(Params, here) == told


@pytest.mark.parametrize("name", ["q10-ticketmaster", "lost-update"])
def test_the_page_says_so_beside_the_question_of_its_small_setting(name: str) -> None:
    one = find(name)
    told = elsewhere(one.params, settings(one.params, one.quick))
    assert context(Asked(one), None)["elsewhere"] == told != ""
