"""A result is one document: it loads back, and a file is there wholly or not at all."""

from __future__ import annotations

import errno
import json
import math
import os
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.toy_shop import experiment
from windtunnel.lab.charts import POINTS, thin
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.result import Result, write
from windtunnel.lab.run import run


@pytest.fixture(scope="module")
def result() -> Result:
    return run(experiment, jobs=1)


def test_it_loads_back_as_it_was(result: Result) -> None:
    again = Result.from_json(result.to_json())
    assert again.to_json() == result.to_json()
    assert again.verdict == result.verdict
    assert again.interval("naive", "sold") == result.interval("naive", "sold")


def test_what_is_no_number_survives_json(result: Result) -> None:
    odd = replace(
        result, runs=[replace(r, measures={"a": math.nan, "b": math.inf, "c": -math.inf}) for r in result.runs]
    )
    text = odd.to_json()
    assert "NaN" not in text
    json.loads(text, parse_constant=lambda c: pytest.fail(f"{c} is no JSON"))
    again = Result.from_json(text).runs[0].measures
    assert math.isnan(again["a"])
    assert (again["b"], again["c"]) == (math.inf, -math.inf)


def test_it_says_where_it_comes_from(result: Result) -> None:
    found = json.loads(result.to_json())["provenance"]
    assert set(found) >= {"windtunnel", "commit", "python", "packages", "machine", "taken", "cpu_s"}
    assert set(found["machine"]) == {"cpu", "cores", "system", "interpreter"}


def test_its_tables_are_a_number_a_seed(result: Result) -> None:
    found = json.loads(result.to_json())
    assert found["seeds"] == [0, 1, 2]
    assert [r["measures"]["sold"] for r in found["runs"] if r["design"] == "one_step"] == [10, 10, 10]
    assert found["intervals"]["one_step"]["sold"] == {"mean": 10.0, "low": 10.0, "high": 10.0, "n": 3}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1}', "null"])
def test_what_is_no_result_is_one_sentence(text: str) -> None:
    with pytest.raises(WrongInput):
        Result.from_json(text)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    file = tmp_path / "result.json"
    write(file, "old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left"):
        write(file, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]
    assert file.read_text() == "old"


def test_a_long_line_keeps_its_ends() -> None:
    line = [(float(i), float(i)) for i in range(100_000)]
    kept = thin(line)
    assert len(kept) == POINTS
    assert (kept[0], kept[-1]) == (line[0], line[-1])
    assert kept == sorted(kept)
