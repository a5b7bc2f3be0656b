"""What is said of a result's JSON is what is written, and a notebook shows the same."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema_rs
import pytest

from windtunnel.lab.discovery import find
from windtunnel.lab.notebook import experiment_html, result_html
from windtunnel.lab.result import Result
from windtunnel.lab.run import run
from windtunnel.lab.schema import page, schema

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def found() -> Result:
    return run(find("up-or-out"), quick=True, seeds=[0], jobs=1)


def test_a_result_is_as_its_schema_says_and_nothing_is_left_out(found: Result) -> None:
    document = json.loads(found.to_json())
    judge = jsonschema_rs.validator_for(schema())
    judge.validate(document)
    for key in document:
        less = {name: value for name, value in document.items() if name != key}
        assert not judge.is_valid(less), key
    assert not judge.is_valid({**document, "more": 1})
    assert not judge.is_valid({**document, "seeds": ["0"]})


def test_the_page_of_the_docs_is_made_from_the_types() -> None:
    assert (DOCS / "json.md").read_text("utf-8") == page(), "python -m windtunnel.lab.schema --page > docs/json.md"


class Text(HTMLParser):
    """What is read, and which elements there are."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.said = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.said += f"{data}\n"


def test_a_notebook_shows_an_experiment_and_a_result_without_anything_that_runs(found: Result) -> None:
    experiment = find("up-or-out")
    assert experiment._repr_html_() == experiment_html(experiment)
    for html, parts in (
        (experiment_html(experiment), [experiment.question, *experiment.designs]),
        (result_html(found), [found.question, *found.designs, *(claim.because for claim in found.claims)]),
    ):
        text = Text()
        text.feed(html)
        assert text.tags <= {"h3", "p", "b", "code", "table", "thead", "tbody", "tr", "th", "td"}
        assert all(part in text.said for part in parts)
    assert re.search(r"\d+ of \d+ claims hold", found._repr_html_())
