"""What the page's code asks for: checked, answered, queued, stopped."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from helpers.page_server import WITH_TOKEN, error, events, served
from helpers.pictures import parts_of
from windtunnel.lab import progress
from windtunnel.lab.discovery import find, modules
from windtunnel.lab.result import Result, plain
from windtunnel.lab.run import run
from windtunnel.sim.compiled.kernels import retry
from windtunnel.web import crew as crews
from windtunnel.web.crew import Crew
from windtunnel.web.store import committed_digest

ONE = "/api/experiments/sinkhole"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path_factory.mktemp("progress") / "progress.json"))
        with served() as found:
            yield found


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/api/experiments/sinkholes", {}, 404, "did you mean sinkhole"),
        (ONE, {"params": {"load": 99}}, 422, "load is 99"),
        (ONE, {"params": {"load": "nan"}}, 422, "load is nan"),
        (ONE, {"params": {"load": 1e400}}, 422, "load is inf"),
        (ONE, {"params": {"lode": 0.5}}, 422, "load"),
        (ONE, {"params": {"load": [1]}}, 422, "`params`"),
        (ONE, {"params": 7}, 422, "`params`"),
        (ONE, {"seed": -1}, 422, "A seed is a whole number"),
        (ONE, {"seed": 1.5}, 422, "A seed is a whole number"),
        (ONE, {"seed": 2**40}, 422, "A seed is a whole number"),
        (ONE, {"designs": ["nobody"]}, 422, "nobody"),
        (ONE, {"designs": "least_connections"}, 422, "`designs`"),
        (ONE, {"without": [-1]}, 422, "whole number"),
        (ONE, {"without": "all"}, 422, "`without`"),
        (ONE, {"moved": [[0]]}, 422, "`moved`"),
        (ONE, {"moved": [[0, -1]]}, 422, "`moved`"),
        (ONE, {"moved": [[9, 1]]}, 422, "no fault 9"),
        (ONE, {"file": "/etc/passwd"}, 422, "file"),
        (ONE, [], 400, "JSON object"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(
    client: TestClient, path: str, body: object, status: int, said: str
) -> None:
    answer = client.post(f"{path}/preview", content=json.dumps(body), headers=WITH_TOKEN)
    assert answer.status_code == status, answer.text
    assert said in error(answer)


@pytest.mark.parametrize("seeds", [0, 51, "many", True])
def test_a_run_has_a_few_seeds(client: TestClient, seeds: object) -> None:
    answer = client.post(f"{ONE}/runs", json={"seeds": seeds}, headers=WITH_TOKEN)
    assert answer.status_code == 422
    error(answer)


def test_what_is_no_json_is_refused(client: TestClient) -> None:
    for text in ("{", "[" * 50_000, '{"seed": ' + "9" * 5_000 + "}"):
        answer = client.post(f"{ONE}/preview", content=text, headers=WITH_TOKEN)
        assert answer.status_code == 400
        assert error(answer) == "The request is no JSON."


def test_the_list_and_an_experiment_are_plain_data(client: TestClient) -> None:
    names = [card["id"] for card in client.get("/api/experiments").json()]
    assert "sinkhole" in names
    found = client.get(ONE).json()
    assert found["question"].endswith("?")
    assert [p["name"] for p in found["params"]]


def test_the_committed_result_is_there_as_json_and_as_lines(client: TestClient) -> None:
    found = Result.from_json(client.get(f"{ONE}/result.json").text)
    assert found.experiment == "sinkhole"
    assert committed_digest("sinkhole")
    lines = client.get(f"{ONE}/result.csv").text.splitlines()
    assert lines[0] == "design,seed,setting,measure,value"
    assert len(lines) == 1 + sum(len(run.measures) for run in found.runs)


def test_a_preview_is_one_seed_of_two_designs(client: TestClient) -> None:
    asked = {"params": {"load": 0.5}, "seed": 3}
    answer = client.post(f"{ONE}/preview", json=asked, headers=WITH_TOKEN)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["params"]["load"] == 0.5
    assert list(found["measures"]) == list(found["traces"]) == ["least_connections", "failures_as_load"]
    same = run(find("sinkhole"), quick=True, seeds=[3], designs=["least_connections"], jobs=1, load=0.5)
    assert found["measures"]["least_connections"] == plain(same.runs[0].measures)
    for url in found["traces"].values():
        assert client.get(url).status_code == 200
    assert client.get(f"/api/traces/{found['key']}/nobody").status_code == 404


def test_a_fault_that_is_moved_strikes_at_that_second(client: TestClient) -> None:
    found = client.post(f"{ONE}/preview", json={"moved": [[0, 3.5]]}, headers=WITH_TOKEN).json()
    head = json.loads(parts_of(client.get(found["traces"]["least_connections"]).content)[0])
    (fault,) = head["faults"]
    assert fault["at"] * head["run"]["unit_s"] == 3.5
    assert found["faults"] == [0]


def test_the_smallest_case_of_the_naive_design_is_told_and_drawn(client: TestClient) -> None:
    found = client.post("/api/experiments/q10-ticketmaster/case", json={}, headers=WITH_TOKEN)
    assert found.status_code == 200, found.text
    assert re.search(r"\(\d+ requests, \d+ faults, seed \d+\)$", found.json()["said"])
    assert found.json()["text"].count("┌ buy") == 2


def test_where_nothing_takes_time_a_preview_is_charts(client: TestClient) -> None:
    retry.warm()  # on a fresh machine to compile it takes as long as a preview may take
    found = client.post("/api/experiments/metastable-map/preview", json={}, headers=WITH_TOKEN).json()
    assert found["traces"] == {}
    assert found["charts"].count("<figure") == 6  # three charts of two designs
    assert list(found["measures"]) == ["three_retries", "no_retries"]


@pytest.mark.parametrize("name", sorted(modules()))
def test_every_experiment_shows_a_preview_or_says_why_there_is_none(client: TestClient, name: str) -> None:
    found = client.post(f"/api/experiments/{name}/preview", json={}, headers=WITH_TOKEN)
    if "sim" in find(name).stages:
        assert found.status_code == 200, found.text
        told = found.json()
        assert told["traces"] or "<figure" in told["charts"]
    else:
        assert (found.status_code, "does not run in the tunnel" in found.text) == (422, True)


def test_a_request_that_did_not_come_is_left_out_of_a_preview(client: TestClient) -> None:
    whole, less = (
        client.post(f"{ONE}/preview", json={"without": without}, headers=WITH_TOKEN).json()["measures"]
        for without in ([], [5])
    )
    assert [one["ops"] - 1 for one in whole.values()] == [one["ops"] for one in less.values()]


def test_a_run_tells_how_far_it_is_and_what_it_found(client: TestClient) -> None:
    begun = client.post("/api/experiments/up-or-out/runs", json={"seeds": 1}, headers=WITH_TOKEN)
    assert begun.status_code == 202
    name = begun.json()["id"]
    told = events(client, name)
    assert [kind for kind, _ in told][-1] == "done"
    assert {kind for kind, _ in told[:-1]} == {"progress"}
    assert json.loads(told[-1][1])["seeds"] == 1
    found = Result.from_json(client.get(f"/api/runs/{name}/result.json").text)
    assert found.experiment == "up-or-out"
    assert "claims hold" in client.get(f"/api/runs/{name}/fragment").text
    assert client.get(f"/api/runs/{name}/result.csv").text.startswith("design,seed")
    assert progress.read(progress.default_path())["up-or-out"].runs == 1


def test_a_run_that_is_not_there_is_said_to_be_none(client: TestClient) -> None:
    for path in ("events", "result.json", "result.csv", "fragment"):
        assert "no such run" in error(client.get(f"/api/runs/nothing/{path}"))
    assert "no such run" in error(client.delete("/api/runs/nothing", headers=WITH_TOKEN))


def test_a_guess_is_noted(client: TestClient) -> None:
    assert client.post(f"{ONE}/guess", json={"number": 0.3}, headers=WITH_TOKEN).status_code == 200
    for wrong in ({"number": "much"}, {"number": True}, {"number": 1, "ask": 99}, {}):
        answer = client.post(f"{ONE}/guess", json=wrong, headers=WITH_TOKEN)
        assert answer.status_code == 422
        error(answer)
    again = client.post(f"{ONE}/guess", json={"number": 0.4, "again": True}, headers=WITH_TOKEN).json()
    assert [(one["said"], one["recalled"], one["again"]) for one in again["guesses"]] == [(0.3, 0.4, 1)]


def test_a_run_that_is_cancelled_is_over_and_the_next_one_goes_on(client: TestClient) -> None:
    slow = client.post("/api/experiments/metastable-map/runs", json={"quick": False}, headers=WITH_TOKEN).json()["id"]
    assert client.delete(f"/api/runs/{slow}", headers=WITH_TOKEN).json() == {"cancelled": True}
    assert events(client, slow)[-1][0] == "wrong"
    assert "not over, or it went wrong" in error(client.get(f"/api/runs/{slow}/result.json"))
    assert client.post(f"{ONE}/preview", json={}, headers=WITH_TOKEN).status_code == 200


def test_a_hundred_runs_wait_and_the_next_is_told_to_come_again() -> None:
    async def asked() -> tuple[list[bool], int]:
        crew = Crew(2)  # nobody has started it: all wait
        works = [await crew.submit({"name": str(i)}, exact=True) for i in range(crews.WAITING + 3)]
        taken = [work is not None for work in works]
        last = works[crews.WAITING - 1]
        assert last is not None
        place = crew.place(last)
        await crew.forget(last)
        assert last.over
        assert await crew.submit({"name": "one more"}, exact=True) is not None
        return taken, place

    taken, place = asyncio.run(asked())
    assert taken == [True] * crews.WAITING + [False] * 3
    assert place == crews.WAITING - 1


def test_a_run_that_nobody_hears_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("windtunnel.web.api.UNHEARD_S", 0.5)
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "progress.json"))

    async def unheard() -> tuple[bool, int]:
        from windtunnel.web.api import Api, Run

        crew = Crew(2)
        api = Api(crew)
        work = await crew.submit({"name": "sinkhole"}, exact=True)
        assert work is not None
        await api._unless_heard(Run(find("sinkhole"), work))
        return work.over, len(crew.processes)

    assert asyncio.run(unheard()) == (True, 0)


def test_a_first_preview_may_take_longer_than_those_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "PREVIEW_S", 0.0)
    monkeypatch.setattr(crews, "GRACE_S", 0.0)
    task = {"kind": "preview", "name": "up-or-out", "params": {}, "seed": 0, "without": [], "moved": []}
    task["design"] = next(iter(find("up-or-out").designs))

    async def asked() -> list[crews.Message]:
        crew = Crew(2)
        crew.start()
        found = []
        for _ in range(3):
            work = await crew.submit(task, exact=False)
            assert work is not None
            found.append(await work.ended())
        await crew.close()
        return found

    first, second, third = asyncio.run(asked())
    assert "done" in first
    assert second == {"wrong": "A preview that takes longer than 0 s is stopped; measure this setting in full."}
    assert "done" in third, "a worker of its own has to load it anew"


def test_a_server_that_ends_leaves_no_process() -> None:
    crew = Crew(2)
    with served(crew) as client:
        assert client.post("/api/experiments/up-or-out/preview", json={}, headers=WITH_TOKEN).status_code == 200
        processes = set(crew.processes)
        assert processes
    assert not crew.processes
    assert all(process.returncode is not None for process in processes)
