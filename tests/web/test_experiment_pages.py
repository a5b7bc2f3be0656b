"""Pages of all experiments: made from values, whole, and small enough."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from helpers.page_server import served
from windtunnel.lab.discovery import find, modules
from windtunnel.ui.cli import cli
from windtunnel.web import store
from windtunnel.web.files import files
from windtunnel.web.surprise import surprise

NAMES = list(modules())
MOST_BYTES = 200_000
VOID = {"meta", "link", "input", "br", "img", "hr"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path_factory.mktemp("progress") / "progress.json"))
        with served() as found:
            yield found


class Balanced(HTMLParser):
    """Raises where an element is closed that was not opened, or the other way round."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [str(found["id"])] if "id" in found else []
        if tag != "a":  # what a browser loads by itself
            self.links += [str(found[key]) for key in ("href", "src") if found.get(key)]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag, tag


def read(text: str) -> Balanced:
    parser = Balanced()
    parser.feed(text)
    assert not parser.open
    assert len(set(parser.ids)) == len(parser.ids), "two elements of one id"
    return parser


NOT_ITS_OWN = ("catalogue.js", "open.css", "interview.css", "interview.js", "own.js")


def loaded_bytes(name: str) -> int:
    """What the page of an experiment loads besides itself: what plays a run in the tunnel, or a recording."""
    known = store.committed_result(find(name))
    still = known is not None and all(run.measures["latency_max_ms"] == 0 for run in known.runs)
    ours = {path: len(file.data) for path, file in files().items() if path not in NOT_ITS_OWN}
    moving = {path for path in ours if path.startswith("tunnel/") and path.endswith(".js")}
    plays = "sim" in find(name).stages and not still
    left = {"recorded.js"} if plays else moving - {"tunnel/build.js"}
    return sum(size for path, size in ours.items() if path not in left)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_an_experiment_is_whole_and_small(client: TestClient, name: str) -> None:
    answer = client.get(f"/e/{name}")
    assert answer.status_code == 200
    found = read(answer.text)
    assert {"tunnel", "dial", "result", "page"} <= set(found.ids)
    assert len(answer.content) + loaded_bytes(name) < MOST_BYTES
    assert not [link for link in found.links if link.startswith(("http", "//"))]


def test_each_experiment_says_in_a_sentence_of_its_claims_what_surprises() -> None:
    for name in NAMES:
        experiment = find(name)
        result = store.committed_result(experiment)
        if result is None:  # its text has changed since; the page measures it anew
            continue
        told = surprise(result, next(iter(experiment.designs)))
        assert told is not None, name
        assert told.verdict == "holds", name
        assert told.because.endswith("."), name


def test_of_several_claims_that_of_the_setting_that_is_seen_is_told(client: TestClient) -> None:
    text = client.get("/e/chaos").text
    assert re.search(r'id="surprise">Two disks are full, a write is done by halves', text)
    assert text.count('id="held"') == 1
    assert 'id="surprise"' not in client.get("/e/chaos?p.keys=5").text


def test_the_catalogue_has_every_experiment_and_the_systems(client: TestClient) -> None:
    text = client.get("/").text
    read(text)
    assert all(f'href="/e/{name}"' in text for name in NAMES)
    assert "Envoy" in text


def test_a_permalink_says_parameters_seed_designs_and_moment(client: TestClient) -> None:
    text = client.get("/e/sinkhole?p.load=0.5&seed=7&at=2.5&designs=least_connections,ejection").text
    data = re.search(r'id="page">(.*?)</script>', text)
    assert data
    for part in ('"params":{"load":0.5}', '"seed":7', '"at":2.5'):
        assert part in data[1]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("p.load=70", "load is 70"),
        ("p.nothing=1", "nothing"),
        ("seed=-3", "seed"),
        ("at=soon", "moment"),
        ("at=inf", "moment"),
        ("designs=nobody", "nobody"),
        ("p.load=<script>", "load is"),
    ],
)
def test_a_permalink_that_cannot_be_is_one_sentence(client: TestClient, query: str, said: str) -> None:
    answer = client.get(f"/e/sinkhole?{query}")
    assert answer.status_code == 422
    assert said in answer.text
    assert "<script>" not in answer.text.replace('<script src="/static/theme.js">', "")


def test_an_unknown_name_is_told_the_nearest(client: TestClient) -> None:
    answer = client.get("/e/sinkhol")
    assert answer.status_code == 404
    assert "sinkhole" in answer.text


def test_pictures_of_the_docs_are_small_and_there() -> None:
    root = Path(__file__).parents[2]
    for page in (root / "README.md", root / "docs" / "first-hour.md"):
        shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text("utf-8"))
        assert len(shown) >= 2, page.name
        assert all((page.parent / one).stat().st_size < 150_000 for one in shown)


def test_programs_are_told_where_everything_is(client: TestClient) -> None:
    text = client.get("/llms.txt").text
    root = Path(__file__).parents[2]
    assert text == (root / "llms.txt").read_text("utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 5
    assert all((root / link).is_file() for link in links)
    named = set(re.findall(r"^- `windtunnel (\w+)", text, re.MULTILINE))
    assert named <= set(cli.commands)


def test_what_stands_at_no_address_is_one_sentence(client: TestClient) -> None:
    assert "There is nothing at this address." in client.get("/nothing").text
    assert client.get("/api/nothing").json() == {"error": "There is nothing at this address."}
