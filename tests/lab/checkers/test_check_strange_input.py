"""Whatever stands in a file, the answer is a verdict or one sentence."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from helpers.check_script import script
from lab.checkers.test_check_files import EXAMPLES
from windtunnel import check
from windtunnel.checkers import HistoryFileError, read_history, write_history
from windtunnel.lab.checkers.files import DEEPEST, parse_history
from windtunnel.lab.history import History

LINE = '{"client": "a", "name": "write", "args": [1], "start": 0, "end": 1}'
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**400, -(10**400), 1e308, "", "x", "\u2028", "\ud800", "\n", [], [[]], [None], {},
    {"x": 1}, [["x", 1]], [["r", "x", None]], [["append", "x", 1]], [["w", {"k": []}, [1]]], [["append"]], [[1, 2]],
    [[0, "x"], [1, "y"]], {"x": True}, {"x": "y"}, {"x": 10**400}, [1, True, 1.0], [[["deep"]]],
)  # fmt: skip


def _strangely(rng: random.Random, model: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    lines = []
    for e in script(EXAMPLES[model]) * rng.randint(1, 2):
        line = {"client": e.client, "name": e.name, "args": list(e.args), "start": e.start, "end": e.end}
        lines.append(line | {"value": e.value, "outcome": rng.choice(("ok", "ok", "ok", "unknown", "fail"))})
    for _ in range(rng.randint(1, 3)):
        line = rng.choice(lines)
        what = rng.choice(("value", "value", "args", "arg", "arg", "start", "end", "client", "name"))
        if what == "arg":
            if line["args"] and isinstance(line["args"], list):
                line["args"][rng.randrange(len(line["args"]))] = copy.deepcopy(rng.choice(STRANGE))
        else:
            line[what] = copy.deepcopy(rng.choice(STRANGE))
    return lines, {
        rng.choice(("versions", "accounts")): copy.deepcopy(rng.choice(STRANGE))
    } if rng.random() < 0.3 else {}


def judge_strange_input(seeds: range, file: Path) -> dict[str, int]:
    tally: dict[str, int] = {}
    for seed in seeds:
        rng = random.Random(f"strange {seed}")
        model = rng.choice(list(EXAMPLES))
        lines, facts = _strangely(rng, model)
        header = {"format": "windtunnel-history", "version": 1, "facts": facts}
        file.write_text("\n".join(map(json.dumps, [header, *lines])))
        status = "refused"
        try:
            verdict = check(read_history(file), model)
            status, said = verdict.status, verdict.sentence
        except ValueError as error:
            said = str(error)
        assert said.endswith((".", ".)")), (seed, model, said)
        assert said.isprintable(), (seed, model, said)
        tally[status] = tally.get(status, 0) + 1
    return tally


def test_strange_values_end_in_a_verdict_or_in_one_sentence(tmp_path: Path) -> None:
    tally = judge_strange_input(range(1_500), tmp_path / "strange.jsonl")
    assert min(tally.values()) > 10


@pytest.mark.soak
def test_strange_values_end_in_a_verdict_or_in_one_sentence_50_000_times(tmp_path: Path) -> None:
    judge_strange_input(range(1_500, 51_500), tmp_path / "strange.jsonl")


@pytest.mark.parametrize("between", ["\n", "\r\n", "\n\n", "\n \t\r\n", "\n\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_lines_end_at_newlines_in_any_encoding_with_a_mark(between: str, encoding: str) -> None:
    told = '{"client": "b\u2028\u0085\x7f", "name": "read", "start": 2, "end": 3, "value": 1}'
    history = parse_history(between.join([LINE, told, ""]).encode(encoding), "h")
    assert [e.client for e in history] == ["a", "b\u2028\u0085\x7f"]
    assert check(history, "register").ok


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("[" * 3_000 + "]" * 3_000, f"more than {DEEPEST} deep"),
        ('{"x":' * 200_000 + "1" + "}" * 200_000, f"more than {DEEPEST} deep"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), f"more than {DEEPEST} deep"),
        ("9" * 5_000, "more than 4,300 digits"),
        ("-1e400", "the number -1e400 is too great"),
        ("NaN", "NaN is no JSON"),
        ("-Infinity", "-Infinity is no JSON"),
        ('{"x": 1, "x": 2}', "the name 'x' stands twice"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_its_line(value: str, complaint: str) -> None:
    with pytest.raises(HistoryFileError, match=complaint) as caught:
        parse_history(f'{LINE}\n{LINE[:-1]}, "value": {value}}}'.encode(), "h.jsonl")
    assert str(caught.value).startswith("h.jsonl, line 2: ")
    assert len(str(caught.value)) < 200


def test_values_may_lie_deep_and_numbers_be_long() -> None:
    for value in ("[" * (DEEPEST - 2) + "]" * (DEEPEST - 2), "9" * 4_300, '"\\ud800"', '"\\u2028"'):
        told = f'{{"client": "b", "name": "read", "start": 2, "end": 3, "value": {value}}}'
        history = parse_history(f"{LINE[:-1]}}}\n{told}".encode(), "h")
        verdict = check(history, "register")
        assert verdict.status == "invalid"
        assert len(verdict.sentence) < 600


@pytest.mark.parametrize("time", ["1" + "0" * 400, "1e301", "true", '"1"', "null", "[]"])
def test_a_time_is_a_number_of_seconds(time: str) -> None:
    with pytest.raises(HistoryFileError, match="'start' must be a number of seconds, not"):
        parse_history(f'{{"client": "a", "name": "read", "start": {time}, "end": 1}}'.encode(), "h")


@pytest.mark.parametrize("data", [b"\x80\x81", b"\xff\xfea", bytes(range(256)), b"PK\x03\x04\x00"])
def test_a_file_that_is_no_text_is_one_sentence(data: bytes) -> None:
    with pytest.raises(HistoryFileError, match=r"text\.$|not JSON"):
        parse_history(data, "h")


def test_what_no_file_can_hold_is_not_written(tmp_path: Path) -> None:
    for value in (float("nan"), float("inf"), object()):
        with pytest.raises(ValueError, match="holds plain data only"):
            write_history(History([script("a write(1)")[0]._replace(value=value)]), tmp_path / "h")
